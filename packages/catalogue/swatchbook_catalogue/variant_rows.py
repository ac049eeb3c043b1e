"""Read the variants of a product from the lines of its page: rows of a table, prices below what they are for, lists.

A table is columns of aligned cells at equal heights. What a column holds is told by its values and its head.
"""

import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from swatchbook_base.geometry import bounding_box, centre_inside, gaps
from swatchbook_base.printed_prices import former_in, price_in, price_of
from swatchbook_base.records import Box, Fact, Line, Occurrence, Variant, fold
from swatchbook_catalogue.attributes import derive_key, fact_key, head_key, is_code, with_unit_of_head
from swatchbook_catalogue.bands import line_bands
from swatchbook_catalogue.color_words import colors_in
from swatchbook_catalogue.measures import (
    MEASURES,
    begins_with_amount,
    is_container,
    is_price,
    kind_of,
    size_in,
    split_price,
)
from swatchbook_catalogue.page_layout import normalise_line

FEWEST = 2  # rows that are variants: a single one is the product itself
MOSTLY = 0.7  # the least share of a table's rows in which a column has a cell
ALIGNED = 3.0  # points by which the edges or centres of a column's cells may differ
STEP = 4.0  # the longest step between rows, in font sizes
EMPTY = 12.0  # the longest step between cells of a column, in font sizes: cells of some rows are empty
HEAD_ABOVE = 3.0  # the longest distance from a column to its head, in font sizes
MOST_LINES_OF_A_HEAD = 5  # more are the cells of another table
HEADING = 1.4  # the least size of a heading between two tables, in sizes of their cells
NEXT_LINE = 1.5  # the longest step from a line of a cell to its next, in font sizes
IN_ROW = 0.2  # share of the lower height by which a row and a name overlap: one name may be between two rows
LONGEST_CELL = 40  # characters of a cell; a longer one is prose
LONGEST_SIGN = 3  # characters of a sign of a currency
MOST_WORDS = 4  # words of a listed choice; more are a sentence
CHOICES = ("color", "style", "finish", "pattern", "size")  # keys of labels that list what a customer chooses from
MEASURED = MEASURES | {"weight", "capacity"}  # keys of columns whose bare numbers are no codes
_NUMBER = re.compile(r"[\d.,/–-]+")
_TYPE = re.compile(r"[A-ZА-Я]{1,4}[ -]?\d{2,5}(?:[./ -]?\w{1,4})?")
_WORDS = re.compile(r"[^\W\d]+(?:\s[^\W\d]+){0,2}")
_AND = r"\s(?:y|e|and|und|et|и|o|or)\s"
_UNIT = r"(?:mg|kg|g|gr|ml|cl|l|lt|oz|lb|мг|кг|гр?|мл|л)\.?(?!\w)"
_CONTENT = re.compile(
    r"(?P<what>(?:[^\W\d]+\.?\s){0,3}?)(?P<of>(?:de|di|of|da|по|à)\s)?"
    rf"(?P<amount>\d+(?:[.,]\d+)?)\s?(?P<unit>{_UNIT})?",
    re.IGNORECASE,
)
_BETWEEN = re.compile(rf"\s*[/|•·]\s*|,\s+|{_AND}", re.IGNORECASE)
_LETTER = r"(?:\d?X{0,3}[SL]|M)"
_LETTERS = re.compile(rf"{_LETTER}(?:\s*[,/·|–-]\s*{_LETTER})+")


class _Column(NamedTuple):
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


class Table(NamedTuple):
    """Columns from left to right whose cells are in the same rows; `rows` has a cell of each row."""

    columns: Sequence[_Column]
    rows: Sequence[Line]

    def without(self, column: _Column) -> Sequence[_Column]:
        return [each for each in self.columns if each is not column]


def variants_on(
    name: str, places: Sequence[Occurrence], own: Sequence[Line], tables: Sequence[Table], named: Sequence[Occurrence]
) -> tuple[Variant, ...]:
    """Return the variants that a page lists for a product at some places; none if it lists none.

    `own` are the product's lines, `tables` all of the page, `named` the places of all products on it.
    """
    if not places:
        return ()
    page = places[0].page
    lines = [line for line in own if not any(centre_inside(line.bbox, place.bbox) for place in places)]
    whole = with_whole_prices(lines)
    return (
        _of_tables(whole, places, page)
        or _of_name(name, places, tables, named, page)
        or _above_prices(whole, page)
        or _of_contents(name, lines, page)
    )


def variants_in(facts: Sequence[Fact]) -> tuple[Variant, ...]:
    """Return the values of the first key for colours, styles, finishes or sizes whose labels list several."""
    for key in CHOICES:
        found = dict[str, Variant]()
        for fact in facts:
            letters = re.findall(_LETTER, fact.value) if _LETTERS.fullmatch(fact.value.strip(" .;")) else []
            listed = letters or ([fact.value] if fact.label and key != "size" else [])
            for value in listed if fact.key == key else ():
                size = value if key == "size" else None
                price = next((each.value for each in facts if each.key == "price" and each.bbox == fact.bbox), None)
                found[fold(value)] = Variant(name=value, size=size, price=price, page=fact.page, bbox=fact.bbox)
        if len(found) >= FEWEST and all(len(each.name.split()) <= MOST_WORDS for each in found.values()):
            return tuple(found.values())
    return ()


# --- tables -----------------------------------------------------------------------------------------------------------


def find_tables(lines: Sequence[Line]) -> Sequence[Table]:
    """Return the tables in some lines, those with prices first."""
    columns, found, used = [*_columns(lines)], list[Table](), set[int]()
    at_height = line_bands([cell for column in columns for cell in column])
    number = {id(cell): n for n, column in enumerate(columns) for cell in column}
    for given in ("price", "number", "size", "code"):
        kind = "price" if given == "number" else given
        for cells in columns:
            for rows in _runs(cells, given):
                if used & {*map(id, rows)} or (given == "number" and head_key(_head(rows, lines)) != "price"):
                    continue
                by_column = defaultdict[int, dict[int, Line]](dict)
                for n, row in enumerate(rows):
                    for cell in at_height.near(row.bbox[1], row.bbox[3]):
                        if _at_height(cell, row):
                            by_column[number[id(cell)]][n] = cell
                of_table = dict(_columns_of(rows, kind, by_column, columns, lines))
                table = Table([*of_table.values()], rows)
                if _is_table(table, kind):
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
) -> Iterator[tuple[int, _Column]]:
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
        yield n, _Column("number" if own == "code" and head_key(head) in MEASURED else own, cells, head)


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


def _is_table(table: Table, kind: str) -> bool:
    """Whether columns are a table: with prices, with codes, or below known heads; else it may be labels and values."""
    kinds = [column.kind for column in table.columns]
    known = sum(head_key(column.head) is not None for column in table.columns)
    return len(kinds) > 1 and (kind == "price" or "code" in kinds or known >= FEWEST)


def _at_height(a: Line, b: Line) -> bool:
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


def _of_tables(own: Sequence[Line], places: Sequence[Occurrence], page: int) -> tuple[Variant, ...]:
    """Return the rows of the tables in a product's own lines, down to a heading; a name in a row is a price list's."""
    found, bottom = dict[str, Variant](), 0.0
    for table in sorted(find_tables(own), key=lambda table: table.rows[0].bbox[1]):
        top, size = table.rows[0].bbox[1], table.rows[0].size
        if bottom and any(bottom <= line.bbox[1] < top and line.size >= HEADING * size for line in own):
            break
        if not any(_in_row(row, place) for row in table.rows for place in places):
            for variant in _rows(range(len(table.rows)), table.columns, page):
                found.setdefault(fold(variant.name), variant)
            bottom = table.rows[-1].bbox[3]
    return tuple(found.values()) if len(found) >= FEWEST else ()


def _in_row(row: Line, place: Occurrence) -> bool:
    lower = min(row.bbox[3] - row.bbox[1], place.bbox[3] - place.bbox[1])
    return -gaps(row.bbox, place.bbox)[1] >= IN_ROW * lower


def _of_name(
    name: str, places: Sequence[Occurrence], tables: Sequence[Table], named: Sequence[Occurrence], page: int
) -> tuple[Variant, ...]:
    """Return the rows of a price list whose names are the product's, or begin with it and with no longer one.

    Where the table has no column of names, its rows are those from the product's name to the next.
    """
    longer = {text for each in named if len(text := normalise_line(each.text)) > len(name) and begins_with(text, name)}

    def is_own(text: str) -> bool:
        words = normalise_line(text)
        return begins_with(words, name) and not any(begins_with(words, other) for other in longer)

    for table in tables:
        for column in table.columns:
            own = [n for n, cell in column.cells.items() if is_own(cell.text)]
            found = list[Variant]()
            for n, variant in zip(own, _rows(own, table.without(column), page), strict=False):
                rest = normalise_line(column.cells[n].text)[len(name) :].strip(" ,;:·|–—-")
                found.append(variant.model_copy(update={"name": rest}) if rest else variant)
            if len(found) >= FEWEST and len({fold(variant.name) for variant in found}) == len(own):
                return tuple(found)
        own = [*_between_names(table, places[0], named)]
        if len(own) >= FEWEST and (found := [*_rows(own, table.columns, page)]):
            return tuple(found)
    return ()


def cells_of(names: Collection[Box], tables: Sequence[Table]) -> Iterator[tuple[str, str, str, Box]]:
    """Yield key, head, value and box of the cells in the row of a product's name."""
    for table in tables:
        rows = {n for column in table.columns for n, cell in column.cells.items() if cell.bbox in names}
        for column in table.columns:
            for n in rows & column.cells.keys():
                if column.key and column.cells[n].bbox not in names:
                    yield column.key, column.head, column.value(n), column.cells[n].bbox


def _between_names(table: Table, place: Occurrence, named: Sequence[Occurrence]) -> Iterator[int]:
    """Yield the numbers of the rows from a name left of a table to the name below it."""
    top, bottom = table.rows[0].bbox, table.rows[-1].bbox
    tops = [each.bbox[1] for each in named if gaps(each.bbox, place.bbox)[0] < 0 and top[1] <= each.bbox[3]]
    left = min(column.left for column in table.columns)
    if left < place.bbox[2] or place.bbox[1] > bottom[3] or (top[1] + top[3]) / 2 < min(tops, default=math.inf):
        return
    below = min((each for each in tops if each > place.bbox[1]), default=math.inf)
    for n, row in enumerate(table.rows):
        if place.bbox[1] <= (row.bbox[1] + row.bbox[3]) / 2 < below:
            yield n


def begins_with(words: str, name: str) -> bool:
    """Whether a text begins with the words of a name."""
    return words.casefold().startswith(name.casefold()) and not words[len(name) :][:1].isalnum()


def _rows(rows: Sequence[int], columns: Sequence[_Column], page: int) -> Iterator[Variant]:
    """Yield a variant for each row, named by its code, or by the fewest columns that tell the rows apart.

    Of several prices the first is its price, the others are facts under their heads.
    """
    naming = _naming(rows, columns)
    for n in rows if naming else ():
        values = dict[str, str]()
        for column in columns:
            if column.key and n in column.cells:
                key = column.key if column.key not in values else derive_key(column.head)
                values.setdefault(key or f"{column.key} {len(values)}", column.value(n))
        name = " ".join(column.value(n) for column in naming)
        size = values.pop("size", None) or values.pop("dimensions", None)
        if behind := _size_behind(name):
            name, size = name.removesuffix(behind).strip(), behind
        code, price, box = values.pop("code", None), values.pop("price", None), naming[0].cells[n].bbox
        facts = (*values.items(),)
        yield with_sale(Variant(name=name, code=code, size=size, price=price, page=page, bbox=box, facts=facts))


def _size_behind(name: str) -> str | None:
    """Return the size at the end of a name in one cell with it."""
    words = name.split()
    ends = (" ".join(words[n:]) for n in range(1, len(words)))
    return next((end for end in ends if size_in(end) == end), None)


def _naming(rows: Sequence[int], columns: Sequence[_Column]) -> Sequence[_Column]:
    """Return the columns whose cells name rows: codes, texts, then what is measured."""
    by_kind = defaultdict[str, list[_Column]](list)
    for column in columns:
        if all(n in column.cells for n in rows):
            by_kind[column.kind].append(column)
    codes, texts = by_kind["code"], by_kind["text"]
    measures = [*by_kind["size"], *(each for each in by_kind["number"] if each.key or _WORDS.fullmatch(each.head))]
    if any(fact_key(column.cells[n].text) for column in (*codes, *texts) for n in rows):
        return ()  # labels and values
    for chosen in (codes[:1], codes[:1] + texts[:1], texts[:1], texts[:1] + measures[:1], texts[:2], measures[:1]):
        if len({" ".join(column.value(n) for column in chosen) for n in rows}) == len(rows):
            return chosen
    return ()


def with_sale(variant: Variant) -> Variant:
    """Return a variant with the price of today: of "statt 9 € nur 7 €" that is 7 €, and 9 € a fact."""
    price = variant.price or ""
    before, now = former_in(price), price_in(price)
    if not before or not now or now == before:
        return variant
    is_sale = (price_of(before) or 0.0) > (price_of(now) or 0.0)
    facts = (*variant.facts, ("regular_price", before)) if is_sale else variant.facts
    return variant.model_copy(update={"price": now, "facts": facts})


def with_whole_prices(lines: Sequence[Line]) -> list[Line]:
    """Return the lines that have a text, a sign of a currency joined with the amount behind it."""
    signs = [line for line in lines if 0 < len(line.text) <= LONGEST_SIGN and not line.text[-1].isdigit()]
    joined, gone, bands = list[Line](), set[int](), line_bands(lines if signs else ())
    for sign in signs:
        for line in bands.near(sign.bbox[1], sign.bbox[3]):
            near = line is not sign and _at_height(sign, line) and abs(line.bbox[0] - sign.bbox[2]) <= sign.size
            if near and split_price(sign.text, line.text):
                gone |= {id(sign), id(line)}
                joined.append(_joined((sign, line)))
    return [*(line for line in lines if line.text and id(line) not in gone), *joined]


# --- prices below what they are for -----------------------------------------------------------------------------------


def _above_prices(lines: Sequence[Line], page: int) -> tuple[Variant, ...]:
    """Return the sizes or colours of a row, each with its price right below it."""
    pairs = [(above, line) for line in lines if is_price(line.text) and (above := _above(line, lines))]
    for _, price in pairs:
        row = [pair for pair in pairs if _at_height(pair[1], price)]
        texts = [normalise_line(above.text) for above, _ in row]
        are_colors = all(map(colors_in, texts))
        if len({*map(fold, texts)}) >= FEWEST and (are_colors or all(any(map(str.isdigit, each)) for each in texts)):
            return tuple(
                Variant(name=text, size=None if are_colors else text, price=line.text, page=page, bbox=above.bbox)
                for text, (above, line) in zip(texts, row, strict=True)
            )
    return ()


def _above(price: Line, lines: Sequence[Line]) -> Line | None:
    """Return the short line right above a price."""
    near = [
        line
        for line in lines
        if -0.5 * price.size <= price.bbox[1] - line.bbox[3] <= price.size and line.bbox[1] < price.bbox[1]
        and gaps(line.bbox, price.bbox)[0] < 0 and len(line.text) <= LONGEST_CELL // 2 and not is_price(line.text)
    ]  # fmt: skip
    return max(near, key=lambda line: line.bbox[3], default=None)


# --- contents ---------------------------------------------------------------------------------------------------------


def _of_contents(name: str, lines: Sequence[Line], page: int) -> tuple[Variant, ...]:
    """Return the contents that lines list: "Bag 150 g/300 g", or one of a container in each of several lines."""
    found = dict[str, Variant]()
    for line in lines:
        text = normalise_line(line.text.replace("®", ""))
        text = text[len(name) :] if begins_with(text, name) else text
        names = _contents(text.strip(" .;•-"))
        if len(names) >= FEWEST or (names and is_container(line.text)):
            found |= {fold(name): Variant(name=name, size=size, page=page, bbox=line.bbox) for name, size in names}
    return tuple(found.values()) if len(found) >= FEWEST else ()


def _contents(text: str) -> list[tuple[str, str]]:
    """Return name and amount of each content that a text lists, none if it says anything else.

    An amount may have the unit of the next behind a word or comma ("200 y 500 mL"); "12/6 oz" is twelve of one.
    """
    parts, signs = _BETWEEN.split(text), [sign.strip() for sign in _BETWEEN.findall(text)]
    found, unit = list[tuple[str, str]](), ""
    matches = [*map(_CONTENT.fullmatch, parts)]
    for n, match in reversed([*enumerate(matches)]):
        is_next = n < len(signs) and signs[n] not in ("/", "|", "•", "·")
        unit = (match and match["unit"]) or (unit if is_next else "")
        if not match or not unit:
            return []
        found.insert(0, (match["what"], f"{match['amount']} {unit}"))
    names, what, is_of = list[tuple[str, str]](), "", any(match and match["of"] for match in matches)
    for own, size in found:
        what = own or what
        if what and not names and not is_container(f"{what}{size}"):
            return []
        names.append((size if is_of else f"{what}{size}", size))
    return names
