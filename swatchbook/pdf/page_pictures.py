"""The pictures of planned pages, as the child process sends them: what is seen of each, and its file. A picture that
stands straight is cut from its own pixels; one that is skewed, tiled by a pattern or a stencil is rendered as the page
shows it, at its own resolution. A picture of one pixel is a colour: its file has the size of the box that it fills.

The most pictures of a page (1,000); the resolution of what is rendered (432 dpi, 3,000 pixels). Formats:
`picture_file.py`.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pymupdf
from PIL import Image
from pymupdf import mupdf

from swatchbook.errors import Failure, OutOfMemory, Unexpected, as_failure
from swatchbook.geometry import (
    UNIT_SQUARE,
    Transform,
    Turn,
    area,
    clip,
    compose,
    invert,
    is_straight,
    nearest_turn,
    overlap,
    pixels_a_unit,
    transform_box,
)
from swatchbook.images.limits import ImageLimits
from swatchbook.pdf.painting import Painting, Stroke, trace_painting
from swatchbook.pdf.picture_file import OPAQUE, Colors, PictureFile, keep_jpeg, may_keep_jpeg, min_alpha, to_png
from swatchbook.pdf.rasters import Texts, cut_rasters
from swatchbook.pdf.visible import Seen, render_box, see_pictures
from swatchbook.records import Box, Drawn, sha256, text_key
from swatchbook.runtime.child_process import Frame

log = logging.getLogger(__name__)

FARTHEST = 1e6  # points; a broken transform may be infinite, which JSON cannot hold
MOST_PICTURES = 1_000  # taken from a page; backgrounds cut into slices have some hundreds
WHOLE = 0.97  # of a picture's area: if as much is seen, its bytes are kept
LEAST_SCALE, MOST_SCALE = 1.0, 6.0  # pixels a point of what is rendered: 72 and 432 dpi
MOST_RENDERED = 3_000  # pixels, of the longer side


def list_pictures(page: Any, infos: Sequence[dict[str, Any]], painting: Painting) -> Iterator[Drawn]:
    """Return the pictures that a page paints, in order, each with the box left visible by clips and the page's edge."""
    as_shown: Transform = tuple(page.rotation_matrix)
    for number, (info, stroke) in enumerate(zip(infos, _strokes(infos, painting), strict=True)):
        transform = compose(info["transform"], as_shown)
        yield Drawn(
            number=number,
            bbox=finite_box(clip(_place(transform, stroke), tuple(page.rect))),
            width=info["width"],
            height=info["height"],
            colorspace=info["colorspace"],
            bits=info["bpc"],
            has_mask=info["has-mask"],
            size=info["size"],
            transform=_rounded(transform),
            gradient=stroke.shading,
        )


def _strokes(infos: Sequence[dict[str, Any]], painting: Painting) -> Sequence[Stroke]:
    """Return how each picture is painted; nothing is known of it if the two counts of pictures differ."""
    return painting.strokes if len(painting.strokes) == len(infos) else [Stroke()] * len(infos)


def _place(transform: Transform, stroke: Stroke) -> Box:
    """Return the box in which a picture can be seen, before the page's edge."""
    return stroke.clip if stroke.tiled else overlap(transform_box(UNIT_SQUARE, transform), stroke.clip)


@dataclass(frozen=True)
class Found:
    """A picture found on a page."""

    number: int
    kind: str
    xref: int
    whole: Box
    place: Box  # what clips and the page's edge leave of it
    seen: Seen
    scale: float  # its own pixels a point
    picture: Drawn | None = None  # None: what is seen of it is rendered
    space: str = ""
    turn: Turn = "none"  # of what is rendered, to stand upright


def find_pictures(page: Any) -> Iterator[Found]:
    """Return the pictures that a page paints, in the order painted, with what is seen of each."""
    infos, painting = page.get_image_info(), trace_painting(page)
    strokes, drawn = _strokes(infos, painting), list(list_pictures(page, infos, painting))
    counts_agree = len(painting.strokes) == len(infos)
    pictures = [p.number for p in drawn if not p.gradient][:MOST_PICTURES]
    seen = see_pictures(page, {number: drawn[number].bbox for number in pictures}) if counts_agree else {}
    xrefs = match_xrefs(page, infos)
    for number in pictures:
        picture, stroke, place = drawn[number], strokes[number], drawn[number].bbox
        whole = place if stroke.tiled else transform_box(UNIT_SQUARE, picture.transform)
        has_own_pixels = not (stroke.tiled or stroke.stencil) and is_straight(picture.transform)
        yield Found(
            number=number,
            kind="pattern" if stroke.tiled else "embedded" if xrefs[number] else "inline",
            xref=xrefs[number],
            whole=whole,
            place=place,
            seen=seen.get(number, Seen(place, area(place), opacity=1.0)),
            scale=pixels_a_unit(picture.transform, picture.width, picture.height),
            picture=picture if has_own_pixels else None,
            space=infos[number]["cs-name"],
        )


class Extractor:
    """Send the pictures of planned pages, one after the other; each distinct picture is converted and sent once."""

    def __init__(self, request: dict[str, Any]) -> None:
        self._limits = ImageLimits(*request["limits"])
        self._content = request["content"]
        self._first, self._after = request["pages"][0], request["after"]
        self._texts: dict[str, Texts] = request["texts"]  # page -> what cutting its rasters needs to know
        self._converted: dict[object, dict[str, Any]] = {}  # (xref, turn, part) -> facts in the answer
        self._keys: dict[int, str] = {}  # xref -> content key of the stream
        self._painted: tuple[int, list[Any]] = (0, [])  # page number, and MuPDF's images of its pictures

    def __call__(self, document: Any, number: int) -> Iterator[Frame]:
        page = document[number - 1]
        count = len(page.get_image_info())
        if count > MOST_PICTURES:
            warning = f"It paints {count} pictures; the first {MOST_PICTURES} are taken."
            yield {"page": number, "warnings": [warning]}, b""
        for found in cut_rasters(page, find_pictures(page), self._texts.get(str(number))):
            if number == self._first and found.number <= self._after:
                continue
            sighting = {
                "page": number,
                "bbox": finite_box(found.seen.box),
                "whole": finite_box(found.whole),
                "shown": round(min(1.0, found.seen.area / (area(found.whole) or 1.0)), 4),
                "opacity": round(found.seen.opacity, 3),
                "covered": area(found.place) > 0.0,
                "page_box": finite_box(page.rect),
                "kind": found.kind,
                "xref": found.xref or None,
            }
            key = self._key(document, number, found)
            yield {"page": number, "begun": found.number, "key": key, "sighting": sighting}, b""
            facts, data = self._convert(page, found)
            yield {"page": number, "number": found.number, **facts}, data

    def _key(self, document: Any, page: int, found: Found) -> str:
        """Return the key that identifies a picture if it turns out to be unreadable."""
        if not found.xref:
            return text_key(f"{self._content}:{page}:{found.number}")
        if found.xref not in self._keys:
            stream = document.xref_stream_raw(found.xref) or b""
            self._keys[found.xref] = sha256(stream + document.xref_object(found.xref, compressed=True).encode())
        return self._keys[found.xref]

    def _convert(self, page: Any, found: Found) -> PictureFile:
        """Return a picture's file: without its bytes if they were sent before, with a failure if it is unreadable."""
        picture = found.picture
        known = (found.xref, nearest_turn(picture.transform), _part(found, picture)) if picture else None
        if found.xref and known in self._converted:
            return self._converted[known], b""
        try:
            converted = self._convert_pixels(page, found, picture) if picture else self._render(page, found)
        except Exception as error:  # noqa: BLE001 — a picture fails alone
            what = f"picture {found.number} of page {page.number + 1}"
            failure = to_failure(error, what, "The picture could not be read (see the log).")
            kind = "unreadable_image" if failure.kind == "unexpected" else failure.kind  # MuPDF's own errors
            converted = {"failure": {"kind": kind, "message": str(failure)}}, b""
        if known:
            self._converted[known] = converted[0]
        return converted

    def _render(self, page: Any, found: Found) -> PictureFile:
        box = found.seen.box if area(found.seen.box) else clip(found.place, tuple(page.rect))
        scale = min(
            max(found.scale, LEAST_SCALE), MOST_SCALE, MOST_RENDERED / max(box[2] - box[0], box[3] - box[1], 1.0)
        )
        return to_png(render_box(page, box, scale), found.turn, self._limits)

    def _convert_pixels(self, page: Any, found: Found, picture: Drawn) -> PictureFile:
        self._limits.check_size(picture.width, picture.height)
        turn, part = nearest_turn(picture.transform), _part(found, picture)
        if not found.xref:
            image = inline_picture(self._image(page, picture.number))
        else:
            colors = Colors(components=picture.colorspace, space=found.space)
            if part is None and turn == "none" and (kept := kept_jpeg(page.parent, found.xref, colors, self._limits)):
                return kept
            image = embedded_picture(page.parent, found.xref, self._limits)
        if picture.width == picture.height == 1:
            x0, y0, x1, y1 = found.seen.box if area(found.seen.box) else found.whole
            image = image.resize((max(1, round(x1 - x0)), max(1, round(y1 - y0))))
        return to_png(image.crop(part) if part else image, turn, self._limits)

    def _image(self, page: Any, number: int) -> Any:
        if self._painted[0] != page.number + 1:
            self._painted = page.number + 1, painted_images(page)
        return self._painted[1][number]


def _part(found: Found, picture: Drawn) -> tuple[int, int, int, int] | None:
    """Return the pixels (left, top, right, bottom) of a straight picture that are seen; None for the whole of it."""
    seen = found.seen.box
    if not area(seen) or area(seen) >= WHOLE * area(found.whole):
        return None
    x0, y0, x1, y1 = clip(transform_box(seen, invert(picture.transform)), UNIT_SQUARE)
    left, top = min(int(x0 * picture.width), picture.width - 1), min(int(y0 * picture.height), picture.height - 1)
    right, bottom = max(round(x1 * picture.width), left + 1), max(round(y1 * picture.height), top + 1)
    return left, top, right, bottom


def kept_jpeg(document: Any, xref: int, colors: Colors, limits: ImageLimits) -> PictureFile | None:
    """Return the bytes of an image object that is a JPEG and looks on the page as it does alone, else None."""
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
    if alpha is not None and image.mode == "RGB":  # with a Matte MuPDF has already applied the mask
        image.putalpha(alpha.resize(image.size, Image.Resampling.BILINEAR))
    return image


def soft_mask(document: Any, xref: int) -> Image.Image | None:
    """Return the opacity (mode L) from the object's soft or stencil mask, None without one or if it is opaque."""
    for name in ("SMask", "Mask"):  # a Mask that is an array (a colour key) is applied by MuPDF
        kind, value = document.xref_get_key(xref, name)
        if kind == "xref":
            mask = pymupdf.Pixmap(document, int(value.split()[0]))
            image = Image.frombytes("L", (mask.width, mask.height), mask.samples)
            return None if min_alpha(image) >= OPAQUE else image
    return None


def painted_images(page: Any) -> list[Any]:
    """Return MuPDF's images of all pictures and gradients painted, as `get_image_info()` lists them.

    The blocks of `get_text("dict")` cannot be used: they lack pictures that extend over the page's edge, even by a
    fraction of a point.
    """
    blocks = page.get_textpage(flags=pymupdf.TEXT_PRESERVE_IMAGES).this
    return [block.i_image() for block in blocks if block.m_internal.type != mupdf.FZ_STEXT_BLOCK_TEXT]


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


def match_xrefs(page: Any, infos: list[dict[str, Any]]) -> list[int]:
    """Return the cross-reference number of each picture painted, 0 if it has none (inline, or in a pattern).

    Size and mask identify most pictures; `xrefs=True` for all would decode and hash every picture.
    """
    xrefs_by_shape: dict[tuple[int, int, bool], set[int]] = defaultdict(set)
    for xref, smask, width, height, *_ in page.get_images(full=True):
        xrefs_by_shape[width, height, smask > 0].add(xref)
    candidates = [xrefs_by_shape[info["width"], info["height"], info["has-mask"]] for info in infos]
    if any(len(xrefs) > 1 for xrefs in candidates):
        by_hash = [info["xref"] for info in page.get_image_info(xrefs=True)]
        return [next(iter(xrefs)) if len(xrefs) == 1 else xref for xrefs, xref in zip(candidates, by_hash, strict=True)]
    return [next(iter(xrefs), 0) for xrefs in candidates]


# --- shared with the child process ------------------------------------------------------------------------------------


def finite_box(values: Iterable[float]) -> Box:
    """Return a box with finite sides, rounded to 0.01."""
    box: Box = _rounded(values)
    return box


def _rounded(values: Iterable[float]) -> Any:
    """Return finite values, rounded to 0.01."""
    return tuple(round(min(max(value, -FARTHEST), FARTHEST), 2) for value in values)


def to_failure(error: Exception, subject: str, message: str) -> Failure:
    """Return the failure for an error. An unexpected error is logged; its failure has `message` instead of its text.

    MuPDF reports a failed malloc as a general error.
    """
    if any(sign in str(error) for sign in ("malloc", "calloc", "realloc")):
        return OutOfMemory("Out of memory.")
    failure = as_failure(error)
    if isinstance(failure, Unexpected):
        log.warning("%s failed", subject, exc_info=error)
        return Unexpected(message)
    return failure
