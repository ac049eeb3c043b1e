"""Transforms of pages and pictures: where they move points and boxes, and how a picture is turned.

A transform (a, b, c, d, e, f) maps (x, y) to (a x + c y + e, b x + d y + f). A picture's transform maps the unit
square, with the picture's top left at (0, 0), to its place on the page.
"""

from math import hypot
from typing import Literal

from swatchbook_base.geometry import Box

Transform = tuple[float, float, float, float, float, float]

UNIT_SQUARE: Box = (0.0, 0.0, 1.0, 1.0)

Turn = Literal["none", "mirror", "flip", "half", "right", "left", "transpose", "transverse"]
"""How a picture's pixels are turned on the page: `right` is 90° clockwise, `half` is 180°."""

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


def transform_point(point: tuple[float, float], transform: Transform) -> tuple[float, float]:
    """Return where a transform moves a point."""
    (x, y), (a, b, c, d, e, f) = point, transform
    return a * x + c * y + e, b * x + d * y + f


def transform_box(box: Box, transform: Transform) -> Box:
    """Return the box around a transformed box."""
    a, b, c, d, e, f = transform
    if not (b or c):  # most are
        x0, y0, x1, y1 = a * box[0] + e, d * box[1] + f, a * box[2] + e, d * box[3] + f
        return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)
    xs = [a * x + c * y + e for x in (box[0], box[2]) for y in (box[1], box[3])]
    ys = [b * x + d * y + f for x in (box[0], box[2]) for y in (box[1], box[3])]
    return min(xs), min(ys), max(xs), max(ys)


def compose(first: Transform, second: Transform) -> Transform:
    """Return the transform that applies `first`, then `second`."""
    a, b, c, d, e, f = first
    k, l, m, n, o, p = second  # noqa: E741 — the usual letters
    return (
        a * k + b * m,
        a * l + b * n,
        c * k + d * m,
        c * l + d * n,
        e * k + f * m + o,
        e * l + f * n + p,
    )


def nearest_turn(transform: Transform) -> Turn:
    """Return the turn nearest to a transform, which may be skewed or rotated by any angle."""
    a, b, c, d, _, _ = transform
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return _STRAIGHT[a >= 0, d >= 0]
    return _SIDEWAYS[b >= 0, c >= 0]


def is_straight(transform: Transform) -> bool:
    """Whether a transform only scales, moves, mirrors and turns by quarters, up to a hundredth."""
    a, b, c, d, _, _ = map(abs, transform)
    return min(a + d, b + c) <= 0.01 * max(a + d, b + c)


def invert(transform: Transform) -> Transform:
    """Return the transform that undoes another. Raises ZeroDivisionError for one that leaves no area."""
    a, b, c, d, e, f = transform
    det = a * d - b * c
    return d / det, -b / det, -c / det, a / det, (c * f - d * e) / det, (b * e - a * f) / det


def pixels_a_unit(transform: Transform, width: int, height: int) -> float:
    """Return the resolution of a picture of width × height pixels on the page, in the finer direction; 0 if unknown."""
    a, b, c, d, _, _ = transform
    across, down = hypot(a, b), hypot(c, d)
    return max(width / across if across else 0.0, height / down if down else 0.0)
