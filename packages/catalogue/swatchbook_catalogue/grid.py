"""Find the tables of a page: columns of aligned cells at equal heights.

What a column holds is told by its values and its head.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from swatchbook_base.geometry import bounding_box, centre_inside, gaps
from swatchbook_base.records import Box, Line, fold, normalise_line
from swatchbook_catalogue.attributes import head_key, is_code, with_unit_of_head
from swatchbook_catalogue.bands import Bands, line_bands
from swatchbook_catalogue.measures import MEASURES, begins_with_amount, is_price, kind_of, size_in, split_price

FEWEST = 2  # rows that are variants: a single one is the product itself
MOSTLY = 0.7  # the least share of a table's rows in which a column has a cell
ALIGNED = 3.0  # points by which the edges or centres of a column's cells may differ
STEP = 4.0  # the longest step between rows, in font sizes
EMPTY = 12.0  # the longest step between cells of a column, in font sizes: cells of some rows are empty
HEAD_ABOVE = 3.0  # the longest distance from a column to its head, in font sizes
MOST_LINES_OF_A_HEAD = 5  # more are the cells of another table
NEXT_LINE = 1.5  # the longest step from a line of a cell to its next, in font sizes
LONGEST_CELL = 40  # characters of a cell; a longer one is prose
LONGEST_SIGN = 3  # characters of a sign of a currency
MEASURED = MEASURES | {"weight", "capacity"}  # keys of columns whose bare numbers are no codes
_NUMBER = re.compile(r"[\d.,/–-]+")
_TYPE = re.compile(r"[A-ZА-Я]{1,4}[ -]?\d{2,5}(?:[./ -]?\w{1,4})?")


class Column(NamedTuple):
    """The cells of a column, by the number of their row."""

    kind: str
    cells: Mapping[int, Line]
    head: str

    @property
    def key(self) -> str | None:
        """What the column is of; a head that is no known label says nothing."""
        known = self.kind in ("price", "code", "size")
        return self.kind if known else key if (key := head_key(self.head)) not in ("price", "code") else None

    @property
    def left(self) -> float:
        return min(cell.bbox[0] for cell in self.cells.values())

    def value(self, n: int) -> str:
        """Return the cell of a row, a number with the unit in its head or else with the head."""
        text = normalise_line(self.cells[n].text)
        if self.kind == "number" and not self.key:
            return f"{text} ({normalise_line(self.head)})"
        return text if self.kind == "code" else with_unit_of_head(text, self.key or "", self.head)

    def values(self, rows: Sequence[int]) -> Sequence[str]:
        """Return the values of some rows, of those that have one."""
        return [self.value(n) for n in rows if n in self.cells]


class Table(NamedTuple):
    """Columns from left to right whose cells are in the same rows; `rows` has a cell of each row."""

    columns: Sequence[Column]
    rows: Sequence[Line]

    def without(self, column: Column) -> Sequence[Column]:
        return [each for each in self.columns if each is not column]


def find_tables(lines: Sequence[Line]) -> Sequence[Table]:
    """Return the tables in some lines, those with prices first."""
    columns, found, used = [*_columns(lines)], list[Table](), set[int]()
    by_height = line_bands([cell for column in columns for cell in column])
    number = {id(cell): n for n, column in enumerate(columns) for cell in column}
    for given in ("price", "number", "size", "code"):
        kind = "price" if given == "number" else given
        for cells in columns:
            for rows in _runs(cells, given):
                if used & {*map(id, rows)} or (given == "number" and head_key(_head(rows, lines)) != "price"):
                    continue
                by_column = defaultdict[int, dict[int, Line]](dict)
                for n, row in enumerate(rows):
                    for cell in by_height.near(row.bbox[1], row.bbox[3]):
                        if at_height(cell, row):
                            by_column[number[id(cell)]][n] = cell
                of_table = dict(_columns_of(rows, kind, by_column, columns, lines))
                table = Table([*of_table.values()], rows)
                # Columns without prices, codes and known heads may be labels and values.
                kinds = [column.kind for column in table.columns]
                known = sum(head_key(column.head) is not None for column in table.columns)
                if len(kinds) > 1 and (kind == "price" or "code" in kinds or known >= FEWEST):
                    found.append(table)
                    used |= {id(cell) for n in of_table for cell in by_column[n].values()}
    return found


def _columns(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Yield the columns of aligned lines that follow each other closely, each from top to bottom."""
    columns, going_on = list[list[Line]](), list[list[Line]]()
    for line in sorted(lines, key=lambda line: (line.bbox[1], line.bbox[0])):
        if len(line.text) > LONGEST_CELL:
            continue
        going_on = [c for c in going_on if line.bbox[1] - c[-1].bbox[1] <= EMPTY * max(c[-1].size, line.size)]
        near = [(-c[-1].bbox[1], far, n) for n, c in enumerate(going_on) if (far := _offset(line, c[-1])) is not None]
        if near:
            going_on[min(near)[2]].append(line)
        else:
            columns.append([line])
            going_on.append(columns[-1])
    return (column for column in columns if len(column) >= FEWEST)


def _runs(cells: Sequence[Line], kind: str) -> Iterator[Sequence[Line]]:
    """Yield the cells of a kind that follow each other closely in a column, if they are several."""
    run = list[Line]()
    for cell in cells:
        if run and (_kind(cell.text) != kind or cell.bbox[1] - run[-1].bbox[1] > STEP * cell.size):
            if len(run) >= FEWEST:
                yield run
            run = []
        if _kind(cell.text) == kind:
            run.append(cell)
    if len(run) >= FEWEST:
        yield run


def _offset(line: Line, above: Line) -> float | None:
    """Return how far a line is out of the column of the line above it, None if it is no cell of it."""
    step, size = line.bbox[1] - above.bbox[1], max(line.size, above.size)
    if not 0.6 * size <= step or abs(line.size - above.size) > 0.1 * size:
        return None
    (x0, _, x1, _), (a0, _, a1, _) = line.bbox, above.bbox
    far = min(abs(x0 - a0), abs(x1 - a1), abs(x0 + x1 - a0 - a1) / 2)
    return far if far <= ALIGNED else None


@lru_cache(maxsize=16_384)  # a cell is asked for each kind of a run
def _kind(text: str) -> str:
    """Return what a cell is: a price, a number, a size, a code or a text."""
    if is_price(text):
        return "price"
    if _NUMBER.fullmatch(text):
        return "code" if "/" in text and is_code(text) else "number"
    if size_in(text) == text or kind_of(text):
        return "size"
    return "code" if is_code(text) or _TYPE.fullmatch(text) else "text"


def _columns_of(
    rows: Sequence[Line],
    kind: str,
    by_column: Mapping[int, Mapping[int, Line]],
    columns: Sequence[Sequence[Line]],
    lines: Sequence[Line],
) -> Iterator[tuple[int, Column]]:
    """Yield number and column of those that have a cell in most of the given rows of a kind.

    Further lines of the column among the rows are those right below a cell, and belong to it.
    """
    top, bottom = rows[0].bbox[1], rows[-1].bbox[3]
    step = (rows[-1].bbox[1] - top) / (len(rows) - 1)
    for n, cells in sorted(by_column.items(), key=lambda each: min(cell.bbox[0] for cell in each[1].values())):
        inside = [cell for cell in columns[n] if cell.bbox[3] > top and cell.bbox[1] <= bottom + step]
        of_rows = cells.get(0) is rows[0]
        if len(cells) < MOSTLY * len(rows) or not (cells := _with_next_lines(cells, inside)):
            continue
        kinds, head = {_kind(cell.text) for cell in cells.values()}, _head([*cells.values()], lines)
        own = kinds.pop() if len(kinds) == 1 else "text"
        if own in ("number", "text") and head_key(head) == "price":
            own = "price" if all(begins_with_amount(cell.text) for cell in cells.values()) else own
        elif own in ("number", "text") and head_key(head) == "code":
            own = "code" if all(any(map(str.isdigit, cell.text)) for cell in cells.values()) else own
        own = kind if of_rows else own
        yield n, Column("number" if own == "code" and head_key(head) in MEASURED else own, cells, head)


def _with_next_lines(cells: Mapping[int, Line], inside: Sequence[Line]) -> Mapping[int, Line]:
    """Return the cells of a column with the lines right below each, nothing if other lines are among them."""
    whole, own = dict[int, list[Line]](), {id(cell): n for n, cell in cells.items()}
    last = -1
    for line in inside:
        last = own.get(id(line), last)
        lines = whole.setdefault(last, [])
        if last < 0 or (lines and line.bbox[1] - lines[-1].bbox[1] > NEXT_LINE * line.size):
            return {}
        lines.append(line)
    return {n: _joined(lines) for n, lines in whole.items()}


def _joined(lines: Sequence[Line]) -> Line:
    """Return lines as one, with a space between them."""
    space = lines[0].spans[0].model_copy(update={"text": " "})
    spans = [span for line in lines for span in (*line.spans, space)]
    return Line(bbox=bounding_box(line.bbox for line in lines), spans=tuple(spans), confidence=lines[0].confidence)


def at_height(a: Line, b: Line) -> bool:
    return abs(a.bbox[1] + a.bbox[3] - b.bbox[1] - b.bbox[3]) <= 0.8 * min(a.size, b.size)


def _head(cells: Sequence[Line], lines: Sequence[Line]) -> str:
    """Return the words above a column, which may be turned by 90 degrees."""
    box, size = bounding_box(cell.bbox for cell in cells), cells[0].size
    parts, bottom = list[Line](), box[1]
    above = [line for line in lines if line.bbox[3] <= box[1] + 2 and gaps(line.bbox, box)[0] < 0]
    for line in sorted(above, key=lambda line: -line.bbox[3]):
        if bottom - line.bbox[3] > (0.6 if bottom < box[1] else HEAD_ABOVE) * size or line.text[:1].isdigit():
            break
        parts.append(line)
        bottom = min(bottom, line.bbox[1]) if line.bbox[3] - line.bbox[1] < 2 * line.size else bottom
    if len(parts) > MOST_LINES_OF_A_HEAD:
        return ""
    return " ".join(part.text for part in sorted(parts, key=lambda line: (round(line.bbox[1] / 4), line.bbox[0])))


def lines_of_rows(table: Table, lines: Bands[Line]) -> Iterator[Line]:
    """Yield the lines in the rows of a table, also those that are in none of its columns."""
    box = bounding_box(cell.bbox for column in table.columns for cell in column.cells.values())
    for row in table.rows:
        near = lines.near(row.bbox[1], row.bbox[3])
        yield from (line for line in near if at_height(line, row) and centre_inside(line.bbox, box))


def codes_of_rows(tables: Sequence[Table]) -> dict[Box, str]:
    """Return the box of each cell whose text names several rows of a table -> the code of its row.

    Rows that share a name and differ by a code or type are products of their own; by a size or price, variants.
    """
    found = dict[Box, str]()
    for table in tables:
        for column in table.columns:
            rows = defaultdict[str, list[int]](list)
            for n, cell in column.cells.items() if column.kind == "text" else ():
                rows[fold(cell.text)].append(n)
            for alike in rows.values():
                of_rows = (c.values(alike) for c in table.without(column) if _are_codes(c, alike))
                codes = next((each for each in of_rows if len({*each}) == len(alike) >= FEWEST), [])
                found |= {column.cells[n].bbox: code for n, code in zip(alike, codes, strict=False)}
    return found


def _are_codes(column: Column, rows: Sequence[int]) -> bool:
    """Whether a column has codes in some rows, told by its head or by all of these cells."""
    return column.key in ("code", "type") or all(map(is_code, column.values(rows)))


def cells_of(names: Collection[Box], tables: Sequence[Table]) -> Iterator[tuple[str, str, str, Box]]:
    """Yield key, head, value and box of the cells in the row of a product's name."""
    for table in tables:
        rows = {n for column in table.columns for n, cell in column.cells.items() if cell.bbox in names}
        for column in table.columns:
            for n in rows & column.cells.keys():
                if column.key and column.cells[n].bbox not in names:
                    yield column.key, column.head, column.value(n), column.cells[n].bbox


def with_whole_prices(lines: Sequence[Line]) -> list[Line]:
    """Return the lines that have a text, a sign of a currency joined with the amount behind it."""
    signs = [line for line in lines if 0 < len(line.text) <= LONGEST_SIGN and not line.text[-1].isdigit()]
    joined, gone, bands = list[Line](), set[int](), line_bands(lines if signs else ())
    for sign in signs:
        for line in bands.near(sign.bbox[1], sign.bbox[3]):
            near = line is not sign and at_height(sign, line) and abs(line.bbox[0] - sign.bbox[2]) <= sign.size
            if near and split_price(sign.text, line.text):
                gone |= {id(sign), id(line)}
                joined.append(_joined((sign, line)))
    return [*(line for line in lines if line.text and id(line) not in gone), *joined]
