"""Boxes and transforms of pages: pure arithmetic, points, origin top left, y down.

A transform (a, b, c, d, e, f) takes (x, y) to (a x + c y + e, b x + d y + f). A picture's transform takes the unit
square, its own top left at (0, 0), to where it stands.
"""

from math import hypot
from typing import Literal

from swatchbook.records import Box

Transform = tuple[float, float, float, float, float, float]

UNIT: Box = (0.0, 0.0, 1.0, 1.0)

Turn = Literal["none", "mirror", "flip", "half", "right", "left", "transpose", "transverse"]
"""How a picture's pixels are turned to stand as on the page: `right` is 90° clockwise, `half` is 180°."""

_STRAIGHT: dict[tuple[bool, bool], Turn] = {
    (True, True): "none",
    (False, True): "mirror",
    (True, False): "flip",
    (False, False): "half",
}
_SIDEWAYS: dict[tuple[bool, bool], Turn] = {
    (True, True): "transpose",
    (True, False): "right",
    (False, True): "left",
    (False, False): "transverse",
}


def area(box: Box) -> float:
    """Square points; 0 for an empty or inverted box."""
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def short_side(box: Box) -> float:
    return max(0.0, min(box[2] - box[0], box[3] - box[1]))


def overlap(a: Box, b: Box) -> Box:
    """What two boxes share; empty (area 0) where they share nothing."""
    return max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])


def clip(box: Box, frame: Box) -> Box:
    """The part of a box within a frame; empty boxes have no area."""
    x0, y0 = max(box[0], frame[0]), max(box[1], frame[1])
    return x0, y0, max(x0, min(box[2], frame[2])), max(y0, min(box[3], frame[3]))


def shared(a: Box, b: Box) -> float:
    """Area that two boxes have in common, square points."""
    return area(overlap(a, b))


def covers(upper: Box, lower: Box) -> bool:
    """Whether one box lies under another, but for 1 %: edges rarely agree to the last bit. An empty one does not."""
    return shared(upper, lower) >= 0.99 * area(lower) > 0


def inside(box: Box, region: Box) -> bool:
    """Whether the middle of a box lies in a region."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return region[0] <= x <= region[2] and region[1] <= y <= region[3]


def agree(a: Box, b: Box, within: float) -> bool:
    """Whether all four edges of two boxes are `within` points of each other."""
    return all(abs(p - q) <= within for p, q in zip(a, b, strict=True))


def gaps(a: Box, b: Box) -> tuple[float, float]:
    """Distance across and down between two boxes; negative is how deep they overlap in that direction."""
    return max(a[0], b[0]) - min(a[2], b[2]), max(a[1], b[1]) - min(a[3], b[3])


def gap(a: Box, b: Box) -> float:
    """Distance between two boxes in points; 0 where they touch."""
    across, down = gaps(a, b)
    return hypot(max(0.0, across), max(0.0, down))


def moved(box: Box, by: Transform) -> Box:
    """The box around a transformed box."""
    a, b, c, d, e, f = by
    xs = [a * x + c * y + e for x in (box[0], box[2]) for y in (box[1], box[3])]
    ys = [b * x + d * y + f for x in (box[0], box[2]) for y in (box[1], box[3])]
    return min(xs), min(ys), max(xs), max(ys)


def then(first: Transform, second: Transform) -> Transform:
    """One transform that does `first`, then `second`."""
    a, b, c, d, e, f = first
    k, l, m, n, o, p = second  # noqa: E741 — as in the books
    return (
        a * k + b * m,
        a * l + b * n,
        c * k + d * m,
        c * l + d * n,
        e * k + f * m + o,
        e * l + f * n + p,
    )


def turn(transform: Transform) -> Turn:
    """The nearest of the eight ways to lay a picture's pixels: skewed and freely rotated ones go to their nearest."""
    a, b, c, d, _, _ = transform
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return _STRAIGHT[a >= 0, d >= 0]
    return _SIDEWAYS[b >= 0, c >= 0]
