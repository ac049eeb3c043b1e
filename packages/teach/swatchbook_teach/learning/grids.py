"""Cut pictures that show several things into equal cells, as one or two cells that a person drew say."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Final, NamedTuple

from swatchbook.domain.records import GridRule
from swatchbook_base.geometry import Box, area, clip, finite_box
from swatchbook_teach.learning.grid_edges import Division, PicturePixels, find_divisions

SAME_SIZE: Final = 0.05
"""Pictures are of one size if their sides differ by this share at most."""
_LEAST_PITCH: Final = 0.93  # of a cell's side: drawn cells are not exact
_MOST_CELLS: Final = 100  # in a row or a column
_APART: Final = 0.5  # share of a cell's side by which the begins of two cells differ
_LEAST_SEEN: Final = 0.6  # share of a cell that lies in the picture, else it is none
_EVEN: Final = 0.03  # margins are as even if they differ by this much more, as a share of the picture's side


class Axis(NamedTuple):
    """How one side of a picture is divided: where the first cell begins, how long cells are, and how many there are."""

    first: float
    size: float
    pitch: float
    cells: int

    def unevenness(self, length: float) -> float:
        """Return by how much the margins before the first and behind the last cell differ."""
        return abs(self.first - (length - self.first - (self.cells - 1) * self.pitch - self.size))


def grid_of(picture: Box, cells: Sequence[Box], page: PicturePixels | None = None) -> GridRule:
    """Return the grid that one or more cells on a picture show.

    Two cells of a row show the way from cell to cell across, two of a column that down, two that differ in both show
    both. What one cell leaves open follows from the edges in the pixels of the page, else from even margins, with as
    many cells as fit.
    """
    inside = [clip(cell, picture) for cell in cells]
    wide, high = picture[2] - picture[0], picture[3] - picture[1]
    seen = find_divisions(page, picture, inside[0]) if page else (None, None)
    across = _divide([(c[0] - picture[0], c[2] - c[0]) for c in inside], wide, seen[0])
    down = _divide([(c[1] - picture[1], c[3] - c[1]) for c in inside], high, seen[1])
    return GridRule(
        width=round(wide, 2),
        height=round(high, 2),
        cell=(
            round(across.first / wide, 4),
            round(down.first / high, 4),
            round((across.first + across.size) / wide, 4),
            round((down.first + down.size) / high, 4),
        ),
        pitch=(round(across.pitch / wide, 4), round(down.pitch / high, 4)),
        columns=across.cells,
        rows=down.cells,
    )


def _divide(cells: Sequence[tuple[float, float]], length: float, seen: Division | None) -> Axis:
    """Return how a side is divided, from where cells begin and how long they are, and what is seen of it."""
    size = max(median(long for _, long in cells), 0.01 * length)
    begins = sorted(begin for begin, _ in cells)
    apart = [b - a for a, b in pairwise(begins) if b - a > _APART * size]
    if apart:
        return _by_two(begins[0], min(apart), size, length)
    if seen is not None:
        return _filled(seen.begin, seen.size, seen.pitch, length)
    return _by_one(median(begins), size, length)


def _by_two(begin: float, apart: float, size: float, length: float) -> Axis:
    """Return the division by two cells: neighbours, or with cells between them, if margins are as even then."""
    most = max(1, int(apart / (_LEAST_PITCH * size)))
    found = [_filled(begin, size, apart / steps, length) for steps in range(1, most + 1)]
    least = min(axis.unevenness(length) for axis in found)
    return [axis for axis in found if axis.unevenness(length) <= least + _EVEN * length][-1]


def _by_one(begin: float, size: float, length: float) -> Axis:
    """Return the division by one cell, with as many cells as fit between even margins."""
    found = [Axis(begin, size, size, 1)]
    for count in range(2, min(_MOST_CELLS, int(length / (_LEAST_PITCH * size)) + 1) + 1):
        for before in range(count):
            middle = (count - 1) / 2 - before
            pitch = ((length - size) / 2 - begin) / middle if middle else length / count
            first = begin - before * pitch
            fits = pitch >= _LEAST_PITCH * size and first >= -_EVEN * length
            if fits and first < max(pitch, size):
                found.append(Axis(max(first, 0.0), min(size, pitch), pitch, count))
    return max(found, key=lambda axis: (axis.cells, -axis.first))


def _filled(begin: float, size: float, pitch: float, length: float) -> Axis:
    """Return as many cells as fit, before the one that begins there and behind it."""
    slack = _EVEN * length
    before = max(0, int((begin + slack) / pitch))
    behind = max(0, int((length + slack - begin - size) / pitch))
    count = min(before + 1 + behind, _MOST_CELLS)
    return Axis(max(begin - before * pitch, 0.0), min(size, pitch), pitch, count)


def fits(rule: GridRule, picture: Box) -> bool:
    """Return whether a rule is for pictures of this size."""
    sides = ((picture[2] - picture[0], rule.width), (picture[3] - picture[1], rule.height))
    return all(abs(side - wanted) <= SAME_SIZE * wanted for side, wanted in sides)


def cells_of(picture: Box, rule: GridRule) -> list[Box]:
    """Return the cells of a picture row by row, those that lie in it."""
    x0, y0, x1, y1 = picture
    wide, high = x1 - x0, y1 - y0
    left, top, right, bottom = rule.cell
    cells = (
        (
            x0 + (left + column * rule.pitch[0]) * wide,
            y0 + (top + row * rule.pitch[1]) * high,
            x0 + (right + column * rule.pitch[0]) * wide,
            y0 + (bottom + row * rule.pitch[1]) * high,
        )
        for row in range(rule.rows)
        for column in range(rule.columns)
    )
    seen = ((cell, clip(cell, picture)) for cell in cells)
    return [finite_box(part) for cell, part in seen if area(part) >= _LEAST_SEEN * area(cell) > 0]


def gutters(picture: Box, rule: GridRule) -> tuple[float, float]:
    """Return the distance between the cells of a picture, across and down, in points."""
    wide, high = picture[2] - picture[0], picture[3] - picture[1]
    left, top, right, bottom = rule.cell
    return max(0.0, (rule.pitch[0] - right + left) * wide), max(0.0, (rule.pitch[1] - bottom + top) * high)
