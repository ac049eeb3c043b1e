"""Send the pictures of planned pages from the child process: what is seen of each, and its file.

A straight picture is cut from its own pixels. One that is skewed, tiled by a pattern or a stencil is rendered as the
page shows it, at its own resolution.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from math import ceil
from typing import Any

import pymupdf
from PIL import Image
from pymupdf import mupdf

from swatchbook.geometry import (
    UNIT_SQUARE,
    Box,
    Turn,
    area,
    bounding_box,
    clip,
    finite_box,
    invert,
    is_broad,
    is_straight,
    nearest_turn,
    pixels_a_unit,
    short_side,
    transform_box,
)
from swatchbook.images.limits import ImageLimits
from swatchbook.pdf.drawings import MOST_PATHS, drawing_boxes
from swatchbook.pdf.folds import (
    EDGE_SCALE,
    LEAST_WIDTH,
    TOUCH,
    Edges,
    Fold,
    Half,
    edges_of,
    goes_on,
    may_meet,
    same_place,
)
from swatchbook.pdf.mupdf_failure import to_failure
from swatchbook.pdf.painting import NOWHERE, Painted, Painting, trace_painting
from swatchbook.pdf.picture_format import OPAQUE, Colors, PictureFile, keep_jpeg, may_keep_jpeg, min_alpha, to_png
from swatchbook.pdf.qr_codes import is_code
from swatchbook.pdf.rasters import UPRIGHT, Texts, cut_rasters
from swatchbook.pdf.strips import Strip, join_strips
from swatchbook.pdf.visible_pictures import Seen, find_lost, paint_flat, render_box, see_pictures
from swatchbook.records import sha256, text_key
from swatchbook.runtime.child_process import Frame

log = logging.getLogger(__name__)

MOST_PICTURES = 1_000  # pictures taken from a page; backgrounds cut into slices have some hundreds
RECORD = 100  # bytes of MuPDF's own record of a picture
WHOLE = 0.97  # share of a picture's area; if at least this is seen, its bytes are kept
LEAST_SCALE, MOST_SCALE = 1.0, 6.0  # pixels a point of what is rendered: 72 and 432 dpi
DRAWING_SCALE = 3.0  # pixels a point of what has no pixels
MOST_RENDERED = 3_000  # pixels of the longer side of what is rendered


@dataclass(frozen=True)
class Found:
    """A picture found on a page."""

    number: int
    kind: str
    xref: int
    whole: Box
    place: Box  # what clips and the page's edge leave of `whole`
    seen: Seen
    scale: float  # the picture's own pixels a point
    picture: Painted | None = None  # None if what is seen of it is rendered
    space: str = ""
    turn: Turn = "none"  # the turn that makes what is rendered upright


def find_pictures(page: Any, painting: Painting, flat: Callable[[], Image.Image]) -> Iterator[Found]:
    """Yield the pictures that a page paints, in this order, with what is seen of each; then its drawings."""
    pictures = list(_painted_pictures(page, painting.pictures, flat))
    strips = [Strip(one.seen.box if one.picture else NOWHERE, one.scale) for one in pictures]
    groups = join_strips(strips, cache(lambda: render_box(page, tuple(page.rect), 1.0)))
    yield from join_halves(page, [_whole_of([pictures[n] for n in group]) for group in groups])
    if 0 < painting.paths <= MOST_PATHS:
        yield from find_drawings(page, len(painting.pictures), [one.seen.box for one in pictures])


def join_halves(page: Any, pictures: Sequence[Found]) -> Iterator[Found]:
    """Yield the pictures of a page, with two halves of one picture across the fold of a spread joined."""
    fold = (page.rect.x0 + page.rect.x1) / 2
    broad = is_broad(tuple(page.rect))
    halves = [one for one in pictures if broad and short_side(one.seen.box) >= LEAST_WIDTH]
    edges = cache(lambda box: edges_of(render_box(page, box, EDGE_SCALE)))
    rest_of: dict[int, Found] = {}  # number of a left half -> the right half
    for left in (one for one in halves if abs(one.seen.box[2] - fold) <= TOUCH):
        for right in halves:
            boxes = left.seen.box, right.seen.box
            if may_meet(*boxes) and goes_on(*map(edges, boxes)) and right not in rest_of.values():
                rest_of[left.number] = right
                break
    right_halves = {right.number for right in rest_of.values()}
    for one in pictures:
        if one.number in rest_of:
            yield _whole_of([one, rest_of[one.number]])
        elif one.number not in right_halves:
            yield one


def _whole_of(strips: Sequence[Found]) -> Found:
    """Return the one picture that strips or halves form together, to be rendered."""
    if len(strips) == 1:
        return strips[0]
    box = bounding_box(strip.seen.box for strip in strips)
    seen = Seen(box, sum(strip.seen.area for strip in strips), strips[0].seen.opacity)
    whole, place = (bounding_box(boxes) for boxes in zip(*((s.whole, s.place) for s in strips), strict=True))
    return replace(strips[0], whole=whole, place=place, seen=seen, picture=None)


def _painted_pictures(page: Any, painted: Sequence[Painted], flat: Callable[[], Image.Image]) -> Iterator[Found]:
    pictures = [number for number, picture in enumerate(painted) if not picture.gradient][:MOST_PICTURES]
    seen = see_pictures(page, {number: painted[number].bbox for number in pictures}, flat)
    xrefs = match_xrefs(page, painted)
    for number in pictures:
        picture = painted[number]
        place, tiled = picture.bbox, picture.tiled
        has_own_pixels = not (tiled or picture.stencil) and is_straight(picture.transform)
        yield Found(
            number=number,
            kind="pattern" if tiled else "embedded" if xrefs[number] else "inline",
            xref=xrefs[number],
            whole=place if tiled else transform_box(UNIT_SQUARE, picture.transform),
            place=place,
            seen=seen.get(number, Seen(place, area(place), opacity=1.0)),
            scale=pixels_a_unit(picture.transform, picture.width, picture.height),
            picture=picture if has_own_pixels else None,
            space=picture.space,
        )


def find_drawings(page: Any, after: int, pictures: Sequence[Box]) -> Iterator[Found]:
    """Yield the drawings and palettes of a page, numbered from `after`; `pictures` are the boxes of pictures seen."""
    as_shown, as_drawn = tuple(page.rotation_matrix), tuple(page.derotation_matrix)
    frame = transform_box(tuple(page.rect), as_drawn)
    boxes = drawing_boxes(page.get_cdrawings(), frame, [transform_box(box, as_drawn) for box in pictures])
    for number, box in enumerate((transform_box(box, as_shown) for box in boxes), after):
        yield Found(number, "drawing", 0, box, box, Seen(box, area(box), opacity=1.0), DRAWING_SCALE)


def boxes_of(page: Any, boxes: Sequence[Sequence[Any]]) -> Iterator[Found]:
    """Yield parts of a page, with their turns, as pictures that are as sharp as the sharpest one painted in them."""
    painted = [picture for picture in trace_painting(page).pictures if not picture.gradient]
    for number, (sides, turn) in enumerate(boxes):
        box = clip(tuple(sides), tuple(page.rect))
        scales = [
            pixels_a_unit(picture.transform, picture.width, picture.height)
            for picture in painted
            if not picture.tiled and area(clip(picture.bbox, box))
        ]
        scale = max(scales, default=DRAWING_SCALE)
        yield Found(number, "box", 0, box, box, Seen(box, area(box), opacity=1.0), scale, turn=UPRIGHT[turn])


class Extractor:
    """Send the pictures of planned pages, one after the other; each distinct picture is converted and sent once."""

    def __init__(self, request: dict[str, Any]) -> None:
        self._limits = ImageLimits(*request["limits"])
        self._content = request["content"]
        self._first, self._after = request["pages"][0], request["after"]
        self._texts: dict[str, Texts] = request["texts"]  # page -> the data for cutting its rasters
        self._folds = {int(page): [_fold(*each) for each in folds] for page, folds in request["folds"].items()}
        self._boxes: dict[str, Any] = request["boxes"]  # page -> the parts of it that are its pictures
        self._edges: dict[Half, Edges] = {}  # edges on this page and on its neighbours
        self._converted: dict[object, dict[str, Any]] = {}  # source of a file -> facts in the answer
        self._keys: dict[int, str] = {}  # xref -> content key of the stream

    def __call__(self, document: Any, number: int) -> Iterator[Frame]:
        page = document[number - 1]
        if boxes := self._boxes.get(str(number)):
            yield from self._send(document, number, list(boxes_of(page, boxes)))
            return
        self._edges = {half: edges for half, edges in self._edges.items() if half.page >= number - 1}
        painting = trace_painting(page)  # first: it raises an error of MuPDF where a page is damaged
        flat, count = cache(lambda: paint_flat(page)), len(painting.pictures)
        if count > MOST_PICTURES:
            warning = f"It paints {count} pictures; the first {MOST_PICTURES} are taken."
            yield {"page": number, "warnings": [warning]}, b""
        whole, texts = list(find_pictures(page, painting, flat)), self._texts.get(str(number))
        pictures = list(cut_rasters(page, whole, texts))
        yield from self._send(document, number, pictures)
        cut = {one.number for one in pictures if one.kind == "region"}
        rasters = [one.seen.box for one in whole if one.number in cut]
        known = [*(one.seen.box for one in pictures), *(texts["lines"] if texts else ())]
        lost = find_lost(page, painting, flat=flat, known=known, cut=rasters)
        yield {"page": number, "unplaced": lost, "page_box": finite_box(page.rect)}, b""

    def _send(self, document: Any, number: int, pictures: Sequence[Found]) -> Iterator[Frame]:
        """Send the pictures of a page, each announced before it is read."""
        page = document[number - 1]
        # Places are counted here because all pictures cut from one raster have its number.
        for place, found in enumerate(pictures):
            if number == self._first and place <= self._after:
                continue
            sighting = {
                "page": number,
                "bbox": finite_box(found.seen.box),
                "whole": finite_box(found.whole),
                "shown": round(min(1.0, found.seen.area / (area(found.whole) or 1.0)), 4),
                "opacity": round(found.seen.opacity, 3),
                "on_page": area(found.place) > 0.0,
                "page_box": finite_box(page.rect),
                "kind": found.kind,
                "xref": found.xref or None,
            }
            key = self._key(document, number, place, found)
            yield {"page": number, "begun": place, "key": key, "sighting": sighting}, b""
            facts, data = self._convert(page, found)
            code = "traits" in facts and is_code(
                found.seen.box, facts["traits"], partial(render_box, page, found.seen.box)
            )
            yield {"page": number, "number": place, "code": code, **facts}, data

    def _key(self, document: Any, page: int, place: int, found: Found) -> str:
        """Return the key that identifies a picture if it turns out to be unreadable."""
        if found.kind == "box":
            return text_key(f"{self._content}:{page}:{found.whole}")
        if not found.xref or found.kind == "region":
            return text_key(f"{self._content}:{page}:{place}")
        if found.xref not in self._keys:
            stream = document.xref_stream_raw(found.xref) or b""
            self._keys[found.xref] = sha256(stream + document.xref_object(found.xref, compressed=True).encode())
        return self._keys[found.xref]

    def _convert(self, page: Any, found: Found) -> PictureFile:
        """Return a picture's file, without bytes if they were sent before, or with a failure if it is unreadable."""
        known = None
        try:
            fold = self._fold(page, found)
            if fold and fold.shows_all:
                found, fold = replace(found, seen=replace(found.seen, box=found.whole)), None
            known = fold or _source(found)
            if known in self._converted:
                return self._converted[known], b""
            if fold:
                converted = self._render_halves(page.parent, fold)
            elif found.picture:
                converted = self._convert_pixels(page, found, found.picture)
            else:
                converted = self._render(page, found)
        except Exception as error:  # noqa: BLE001 — a picture fails alone
            what = f"picture {found.number} of page {page.number + 1}"
            failure = to_failure(error, what, "The picture could not be read (see the log).")
            kind = "unreadable_image" if failure.kind == "unexpected" else failure.kind  # MuPDF's own errors
            converted = {"failure": {"kind": kind, "message": str(failure)}}, b""
        if known:
            self._converted[known] = converted[0]
        return converted

    def _fold(self, page: Any, found: Found) -> Fold | None:
        """Return the fold over which a picture continues on a neighbouring page, or None."""
        number = page.number + 1
        for fold in self._folds.get(number, ()) if found.kind != "region" else ():
            if same_place(found.seen.box, fold.half_on(number).box) and goes_on(
                self._edges_of(page.parent, fold.left), self._edges_of(page.parent, fold.right)
            ):
                return fold
        return None

    def _edges_of(self, document: Any, half: Half) -> Edges:
        if half not in self._edges:
            self._edges[half] = edges_of(render_box(document[half.page - 1], half.box, EDGE_SCALE))
        return self._edges[half]

    def _render_halves(self, document: Any, fold: Fold) -> PictureFile:
        """Return the file of a picture from its two halves; it is the same for both pages."""
        (x0, y0, x1, y1), other = fold.left.box, fold.right.box
        scale = _scale(fold.scale, (x0, y0, x1 + other[2] - other[0], y1))
        # Only whole pixels up to the fold are taken: the others are mixed with the ground.
        left = render_box(document[fold.left.page - 1], (x0, y0, int(x1 * scale) / scale, y1), scale)
        right = render_box(document[fold.right.page - 1], (ceil(other[0] * scale) / scale, *other[1:]), scale)
        whole = Image.new("RGB", (left.width + right.width, left.height))
        whole.paste(left, (0, 0))
        whole.paste(right.resize((right.width, left.height)), (left.width, 0))
        return to_png(whole, "none", self._limits)

    def _render(self, page: Any, found: Found) -> PictureFile:
        box = found.seen.box if area(found.seen.box) else clip(found.place, tuple(page.rect))
        return to_png(render_box(page, box, _scale(found.scale, box)), found.turn, self._limits)

    def _convert_pixels(self, page: Any, found: Found, picture: Painted) -> PictureFile:
        self._limits.check_size(picture.width, picture.height)
        turn, part = nearest_turn(picture.transform), _part(found, picture)
        if not found.xref:
            image = inline_picture(picture.image)
        else:
            colors = Colors(components=picture.colorspace, space=found.space)
            if part is None and turn == "none" and (kept := kept_jpeg(page.parent, found.xref, colors, self._limits)):
                return kept
            image = embedded_picture(page.parent, found.xref, self._limits)
        if picture.width == picture.height == 1:
            x0, y0, x1, y1 = found.seen.box if area(found.seen.box) else found.whole
            image = image.resize((max(1, round(x1 - x0)), max(1, round(y1 - y0))))
        return to_png(image.crop(part) if part else image, turn, self._limits)


def _scale(own: float, box: Box) -> float:
    """Return the pixels a point for rendering a box whose picture has `own` pixels a point."""
    return min(max(own, LEAST_SCALE), MOST_SCALE, MOST_RENDERED / max(box[2] - box[0], box[3] - box[1], 1.0))


def _source(found: Found) -> object | None:
    """Return a key that is equal for pictures with equal files; None if no other picture can have the same file."""
    if not (found.xref and found.picture):
        return None
    return found.xref, nearest_turn(found.picture.transform), _part(found, found.picture)


def _fold(left: Sequence[Any], right: Sequence[Any], scale: float, shows_all: bool) -> Fold:
    """Return a fold from JSON."""
    (page, box), (other, place) = left, right
    return Fold(Half(page, tuple(box)), Half(other, tuple(place)), scale, shows_all)


def _part(found: Found, picture: Painted) -> tuple[int, int, int, int] | None:
    """Return the pixels (left, top, right, bottom) of a straight picture that are seen; None for the whole of it."""
    seen = found.seen.box
    if not area(seen) or area(seen) >= WHOLE * area(found.whole):
        return None
    x0, y0, x1, y1 = clip(transform_box(seen, invert(picture.transform)), UNIT_SQUARE)
    left, top = min(int(x0 * picture.width), picture.width - 1), min(int(y0 * picture.height), picture.height - 1)
    right, bottom = max(round(x1 * picture.width), left + 1), max(round(y1 * picture.height), top + 1)
    return left, top, right, bottom


def kept_jpeg(document: Any, xref: int, colors: Colors, limits: ImageLimits) -> PictureFile | None:
    """Return the bytes of an image object if it is a JPEG that looks the same alone as on the page, else None."""
    limits.check_bytes(len(document.xref_stream_raw(xref) or b""))
    encoding, decode = (document.xref_get_key(xref, name)[1] for name in ("Filter", "Decode"))
    if not may_keep_jpeg(encoding, decode, colors) or soft_mask(document, xref) is not None:
        return None
    extracted = document.extract_image(xref)
    return keep_jpeg(extracted["image"], limits) if extracted.get("ext") in ("jpeg", "jpg") else None


def embedded_picture(document: Any, xref: int, limits: ImageLimits) -> Image.Image:
    """Return the pixels of an image object (RGB, or RGBA with its mask)."""
    limits.check_bytes(len(document.xref_stream_raw(xref) or b""))
    image, alpha = to_rgb(pymupdf.Pixmap(document, xref)), soft_mask(document, xref)
    # For a mask with a Matte, MuPDF undoes the premultiplied colours and leaves alpha opaque.
    if alpha is not None and (image.mode == "RGB" or min_alpha(image.getchannel("A")) >= OPAQUE):
        image.putalpha(alpha.resize(image.size, Image.Resampling.BILINEAR))
    return image


def soft_mask(document: Any, xref: int) -> Image.Image | None:
    """Return the opacity (mode L) from the object's soft or stencil mask; None if it has none or is opaque."""
    for name in ("SMask", "Mask"):  # MuPDF itself applies a Mask that is an array (a colour key)
        kind, value = document.xref_get_key(xref, name)
        if kind == "xref":
            mask = pymupdf.Pixmap(document, int(value.split()[0]))
            image = Image.frombytes("L", (mask.width, mask.height), mask.samples)
            return None if min_alpha(image) >= OPAQUE else image
    return None


def inline_picture(image: Any) -> Image.Image:
    """Return the pixels of a picture that is no separate object, with its mask as alpha."""
    picture = to_rgb(pymupdf.Pixmap("raw", mupdf.fz_get_unscaled_pixmap_from_image(image)))
    mask = image.mask()
    if mask.m_internal and picture.mode == "RGB":
        alpha = pymupdf.Pixmap("raw", mupdf.fz_get_unscaled_pixmap_from_image(mask))
        opacity = Image.frombytes("L", (alpha.width, alpha.height), alpha.samples)
        picture.putalpha(opacity.resize(picture.size, Image.Resampling.BILINEAR))
    return picture


def to_rgb(pixmap: Any) -> Image.Image:
    """Convert a pixmap of any colour space to RGB or RGBA; a stencil becomes black on white."""
    size = (pixmap.width, pixmap.height)
    if pixmap.colorspace is None:
        stencil = Image.frombytes("L", size, pixmap.samples)
        return Image.eval(stencil, lambda alpha: 255 - alpha).convert("RGB")
    if pixmap.colorspace.n != 3 or "RGB" not in pixmap.colorspace.name:
        pixmap = pymupdf.Pixmap(pymupdf.csRGB, pixmap)
    if pixmap.alpha:
        return Image.frombytes("RGBa", size, pixmap.samples).convert("RGBA")  # MuPDF premultiplies
    return Image.frombytes("RGB", size, pixmap.samples)


def match_xrefs(page: Any, painted: Sequence[Painted]) -> list[int]:
    """Return the cross-reference number of each picture painted, 0 if it has none (inline, or in a pattern).

    Size in pixels, mask, and then the size in bytes identify most pictures; the rest are decoded, which may take
    seconds.
    """
    xrefs_by_shape: dict[tuple[int, int, bool], set[int]] = defaultdict(set)
    with suppress(RecursionError):  # resources of a thousand forms in each other, most of which are not painted
        for xref, smask, width, height, *_ in page.get_images(full=True):
            xrefs_by_shape[width, height, smask > 0].add(xref)
    candidates = [xrefs_by_shape[picture.width, picture.height, picture.has_mask] for picture in painted]
    streams = {
        xref: page.parent.xref_stream_raw(xref) or b"" for xrefs in candidates if len(xrefs) > 1 for xref in xrefs
    }
    candidates = [
        _holders(picture.size, xrefs, streams) or xrefs if len(xrefs) > 1 else xrefs
        for picture, xrefs in zip(painted, candidates, strict=True)
    ]
    digest = cache(lambda xref: pymupdf.Pixmap(page.parent, xref).digest)
    return [
        _same_pixels(picture.image, xrefs, digest) if len(xrefs) > 1 else next(iter(xrefs), 0)
        for picture, xrefs in zip(painted, candidates, strict=True)
    ]


def _same_pixels(image: Any, xrefs: Iterable[int], digest: Callable[[int], bytes]) -> int:
    """Return the object with the pixels of a picture, 0 if none has them."""
    own = pymupdf.Pixmap("raw", mupdf.fz_get_unscaled_pixmap_from_image(image)).digest
    return next((xref for xref in sorted(xrefs) if digest(xref) == own), 0)


def _holders(size: int, xrefs: set[int], streams: Mapping[int, bytes]) -> set[int]:
    """Return the objects whose stream can belong to a picture of `size` bytes; only one of those with equal streams."""
    return set({streams[xref]: xref for xref in xrefs if _may_hold(size, streams[xref])}.values())


def _may_hold(size: int, stream: bytes) -> bool:
    """Whether a stream may be a picture of `size` bytes: with MuPDF's record, or thrice the bytes if it is unpacked."""
    return any(0 <= size - held <= RECORD for held in (len(stream), max(3 * len(stream), 1024)))
