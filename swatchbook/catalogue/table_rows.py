"""Read the rows of tables from the places of their cells, without drawn rules.

The cells in the row of a product's name belong to the product.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from swatchbook.catalogue.attributes import fact_key, head_key, nearest_key, read_words, with_unit_of_head
from swatchbook.geometry import bounding_box, centre_inside, gaps
from swatchbook.records import Box, Line, Occurrence

FEWEST_HEADS = 2  # the fewest known labels in a row of heads: a single one is a label of something else
FEWEST_PAIRS = 3  # the fewest rows of label and value in a sheet of specifications
ALIGNED = 2.0  # points by which the edges of a column may differ
LONGEST_LABEL = 40  # the longest label in a sheet of specifications, in characters
BEFORE_NAMES = frozenset({"code", "ean"})
"""Keys of columns that are often before the name; other columns there belong to the products before."""
SAME_HEIGHT = 0.3  # share of the lower height by which heads of a row overlap: of one line between those of two
HEAD_STEP = 1.6  # the longest distance to a head's next line with digits, in font sizes: further down is a row
WIDE_HEAD_STEP = 2.0  # the longest distance to a head's next line without digits, in font sizes
MOST_BETWEEN_ROWS = 2.0  # the longest distance between rows of a table, in font sizes
IN_ROW = 0.2  # share of the lower height by which a cell and its name overlap: two prices may be above and below it
_COLUMNS = read_words("heading_labels.toml")["columns"]
NAME_HEADS = frozenset(_COLUMNS["name"])
_ALL_NAME_HEADS = NAME_HEADS | {*_COLUMNS["more_names"]}
_OTHER_HEADS = {head: key for key in ("unit", "pallet") for head in _COLUMNS[key]}


class Cell(NamedTuple):
    """A cell of a row under its head."""

    key: str
    label: str
    value: str
    box: Box


class _Head(NamedTuple):
    key: str
    label: str
    box: Box


def cells_beside(
    place: Occurrence, lines: Sequence[Line], other_names: Sequence[Box], lines_before: Sequence[Line] = ()
) -> Iterator[Cell]:
    """Yield the cells in the row of a product's name; of the cells before the name, only codes.

    `lines` are those of its page, `other_names` the names of other products on it. `lines_before` are those of the page
    before, whose last heads apply if the page has none.
    """
    name = place.bbox
    own_heads = _heads_above(name[1], lines)
    heads = own_heads or _heads_above(math.inf, lines_before)
    if not heads:
        return
    alone = not any(box != name and box[2] <= name[0] and _in_row(box, name) for box in other_names)
    for line in lines:
        if not (_in_row(line.bbox, name, IN_ROW) or _begins_row(line.bbox, place)):
            continue
        before = alone and line.bbox[2] <= name[0] + 2
        if not (before or line.bbox[0] >= name[2] - 2) or not line.text:
            continue
        if any(centre_inside(line.bbox, head.box) for head in own_heads):
            continue
        nearest = min(
            (name, *other_names), key=lambda box: (max(0.0, gaps(box, line.bbox)[1]), abs(box[1] - line.bbox[1]))
        )
        between = any(box != name and name[2] <= box[0] <= line.bbox[0] and _in_row(box, name) for box in other_names)
        head = _head_of(line.bbox, heads)
        if nearest == name and not between and head and (not before or head.key in BEFORE_NAMES):
            yield _cell(head, line)


def cells_below(name: Box, lines: Sequence[Line]) -> Iterator[Cell]:
    """Yield the cells of the table below a product's name, whose rows are the product's variants.

    The table begins at the first row of known heads and ends at a gap, or at a row without two cells in different
    columns. `lines` are those of the product.
    """
    below = sorted((line for line in lines if line.text and line.bbox[1] >= name[3] - 2), key=lambda line: line.bbox[1])
    heads = _first_heads(below)
    if not heads:
        return
    bottom = max(head.box[3] for head in heads)
    rest = [line for line in below if line.bbox[1] >= bottom - 2]
    while rest and rest[0].bbox[1] - bottom <= MOST_BETWEEN_ROWS * rest[0].size:
        row = [line for line in rest if _at_height(line, rest[0])]
        cells = [(head, line) for line in row if (head := _head_of(line.bbox, heads))]
        if len({head.box for head, _ in cells}) < FEWEST_HEADS or len(_known_heads(row)) >= FEWEST_HEADS:
            return
        yield from (_cell(head, line) for head, line in cells if head.key)
        bottom = max(line.bbox[3] for line in row)
        rest = [line for line in rest if line not in row]


def _first_heads(lines: Sequence[Line]) -> list[_Head]:
    """Return the heads of the first row that has two known ones; the first line with digits below ends the heads."""
    labels = _known_heads(lines)
    for first in labels:
        row = [line for line in labels if _at_height(line, first)]
        if len(row) >= FEWEST_HEADS:
            cells = [line for line in lines if any(_at_height(line, other) for other in row)]
            bottom = max(line.bbox[3] for line in cells)
            values = (line for line in lines if line.bbox[1] >= bottom - 2 and _has_digit(line.text))
            height = min((line.bbox[1] for line in values), default=bottom)
            return [_whole_head(line, lines, height) for line in cells if not any(_is_below(line, o) for o in cells)]
    return []


def _known_heads(lines: Iterable[Line]) -> list[Line]:
    """Return the lines that are known heads of columns; a label with a colon is none, its value is in its row."""
    return [line for line in lines if head_key(line.text) and ":" not in line.text and not _has_digit(line.text)]


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


def _cell(head: _Head, line: Line) -> Cell:
    return Cell(head.key, head.label, with_unit_of_head(line.text, head.key, head.label), line.bbox)


def pairs_in_columns(lines: Sequence[Line]) -> Iterator[tuple[str, str, Box]]:
    """Yield label, value and their box for each row of a sheet of specifications.

    A sheet has two aligned columns without a sign between them, and three rows or more. Labels begin with a letter and
    have no digits; values begin or end at one place.
    """
    labels = [line for line in lines if _may_be_label(line.text)]
    for first in labels:
        column = [line for line in labels if abs(line.bbox[0] - first.bbox[0]) <= ALIGNED and _same_type(line, first)]
        if column[0] is not first or len(column) < FEWEST_PAIRS:
            continue
        pairs = [(line, value) for line in column if (value := _right_of(line, lines)) and value not in column]
        for edge in (0, 2):
            aligned = [
                (line, value)
                for line, value in pairs
                if sum(abs(value.bbox[edge] - other.bbox[edge]) <= ALIGNED for _, other in pairs) >= FEWEST_PAIRS
            ]
            if len(aligned) >= FEWEST_PAIRS and not any(_same_type(line, value) for line, value in aligned):
                yield from (
                    (line.text.strip(" .:"), value.text, bounding_box((line.bbox, value.bbox)))
                    for line, value in aligned
                )
                break


def _may_be_label(text: str) -> bool:
    return text[:1].isalpha() and len(text) <= LONGEST_LABEL and not any(map(str.isdigit, text)) and ":" not in text


def _same_type(line: Line, other: Line) -> bool:
    return line.bold == other.bold and abs(line.size - other.size) <= 0.05 * line.size


def _right_of(line: Line, lines: Sequence[Line]) -> Line | None:
    """Return the nearest line to the right in the row of a line."""
    row = [o for o in lines if o.text and o.bbox[0] >= line.bbox[2] and _in_row(o.bbox, line.bbox)]
    return min(row, key=lambda other: other.bbox[0], default=None)


def _in_row(box: Box, name: Box, share: float = 0.5) -> bool:
    """Whether a box is at the height of a name, by this share of the lower one's height."""
    return -gaps(box, name)[1] >= share * min(box[3] - box[1], name[3] - name[1])


def _begins_row(box: Box, place: Occurrence) -> bool:
    """Whether a box is right above a name, in its region, because the name lost its first line to a number."""
    height = box[3] - box[1]
    return place.region[1] - 2 <= box[1] <= place.bbox[1] and gaps(box, place.bbox)[1] <= 0.5 * height


def _heads_above(height: float, lines: Sequence[Line]) -> list[_Head]:
    """Return the heads of the nearest row of labels above a height."""
    labels = [line for line in lines if line.bbox[3] <= height + 2 and _is_head(line.text)]
    for line in sorted(labels, key=lambda line: -line.bbox[1]):
        row = [other for other in labels if _at_height(other, line)]
        known = [other for other in row if not _heads_names(other.text)]
        if len(known) >= FEWEST_HEADS or (known and len(row) > len(known)):
            top, bottom = min(other.bbox[1] for other in row), max(other.bbox[3] for other in row)
            near = [each for each in lines if each.bbox[3] >= top and each.bbox[1] <= bottom and each.text]
            cells = [each for each in near if any(_at_height(each, other) for other in row)]
            return [_whole_head(each, lines, height) for each in cells if not any(_is_below(each, o) for o in cells)]
    return []


def _at_height(line: Line, other: Line) -> bool:
    """Whether two lines are at one height."""
    lower = min(line.bbox[3] - line.bbox[1], other.bbox[3] - other.bbox[1])
    return line is other or -gaps(line.bbox, other.bbox)[1] >= SAME_HEIGHT * lower


def _is_below(line: Line, other: Line) -> bool:
    """Whether a line continues a head above it."""
    return line.bbox[1] - other.bbox[1] > 0.5 * other.size and gaps(line.bbox, other.bbox)[0] < 0


@lru_cache(maxsize=4_096)  # each product of a table asks about all lines of its page
def _is_head(text: str) -> bool:
    return fact_key(text) is not None or _heads_names(text) or fact_key(text.split()[0] if text else "") is not None


def _heads_names(text: str) -> bool:
    return text.casefold().strip(" .:") in _ALL_NAME_HEADS


def is_head(text: str) -> bool:
    """Whether a text heads a column of a table of products: the column of names, or one that is no label elsewhere."""
    words = text.casefold().replace("-", " ").strip(" .:")
    return text.casefold().strip(" .:") in NAME_HEADS or words in _OTHER_HEADS


def _whole_head(first: Line, lines: Sequence[Line], height: float) -> _Head:
    """Return a head with the lines below it that continue it."""
    size = first.size

    def is_aligned(line: Line) -> bool:
        centres = abs(line.bbox[0] + line.bbox[2] - first.bbox[0] - first.bbox[2]) / 2
        return min(abs(line.bbox[0] - first.bbox[0]), centres) <= 0.5 * size

    top, step = first.bbox[1], WIDE_HEAD_STEP * size
    between = [line for line in lines if top < line.bbox[1] and line.bbox[3] <= height + 2]
    parts = [first]
    for line in sorted(filter(is_aligned, between), key=lambda line: line.bbox[1]):
        if line.bbox[1] - parts[-1].bbox[1] > step:
            break
        far = HEAD_STEP if _has_digit(line.text) else WIDE_HEAD_STEP
        if 0 < line.bbox[1] - parts[-1].bbox[1] <= far * size:
            parts.append(line)
    while parts[-1].text[0].isdigit() and len(parts) > 1:  # such a line belongs to the first row
        parts.pop()
    label = " ".join(part.text for part in parts)
    other = _OTHER_HEADS.get(label.casefold().replace("-", " ").strip(" .:"))
    known = (fact_key(text) for text in (label, *(part.text for part in parts), *label.split()))
    key = other or next(filter(None, known), None) or head_key(label) or nearest_key(label)
    return _Head(key, label, bounding_box(part.bbox for part in parts))


def _head_of(cell: Box, heads: Sequence[_Head]) -> _Head | None:
    """Return the head of a cell: the one whose left edge, centre or right edge is nearest to the cell's."""

    def distance(head: _Head) -> float:
        box = head.box
        centres = abs(cell[0] + cell[2] - box[0] - box[2]) / 2
        return min(abs(cell[0] - box[0]), centres, abs(cell[2] - box[2]))

    near = min(heads, key=distance)
    return near if gaps(cell, near.box)[0] < 0 or distance(near) <= 0.5 * (cell[3] - cell[1]) else None
