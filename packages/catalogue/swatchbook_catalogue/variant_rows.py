"""Read the variants of a product from the lines of its page: rows of a table, and lists.

A table is columns of aligned cells at equal heights. What a column holds is told by its values and its head.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from swatchbook_base.geometry import centre_inside, gaps
from swatchbook_base.records import Fact, Line, Occurrence, Variant, fold, normalise_line
from swatchbook_catalogue.attributes import derive_key, fact_key
from swatchbook_catalogue.grid import FEWEST, Column, Table, find_tables, with_whole_prices
from swatchbook_catalogue.measures import is_container, size_in

HEADING = 1.4  # the least size of a heading between two tables, in sizes of their cells
IN_ROW = 0.2  # share of the lower height by which a row and a name overlap: one name may be between two rows
MOST_WORDS = 4  # words of a listed choice; more are a sentence
CHOICES = ("color", "style", "finish", "pattern", "size")  # keys of labels that list what a customer chooses from
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


def variants_on(
    name: str,
    code: str | None,
    places: Sequence[Occurrence],
    own: Sequence[Line],
    tables: Sequence[Table],
    named: Sequence[Occurrence],
) -> tuple[Variant, ...]:
    """Return the variants that a page lists for a product at some places; none if it lists none.

    `own` are the product's lines, `tables` all of the page, `named` the places of all products on it.
    """
    if not places:
        return ()
    page, places = places[0].page, [place for place in places if place.text]  # none is on a page that only goes on
    lines = [line for line in own if not any(centre_inside(line.bbox, place.bbox) for place in places)]
    whole = with_whole_prices(lines)
    return (
        _of_tables(whole, places, page) or _of_name(name, code, tables, named, page) or _of_contents(name, lines, page)
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


# --- rows of tables ---------------------------------------------------------------------------------------------------


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
    name: str,
    code: str | None,
    tables: Sequence[Table],
    named: Sequence[Occurrence],
    page: int,
) -> tuple[Variant, ...]:
    """Return the rows of a price list whose names are the product's, or begin with it and with no longer one.

    None is returned if a row has the product's code: the others of its name are products, too.
    """
    longer = {text for each in named if len(text := normalise_line(each.text)) > len(name) and begins_with(text, name)}

    def is_own(text: str) -> bool:
        words = normalise_line(text)
        return begins_with(words, name) and not any(begins_with(words, other) for other in longer)

    for table in tables:
        for column in table.columns:
            own = [n for n, cell in column.cells.items() if is_own(cell.text)]
            if any(code == other.value(n) for other in table.columns for n in own if n in other.cells):
                return ()
            found = list[Variant]()
            for n, variant in zip(own, _rows(own, table.without(column), page), strict=False):
                rest = normalise_line(column.cells[n].text)[len(name) :].strip(" ,;:·|–—-")
                found.append(variant.model_copy(update={"name": rest}) if rest else variant)
            if len(found) >= FEWEST and len({fold(variant.name) for variant in found}) == len(own):
                return tuple(found)
    return ()


def begins_with(words: str, name: str) -> bool:
    """Whether a text begins with the words of a name."""
    return words.casefold().startswith(name.casefold()) and not words[len(name) :][:1].isalnum()


def _rows(rows: Sequence[int], columns: Sequence[Column], page: int) -> Iterator[Variant]:
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
        # The size may end the name, in one cell with it.
        words = name.split()
        ends = (" ".join(words[n:]) for n in range(1, len(words)))
        if behind := next((end for end in ends if size_in(end) == end), None):
            name, size = name.removesuffix(behind).strip(), behind
        code, price, box = values.pop("code", None), values.pop("price", None), naming[0].cells[n].bbox
        facts = (*values.items(),)
        yield Variant(name=name, code=code, size=size, price=price, page=page, bbox=box, facts=facts)


def _naming(rows: Sequence[int], columns: Sequence[Column]) -> Sequence[Column]:
    """Return the columns whose cells name rows: codes, texts, then what is measured."""
    by_kind = defaultdict[str, list[Column]](list)
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
