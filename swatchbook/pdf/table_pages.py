"""Find pages that probably hold a table, so that the slow table reader runs on few pages.

They have three successive rows of text that share two columns.
"""

from collections.abc import Iterable
from itertools import pairwise

from swatchbook.geometry import Box

ROWS = 3  # successive rows with shared columns that make a table
SAME_LINE = 3.0  # points between the tops of cells of one row
SAME_EDGE = 4.0  # points between the left edges of cells of one column
ROW_GAP = 60.0  # points; rows further apart belong to different tables


def looks_tabular(boxes: Iterable[Box]) -> bool:
    """Return whether `ROWS` successive rows of text share two columns. `boxes` are those of the page's lines."""
    rows: list[tuple[float, list[float]]] = []
    for x0, y0, _, _ in sorted(boxes, key=lambda box: (box[1], box[0])):
        if rows and y0 - rows[-1][0] <= SAME_LINE:
            rows[-1][1].append(x0)
        else:
            rows.append((y0, [x0]))
    matching_rows = 1
    for (above, upper), (below, lower) in pairwise(rows):
        shared_area = sum(any(abs(x - other) <= SAME_EDGE for other in upper) for x in lower)
        matching_rows = matching_rows + 1 if shared_area >= 2 and len(upper) >= 2 and below - above <= ROW_GAP else 1
        if matching_rows >= ROWS:
            return True
    return False
