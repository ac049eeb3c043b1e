"""Pair the names of a document with texts such as their codes and prices: each text belongs to the nearest name.

Names and texts of one document are arranged alike: all prices are right of their names, or all below. The direction in
which most names get a text counts; the others only for what it leaves alone, and not in a grid or list so arranged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from swatchbook_base.geometry import Box

DIRECTIONS: Final = ("inside", "right", "left", "below", "above", "under")
"""Where a text is, seen from its name. "Below" is in its column, "under" is also right of it."""
ROW: Final = 0.5  # texts are in one row if they share more than this part of the lower one's height
EVEN: Final = 0.2  # most steps from name to name of a grid or list differ by less than this share
LOOSE: Final = 150.0  # the longest distance, in points, of a text that is not where those of the other names are


class Spot(NamedTuple):
    """A place on a page."""

    page: int
    box: Box


@dataclass(frozen=True)
class Owners:
    """The nearest name of each text in each direction: its number, -1 without one, and its distance. A row of both
    arrays is a direction. `even_page`: the page of each text, 0 where its names are neither in a grid nor in a list.
    """

    names: int
    owner: NDArray[np.int64]
    distance: NDArray[np.float64]
    even_page: NDArray[np.int64]


def find_owners(names: Sequence[Spot], texts: Sequence[Spot]) -> Owners:
    """Return the nearest names of all texts."""
    owner = np.full((len(DIRECTIONS), len(texts)), -1, np.int64)
    distance = np.full(owner.shape, np.inf)
    even_page = np.zeros(len(texts), np.int64)
    name_pages, text_pages = (np.array([spot.page for spot in spots], np.int64) for spots in (names, texts))
    for page in np.unique(name_pages):
        at, there = np.flatnonzero(text_pages == page), np.flatnonzero(name_pages == page)
        if len(at):
            boxes, others = ([spot.box for spot in spots if spot.page == page] for spots in (names, texts))
            steps = even_step(boxes, 0), even_step(boxes, 1)
            even_page[at] = page if min(steps) < np.inf else 0
            apart = _distances(np.array(boxes), np.array(others), *steps)
            nearest = apart.argmin(axis=1)
            distance[:, at] = apart.min(axis=1)
            owner[:, at] = np.where(np.isfinite(distance[:, at]), there[nearest], -1)
    return Owners(len(names), owner, distance, even_page)


def _distances(
    names: NDArray[np.float64], texts: NDArray[np.float64], across: float, along: float
) -> NDArray[np.float64]:
    """Return the distance of each text to each name in each direction, infinite if it is elsewhere or a step away."""
    a0, b0, a1, b1 = (names[:, n, None] for n in range(4))
    x0, y0, x1, y1 = (texts[None, :, n] for n in range(4))
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    inside = (a0 <= x) & (x <= a1) & (b0 <= y) & (y <= b1)
    row = np.minimum(y1, b1) - np.maximum(y0, b0) > ROW * np.minimum(y1 - y0, b1 - b0)
    column = np.minimum(x1, a1) > np.maximum(x0, a0)
    lower = ~row & (y > (b0 + b1) / 2)
    upper = ~row & (y < (b0 + b1) / 2)
    down, up = np.maximum(0, y0 - b1), np.maximum(0, b0 - y1)
    found = (
        (inside, 1e-6 * (a1 - a0) * (b1 - b0) + 0 * x),  # the smallest of several
        (row & (x0 > a0) & (x - a0 < across), np.maximum(0, x0 - a1)),
        (row & (x0 < a0) & (a1 - x < across), np.maximum(0, a0 - x1)),
        (lower & column & (y - b0 < along), down),
        (upper & column & (b1 - y < along), up),
        (lower & (a0 <= x1) & (y - b0 < along), down + np.abs(x0 - a0)),
    )
    return np.array([np.where(there, apart, np.inf) for there, apart in found])


def even_step(names: Sequence[Box], axis: int) -> float:
    """Return the step from one name to the next across or down a grid or list; infinite where most are uneven.

    What is further from a name than the next name belongs to another row or cell, also if that one has no name.
    """
    boxes = np.array(names, float).reshape(-1, 4)
    low, high = boxes[:, 1 - axis], boxes[:, 3 - axis]
    level = np.minimum(high[:, None], high) > np.maximum(low[:, None], low)
    ahead = boxes[:, axis] - boxes[:, None, axis]
    steps = np.where(level & (ahead > 1), ahead, np.inf).min(axis=1, initial=np.inf)
    steps = steps[np.isfinite(steps)]
    middle = float(np.median(steps)) if len(steps) else np.inf
    return middle if 2 * np.count_nonzero(np.abs(steps - middle) <= EVEN * middle) > len(steps) else np.inf


def pair(owners: Owners, texts: NDArray[np.int64]) -> dict[int, int]:
    """Return the text of each name that has one; `texts` are the numbers of those that count."""
    by_direction = [_nearest(owners, k, texts) for k in range(len(DIRECTIONS))]
    best = max(range(len(DIRECTIONS)), key=lambda k: len(by_direction[k]))
    found = by_direction[best]
    arranged = np.setdiff1d(owners.even_page[list(found.values())], [0])
    alone = texts[(owners.owner[best, texts] < 0) & ~np.isin(owners.even_page[texts], arranged)]
    for k in range(len(DIRECTIONS)):
        near = alone[owners.distance[k, alone] <= LOOSE]
        left = near[~np.isin(near, list(found.values()))]
        found = _nearest(owners, k, left) | found
    return found


def _nearest(owners: Owners, direction: int, texts: NDArray[np.int64]) -> dict[int, int]:
    """Return for each name the nearest one of its texts in a direction."""
    order = texts[np.argsort(-owners.distance[direction, texts], kind="stable")]
    return {int(name): int(n) for name, n in zip(owners.owner[direction, order], order, strict=True) if name >= 0}


def fit_of_pairs(owners: Owners, texts: NDArray[np.int64]) -> float:
    """Return how well texts pair with the names one to one, from 0 to 1: the F1 of names and texts in pairs."""
    return 2 * len(pair(owners, texts)) / max(owners.names + len(texts), 1)
