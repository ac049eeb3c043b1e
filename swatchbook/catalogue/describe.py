"""Stage 2B by layout rules: read a product's metadata from its pages and tables; assemble the products of stage 7.

A value is text of the page and kept once: as a person has taught it, else from labels, the product's row, values that
need no label, its name, and what a page prints above all of its products, in this order.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from swatchbook.catalogue.attributes import (
    WORDS_OF,
    Attribute,
    derive_key,
    fact_key,
    find_attributes,
    head_key,
    labels_within,
    nearest_key,
    with_unit_of_head,
)
from swatchbook.catalogue.color_words import color_at_end, colors_in, says_color
from swatchbook.catalogue.kinds import count_contacts
from swatchbook.catalogue.measures import (
    begins_with_amount,
    ean_in,
    facts_in_text,
    is_designation,
    is_price,
    key_of_value,
    kind_of,
    labelled_code,
    says_pack,
    share_of,
    shares_in,
    size_goes_on,
    size_in,
    split_price,
    values_in,
    values_in_name,
    with_grams,
)
from swatchbook.catalogue.page_layout import normalise_line
from swatchbook.catalogue.table_rows import FEWEST_HEADS, Cell, cells_below, cells_beside, pairs_in_columns
from swatchbook.geometry import area, bounding_box, centre_inside, gap, gaps, shared_area
from swatchbook.printed_prices import price_in
from swatchbook.records import (
    Box,
    Description,
    Discovery,
    Evidence,
    Fact,
    FoundProduct,
    Line,
    Occurrence,
    Page,
    Product,
    Table,
    fold,
    product_id,
)

MOST_VALUES = 12  # values kept of one key; a longer list is a table, which is kept as such
SHORT = 4  # an unknown label is accepted if its value has at most this many words
LABEL_DISTANCE = 30.0  # an unknown label is accepted if a known one is within this distance, in points
LONGEST_VALUE = 160  # the longest value, in characters: a longer text behind a colon is prose
BELOW = 30.0  # points added to the distance of a name below a text: values follow names, so one above wins more often
PAGE_WIDE = frozenset({"dimensions", "size", "thickness", "packaging", "material", "finish", "weight", "slip_rating"})
"""Keys that a page may give for all its products; a price or a code belongs to one."""
MEASURES = frozenset({"dimensions", "size", "width", "height", "depth", "length", "diameter", "thickness"})
"""Keys of measures: if a product has one of them, no other text is searched for its size."""
CHOICES = frozenset({"style", "pattern"})  # keys of labels under which catalogues also print colours
WHOLE_WIDTH = 0.95  # the least width of a section's region, as a share of the page's width; cards are narrower
ONE_OF = frozenset({"weight", "capacity"})
"""Keys with one value per product: several values without labels belong to ingredients or parts."""
NUMBERS = MEASURES - {"size"} | {"code", "ean", "price", "weight", "capacity", "quantity"}
"""Keys whose values always have a digit."""
MOSTLY = 0.3  # the least share of a name's box that a label and its value cover if the value is that name
LONGEST_SIGN = 4  # the longest sign of a currency, in characters
NOTHING = frozenset(
    {"n/a", "na", "none", "nil", "keine", "нет", "may vary", "varies", "variable", "on request", "auf anfrage"}
    | {"su richiesta", "sur demande", "a consultar", "sob consulta", "по запросу"}
)
"""Values without information, which are left out."""


def describe_all(discovery: Discovery, pages: Iterable[Page], tables: Sequence[Table]) -> list[Description]:
    """Return metadata and tables of each product of a document, in the order of the discovery.

    `pages` are all that were read, in order. A page is kept only as long as a product needs it: those of a long
    document are too large for memory.
    """
    descriptions = [Description(metadata={})] * len(discovery.products)
    places, tables_of = defaultdict[int, list[Occurrence]](list), defaultdict[int, list[Table]](list)
    for table in tables:
        tables_of[table.page].append(table)
    ending, last_use = defaultdict[int, list[int]](list), dict[int, int]()
    for n, product in enumerate(discovery.products):
        for place in product.occurrences:
            places[place.page].append(place)
        last = max(product.pages)
        ending[last].append(n)
        last_use |= {number: max(last, last_use.get(number, 0)) for number in pages_to_read(product)}
    kept = dict[int, Page]()

    def describe_ending(numbers: Iterable[int]) -> None:
        for n in numbers:
            product = discovery.products[n]
            own = [table for number in product.pages for table in tables_of[number]]
            near = [place for number in pages_to_read(product) for place in places[number]]
            descriptions[n] = describe(product, kept.values(), own, _without(near, product.occurrences))

    for page in pages:
        kept[page.number] = page
        describe_ending(ending.pop(page.number, ()))
        kept = {number: each for number, each in kept.items() if last_use.get(number, 0) > page.number}
    describe_ending([n for numbers in ending.values() for n in numbers])  # their last page could not be read
    return descriptions


def _without(places: Iterable[Occurrence], own: Iterable[Occurrence]) -> list[Occurrence]:
    taken = {(place.page, place.bbox) for place in own}
    return [place for place in places if (place.page, place.bbox) not in taken]


def describe(
    product: FoundProduct, pages: Iterable[Page], tables: Sequence[Table], others: Sequence[Occurrence] = ()
) -> Description:
    """Return metadata and tables of one product.

    `pages` are those of `pages_to_read`; other pages and tables are skipped. `others` are the places of other products
    on these pages.
    """
    read = {page.number: page for page in pages if page.number in pages_to_read(product)}
    own_tables = [t for t in tables if t.page in product.pages and belongs(t.bbox, product, t.page)]
    of_tables = [fact for table in own_tables for fact in _table_facts(table, product, others)]
    labelled = [*of_tables]
    rows, loose, shared = list[Fact](), list[Fact](), list[Fact]()
    for number in product.pages:
        if (page := read.get(number)) is None:
            continue
        before = read.get(number - 1)
        beside = [other for other in others if other.page == number]
        own = [line for line in page.lines if line.text and _is_own(line.bbox, product, number, beside)]
        places = [place.bbox for place in product.occurrences if place.page == number]
        below = [line for line in page.lines if line.text and any(line.bbox[1] >= name[1] for name in places)]
        labelled += (
            _fact(fact_key(label) or derive_key(label), value, label, number, box, "pair")
            for label, value, box in pairs_in_columns(own if beside else below)
        )
        labelled += (fact for fact in _labelled(own, number, _width(page)) if not _is_name(fact, places))
        of_row = [*_row_facts(product, page, before, beside)]
        has_table = any(fact.page == number for fact in of_tables)
        rows += of_row or ([] if has_table else _column_facts(own, places, number))
        loose += (*_unlabelled(own, number), *_in_prose(own, number))
        shared += _shared(product, page, before, others)
    in_name = [*values_in_name(product.name), *_color_beside(product.name, others)]
    first = next((place.bbox for place in product.occurrences), None)
    named = [_fact(key, value, "", product.first_page, first, "name") for key, value in in_name]
    heads = {_plain(fact.label) for fact in (*of_tables, *rows)} | {_plain(c) for t in own_tables for c in _heads_of(t)}
    labelled = [fact for fact in labelled if _plain(fact.value) not in heads]
    facts = _usable(each for fact in _with_colors([*labelled, *rows]) for each in _single(fact))
    own_name = {_plain(name) for name in (product.name, product.raw_name)}
    loose = [fact for fact in loose if not (fact.key == "color" and _plain(fact.value) in own_name)]
    facts += [fact for fact in _usable(_without_lists(loose)) if not _is_said(fact, facts)]
    facts += [fact for fact in _usable([*named, *_unambiguous(shared)]) if not _has(fact.key, facts)]
    taught = {fact.key for fact in product.taught}
    facts = [*product.taught, *(fact for fact in facts if fact.key not in taught)]
    return Description(
        metadata=_joined(facts), tables=tuple(own_tables), evidence=tuple(_evidence(facts)), facts=tuple(facts)
    )


def pages_to_read(product: FoundProduct) -> tuple[int, ...]:
    """Return a product's pages and the page before each: a table or section may go on from there."""
    return tuple(sorted({*product.pages, *(number - 1 for number in product.pages if number > 1)}))


def assemble_products(
    document_id: str, discovery: Discovery, descriptions: Sequence[Description]
) -> tuple[Product, ...]:
    """Return the products in the order of both; those with one category and name get ids with increasing ordinals."""
    ordinals: Counter[tuple[str, str]] = Counter()
    ids: list[str] = []
    for found in discovery.products:
        key = fold(found.category or ""), fold(found.name)
        ids.append(product_id(document_id, found.category, found.name, ordinals[key]))
        ordinals[key] += 1
    return tuple(
        Product(
            id=ids[i],
            name=found.name,
            category=found.category,
            code=found.code or description.metadata.get("code", "").split("; ")[0] or None,
            variants=found.variants,
            first_page=found.first_page,
            last_page=found.last_page,
            pages=found.pages,
            metadata=description.metadata,
            facts=description.facts,
            confidence=found.confidence,
            evidence=(*found.evidence, *description.evidence),
            family=found.family,
            occurrences=found.occurrences,
        )
        for i, (found, description) in enumerate(zip(discovery.products, descriptions, strict=True))
    )


def belongs(box: Box | None, product: FoundProduct | Product, page: int) -> bool:
    """Whether a box, or a text without one, is in a region of the product on a page, if the product has any there."""
    regions = [place.region for place in product.occurrences if place.page == page]
    return box is None or not regions or any(centre_inside(box, region) for region in regions)


def _is_own(box: Box, product: FoundProduct, page: int, beside: Sequence[Occurrence]) -> bool:
    """Whether a text is the product's: it lies in its region, and in no region of a product with a nearer name."""
    if not belongs(box, product, page):
        return False
    own = [place.bbox for place in product.occurrences if place.page == page]
    rivals = [place.bbox for place in beside if centre_inside(box, place.region) and place.bbox not in own]
    if not own or not rivals:
        return True
    return min(_distance(name, box) for name in own) <= min(_distance(name, box) for name in rivals)


def _distance(name: Box, box: Box) -> float:
    return gap(name, box) + (BELOW if name[1] > box[1] + 2 else 0.0)


def _labelled(lines: Sequence[Line], page: int, width: float) -> Iterator[Fact]:
    """Yield the values next to and below labels, and those behind labels within a line (for example after a name)."""
    for a in _plausible(find_attributes(lines, width)):
        value = normalise_line(a.value)
        value = value[: next((start for start, *_ in labels_within(value)), None)].partition(" | ")[0].rstrip(" ,;|-–—")
        key = nearest_key(a.label)
        key = key if key in WORDS_OF else key_of_value(value) or key
        yield _fact(key, with_unit_of_head(value, key, a.label), a.label, page, a.box, "label")
    for line in lines:
        for _, key, label, value in labels_within(normalise_line(line.text)):
            yield _fact(key, with_unit_of_head(value, key, label), label, page, line.bbox, "label")


def _is_name(fact: Fact, names: Sequence[Box]) -> bool:
    """Whether a code is in fact the product's name: the label "Model" also heads columns of names."""
    return fact.key == "code" and any(
        shared_area(fact.bbox, name) >= MOSTLY * area(name) for name in names if fact.bbox
    )


def _row_facts(product: FoundProduct, page: Page, before: Page | None, beside: Sequence[Occurrence]) -> Iterator[Fact]:
    """Yield the cells in the row of the product's name in a table, whose heads may be on the page before."""
    lines, lines_before = _texts(page), _texts(before)
    for place in product.occurrences:
        if place.page == page.number:
            for cell in cells_beside(place, lines, [other.bbox for other in beside], lines_before):
                yield from _facts_of_cell(cell, page.number)


def _column_facts(lines: Sequence[Line], places: Sequence[Box], page: int) -> Iterator[Fact]:
    """Yield the cells of the tables right below the product's names."""
    for name in places:
        for cell in cells_below(name, lines):
            yield from _facts_of_cell(cell, page)


def _facts_of_cell(cell: Cell, page: int) -> Iterator[Fact]:
    value = normalise_line(cell.value)
    key = "price" if is_price(value) else cell.key
    key = kind_of(value) or key if key == "unit" else key
    yield _fact(key, value, cell.label, page, cell.box, "row")
    if key == "price" and (color := color_at_end(cell.label)):
        yield _fact("color", color, cell.label, page, cell.box, "row")


def _shared(product: FoundProduct, page: Page, before: Page | None, others: Sequence[Occurrence]) -> Iterator[Fact]:
    """Yield the facts that a page gives for all its products; if it continues a section, those of the page before."""
    places = [place for place in product.occurrences if place.page == page.number]
    beside = [other for other in others if other.page == page.number]
    if not places or not beside:
        return
    facts = list(_said_above(page, places, [*places, *beside]))
    places_before = [other for other in others if before and other.page == before.number]
    if not facts and before and places_before and not _has_heading(page, before, places, [*places, *beside]):
        cards = [other for other in places_before if not _spans(other.region, before)]
        facts = list(_said_above(before, cards or places_before, places_before))
    yield from facts


def _said_above(page: Page, below: Sequence[Occurrence], products: Sequence[Occurrence]) -> Iterator[Fact]:
    """Yield the facts outside the regions of all products and above the lowest name of `below`."""
    is_card = not any(_spans(place.region, page) for place in below)
    cards = [place for place in products if not _spans(place.region, page)]
    lines = _outside(page, max(place.bbox[1] for place in below), cards if is_card else products)
    for fact in (*_labelled(lines, page.number, _width(page)), *_unlabelled(lines, page.number)):
        is_of_one = fact.key in ONE_OF or (fact.key == "packaging" and not says_pack(fact.value))
        if fact.key in PAGE_WIDE and (fact.rule == "label" or not is_of_one):
            yield fact.model_copy(update={"rule": "above all"})


def _spans(region: Box, page: Page) -> bool:
    """Whether a region is as wide as its page: text in a section above cards applies to the cards, too."""
    return region[2] - region[0] >= WHOLE_WIDTH * _width(page)


def _has_heading(page: Page, before: Page, places: Sequence[Occurrence], products: Sequence[Occurrence]) -> bool:
    """Whether a heading above a name begins a section: it is larger, names no product and is not on the page before."""
    sizes = [line.size for line in page.lines for place in places if centre_inside(line.bbox, place.bbox)]
    above = _outside(page, max(place.bbox[1] for place in places), products)
    known = {fold(line.text) for line in before.lines} | {fold(place.text) for place in products}
    return any(line.size > 1.1 * max(sizes, default=0.0) and fold(line.text) not in known for line in above)


def _outside(page: Page, lowest: float, products: Sequence[Occurrence]) -> list[Line]:
    """Return the lines of a page above a height and outside the regions of all products."""
    return [
        line
        for line in _texts(page)
        if line.bbox[3] <= lowest and not any(centre_inside(line.bbox, place.region) for place in products)
    ]


def _texts(page: Page | None) -> list[Line]:
    return [line for line in page.lines if line.text] if page else []


def _width(page: Page) -> float:
    return page.box[2] - page.box[0]


def _without_lists(facts: Sequence[Fact]) -> list[Fact]:
    """Return facts without weights and capacities that have several values: these belong to ingredients and parts."""
    single = {fact.value for fact in _unambiguous([fact for fact in facts if fact.key in ONE_OF])}
    return [fact for fact in facts if fact.key not in ONE_OF or fact.value in single]


def _unambiguous(facts: Sequence[Fact]) -> Iterator[Fact]:
    """Yield facts whose key has one value: with several it is unknown which product has which."""
    values: dict[str, set[str]] = {}
    for fact in facts:
        values.setdefault(fact.key, set()).add(_plain(fact.value))
    yield from (fact for fact in facts if len(values[fact.key]) == 1)


def _plausible(pairs: Sequence[Attribute]) -> list[Attribute]:
    """Return the pairs that are known, near a known one, or have a short or recognised value: prose has colons, too."""
    known = [a.box for a in pairs if a.known]
    return [
        a
        for a in pairs
        if a.known
        or nearest_key(a.label) in WORDS_OF
        or key_of_value(normalise_line(a.value))
        or (len(a.value.split()) <= SHORT and not count_contacts([f"{a.label}: {a.value}"]))
        or any(gap(a.box, box) <= LABEL_DISTANCE for box in known)
    ]


def _table_facts(table: Table, product: FoundProduct, others: Sequence[Occurrence]) -> Iterator[Fact]:
    """Yield the values of a product's rows of a table: label and value, or columns under known headings."""
    rows = _own_rows([tuple(normalise_line(cell) for cell in row) for row in table.rows], table.page, product, others)
    first = next((n for n, row in enumerate(rows) if not _title_of(row)), 0)
    headings = [head_key(cell) for cell in rows[first]] if rows else []
    if sum(h is not None for h in headings) >= FEWEST_HEADS:
        for row in rows[first + 1 :]:
            for head, label, cell in zip(headings, rows[first], row, strict=False):
                key = head or ("dimensions" if size_in(cell) == cell else None)
                if key and cell:
                    yield _fact(key, with_unit_of_head(cell, key, label), label, table.page, table.bbox, "table")
        return
    for row in rows:
        cells = [cell for cell in row if cell]
        if len(cells) == 2 and (key := fact_key(cells[0]) or derive_key(cells[0])) and not cells[0][0].isdigit():
            yield _fact(key, cells[1], cells[0], table.page, table.bbox, "table")


def _heads_of(table: Table) -> Sequence[str]:
    """Return the cells of a table's row of heads, including columns that are not read."""
    rows = [tuple(normalise_line(cell) for cell in row) for row in table.rows]
    first = next((row for row in rows if not _title_of(row)), ())
    return [cell for cell in first if cell] if sum(head_key(cell) is not None for cell in first) >= FEWEST_HEADS else []


def _own_rows(
    rows: Sequence[tuple[str, ...]], page: int, product: FoundProduct, others: Sequence[Occurrence]
) -> list[tuple[str, ...]]:
    """Return the rows of a table that belong to a product.

    These are all rows if the table names no other product; else the rows from the product's title to the title of
    another product; without a title, the first row and the rows with the product's name.
    """
    names = {fold(place.text) for place in others if place.page == page}
    if not any(fold(cell) in names for row in rows for cell in row):
        return list(rows)
    own = {fold(name) for name in (product.name, product.raw_name, product.code or "") if name}
    if start := next((n for n, row in enumerate(rows, 1) if fold(_title_of(row)) in own), None):
        end = next((n for n in range(start, len(rows)) if fold(_title_of(rows[n])) in names), len(rows))
        return list(rows[start:end])
    return [rows[0], *(row for row in rows[1:] if any(fold(cell) in own for cell in row))]


def _title_of(row: Sequence[str]) -> str:
    """Return the text of a row that has one filled cell, else an empty string."""
    filled = [cell for cell in row if cell]
    return filled[0] if len(filled) == 1 else ""


def _unlabelled(lines: Sequence[Line], page: int) -> Iterator[Fact]:
    """Yield the values of short lines without a label, and compositions whose shares are below their materials."""
    for text, box in _whole_lists(lines):
        for key, value in values_in(normalise_line(text)):
            yield _fact(key, value, "", page, box, "pattern")
    for price, box in _split_prices(lines):
        yield _fact("price", price, "", page, box, "pattern")
    yield from _compositions(lines, page)


def _split_prices(lines: Sequence[Line]) -> Iterator[tuple[str, Box]]:
    """Yield prices with their box where sign and amount are separate lines close to each other."""
    for sign in (line for line in lines if len(line.text.strip()) <= LONGEST_SIGN):
        beside = [line for line in lines if split_price(sign.text, line.text)]
        amount = min(beside, key=lambda line: gap(sign.bbox, line.bbox), default=None)
        if amount and gap(sign.bbox, amount.bbox) <= max(sign.size, amount.size):
            yield f"{sign.text.strip()} {amount.text.strip()}", bounding_box((sign.bbox, amount.bbox))


def _in_prose(lines: Sequence[Line], page: int) -> Iterator[Fact]:
    """Yield the measures behind their labels within longer texts, and the colours that goods come in."""
    for line in lines:
        for key, value in facts_in_text(normalise_line(line.text)):
            yield _fact(key, value, "", page, line.bbox, "pattern")


def _whole_lists(lines: Sequence[Line]) -> Iterator[tuple[str, Box]]:
    """Yield each line with its box, joined with the next line if it ends with a comma or within a size."""
    joined = set[int]()
    for i, line in enumerate(lines):
        if i in joined:
            continue
        text, box = line.text, line.bbox
        for k in range(i + 1, len(lines)):
            below = lines[k]
            step = below.bbox[1] - box[3]
            if abs(step) > line.size or abs(below.bbox[0] - box[0]) > line.size:
                break
            if not (text.rstrip().endswith(",") or size_goes_on(text, below.text)):
                break
            joined.add(k)
            text, box = f"{text} {below.text}", bounding_box((box, below.bbox))
        yield text, box


def _compositions(lines: Sequence[Line], page: int) -> Iterator[Fact]:
    """Yield compositions: shares that add up to 100 %, each with the word above it, in the same order."""
    shares = sorted((line for line in lines if shares_in(line.text)), key=lambda line: (line.bbox[1], line.bbox[0]))
    for _, group in groupby(shares, key=lambda line: round(line.bbox[1] / max(line.size, 1))):
        row = sorted(group, key=lambda line: line.bbox[0])
        box = bounding_box(line.bbox for line in row)
        words = [
            line
            for line in lines
            if 0 < box[1] - line.bbox[1] <= 2 * row[0].size and gaps(line.bbox, box)[0] < 0 and not shares_in(line.text)
        ]
        parts = [share for line in row for share in shares_in(line.text)]
        names = [line.text for line in sorted(words, key=lambda line: line.bbox[0])]
        if len(parts) == len(names) > 1 and sum(map(share_of, parts)) == 100:
            value = ", ".join(f"{name} {part}" for name, part in zip(names, parts, strict=True))
            yield _fact("material", value, "", page, bounding_box([box, *(line.bbox for line in words)]), "pattern")


def _with_colors(facts: Sequence[Fact]) -> Iterator[Fact]:
    """Yield facts; if one value of a label for choices is a colour, all its values are colours ("Style: White/oak")."""
    chosen = {fact.label for fact in facts if fact.key in CHOICES and says_color(fact.value)}
    for fact in facts:
        is_color = fact.key in CHOICES and fact.label in chosen
        yield fact.model_copy(update={"key": "color"}) if is_color else fact


def _fact(key: str, value: str, label: str, page: int, box: Box | None, rule: str) -> Fact:
    if key == "code" and rule != "label" and ean_in(value) == value.strip():
        key = "ean"
    if key == "type" and is_designation(value):
        key = "code"
    if key == "code":
        value = labelled_code(value) or value
    if key in ("weight", "packaging"):
        value = with_grams(value)
    return Fact(key=key, value=value.strip().rstrip("*").strip(), label=label, page=page, bbox=box, rule=rule)


def _single(fact: Fact) -> list[Fact]:
    """Return one fact for each colour that a text lists; "white/oak" is one product in two colours."""
    if fact.key != "color":
        return [fact]
    return [fact.model_copy(update={"value": part.strip()}) for part in re.split(r"[,;]\s", fact.value) if part.strip()]


def _color_beside(name: str, others: Sequence[Occurrence]) -> Iterator[tuple[str, str]]:
    """Yield the end of a name as its colour if a name with the same code ends with one: "T-10 lemon", "T-10 red"."""
    code, _, end = name.partition(" ")
    beside = (place.text.partition(" ") for place in others)
    if end and any(map(str.isdigit, code)) and any(o == code and colors_in(rest) for o, _, rest in beside):
        yield "color", end


def _usable(facts: Iterable[Fact]) -> list[Fact]:
    """Return each value of a key once, without addresses, prose and values such as "n/a"."""
    kept: dict[tuple[str, str], Fact] = {}
    for fact in facts:
        says_something = fact.value.casefold() not in NOTHING and any(map(str.isalnum, fact.value))
        is_price = fact.key == "code" and price_in(fact.value) == fact.value
        is_label = fact.value.endswith((":", "：")) or (fact.key in NUMBERS and not any(map(str.isdigit, fact.value)))
        in_column = fact.key == "price" and fact.rule in ("row", "table")
        if (
            fact.key
            and says_something
            and not (in_column and not begins_with_amount(fact.value))
            and not is_label
            and not is_price
            and len(fact.value) <= LONGEST_VALUE
            and "http" not in fact.value
        ):
            kept.setdefault((fact.key, _plain(fact.value)), fact)
    return list(kept.values())


def _plain(text: str) -> str:
    """Return a value as it is compared: without case and spaces, "m²" as "m2"."""
    return "".join(normalise_line(text).casefold().split())


def _is_said(fact: Fact, facts: Sequence[Fact]) -> bool:
    """Whether known labels already give this value, or any fact gives a value of its key."""
    known = (other.value for other in facts if other.key in WORDS_OF)
    return _has(fact.key, facts) or any(_plain(fact.value) in _plain(value) for value in known)


def _has(key: str, facts: Sequence[Fact]) -> bool:
    keys = MEASURES if key in ("dimensions", "size") else {key}
    return any(fact.key in keys for fact in facts)


def _joined(facts: Sequence[Fact]) -> dict[str, str]:
    by_key: dict[str, list[str]] = {}
    for fact in facts:
        by_key.setdefault(fact.key, []).append(fact.value)
    return {key: "; ".join(values[:MOST_VALUES]) for key, values in by_key.items()}


def _evidence(facts: Sequence[Fact]) -> Iterator[Evidence]:
    seen: set[str] = set()
    for fact in facts:
        if fact.key not in seen:
            seen.add(fact.key)
            text = f"{fact.label}: {fact.value}" if fact.label else fact.value
            yield Evidence(rule=fact.rule, page=fact.page, text=text, detail={"key": fact.key})
