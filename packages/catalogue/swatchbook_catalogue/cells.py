"""Deal the prices and codes of a page to the cells of its grid, each of which shows one product.

A cell is a name with its picture. What stands between two cells belongs to the one that would else have none: all are
dealt at once, so that the sum of distances is least. The nearest value alone is often that of the neighbour.
"""

from collections import defaultdict
from collections.abc import Sequence
from math import hypot, inf

from swatchbook_base.geometry import area, bounding_box, gaps
from swatchbook_base.printed_prices import price_in
from swatchbook_base.records import Box, Line
from swatchbook_catalogue.attributes import code_of
from swatchbook_catalogue.measures import labelled_code

FEWEST = 3  # cells of a page: what belongs to one of two is told by distance alone
MOST = 150  # cells of a page: the time grows with the third power, and longer lists are tables
COMPLETE = 0.6  # the least share of cells that have a value, or a picture, if the values are one a cell
BACKGROUND = 0.5  # the largest share of the page of a cell's picture


def deal_lines(lines: Sequence[Line], names: Sequence[Box], pictures: Sequence[Box], page: Box) -> dict[int, Box]:
    """Return the number of each line that is a price or a code of a cell -> the name of that cell."""
    if not FEWEST <= len(names) <= MOST:
        return {}
    pictures = [box for box in pictures if area(box) < BACKGROUND * area(page)]
    cells = [*names]
    for k, cell in deal(pictures, names).items():
        cells[cell] = bounding_box((names[cell], pictures[k]))
    kinds = defaultdict[tuple[str, int, bool], list[int]](list)
    for i, line in enumerate(lines):
        if kind := _kind(line.text):
            kinds[kind, round(line.size), line.bold].append(i)
    owner = dict[int, Box]()
    for numbers in kinds.values():
        boxes = [lines[i].bbox for i in numbers]
        if not _in_rows(boxes, names):
            owner |= {numbers[k]: names[cell] for k, cell in deal(boxes, cells).items()}
    return owner


def _in_rows(values: Sequence[Box], names: Sequence[Box]) -> bool:
    """Whether most values are in the row of a name, as in a list."""
    return 2 * sum(any(n[1] < (v[1] + v[3]) / 2 < n[3] for n in names) for v in values) > len(values)


def _kind(text: str) -> str | None:
    if price_in(text):
        return "price"
    return "code" if code_of(text) or labelled_code(text) else None


def deal(things: Sequence[Box], cells: Sequence[Box]) -> dict[int, int]:
    """Return thing -> its cell, one to one, with the least sum of distances; nothing if too few have one.

    Where there are more things than cells, the others are left. Source: the Hungarian method with potentials.
    """
    if len(things) < COMPLETE * len(cells):
        return {}
    far = [[_distance(thing, cell) for cell in cells] for thing in things]
    if len(things) <= len(cells):
        return dict(enumerate(_assign(far)))
    return {thing: cell for cell, thing in enumerate(_assign([[*column] for column in zip(*far, strict=True)]))}


def _distance(a: Box, b: Box) -> float:
    """Return the gap between two boxes, and a little for that of their middles: several may touch a cell."""
    across, down = gaps(a, b)
    middles = hypot(a[0] + a[2] - b[0] - b[2], a[1] + a[3] - b[1] - b[3]) / 2
    return hypot(max(across, 0.0), max(down, 0.0)) + middles / 10


def _assign(cost: Sequence[Sequence[float]]) -> list[int]:
    """Return for each row another column, with the least sum of costs. There are at least as many columns as rows."""
    rows, columns = len(cost), len(cost[0]) if cost else 0
    above, beside = [0.0] * (rows + 1), [0.0] * (columns + 1)
    row_of = [0] * (columns + 1)
    for row in range(1, rows + 1):
        row_of[0], column = row, 0
        least, came, done = [inf] * (columns + 1), [0] * (columns + 1), [False] * (columns + 1)
        while row_of[column]:
            done[column] = True
            at, step, following = row_of[column], inf, 0
            for k in range(1, columns + 1):
                if not done[k]:
                    if (rest := cost[at - 1][k - 1] - above[at] - beside[k]) < least[k]:
                        least[k], came[k] = rest, column
                    if least[k] < step:
                        step, following = least[k], k
            for k in range(columns + 1):
                if done[k]:
                    above[row_of[k]] += step
                    beside[k] -= step
                else:
                    least[k] -= step
            column = following
        while column:
            row_of[column], column = row_of[came[column]], came[column]
    found = [0] * rows
    for k in range(1, columns + 1):
        if row_of[k]:
            found[row_of[k] - 1] = k - 1
    return found
