"""Boxes of pages: areas, overlaps, gaps, whether a box covers another (99 % of it). Points, origin top left, y down."""

from collections.abc import Iterable
from math import hypot
from typing import Any

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1; on a page in points (1/72 inch), origin top left."""

SPREAD_ASPECT = 1.15  # width over height of a page that may show two printed pages
FARTHEST = 1e6  # points; a broken transform may be infinite, which JSON cannot hold


def finite(values: Iterable[float]) -> Any:
    """Return as many finite values, rounded to 0.01."""
    return tuple(
        [
            round(value if -FARTHEST <= value <= FARTHEST else min(max(value, -FARTHEST), FARTHEST), 2)
            for value in values
        ]
    )


def finite_box(values: Iterable[float]) -> Box:
    """Return a box with finite sides, rounded to 0.01."""
    box: Box = finite(values)
    return box


def area(box: Box) -> float:
    """Return the area of a box in square points; 0 for an empty or inverted box."""
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def short_side(box: Box) -> float:
    return max(0.0, min(box[2] - box[0], box[3] - box[1]))


def long_side(box: Box) -> float:
    """Return the longer of width and height."""
    return max(box[2] - box[0], box[3] - box[1])


def overlap(a: Box, b: Box) -> Box:
    """Return the intersection of two boxes; it has area 0 if they do not overlap."""
    return max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])


def bounding_box(boxes: Iterable[Box]) -> Box:
    """Return the smallest box around one or more boxes."""
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def clip(box: Box, frame: Box) -> Box:
    """Return the part of a box within a frame; an empty box is never inverted."""
    x0, y0 = max(box[0], frame[0]), max(box[1], frame[1])
    return x0, y0, max(x0, min(box[2], frame[2])), max(y0, min(box[3], frame[3]))


def shared_area(a: Box, b: Box) -> float:
    """Return the area that two boxes have in common, in square points."""
    return area(overlap(a, b))


def covers(upper: Box, lower: Box) -> bool:
    """Whether `upper` covers at least 99 % of `lower`: edges rarely agree exactly. An empty box is never covered."""
    return shared_area(upper, lower) >= 0.99 * area(lower) > 0


def move(box: Box, right: float, down: float) -> Box:
    """Return a box moved by so many points."""
    return box[0] + right, box[1] + down, box[2] + right, box[3] + down


def pixel_frame(box: Box, scale: float) -> tuple[int, int, int, int]:
    """Return the pixels (x0, y0, x1, y1) that render a box, `scale` pixels a point; at least one each way."""
    x0, y0, x1, y1 = (round(side * scale) for side in box)
    return x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)


def resize(box: Box, factor: float) -> Box:
    """Return a box whose coordinates are so many times as large."""
    return box[0] * factor, box[1] * factor, box[2] * factor, box[3] * factor


def centre_inside(box: Box, region: Box) -> bool:
    """Whether the centre of a box lies in a region."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return region[0] <= x <= region[2] and region[1] <= y <= region[3]


def gaps(a: Box, b: Box) -> tuple[float, float]:
    """Return the horizontal and vertical distance between two boxes, in points; negative if they overlap."""
    return max(a[0], b[0]) - min(a[2], b[2]), max(a[1], b[1]) - min(a[3], b[3])


def gap(a: Box, b: Box) -> float:
    """Return the distance between two boxes in points; 0 if they touch."""
    across, down = gaps(a, b)
    return hypot(max(0.0, across), max(0.0, down))


def turn_box(box: Box, page: Box, turn: int) -> Box:
    """Return where a box of a page lies once the page is turned clockwise by 0, 90, 180 or 270 degrees; the turned page
    begins at (0, 0).
    """
    x0, y0, x1, y1 = box[0] - page[0], box[1] - page[1], box[2] - page[0], box[3] - page[1]
    width, height = page[2] - page[0], page[3] - page[1]
    if turn == 90:
        return height - y1, x0, height - y0, x1
    if turn == 180:
        return width - x1, height - y1, width - x0, height - y0
    if turn == 270:
        return y0, width - x1, y1, width - x0
    return box


def turn_back(box: Box, page: Box, turn: int) -> Box:
    """Return where a box of a turned page lies on the page before `turn_box` turned it."""
    if not turn:
        return box
    back = turn_box(box, turn_box(page, page, turn), 360 - turn)
    return back[0] + page[0], back[1] + page[1], back[2] + page[0], back[3] + page[1]


def is_broad(page: Box) -> bool:
    """Return whether a page is broad enough to show two printed pages."""
    return page[2] - page[0] >= SPREAD_ASPECT * (page[3] - page[1])
