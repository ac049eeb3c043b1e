"""Find things of a page by their height: each row of a long list asks about its neighbours only.

If each row went through all others, twice as many rows a page would take four times as long.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from swatchbook_base.records import Line

BAND = 12.0  # points: about the height of a row
LAST_BAND = 2_000  # everything further down is in this band
_SLACK = 0.01  # points, for sums that are rounded

T = TypeVar("T")


class Bands(Generic[T]):
    """Things in bands across a page; `extent` returns the top and bottom of one."""

    def __init__(self, things: Sequence[T], extent: Callable[[T], tuple[float, float]]) -> None:
        self._things = things
        self._bands = defaultdict[int, list[int]](list)
        for i, thing in enumerate(things):
            for band in _bands(*extent(thing)):
                self._bands[band].append(i)

    def near(self, top: float, bottom: float) -> list[T]:
        """Return all things between two heights in their order, with some that are a band above or below."""
        found = [each for band in _bands(top, bottom) if (each := self._bands.get(band))]
        numbers = found[0] if len(found) == 1 else sorted(set[int]().union(*found))
        return [self._things[i] for i in numbers]


def _bands(top: float, bottom: float) -> range:
    first, last = (int(min(max(0.0, y / BAND), LAST_BAND)) for y in (top - _SLACK, bottom + _SLACK))
    return range(first, last + 1)


def line_bands(lines: Sequence[Line], below: float = 0.0) -> Bands[Line]:
    """Return lines in bands, each reaching further down by this share of its height."""
    return Bands(lines, lambda line: (line.bbox[1], line.bbox[3] + below * (line.bbox[3] - line.bbox[1])))
