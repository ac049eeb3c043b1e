"""Does a page look as if it held a table? A cheap guess, so that the dear table reader runs on few pages."""

from collections.abc import Iterable
from itertools import pairwise

from swatchbook.records import Box

ROWS = 3  # rows that agree make a table
SAME_LINE = 3.0  # points between the tops of cells of one row
SAME_EDGE = 4.0  # points between the left edges of cells of one column
ROW_GAP = 60.0  # points; what stands further apart is no longer one table


def looks_tabular(boxes: Iterable[Box]) -> bool:
    """Whether `ROWS` successive rows of text share two columns. `boxes` are those of the page's lines of text."""
    rows: list[tuple[float, list[float]]] = []
    for x0, y0, _, _ in sorted(boxes, key=lambda box: (box[1], box[0])):
        if rows and y0 - rows[-1][0] <= SAME_LINE:
            rows[-1][1].append(x0)
        else:
            rows.append((y0, [x0]))
    run = 1
    for (above, upper), (below, lower) in pairwise(rows):
        shared = sum(any(abs(x - other) <= SAME_EDGE for other in upper) for x in lower)
        run = run + 1 if shared >= 2 and len(upper) >= 2 and below - above <= ROW_GAP else 1
        if run >= ROWS:
            return True
    return False
