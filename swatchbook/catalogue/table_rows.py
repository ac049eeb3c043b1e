"""Rows of a table by where its cells stand: the cells beside a product's name, under the nearest row above that has two
known labels, are the product's. A head may have several lines ("Price" over "grey"); rules need not be drawn.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from swatchbook.catalogue.attributes import key_of, nearest_key, unit_in
from swatchbook.geometry import bounding_box, centre_inside, gaps
from swatchbook.records import Box, Line, Occurrence

FEWEST_HEADS = 2
"""Known labels in one row that head a table: one alone is a label of something else."""
HEAD_STEP = 1.6
"""The next line of a head is at most this many font sizes below: further down is a row."""
_NAME_HEADS = """name names product products description article item items model bezeichnung artikel produkt
désignation descrizione articolo prodotto descripción producto artículo descrição produto наименование название товар
ürün nama produk tên opis nazwa"""
NAME_HEADS = frozenset(_NAME_HEADS.split())
"""What heads the column of names: with one known label it is a row of heads, too."""

OTHER_HEADS = {
    "unit": "unit|unit of measure|uom|ед. изм|единица измерения",
    "pallet": "per pallet|pcs/pallet|к во на поддоне|кол во на поддоне|шт на поддоне",
}
"""Key -> heads of columns that are no labels elsewhere: they must not say which texts name products."""
_OTHER_HEADS = {head: key for key, heads in OTHER_HEADS.items() for head in heads.split("|")}


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
    """Yield the cells of the row that a product's name begins. `lines`: of its page; `other_names`: of others on it.

    `lines_before`: of the page before, whose last heads count if the page has none.
    """
    name = place.bbox
    own_heads = _heads_above(name[1], lines)
    heads = own_heads or _heads_above(math.inf, lines_before)
    if not heads:
        return
    for line in lines:
        if line.bbox[0] < name[2] - 2 or not line.text or any(centre_inside(line.bbox, head.box) for head in own_heads):
            continue
        if not (_in_row(line.bbox, name) or _begins_row(line.bbox, place)):
            continue
        nearest = min(
            (name, *other_names), key=lambda box: (max(0.0, gaps(box, line.bbox)[1]), abs(box[1] - line.bbox[1]))
        )
        between = any(box != name and name[2] <= box[0] <= line.bbox[0] and _in_row(box, name) for box in other_names)
        head = _head_of(line.bbox, heads)
        if nearest == name and not between and head:
            unit = unit_in(head.label)
            value = (
                f"{line.text} {unit}" if unit and line.text.replace(",", "").replace(".", "").isdigit() else line.text
            )
            yield Cell(head.key, head.label, value, line.bbox)


def _in_row(box: Box, name: Box) -> bool:
    """Whether a box is at the height of a name, by half of the lower one's height."""
    return -gaps(box, name)[1] >= 0.5 * min(box[3] - box[1], name[3] - name[1])


def _begins_row(box: Box, place: Occurrence) -> bool:
    """Whether a box stands right above a name, in its region: the name lost its first line to a number."""
    height = box[3] - box[1]
    return place.region[1] - 2 <= box[1] <= place.bbox[1] and gaps(box, place.bbox)[1] <= 0.5 * height


def _heads_above(height: float, lines: Sequence[Line]) -> list[_Head]:
    """Return the heads of the nearest row of labels above a height."""
    labels = [line for line in lines if line.bbox[3] <= height + 2 and _is_head(line.text)]
    for line in sorted(labels, key=lambda line: -line.bbox[1]):
        row = [other for other in labels if abs(other.bbox[1] - line.bbox[1]) <= 0.5 * line.size]
        known = [other for other in row if not _is_name_head(other.text)]
        if len(known) >= FEWEST_HEADS or (known and len(row) > len(known)):
            cells = [each for each in lines if abs(each.bbox[1] - line.bbox[1]) <= 0.5 * line.size and each.text]
            return [_whole_head(each, lines, height) for each in cells]
    return []


def _is_head(text: str) -> bool:
    return key_of(text) is not None or _is_name_head(text) or key_of(text.split()[0] if text else "") is not None


def is_head(text: str) -> bool:
    """Whether a text heads a column of a table of products: that of the names, or one with no label elsewhere."""
    words = text.casefold().replace("-", " ").strip(" .:")
    return _is_name_head(text) or words in _OTHER_HEADS


def _is_name_head(text: str) -> bool:
    return text.casefold().strip(" .:") in NAME_HEADS


def _whole_head(first: Line, lines: Sequence[Line], height: float) -> _Head:
    """Return a head with the lines below it that continue it."""
    parts = [first]
    for line in sorted(lines, key=lambda line: line.bbox[1]):
        step = line.bbox[1] - parts[-1].bbox[1]
        aligned = abs(line.bbox[0] - first.bbox[0]) <= 0.5 * first.size
        if aligned and 0 < step <= HEAD_STEP * first.size and line.bbox[3] <= height + 2:
            parts.append(line)
    while parts[-1].text.isdigit() and len(parts) > 1:  # of the first row
        parts.pop()
    label = " ".join(part.text for part in parts)
    other = _OTHER_HEADS.get(label.casefold().replace("-", " ").strip(" .:"))
    key = other or key_of(label) or key_of(first.text) or nearest_key(label)
    return _Head(key, label, bounding_box(part.bbox for part in parts))


def _head_of(cell: Box, heads: Sequence[_Head]) -> _Head | None:
    """Return the head that a cell stands under: the one whose left edge, centre or right edge is nearest to its own."""

    def distance(head: _Head) -> float:
        box = head.box
        centres = abs(cell[0] + cell[2] - box[0] - box[2]) / 2
        return min(abs(cell[0] - box[0]), centres, abs(cell[2] - box[2]))

    near = min(heads, key=distance)
    return near if gaps(cell, near.box)[0] < 0 or distance(near) <= 0.5 * (cell[3] - cell[1]) else None
