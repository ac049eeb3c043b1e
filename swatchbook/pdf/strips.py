"""Which pictures of a page are strips of one picture that an exporter cut: long, of equal length and resolution, edge
to edge, painted one after the other, and going on across the seam. Pure functions on boxes and a rendered page.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageStat

from swatchbook.geometry import bounding_box
from swatchbook.records import Box

LONG = 3.0  # times its short side; pictures of goods that touch are rarely as long
TOUCH = 0.6  # points between edges that agree
SAME_SCALE = 0.02
STEP = 3  # pixels between the rows that are compared: a row on the seam itself is a mixture
BREAK = 2.0  # of 255: the change across a seam over the largest within the strips


@dataclass(frozen=True)
class Strip:
    """A picture that may be a strip: its box in points, and its own pixels a point."""

    box: Box
    scale: float


def join_strips(strips: Sequence[Strip], rendered: Callable[[], Image.Image]) -> list[list[int]]:
    """Return the indices of the pictures in groups that are one picture each, in order; most groups have one member.

    `rendered` gives the page as it is seen, one pixel a point; it is asked only where boxes look like strips.
    """
    groups: list[list[int]] = []
    for n, strip in enumerate(strips):
        joins = bool(groups) and _are_neighbours(strips[groups[-1][-1]], strip, is_first=len(groups[-1]) == 1)
        if joins and _goes_on(strips[groups[-1][-1]].box, strip.box, rendered()):
            groups[-1].append(n)
        else:
            groups.append([n])
    return groups


def _are_neighbours(a: Strip, b: Strip, *, is_first: bool) -> bool:
    """Whether two strips have the same length and lie edge to edge; the last one of a picture may be narrower."""
    for (left, top, right, bottom), other in ((a.box, b.box), (_transposed(a.box), _transposed(b.box))):
        ends_agree = abs(left - other[0]) <= TOUCH and abs(right - other[2]) <= TOUCH
        touch = min(abs(bottom - other[1]), abs(top - other[3])) <= TOUCH
        long = right - left >= LONG * (bottom - top) > 0
        narrower = other[3] - other[1] <= bottom - top + TOUCH or is_first
        if ends_agree and touch and long and narrower:
            return abs(a.scale - b.scale) <= SAME_SCALE * a.scale
    return False


def _goes_on(a: Box, b: Box, page: Image.Image) -> bool:
    """Whether the picture changes no more across the seam of two neighbours than within them."""
    if abs(a[0] - b[0]) > TOUCH or abs(a[2] - b[2]) > TOUCH:  # beside each other
        a, b = _transposed(a), _transposed(b)
        page = page.transpose(Image.Transpose.TRANSPOSE)
    x0, y0, x1, y1 = (round(value) for value in bounding_box((a, b)))
    seam = round(max(a[1], b[1]))
    across = _change(page, (x0, x1), seam - 2, seam + 1)
    within = [
        _change(page, (x0, x1), row, row + STEP)
        for row in range(y0, y1 - STEP, STEP)
        if row + STEP < seam or row > seam
    ]
    return across <= max(within, default=0.0) + BREAK


def _change(page: Image.Image, across: tuple[int, int], row: int, other: int) -> float:
    """Return the mean absolute difference of two rows of pixels, of 255."""
    rows = (page.crop((across[0], y, across[1], y + 1)) for y in (row, other))
    return sum(ImageStat.Stat(ImageChops.difference(*rows)).mean) / 3


def _transposed(box: Box) -> Box:
    return box[1], box[0], box[3], box[2]
