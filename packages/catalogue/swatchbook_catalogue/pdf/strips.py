"""Join the pictures of a page that are strips of one picture, cut by an exporter, which stores it row by row.

Pictures of goods lie like this only by chance: bands are joined if the picture continues across the seam, or if they
are very long and equally wide.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageStat

from swatchbook_base.records import Box

LONG, VERY_LONG = 3.0, 8.0  # width over height of long and very long bands
TOUCH = 0.6  # points by which edges that agree may differ
SAME_SCALE = 0.02
NARROWER = 0.5  # the least share of the other's width, for a band that follows the outline of the picture
STEP = 3  # pixels between the rows that are compared, because a row on the seam itself is a mixture
BREAK = 2.0  # of 255: the most change across a seam beyond the largest change within the bands


@dataclass(frozen=True)
class Strip:
    """A picture that may be a strip: its box in points, and its own pixels a point."""

    box: Box
    scale: float


def join_strips(strips: Sequence[Strip], rendered: Callable[[], Image.Image]) -> list[list[int]]:
    """Return the indices of pictures in groups that are one each; the page is `rendered` only for boxes like strips."""
    groups: list[list[int]] = []
    for n, strip in enumerate(strips):
        last = strips[groups[-1][-1]] if groups else None
        if (
            last
            and _are_neighbours(last, strip, is_first=len(groups[-1]) == 1)
            and (
                (_is_long(last.box, VERY_LONG) and _is_as_wide(last.box, strip.box))
                or _goes_on(last.box, strip.box, rendered())
            )
        ):
            groups[-1].append(n)
        else:
            groups.append([n])
    return groups


def _are_neighbours(a: Strip, b: Strip, *, is_first: bool) -> bool:
    """Return whether two bands touch, and are equally wide or one lies within the width of the other.

    The last band of a picture may be lower; then the band before it, if as large as its page, need not be long.
    """
    (_, top, _, bottom), other = a.box, b.box
    touch = min(abs(bottom - other[1]), abs(top - other[3])) <= TOUCH
    height = bottom - top
    lower = other[3] - other[1] <= height + TOUCH or is_first
    long = _is_long(a.box, LONG) or (_is_long(other, LONG) and other[3] - other[1] < height)
    placed = _is_as_wide(a.box, other) or _is_narrower(a.box, other) or _is_narrower(other, a.box)
    return placed and touch and lower and long and abs(a.scale - b.scale) <= SAME_SCALE * a.scale


def _is_as_wide(a: Box, b: Box) -> bool:
    return abs(a[0] - b[0]) <= TOUCH and abs(a[2] - b[2]) <= TOUCH


def _is_narrower(a: Box, b: Box) -> bool:
    """Return whether `a` lies within the width of `b`, and is not much narrower."""
    return b[0] - TOUCH <= a[0] and a[2] <= b[2] + TOUCH and a[2] - a[0] >= NARROWER * (b[2] - b[0])


def _is_long(box: Box, times: float) -> bool:
    return box[2] - box[0] >= times * (box[3] - box[1]) > 0


def _goes_on(a: Box, b: Box, page: Image.Image) -> bool:
    """Return whether the picture changes no more across the seam of two neighbours than within them."""
    left, right = round(max(a[0], b[0])), round(min(a[2], b[2]))
    seam, top, bottom = round(max(a[1], b[1])), round(min(a[1], b[1])), round(max(a[3], b[3]))
    across = _change(page, (left, right), seam - 2)
    rows = [row for row in range(top, bottom - STEP, STEP) if row + STEP < seam or row > seam]
    return across <= max((_change(page, (left, right), row) for row in rows), default=0.0) + BREAK


def _change(page: Image.Image, across: tuple[int, int], row: int) -> float:
    """Return the mean absolute difference, of 255, between a row of pixels and that `STEP` below."""
    rows = (page.crop((across[0], y, across[1], y + 1)) for y in (row, row + STEP))
    return sum(ImageStat.Stat(ImageChops.difference(*rows)).mean) / 3
