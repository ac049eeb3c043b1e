"""Find in the pixels of a picture where its cells begin and end: one drawn cell mostly shows all of them.

A cell begins where the colours, or how much they vary, change along a strip of the picture. The way from cell to cell
is the shortest one at which there are such changes again, wherever a cell would begin or end.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from swatchbook_base.geometry import Box, clip

Values = NDArray[np.float64]

_NEAR: Final = 0.04  # share of a cell's side by which a drawn edge may be off
_INNER: Final = 0.08  # share of a cell's side that is left out of its strip: drawn cells reach into the next ones
_LEAST_NEAR: Final = 2.0  # pixels
_CLEAR: Final = 1.5  # how many times stronger than usual the edges of the drawn cell are, if pixels say anything
_LEAST_CHANGE: Final = 4.0  # of 255; weaker changes are no edges
_MATCH: Final = 0.6  # share of the edges of a division that are there, each weighed by its strength
_AS_GOOD: Final = 0.08  # a shorter way counts, if its edges are there nearly as well
_LEAST_PITCH: Final = 0.96  # of a cell's side
_STEP: Final = 0.5  # pixels between two ways that are compared


class Division(NamedTuple):
    """Where a cell begins, its side, and the way to the next one, along one side of a picture."""

    begin: float
    size: float
    pitch: float


class PicturePixels(NamedTuple):
    """A rendered page: its pixels (height, width, 3), and how many of them a point has."""

    pixels: NDArray[np.uint8]
    scale: float


def find_divisions(page: PicturePixels, picture: Box, cell: Box) -> tuple[Division | None, Division | None]:
    """Return how a picture is divided across and down, in points from its corner; None where no edges say so."""
    inside = clip(cell, picture)
    x0, y0, x1, y1 = (round(side * page.scale) for side in picture)
    whole = page.pixels[max(y0, 0) : y1, max(x0, 0) : x1].astype(np.float64)
    left, top, right, bottom = ((inside[k] - picture[k % 2]) * page.scale for k in range(4))
    high, wide = _INNER * (bottom - top), _INNER * (right - left)
    rows = whole[int(top + high) : int(bottom - high) + 1]
    columns = whole[:, int(left + wide) : int(right - wide) + 1].swapaxes(0, 1)
    across, down = _divide(_changes(rows), left, right), _divide(_changes(columns), top, bottom)
    return _in_points(across, page.scale), _in_points(down, page.scale)


def _in_points(found: Division | None, scale: float) -> Division | None:
    return found and Division(*(each / scale for each in found))


def _changes(strip: Values) -> Values:
    """Return how much the columns of a strip (height, width, 3) differ from those before them, in mean and spread."""
    if strip.shape[0] < 2 or strip.shape[1] < 8:
        return np.zeros(0)
    mean, spread = strip.mean(axis=0), strip.std(axis=0)
    steps = np.zeros(strip.shape[1])
    for values in (mean, spread):
        steps[2:-1] += np.abs(values[2:-1] + values[3:] - values[1:-2] - values[:-3]).mean(axis=1) / 2
    return steps


def _divide(steps: Values, begin: float, end: float) -> Division | None:
    """Return the division of a side by its changes, from where a drawn cell begins and ends, all in pixels."""
    size, length = end - begin, len(steps)
    if length < 8 or size < 8:
        return None
    near = max(_LEAST_NEAR, _NEAR * size)
    widest = _widened(steps, near)
    # The sides of the picture are edges, too: what is drawn there begins or ends with it.
    widest[: int(near) + 1] = widest[-int(near) - 1 :] = widest.max()
    begin, end = (_snap(steps, at, near) for at in (begin, end))
    size = end - begin
    own = min(_at(widest, np.array([begin, end])))
    if own < max(_LEAST_CHANGE, _CLEAR * float(np.median(widest))) or size < 8:
        return None
    room = max(begin, length - begin - size)  # another cell must fit before or behind the drawn one
    pitches = np.arange(_LEAST_PITCH * size, room + _STEP, _STEP)
    best = [(_strength(widest, begin, size, pitch, own), pitch) for pitch in pitches]
    most = max((strength for strength, _ in best), default=0.0)
    if most < _MATCH:
        return None
    pitch = next(pitch for strength, pitch in best if strength >= most - _AS_GOOD)
    near_it = [each for each in best if abs(each[1] - pitch) <= near]
    rough = max(near_it)[1]
    sharp = _widened(steps, 1.0)
    ways: list[float] = np.arange(rough - near, rough + near, 0.25).tolist()
    return Division(begin, size, max(ways, key=lambda way: (_sharpness(sharp, begin, size, way), -abs(way - rough))))


def _strength(widest: Values, begin: float, size: float, pitch: float, own: float) -> float:
    """Return which share of the edges of a division are there, 0 to 1: those of all cells that show anything but the
    drawn one.
    """
    begins = _begins(begin, size, pitch, len(widest))
    shown = np.array([widest[max(int(at), 0) : int(at + size) + 1].max(initial=0.0) >= _LEAST_CHANGE for at in begins])
    begins = begins[shown] if len(begins) else begins
    if not len(begins):
        return 0.0
    return float(np.minimum(_at(widest, np.concatenate([begins, begins + size])) / own, 1.0).mean())


def _sharpness(sharp: Values, begin: float, size: float, pitch: float) -> float:
    begins = _begins(begin, size, pitch, len(sharp))
    return float(_at(sharp, np.concatenate([begins, begins + size])).sum())


def _begins(begin: float, size: float, pitch: float, length: int) -> Values:
    """Return where the cells but the drawn one begin, of those that fit."""
    slack = 0.03 * length
    before, behind = int((begin + slack) / pitch), int((length + slack - begin - size) / pitch)
    return begin + pitch * np.array([n for n in range(-before, behind + 1) if n], np.float64)


def _at(values: Values, places: Values) -> Values:
    """Return the values at places, the first or last one outside."""
    found: Values = values[np.clip(np.round(places).astype(int), 0, len(values) - 1)]
    return found


def _snap(steps: Values, at: float, near: float) -> float:
    """Return the place of the strongest change near another one; that place without any, and the end near an end."""
    if at <= near:
        return 0.0
    if at >= len(steps) - near:
        return float(len(steps))
    low, high = max(int(at - near), 0), min(int(at + near) + 1, len(steps))
    best = int(np.argmax(steps[low:high]))
    return float(low + best) if steps[low + best] >= _LEAST_CHANGE else at


def _widened(values: Values, reach: float) -> Values:
    """Return the largest value within reach of each place."""
    wide = round(reach)
    padded = np.pad(values, wide, mode="edge")
    windows: Sequence[Values] = [padded[n : n + len(values)] for n in range(2 * wide + 1)]
    widest: Values = np.max(windows, axis=0)
    return widest
