"""Find the pictures that continue over a fold: on the next page, or on the other half of a spread.

Boxes alone prove nothing: pages of full-size pictures meet everywhere. By their pixels, too, 4 of 5 photographs across
a fold are joined on 60 pairs of 20 real catalogues, and no others.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

from PIL import Image, ImageChops, ImageFilter, ImageStat

from swatchbook_base.geometry import UNIT_SQUARE, area, clip, pixels_a_unit, short_side, transform_box
from swatchbook_base.records import Box, Drawn, Page

TOUCH = 2.0  # points between a picture and the fold
SAME_PLACE = 3.0  # points by which the ends of two halves, or two boxes of one picture, may differ
LEAST_SIDE, LEAST_WIDTH = 36.0, 6.0  # points: the short side of one half, and of the other
MOSTLY = 0.97  # share of a picture's area; if both halves show this much of it, together they show all of it
EDGE_SCALE = 2.0  # pixels a point of the rendering from which edges are compared
INSET = 2  # pixels left out at the edge, because they are mixed with the ground
LIVELY = 1.0  # of 255: the least change within pictures; flat bands of a template have less, and prove nothing
ACROSS = 2.0  # the most change across the fold, in changes within the pictures
FACING = 0.8  # the same, as a share of the change between parts of the edges that do not face each other
OUTER = 0.6  # the same, as a share of the change to the outer edge of the other half, unless that half is narrow
SHIFTS = range(2, 14)  # fortieths of the height by which an edge is moved to face another part


class Half(NamedTuple):
    """A part of a picture: its page, and its box there."""

    page: int
    box: Box


class Fold(NamedTuple):
    """Two halves that meet. `scale`: pixels a point; `shows_all`: both are of one image object, and show all of it."""

    left: Half
    right: Half
    scale: float
    shows_all: bool

    def half_on(self, page: int) -> Half:
        return self.left if self.left.page == page else self.right


class Edges(NamedTuple):
    """Columns of one pixel of a rendered picture: at its left and right edges, and a little inside each edge."""

    left: Image.Image
    right: Image.Image
    within_left: Image.Image
    within_right: Image.Image
    is_narrow: bool


def find_folds(pages: Iterable[Page]) -> Mapping[int, list[Fold]]:
    """Return page -> its halves' folds; the next page lies to the right, or to the left in right-to-left books."""
    folds = defaultdict[int, list[Fold]](list)
    for page, after in pairwise(pages):
        if after.number == page.number + 1 and _agree(page.box[3] - page.box[1], after.box[3] - after.box[1]):
            for fold in (*_meeting(page, after), *_meeting(after, page)):
                folds[page.number].append(fold)
                folds[after.number].append(fold)
    return folds


def _meeting(left: Page, right: Page) -> Iterator[Fold]:
    at_fold = [(drawn, box) for drawn, box in _halves(right) if box[0] <= right.box[0] + TOUCH]
    for drawn, box in _halves(left) if at_fold else ():
        if box[2] < left.box[2] - TOUCH:
            continue
        for other, place in at_fold:
            if may_meet(box, place, box[2] - place[0]) and not _is_repeated(drawn, other):
                scale = max(pixels_a_unit(each.transform, each.width, each.height) for each in (drawn, other))
                shows_all = _shows_all(drawn, box, other, place, left.box[2] - left.box[0])
                yield Fold(Half(left.number, box), Half(right.number, place), round(scale, 4), shows_all)


def _halves(page: Page) -> Iterator[tuple[Drawn, Box]]:
    for drawn in page.drawn:
        box = clip(drawn.bbox, page.box)
        if not drawn.gradient and short_side(box) >= LEAST_WIDTH:
            yield drawn, box


def may_meet(left: Box, right: Box, apart: float = 0.0) -> bool:
    """Return whether two boxes may be halves at a fold; the left page lies `apart` points further right."""
    sides = sorted(map(short_side, (left, right)))
    meet = abs(left[2] - right[0] - apart) <= TOUCH and _agree(left[1], right[1]) and _agree(left[3], right[3])
    return meet and sides[0] >= LEAST_WIDTH and sides[1] >= LEAST_SIDE


def _agree(a: float, b: float) -> bool:
    return abs(a - b) <= SAME_PLACE


def same_place(a: Box, b: Box) -> bool:
    """Return whether two boxes differ by at most `SAME_PLACE`."""
    return all(map(_agree, a, b))


def _is_repeated(a: Drawn, b: Drawn) -> bool:
    """Return whether two pages show one picture at the same place, which makes it a background."""
    return _may_be_one_object(a, b) and same_place(a.bbox, b.bbox)


def _may_be_one_object(a: Drawn, b: Drawn) -> bool:
    return (a.width, a.height, a.size, a.has_mask) == (b.width, b.height, b.size, b.has_mask)


def _shows_all(a: Drawn, box: Box, b: Drawn, place: Box, width: float) -> bool:
    """Return whether one picture is painted over both pages, and all of it is on them. `width`: of the left page."""
    moved = (*a.transform[:4], a.transform[4] - width, a.transform[5])
    shown = area(box) + area(place)
    whole = area(transform_box(UNIT_SQUARE, a.transform))
    return _may_be_one_object(a, b) and all(map(_agree, moved, b.transform)) and shown >= MOSTLY * whole


# --- pixels -----------------------------------------------------------------------------------------------------------


def edges_of(rendered: Image.Image) -> Edges:
    """Return the edges of a picture that is rendered with `EDGE_SCALE` pixels a point."""
    step = 2 * INSET + 1  # as far apart as the edges of two pictures
    last = rendered.width - 1
    columns = (INSET, last - INSET, INSET + step, last - INSET - step)
    is_narrow = rendered.width < LEAST_SIDE * EDGE_SCALE
    left, right, within_left, within_right = (_column(rendered, min(max(x, 0), last)) for x in columns)
    return Edges(left, right, within_left, within_right, is_narrow)


def _column(rendered: Image.Image, x: int) -> Image.Image:
    top = 2 * INSET
    return rendered.crop((x, top, x + 1, max(rendered.height - top, top + 1))).filter(ImageFilter.BoxBlur(2))


def goes_on(left: Edges, right: Edges) -> bool:
    """Return whether the picture to the left of a fold continues to the right of it."""
    across = _change(left.right, right.left)
    within = max(_change(left.right, left.within_right), _change(right.left, right.within_left))
    outer_left = 255.0 if left.is_narrow else _change(left.left, right.left)
    outer_right = 255.0 if right.is_narrow else _change(left.right, right.right)
    if within < LIVELY or across > ACROSS * within or across > OUTER * min(outer_left, outer_right):
        return False
    height = min(left.right.height, right.left.height)
    moved = (
        min(_change(left.right, right.left, height * n // 40), _change(right.left, left.right, height * n // 40))
        for n in SHIFTS
    )
    return across <= FACING * min(moved)


def _change(a: Image.Image, b: Image.Image, down: int = 0) -> float:
    """Return the mean absolute difference, of 255, between two columns, the first one moved by some pixels."""
    height = min(a.height - down, b.height)
    rows = a.crop((0, down, 1, down + height)), b.crop((0, 0, 1, height))
    return sum(ImageStat.Stat(ImageChops.difference(*rows)).mean) / 3
