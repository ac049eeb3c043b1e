"""Find texts that may be names of products, each with the nearest picture, labels, prices, codes and measures.

`name_groups.py` puts them into groups.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from swatchbook_base.geometry import area, centre_inside, gap, gaps
from swatchbook_base.printed_prices import price_in
from swatchbook_base.records import Box, fold
from swatchbook_catalogue.attributes import inline_label, is_code, is_measure, unit_in, without_values
from swatchbook_catalogue.bare_values import is_bare_value
from swatchbook_catalogue.kinds import PageKind, count_contacts, heading_kind, is_label, names_a_catalogue
from swatchbook_catalogue.measures import says_measure
from swatchbook_catalogue.name_labels import LETTERS, without_label
from swatchbook_catalogue.page_layout import LONGEST_NAME, PageLayout, Text, clean_name, is_name
from swatchbook_catalogue.running_text import FEWEST_PAGES, divide_margins, text_place
from swatchbook_catalogue.sections import DocumentLayout
from swatchbook_catalogue.table_rows import is_head

BACKGROUND = 0.7  # the least share of the page that a background picture covers
SPACED = 0.7  # least share of single letters among the words of a name that is printed with space between its letters
APART = 1.5  # the longest distance between texts of one block, as a multiple of the larger one's font size
CELLS = 2  # the fewest numbers in the row of a text in a table
OF_THE_HOUSE = 0.4  # the least share of pages with a text that names the maker, if these pages do not follow each other
EVERYWHERE, MANY_PAGES = 0.8, 5  # share and number of successive pages with a text that names the maker
LONG_WORDS = 8  # letters of a part of a cover's text that names the maker: shorter ones may recur by chance
WORDLESS_KINDS = frozenset[PageKind]({"about", "legal", "contacts"})  # kinds of pages on which no text names a product


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text that may be a product's name, with what is near it."""

    text: Text
    name: str
    picture: int | None  # index of the nearest picture of the page
    relation: str | None
    distance: float  # to this picture, points
    described: bool
    measured: bool  # a size, weight or content with its unit is nearby
    priced: bool
    row_priced: bool  # a price is in its row
    coded: bool
    leads: bool
    follows: bool  # a text in larger or bolder type is directly above it


def running_texts(document: DocumentLayout) -> frozenset[tuple[int, Box]]:
    """Return page and box of texts that repeat at one place with the same words, apart from the page's number."""
    numbers = {layout.number: layout.number for layout in document.layouts}
    margins = divide_margins(document.layouts, document.repeated_places, numbers)
    numbered = {(t.page, t.box) for t in margins.running if any(map(str.isdigit, t.text))}
    places: dict[object, set[int]] = defaultdict(set)
    found: dict[object, list[tuple[int, Box]]] = defaultdict(list)
    for layout in document.layouts:
        for text in layout.texts:
            place = text_place(text, layout)
            if place in document.repeated_places:
                key = (place, fold(text.text))
                places[key].add(layout.number)
                found[key].append((layout.number, text.box))
    total = len(document.layouts)
    return frozenset(
        at
        for key, boxes in found.items()
        if len(places[key]) >= FEWEST_PAGES and (_is_scattered(places[key]) or 2 * len(places[key]) >= total)
        for at in boxes
    ) | frozenset(numbered)


def _is_scattered(pages: Collection[int]) -> bool:
    """Whether the pages do not all follow each other, as those of one product do."""
    return max(pages) - min(pages) >= len(pages)


def house_names(document: DocumentLayout) -> frozenset[str]:
    """Return the folded texts that name the maker: texts of the cover that repeat, and texts of many pages."""
    pages: dict[str, set[int]] = defaultdict(set)
    covers: set[str] = set()
    for layout in document.layouts:
        texts = {letters_of(text.text) for text in layout.texts}
        covers |= texts if document.kinds.get(layout.number) == "cover" else set()
        for words in texts:
            pages[words].add(layout.number)
    total = len(document.layouts)

    def is_house(words: str, found: set[int]) -> bool:
        if not _is_scattered(found):
            return len(found) >= max(MANY_PAGES, EVERYWHERE * total)
        on_cover = any(words in text for text in covers) and len(words) >= LONG_WORDS
        return on_cover or (len(found) >= FEWEST_PAGES and (words in covers or len(found) >= OF_THE_HOUSE * total))

    return frozenset(words for words, found in pages.items() if is_house(words, found))


def letters_of(text: str) -> str:
    """Return the folded letters and digits of a text, because signs get lost when print is read from pixels."""
    return "".join(c for c in fold(text) if c.isalnum())


def find_candidates(
    layout: PageLayout, document: DocumentLayout, running: Collection[tuple[int, Box]], house: Collection[str]
) -> Iterator[tuple[bool, Candidate]]:
    """Yield the candidates of a page, each with whether it is in a table.

    `running` has page and box of running texts, `house` the folded names of the maker.
    """
    if document.kinds.get(layout.number) in WORDLESS_KINDS:
        return
    pictures = [p for p in layout.pictures if area(p) < BACKGROUND * area(layout.box)]
    largest = max((t.size for t in layout.texts), default=0.0)
    known = [a.box for a in layout.attributes if a.known and a.key not in ("code", "price")]
    codes = [c.box for c in layout.codes]
    measures = [t.box for t in layout.texts if says_measure(t.text)]
    measures += [a.box for a in layout.attributes if says_measure(a.value) or unit_in(a.label)]
    rows = _Rows(layout.texts)
    in_tables = _in_tables(rows, layout)
    for text in layout.texts:
        name = product_name(text)
        if not may_be_name(text, name) or (layout.number, text.box) in running or letters_of(text.text) in house:
            continue
        row = rows.beside(text)
        in_table = in_tables[text.box]
        words = [t for t, is_cell in row if not is_cell and len(t.text) <= LONGEST_NAME]
        first = all(t.box[0] >= text.box[0] for t in words)
        if in_table and not first and any(len(t.text) > len(text.text) for t in words):
            continue
        picture, relation = _nearest(text.box, pictures, layout)
        x0, y0, x1, y1 = text.box
        reach = (x0 - 20, y0 - 2, max(x1, x0 + 0.3 * layout.width) + 20, y1 + 0.15 * layout.height)
        yield (
            in_table,
            Candidate(
                text=text,
                name=name,
                picture=picture,
                relation=relation,
                distance=gap(text.box, pictures[picture]) if picture is not None else 0.0,
                described=any(centre_inside(box, reach) for box in known),
                measured=any(centre_inside(box, reach) or box == text.box for box in measures),
                priced=any(centre_inside(box, reach) for box in layout.prices),
                row_priced=any(is_level(box, text) for box in layout.prices),
                coded=any(box != text.box and centre_inside(box, reach) for box in codes),
                leads=text.size >= largest - 0.05,
                follows=any(_stands_on(t, text) for t in rows.outranking(text)),
            ),
        )


class _Rows:
    """The texts of a page by their heights and ranks, each asked once whether it is the cell of a table."""

    def __init__(self, texts: Sequence[Text]) -> None:
        placed = sorted(((_middle(t), n, t, _is_cell(t.text)) for n, t in enumerate(texts)), key=lambda p: p[:2])
        self._middles = [middle for middle, *_ in placed]
        self._texts = [(t, is_cell) for *_, t, is_cell in placed]
        self._reach = max((t.size for t in texts), default=0.0)
        self._ranked = [(_rank(t), t) for t, is_cell in self._texts if not is_cell]

    def beside(self, text: Text) -> list[tuple[Text, bool]]:
        """Return the other texts in the row of a text, each with whether it is a cell."""
        middle, reach = _middle(text), self._reach + 1  # a point more: sums are rounded, `in_one_row` decides
        first, last = bisect_left(self._middles, middle - reach), bisect_right(self._middles, middle + reach)
        return [(t, is_cell) for t, is_cell in self._texts[first:last] if t is not text and in_one_row(t, text)]

    def outranking(self, text: Text) -> Iterator[Text]:
        """Yield the texts in larger or bolder type than a text that are no cells."""
        rank = _rank(text)
        return (t for other, t in self._ranked if other > rank)


def _in_tables(rows: _Rows, layout: PageLayout) -> dict[Box, bool]:
    """Return for each text whether it is in a table: numbers are in its row, or in most rows of its column."""
    numeric = {text.box: sum(is_cell for _, is_cell in rows.beside(text)) >= CELLS for text in layout.texts}
    column = {box: layout.columns.get(box, box) for box in numeric}
    votes = defaultdict[int | Box, list[bool]](list)
    for box, is_numeric in numeric.items():
        votes[column[box]].append(is_numeric)
    return {box: 2 * sum(votes[n]) >= len(votes[n]) for box, n in column.items()}


def _middle(text: Text) -> float:
    return text.box[1] + text.box[3]


def _rank(text: Text) -> tuple[float, bool]:
    return round(text.size, 1), text.bold


def product_name(text: Text) -> str:
    """Return the name in a text, without labels and values after it ("Scale: 1:50") or space between its letters."""
    kept = text.lines
    for n, line in enumerate(text.lines):
        if n and inline_label(line):
            kept = text.lines[:n]
            break
    name = without_values(clean_name(Text(text.page, text.box, kept, text.size, text.bold)))
    name = without_label(name)
    words = name.split()
    spaced = len(words) >= 4 and sum(len(word) == 1 for word in words) >= SPACED * len(words)
    return "".join(words) if spaced else name


def may_be_name(text: Text, name: str) -> bool:
    """Whether a text can name a product: it is short words or a code, and no label, heading or name of a catalogue."""
    short = Text(text.page, text.box, (name,), text.size, text.bold)
    letters = sum(c.isalpha() for c in name)
    named = (is_name(short) and letters >= LETTERS) or (is_measure(name) and letters >= 6) or is_code(name)
    if not named or heading_kind(name) or is_label(name) or is_head(name) or names_a_catalogue(name):
        return False
    if count_contacts([name]):
        return False
    return not (price_in(name) or is_bare_value(name) or is_bare_value(text.text) or _is_cell(name))


def _is_cell(text: str) -> bool:
    """Whether a text is mostly a number or a price."""
    return (2 * sum(c.isdigit() for c in text) >= len(text) and not is_code(text)) or price_in(text) is not None


def in_one_row(a: Text, b: Text) -> bool:
    """Whether the middles of two texts are at one height."""
    return abs(a.box[1] + a.box[3] - b.box[1] - b.box[3]) < max(a.size, b.size)


def is_level(box: Box, text: Text) -> bool:
    """Whether a box is at the height of a text."""
    return abs(box[1] + box[3] - text.box[1] - text.box[3]) < text.size


def _stands_on(upper: Text, lower: Text) -> bool:
    across, down = gaps(upper.box, lower.box)
    return upper.box[1] < lower.box[1] and across < 0 and down <= APART * max(upper.size, lower.size)


def _nearest(box: Box, pictures: Sequence[Box], layout: PageLayout) -> tuple[int | None, str | None]:
    """Return the index of the nearest picture, and the place of the box relative to it."""
    near = [(found[1], k, found[0]) for k, picture in enumerate(pictures) if (found := _relation(box, picture, layout))]
    if not near:
        return None, None
    _, k, relation = min(near)
    return k, relation


def _relation(text: Box, picture: Box, layout: PageLayout) -> tuple[str, float] | None:
    x0, y0, x1, y1 = text
    a0, b0, a1, b1 = picture
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    if a0 <= x <= a1 and b0 + 3 <= y <= b1 - 3:
        return "inside", 0.0
    if min(x1, a1) - max(x0, a0) >= 0.3 * min(x1 - x0, a1 - a0):
        if y > (b0 + b1) / 2:
            return "below", max(0.0, y0 - b1) / layout.height
        return "above", max(0.0, b0 - y1) / layout.height
    if min(y1, b1) > max(y0, b0):
        if x > (a0 + a1) / 2:
            return "right", max(0.0, x0 - a1) / layout.width
        return "left", max(0.0, a0 - x1) / layout.width
    return None
