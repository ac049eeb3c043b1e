"""Send the pictures of planned pages from the child process: what is seen of each, and its file.

A straight picture is cut from its own pixels. One that is skewed, tiled by a pattern or a stencil is rendered as the
page shows it, at its own resolution.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

from PIL import Image

from swatchbook_base.child_process import Frame
from swatchbook_base.geometry import Box, area, bounding_box, clip, finite_box
from swatchbook_base.image_limits import ImageLimits
from swatchbook_base.records import sha256, text_key
from swatchbook_catalogue.pdf.drawings import MOST_PATHS
from swatchbook_catalogue.pdf.library_failure import to_failure
from swatchbook_catalogue.pdf.page_contract import NOWHERE, Document, Painted, Painting, PdfPage
from swatchbook_catalogue.pdf.picture_format import PictureFile, to_png
from swatchbook_catalogue.pdf.qr_codes import is_code
from swatchbook_catalogue.pdf.rasters import UPRIGHT, Texts, cut_rasters
from swatchbook_catalogue.pdf.strips import Strip, join_strips
from swatchbook_catalogue.pdf.transforms import (
    UNIT_SQUARE,
    invert,
    is_straight,
    nearest_turn,
    pixels_a_unit,
    transform_box,
)
from swatchbook_catalogue.pdf.visible_pictures import Found, Seen, find_lost, paint_flat, see_pictures

log = logging.getLogger(__name__)

MOST_PICTURES = 1_000  # pictures taken from a page; backgrounds cut into slices have some hundreds
WHOLE = 0.97  # share of a picture's area; if at least this is seen, its bytes are kept
LEAST_SCALE, MOST_SCALE = 1.0, 6.0  # pixels a point of what is rendered: 72 and 432 dpi
DRAWING_SCALE = 3.0  # pixels a point of what has no pixels
MOST_RENDERED = 3_000  # pixels of the longer side of what is rendered


def find_pictures(page: PdfPage, painting: Painting, flat: Callable[[], Image.Image]) -> Iterator[Found]:
    """Yield the pictures that a page paints, in this order, with what is seen of each; then its drawings."""
    pictures = list(_painted_pictures(page, painting.pictures, flat))
    strips = [Strip(one.seen.box if one.picture else NOWHERE, one.scale) for one in pictures]
    groups = join_strips(strips, cache(lambda: page.render(page.box, 1.0)))
    yield from (_whole_of([pictures[n] for n in group]) for group in groups)
    if 0 < painting.paths <= MOST_PATHS:
        yield from find_drawings(page, len(painting.pictures), [one.seen.box for one in pictures])


def _whole_of(strips: Sequence[Found]) -> Found:
    """Return the one picture that strips form together, to be rendered."""
    if len(strips) == 1:
        return strips[0]
    box = bounding_box(strip.seen.box for strip in strips)
    seen = Seen(box, sum(strip.seen.area for strip in strips), strips[0].seen.opacity)
    whole, place = (bounding_box(boxes) for boxes in zip(*((s.whole, s.place) for s in strips), strict=True))
    return replace(strips[0], whole=whole, place=place, seen=seen, picture=None)


def _painted_pictures(page: PdfPage, painted: Sequence[Painted], flat: Callable[[], Image.Image]) -> Iterator[Found]:
    pictures = [number for number, picture in enumerate(painted) if not picture.gradient][:MOST_PICTURES]
    seen = see_pictures(page, {number: painted[number].bbox for number in pictures}, flat)
    xrefs = page.name_pictures(painted)
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
        )


def find_drawings(page: PdfPage, after: int, pictures: Sequence[Box]) -> Iterator[Found]:
    """Yield the drawings and palettes of a page, numbered from `after`; `pictures` are the boxes of pictures seen."""
    for number, box in enumerate(page.find_drawings(pictures), after):
        yield Found(number, "drawing", 0, box, box, Seen(box, area(box), opacity=1.0), DRAWING_SCALE)


def boxes_of(page: PdfPage, boxes: Sequence[Sequence[Any]]) -> Iterator[Found]:
    """Yield parts of a page, with their turns, as pictures that are as sharp as the sharpest one painted in them."""
    painted = [picture for picture in page.trace().pictures if not picture.gradient]
    for number, (sides, turn) in enumerate(boxes):
        box = clip(tuple(sides), page.box)
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
        self._boxes: dict[str, Any] = request["boxes"]  # page -> the parts of it that are its pictures
        self._converted: dict[object, dict[str, Any]] = {}  # source of a file -> facts in the answer
        self._keys: dict[int, str] = {}  # xref -> content key of the stream

    def __call__(self, document: Document, number: int) -> Iterator[Frame]:
        page = document.page(number)
        if boxes := self._boxes.get(str(number)):
            yield from self._send(page, list(boxes_of(page, boxes)))
            return
        painting = page.trace()  # first: it raises an error of the library where a page is damaged
        flat, count = cache(lambda: paint_flat(page)), len(painting.pictures)
        if count > MOST_PICTURES:
            warning = f"It paints {count} pictures; the first {MOST_PICTURES} are taken."
            yield {"page": number, "warnings": [warning]}, b""
        whole, texts = list(find_pictures(page, painting, flat)), self._texts.get(str(number))
        pictures = list(cut_rasters(page, whole, texts))
        yield from self._send(page, pictures)
        cut = {one.number for one in pictures if one.kind == "region"}
        rasters = [one.seen.box for one in whole if one.number in cut]
        known = [*(one.seen.box for one in pictures), *(texts["lines"] if texts else ())]
        lost = find_lost(page, painting, flat=flat, known=known, cut=rasters)
        yield {"page": number, "unplaced": lost, "page_box": finite_box(page.box)}, b""

    def _send(self, page: PdfPage, pictures: Sequence[Found]) -> Iterator[Frame]:
        """Send the pictures of a page, each announced before it is read."""
        number = page.number
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
                "page_box": finite_box(page.box),
                "kind": found.kind,
                "xref": found.xref or None,
            }
            key = self._key(page, place, found)
            yield {"page": number, "begun": place, "key": key, "sighting": sighting}, b""
            facts, data = self._convert(page, found)
            code = "traits" in facts and is_code(found.seen.box, facts["traits"], partial(page.render, found.seen.box))
            yield {"page": number, "number": place, "code": code, **facts}, data

    def _key(self, page: PdfPage, place: int, found: Found) -> str:
        """Return the key that identifies a picture if it turns out to be unreadable."""
        if found.kind == "box":
            return text_key(f"{self._content}:{page.number}:{found.whole}")
        if not found.xref or found.kind == "region":
            return text_key(f"{self._content}:{page.number}:{place}")
        if found.xref not in self._keys:
            self._keys[found.xref] = sha256(page.stored_bytes(found.xref))
        return self._keys[found.xref]

    def _convert(self, page: PdfPage, found: Found) -> PictureFile:
        """Return a picture's file, without bytes if they were sent before, or with a failure if it is unreadable."""
        known = None
        try:
            known = _source(found)
            if known in self._converted:
                return self._converted[known], b""
            if found.picture:
                converted = self._convert_pixels(page, found, found.picture)
            else:
                box = found.seen.box if area(found.seen.box) else clip(found.place, page.box)
                converted = to_png(page.render(box, _scale(found.scale, box)), found.turn, self._limits)
        except Exception as error:  # noqa: BLE001 — a picture fails alone
            what = f"picture {found.number} of page {page.number}"
            failure = to_failure(error, what, "The picture could not be read (see the log).")
            kind = "unreadable_image" if failure.kind == "unexpected" else failure.kind  # the library's own errors
            converted = {"failure": {"kind": kind, "message": str(failure)}}, b""
        if known:
            self._converted[known] = converted[0]
        return converted

    def _convert_pixels(self, page: PdfPage, found: Found, picture: Painted) -> PictureFile:
        self._limits.check_size(picture.width, picture.height)
        turn, part = nearest_turn(picture.transform), _part(found, picture)
        if part is None and turn == "none" and (kept := page.kept_jpeg(picture, found.xref, self._limits)):
            return kept
        image = page.pixels(picture, found.xref, self._limits)
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


def _part(found: Found, picture: Painted) -> tuple[int, int, int, int] | None:
    """Return the pixels (left, top, right, bottom) of a straight picture that are seen; None for the whole of it."""
    seen = found.seen.box
    if not area(seen) or area(seen) >= WHOLE * area(found.whole):
        return None
    x0, y0, x1, y1 = clip(transform_box(seen, invert(picture.transform)), UNIT_SQUARE)
    left, top = min(int(x0 * picture.width), picture.width - 1), min(int(y0 * picture.height), picture.height - 1)
    right, bottom = max(round(x1 * picture.width), left + 1), max(round(y1 * picture.height), top + 1)
    return left, top, right, bottom
