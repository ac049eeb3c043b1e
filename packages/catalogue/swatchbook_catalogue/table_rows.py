"""Read the rows of tables from the places of their cells, without drawn rules.

The cells in the row of a product's name belong to the product.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice, takewhile
from typing import NamedTuple

from swatchbook_base.geometry import bounding_box, centre_inside, gaps
from swatchbook_base.printed_prices import is_amount
from swatchbook_base.records import Box, Line, Occurrence
from swatchbook_catalogue.attributes import fact_key, head_key, nearest_key, read_words, with_unit_of_head
from swatchbook_catalogue.bands import Bands, line_bands

FEWEST_HEADS = 2  # the fewest known labels in a row of heads: a single one is a label of something else
FEWEST_PAIRS = 3  # the fewest rows of label and value in a sheet of specifications
ALIGNED = 2.0  # points by which the edges of a column may differ
LONGEST_LABEL = 40  # the longest label in a sheet of specifications, in characters
BEFORE_NAMES = frozenset({"code", "ean"})
"""Keys of columns that are often before the name; other columns there belong to the products before."""
SAME_HEIGHT = 0.3  # share of the lower height by which heads of a row overlap: of one line between those of two
HEAD_STEP = 1.6  # the longest distance to a head's next line with digits, in font sizes: further down is a row
WIDE_HEAD_STEP = 2.0  # the longest distance to a head's next line without digits, in font sizes
BEGINS_ABOVE = 0.5  # the longest distance of a row's first line above its name, as a share of the line's height
IN_ROW = 0.2  # share of the lower height by which a cell and its name overlap: two prices may be above and below it
_COLUMNS = read_words("heading_labels.toml")["columns"]
NAME_HEADS = frozenset(_COLUMNS["name"])
ALL_NAME_HEADS = NAME_HEADS | {*_COLUMNS["more_names"]}
DESCRIPTIONS = frozenset(_COLUMNS["descriptions"])
"""Heads of columns of names that before a text head its description: "Description: a calm object"."""
_OTHER_HEADS = {head: key for key in ("unit", "pallet") for head in _COLUMNS[key]}


class Cell(NamedTuple):
    """A cell of a row under its head."""

    key: str
    label: str
    value: str
    box: Box


class Head(NamedTuple):
    key: str
    label: str
    box: Box


Row = Sequence[tuple[Head, Line]]
"""The cells of a row, each with its head."""


class TableRows:
    """The lines of a page as rows of tables; `names` are those of all products on it."""

    def __init__(self, lines: Sequence[Line], names: Sequence[Box]) -> None:
        self._lines, self._by_top = line_bands(lines, below=BEGINS_ABOVE), _ByTop(lines)
        self._names = Bands(names, lambda box: (box[1], box[3]))
        labels = [line for line in lines if _is_head(line.text)]
        self._labels, self._lowest_labels = line_bands(labels), sorted(labels, key=lambda line: -line.bbox[1])

    def cells_beside(
        self, place: Occurrence, own: Collection[Box], before: "TableRows | None" = None
    ) -> Iterator[Cell]:
        """Yield the cells in the row of a product's name; of the cells before the name, only codes.

        `own` are the boxes of all names of the product on the page. `before` are the rows of the page before, whose
        last heads apply if the page has none.
        """
        name = place.bbox
        own_heads = self.heads_above(name[1])
        heads = own_heads or (before.heads_above(math.inf) if before else [])
        if not heads:
            return
        in_row = [box for box in self._names.near(name[1], name[3]) if box not in own and _in_row(box, name)]
        alone = not any(box[2] <= name[0] for box in in_row)
        for line in self._lines.near(name[1], name[3]):
            if not (_in_row(line.bbox, name, IN_ROW) or _begins_row(line.bbox, place)):
                continue
            before_name = alone and line.bbox[2] <= name[0] + 2
            if not (before_name or line.bbox[0] >= name[2] - 2) or not line.text:
                continue
            if any(centre_inside(line.bbox, head.box) for head in own_heads):
                continue
            between = any(name[2] <= box[0] <= line.bbox[0] for box in in_row)
            head = _head_of(line.bbox, heads)
            if between or not head or (before_name and head.key not in BEFORE_NAMES):
                continue
            if self._is_nearest(name, line.bbox, own):
                yield cell_of(head, line)

    def _is_nearest(self, name: Box, box: Box, own: Collection[Box]) -> bool:
        """Whether no name of another product is nearer to a box by its height."""

        def distance(other: Box) -> tuple[float, float]:
            return max(0.0, gaps(other, box)[1]), abs(other[1] - box[1])

        far = distance(name)
        near = self._names.near(box[1] - far[0], box[3] + far[0])
        return not any(other not in own and distance(other) < far for other in near)

    def heads_above(self, height: float) -> list[Head]:
        """Return the heads of the nearest row of labels above a height."""
        for line in self._lowest_labels:
            if line.bbox[3] > height + 2:
                continue
            near = self._labels.near(line.bbox[1], line.bbox[3])
            row = [other for other in near if other.bbox[3] <= height + 2 and _at_height(other, line)]
            known = [other for other in row if not heads_names(other.text)]
            if len(known) >= FEWEST_HEADS or (known and len(row) > len(known)) or self._heads_prices(line):
                top, bottom = min(other.bbox[1] for other in row), max(other.bbox[3] for other in row)
                near = [each for each in self._lines.near(top, bottom) if each.text]
                cells = [each for each in near if any(_at_height(each, other) for other in row)]
                heads = [each for each in cells if not any(_is_below(each, other) for other in cells)]
                return [_whole_head(each, self._by_top, height) for each in heads]
        return []

    def _heads_prices(self, line: Line) -> bool:
        """Whether a label of prices stands above an amount, with another cell in its row."""
        row = [each for each in self._lines.near(line.bbox[1], line.bbox[3]) if _at_height(each, line)]
        below = next((each for each in self._by_top.below(line.bbox[1]) if _is_below(each, line)), None)
        return head_key(line.text) == "price" and len(row) > 1 and below is not None and is_amount(below.text)


class _ByTop:
    """Lines in the order of their upper edges."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = sorted(lines, key=_top)

    def below(self, top: float) -> Iterator[Line]:
        """Yield the lines whose upper edge is below a height, from top to bottom."""
        start = bisect_right(self._lines, top, key=_top)
        return (self._lines[i] for i in range(start, len(self._lines)))


def _top(line: Line) -> float:
    return line.bbox[1]


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


def cell_of(head: Head, line: Line) -> Cell:
    return Cell(head.key, head.label, with_unit_of_head(line.text, head.key, head.label), line.bbox)


def pairs_in_columns(lines: Sequence[Line]) -> Iterator[tuple[str, str, Box]]:
    """Yield label, value and their box for each row of a sheet of specifications.

    A sheet has two aligned columns without a sign between them, and three rows or more. Labels begin with a letter and
    have no digits; values begin or end at one place.
    """
    labels, bands = [line for line in lines if _may_be_label(line.text)], line_bands(lines)
    for first in labels:
        if next(line for line in labels if _in_column(line, first)) is not first:
            continue
        column = [line for line in labels if _in_column(line, first)]
        if len(column) < FEWEST_PAIRS:
            continue
        known = {id(line) for line in column}
        pairs = [(line, value) for line in column if (value := _right_of(line, bands)) and id(value) not in known]
        for edge in (0, 2):
            edges = sorted(value.bbox[edge] for _, value in pairs)
            aligned = [(line, value) for line, value in pairs if _is_column(value.bbox[edge], edges)]
            if len(aligned) >= FEWEST_PAIRS and not any(_same_type(line, value) for line, value in aligned):
                yield from (
                    (line.text.strip(" .:"), value.text, bounding_box((line.bbox, value.bbox)))
                    for line, value in aligned
                )
                break


def _in_column(line: Line, first: Line) -> bool:
    return abs(line.bbox[0] - first.bbox[0]) <= ALIGNED and _same_type(line, first)


def _is_column(edge: float, edges: Sequence[float]) -> bool:
    """Whether enough of these edges, in order, are at the place of one of them."""
    from_left = islice(edges, bisect_left(edges, edge - 2 * ALIGNED), None)
    near = (other for other in takewhile(lambda other: other <= edge + 2 * ALIGNED, from_left))
    at_place = (other for other in near if abs(edge - other) <= ALIGNED)
    return len(list(islice(at_place, FEWEST_PAIRS))) == FEWEST_PAIRS


def _may_be_label(text: str) -> bool:
    return text[:1].isalpha() and len(text) <= LONGEST_LABEL and not any(map(str.isdigit, text)) and ":" not in text


def _same_type(line: Line, other: Line) -> bool:
    return line.bold == other.bold and abs(line.size - other.size) <= 0.05 * line.size


def _right_of(line: Line, lines: Bands[Line]) -> Line | None:
    """Return the nearest line to the right in the row of a line."""
    row = [
        o
        for o in lines.near(line.bbox[1], line.bbox[3])
        if o.text and o.bbox[0] >= line.bbox[2] and _in_row(o.bbox, line.bbox)
    ]
    return min(row, key=lambda other: other.bbox[0], default=None)


def _in_row(box: Box, name: Box, share: float = 0.5) -> bool:
    """Whether a box is at the height of a name, by this share of the lower one's height."""
    return -gaps(box, name)[1] >= share * min(box[3] - box[1], name[3] - name[1])


def _begins_row(box: Box, place: Occurrence) -> bool:
    """Whether a box is right above a name, in its region, because the name lost its first line to a number."""
    height = box[3] - box[1]
    return place.region[1] - 2 <= box[1] <= place.bbox[1] and gaps(box, place.bbox)[1] <= BEGINS_ABOVE * height


def _at_height(line: Line, other: Line) -> bool:
    """Whether two lines are at one height."""
    lower = min(line.bbox[3] - line.bbox[1], other.bbox[3] - other.bbox[1])
    return line is other or -gaps(line.bbox, other.bbox)[1] >= SAME_HEIGHT * lower


def _is_below(line: Line, other: Line) -> bool:
    """Whether a line continues a head above it."""
    return line.bbox[1] - other.bbox[1] > 0.5 * other.size and gaps(line.bbox, other.bbox)[0] < 0


@lru_cache(maxsize=4_096)  # each product of a table asks about all lines of its page
def _is_head(text: str) -> bool:
    return fact_key(text) is not None or heads_names(text) or fact_key(text.split()[0] if text else "") is not None


def heads_names(text: str) -> bool:
    return text.casefold().strip(" .:") in ALL_NAME_HEADS


def is_head(text: str) -> bool:
    """Whether a text heads a column of a table of products: the column of names, or one that is no label elsewhere."""
    words = text.casefold().replace("-", " ").strip(" .:")
    return text.casefold().strip(" .:") in NAME_HEADS or words in _OTHER_HEADS


def _whole_head(first: Line, lines: _ByTop, height: float) -> Head:
    """Return a head with the lines below it that continue it, down to a height."""
    size = first.size

    def is_aligned(line: Line) -> bool:
        centres = abs(line.bbox[0] + line.bbox[2] - first.bbox[0] - first.bbox[2]) / 2
        return min(abs(line.bbox[0] - first.bbox[0]), centres) <= 0.5 * size

    step = WIDE_HEAD_STEP * size
    parts = [first]
    for line in lines.below(first.bbox[1]):
        if line.bbox[1] - parts[-1].bbox[1] > step:
            break
        if line.bbox[3] > height + 2 or not is_aligned(line):
            continue
        far = HEAD_STEP if _has_digit(line.text) else WIDE_HEAD_STEP
        if 0 < line.bbox[1] - parts[-1].bbox[1] <= far * size:
            parts.append(line)
    while parts[-1].text[0].isdigit() and len(parts) > 1:  # such a line belongs to the first row
        parts.pop()
    label = " ".join(part.text for part in parts)
    other = _OTHER_HEADS.get(label.casefold().replace("-", " ").strip(" .:"))
    known = (fact_key(text) for text in (label, *(part.text for part in parts), *label.split()))
    key = other or next(filter(None, known), None) or head_key(label) or nearest_key(label)
    return Head(key, label, bounding_box(part.bbox for part in parts))


def _head_of(cell: Box, heads: Sequence[Head]) -> Head | None:
    """Return the head of a cell: the one whose left edge, centre or right edge is nearest to the cell's."""

    def distance(head: Head) -> float:
        box = head.box
        centres = abs(cell[0] + cell[2] - box[0] - box[2]) / 2
        return min(abs(cell[0] - box[0]), centres, abs(cell[2] - box[2]))

    near = min(heads, key=distance)
    return near if gaps(cell, near.box)[0] < 0 or distance(near) <= 0.5 * (cell[3] - cell[1]) else None
