"""Cut the rasters of a page into the pictures that they show, with the regions that `regions.py` finds.

numpy and OpenCV are imported where a page has such a raster: the child that reads pages starts without.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

from swatchbook_base.geometry import area, centre_inside, long_side, move, resize, shared_area, short_side
from swatchbook_base.records import Box, Line, Page
from swatchbook_catalogue.pdf.ocr_text import is_mostly_unread
from swatchbook_catalogue.pdf.transforms import Turn

if TYPE_CHECKING:
    from PIL.Image import Image

    from swatchbook_catalogue.pdf.page_contract import PdfPage
    from swatchbook_catalogue.pdf.visible_pictures import Found

LEAST_PAGE_SHARE = 0.3  # the least share of the page that a raster has to be cut
FEWEST_TEXTS = 2  # the least number of lines on a raster
MOST_AREA = 10e6  # square points: each is a pixel that is searched; A0 has 8 million
LONG_SIDE, MOST_SCALE = 700.0, 4.0  # points: smaller pages are magnified to it, so that all lengths fit them
SIGN_LETTERS, SIGN_HEIGHT = 2, 2.5  # the most letters, and the least height in median heights of printed lines, of a
# sign that is no text: such a "1" is a washbasin, and its box would hide the photograph (4 of 4 on 24 catalogues)
EVEN_EDGE = 0.4  # share of a raster's edge in one colour, seen small; with less, no flat ground (least seen: 0.51)
OTHERS = 0.5  # share of a region under another, smaller picture of the page; with more it is that picture
UPRIGHT: dict[int, Turn] = {0: "none", 90: "right", 180: "half", 270: "left"}

Texts = dict[str, Any]  # data of a page for cutting, as JSON: `turn`, and `lines`: the boxes of its lines of text


def raster_texts(page: Page) -> Texts | None:
    """Return the data of a page for cutting its rasters; None if it has no raster to cut."""
    lines = [line.bbox for line in lines_of_text(page)]
    if is_mostly_unread(len(lines), len(page.unread)):
        lines += page.unread
    cut = any(not picture.gradient and _may_be_cut(picture.bbox, lines, page.box) for picture in page.drawn)
    return {"turn": page.turn, "lines": lines} if cut else None


def lines_of_text(page: Page) -> list[Line]:
    """Return a page's lines, without large ones of one or two letters, which are things in pictures."""
    lines = list(page.lines)
    usual = median([short_side(line.bbox) for line in lines if line.confidence is not None] or [0.0])
    return [
        line
        for line in lines
        if line.confidence is None or len(line.text) > SIGN_LETTERS or short_side(line.bbox) <= SIGN_HEIGHT * usual
    ]


def cut_rasters(page: "PdfPage", found: Iterable["Found"], texts: Texts | None) -> Iterator["Found"]:
    """Yield the pictures found on a page, with each raster that shows several replaced by these.

    A raster stays whole if no picture is found in it. `texts` is the result of `raster_texts` for the page.
    """
    if texts is None:
        yield from found
        return
    pictures = list(found)
    for raster in pictures:
        box = raster.seen.box
        smaller = [other.seen.box for other in pictures if other.seen.area < raster.seen.area]
        regions = _regions(page, box, texts["lines"], smaller) if _may_be_cut(box, texts["lines"], page.box) else []
        turn = UPRIGHT[texts["turn"]]
        for region in regions:
            from swatchbook_catalogue.pdf.visible_pictures import Seen  # and Pillow, which reading does not need

            seen = Seen(region, area(region), opacity=1.0)
            yield replace(raster, kind="region", whole=region, place=region, seen=seen, picture=None, turn=turn)
        if not regions:
            yield raster


def magnification(page: Box) -> float:
    """Return the pixels a point in which the rasters of a page of this size are searched."""
    return min(MOST_SCALE, max(1.0, LONG_SIDE / max(long_side(page), 1.0)))


def shows_several(page: "PdfPage", raster: Box) -> bool:
    """Return whether a raster of a page shows several things on flat ground."""
    scale = magnification(page.box)
    if _evenness_of_edge(page.render(raster, scale / 4)) < EVEN_EDGE:
        return False
    import numpy as np

    from swatchbook_catalogue.pdf.regions import holds_several

    return holds_several(np.asarray(page.render(raster, scale)), area(page.box) * scale**2)


def _evenness_of_edge(picture: "Image") -> float:
    """Return which share of a picture's edge is near its most frequent colour."""
    width, height = picture.size
    sides = ((0, 0, width, 1), (0, height - 1, width, height), (0, 0, 1, height), (width - 1, 0, width, height))
    edge = b"".join(picture.crop(side).tobytes() for side in sides)
    pixels = list(zip(edge[::3], edge[1::3], edge[2::3], strict=True))
    frequent, _ = Counter(tuple(value >> 4 for value in pixel) for pixel in pixels).most_common(1)[0]
    alike = [pixel for pixel in pixels if tuple(value >> 4 for value in pixel) == frequent]
    colour = [fmean(channel) for channel in zip(*alike, strict=True)]
    near = (all(abs(a - b) <= 14 for a, b in zip(pixel, colour, strict=True)) for pixel in pixels)
    return sum(near) / len(pixels)


def _regions(page: "PdfPage", raster: Box, lines: Sequence[Box], others: Sequence[Box]) -> list[Box]:
    import numpy as np

    from swatchbook_catalogue.pdf.regions import find_regions

    left, top, *_ = raster
    scale = magnification(page.box)
    on_it = [resize(move(line, -left, -top), scale) for line in lines if centre_inside(line, raster)]
    pixels = np.asarray(page.render(raster, scale))
    regions = find_regions(pixels, on_it, area(page.box) * scale**2)
    found = [move(resize(box, 1 / scale), left, top) for box in regions]
    return [box for box in found if all(shared_area(box, other) < OTHERS * area(box) for other in others)]


def _may_be_cut(raster: Box, lines: Sequence[Box], page: Box) -> bool:
    if not LEAST_PAGE_SHARE * area(page) <= area(raster) <= MOST_AREA:
        return False
    return sum(centre_inside(line, raster) for line in lines) >= FEWEST_TEXTS
