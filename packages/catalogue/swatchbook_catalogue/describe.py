"""Stage 2B by layout rules: read a product's metadata from its pages; assemble the products of stage 7.

A value is text of the page and kept once: as a person has taught it, else from labels, the product's row, values that
need no label, its name, and what a page prints above all of its products, in this order.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from statistics import multimode

from swatchbook_base.geometry import centre_inside
from swatchbook_base.printed_prices import former_in, price_in, price_of
from swatchbook_base.records import (
    BY_TEACHING,
    DISAGREEMENT,
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
    Variant,
    fold,
    normalise_line,
    product_id,
)
from swatchbook_catalogue.attributes import WORDS_OF, derive_key, fact_key, head_key
from swatchbook_catalogue.color_words import color_at_end
from swatchbook_catalogue.grid import FEWEST, cells_of
from swatchbook_catalogue.line_facts import labelled_facts, make_fact, unlabelled_facts
from swatchbook_catalogue.measures import MEASURES, begins_with_amount, is_price, kind_of, size_in, values_in_name
from swatchbook_catalogue.page_wide_facts import shared_facts
from swatchbook_catalogue.placed_lines import PlacedLines
from swatchbook_catalogue.table_rows import FEWEST_HEADS, Cell, pairs_in_columns
from swatchbook_catalogue.variant_rows import variants_in, variants_on

MOST_VALUES = 12  # values kept of one key; a longer list is a table, which is kept as such
LONGEST_VALUE = 160  # the longest value, in characters: a longer text behind a colon is prose
SEVERAL = frozenset({"color"})  # keys of which a product may have several values
OF_ALL = frozenset({("price", "pattern"), ("code", "name")})
"""Keys and rules of values without a label that a catalogue has of most of its products or of none."""
FEW = 0.25  # share of the products; right ones are of 0.5 and more, wrong ones of 0.13 and less in labelled catalogues
NUMBERS = MEASURES - {"size"} | {"code", "ean", "price", "weight", "capacity", "quantity"}
"""Keys whose values always have a digit."""
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
    places = defaultdict[int, list[Occurrence]](list)
    ending, last_use = defaultdict[int, list[int]](list), dict[int, int]()
    for n, product in enumerate(discovery.products):
        for place in product.occurrences:
            places[place.page].append(place)
        last = max(product.pages)
        ending[last].append(n)
        last_use |= {number: max(last, last_use.get(number, 0)) for number in pages_to_read(product)}
    document = _Document(places, tables)

    def describe_ending(numbers: Iterable[int]) -> None:
        for n in numbers:
            descriptions[n] = document.describe(discovery.products[n])

    for page in pages:
        document.add(page)
        describe_ending(ending.pop(page.number, ()))
        document.keep(last_use, after=page.number)
    describe_ending([n for numbers in ending.values() for n in numbers])  # their last page could not be read
    return _without_crowds(descriptions)


def _without_crowds(descriptions: Sequence[Description]) -> list[Description]:
    """Return descriptions without the values of which a product has more than most, or that few products have.

    A price beside the name's own may be that of a neighbour whose name was not found: which is which is unclear. So is
    any second code. Rows and tables say what belongs to what, and a product may have any number of colours. A catalogue
    has prices and codes of all its products or of none: a lone one without a label may say something else.
    """
    counts = [Counter(fact.key for fact in each.facts) for each in descriptions]
    usual = {key: max(multimode(c[key] for c in counts if c[key])) for key in set().union(*counts)}
    usual |= {"code": 1}
    having = Counter(chain.from_iterable(counts))
    found = []
    for each, count in zip(descriptions, counts, strict=True):
        crowded = {key for key in count if count[key] > usual[key] and key not in SEVERAL}
        unclear = [
            fact
            for fact in each.facts
            if (fact.key in crowded and fact.rule in ("label", "pattern"))
            or ((fact.key, fact.rule) in OF_ALL and having[fact.key] < FEW * len(descriptions))
        ]
        facts = [fact for fact in each.facts if fact not in unclear]
        doubts = (
            Evidence(rule=DISAGREEMENT, page=unclear[0].page, text=f"Its {key} is unclear: {values}.")
            for key, values in _joined(unclear).items()
        )
        found.append(_description(facts, each.tables, each.variants, doubts))
    return found


def _description(
    facts: Sequence[Fact], tables: Iterable[Table], variants: tuple[Variant, ...], doubts: Iterable[Evidence] = ()
) -> Description:
    return Description(
        metadata=_joined(facts),
        tables=tuple(tables),
        evidence=(*_evidence(facts), *doubts),
        facts=tuple(facts),
        variants=variants,
    )


class _Document:
    """The pages that are kept of a document, with the places of products on all pages and the tables."""

    def __init__(self, places: Mapping[int, Sequence[Occurrence]], tables: Iterable[Table]) -> None:
        self._places, self._pages = places, dict[int, PlacedLines]()
        self._tables = defaultdict[int, list[Table]](list)
        for table in tables:
            self._tables[table.page].append(table)

    def add(self, page: Page) -> None:
        self._pages[page.number] = PlacedLines(page, self._places.get(page.number, ()))

    def keep(self, last_use: Mapping[int, int], *, after: int) -> None:
        """Forget the pages whose last use is up to this page."""
        self._pages = {number: page for number, page in self._pages.items() if last_use.get(number, 0) > after}

    def describe(self, product: FoundProduct) -> Description:
        """Return metadata and tables of a product from the pages that are kept."""
        tables = [
            table
            for number in product.pages
            for table in self._tables.get(number, ())
            if belongs(table.bbox, product, number)
        ]
        labelled, rows, loose, shared = list[Fact](), list[Fact](), list[Fact](), list[Fact]()
        variants, heads = list[Variant](), set[str]()
        for number in product.pages:
            if (page := self._pages.get(number)) is None:
                continue
            places = _places_on(product, number)
            boxes = [place.bbox for place in places]
            own = page.own(places)
            listed_here = variants_on(product.name, product.code, places, own, page.tables, page.places)
            labelled += (
                make_fact(fact_key(label) or derive_key(label), value, label, number, box, "pair")
                for label, value, box in pairs_in_columns(_of_pairs(own, page, boxes))
            )
            labelled += labelled_facts(own, number, page.width)
            rows += _row_facts(places, page, self._pages.get(number - 1))
            rows += (
                make_fact(kind_of(value) or key, value, head, number, box, "row")
                for key, head, value, box in cells_of(boxes, page.tables)
            )
            rows += _facts_of_variants(listed_here)
            variants += listed_here
            heads |= {column.head for table in page.tables for column in table.columns}
            loose += unlabelled_facts(own, number)
            shared += shared_facts(places, page)
        heads |= {fact.label for fact in rows}
        columns = [(table.page, table.bbox) for table in tables if table.bbox and _has_heads(table)]
        facts = _chosen(product, _outside(columns, labelled), rows, _outside(columns, loose), shared, heads)
        are_sold = any(each.price or each.code for each in variants)
        listing = (*variants,) if are_sold else product.variants or (*variants,) or variants_in(facts)
        facts = _without_those_of(listing, facts)
        return _description(facts, tables, listing)


def _outside(places: Sequence[tuple[int, Box]], facts: Iterable[Fact]) -> list[Fact]:
    """Return the facts that are in none of these places, each a page and a box."""
    return [
        fact
        for fact in facts
        if not any(fact.bbox and fact.page == page and centre_inside(fact.bbox, box) for page, box in places)
    ]


def _has_heads(table: Table) -> bool:
    """Whether a drawn table has heads over several rows: the cell next to or below a head is not its value alone."""
    rows = [row for row in table.rows if sum(map(bool, row)) > 1]  # a lone cell is a title
    heads = [cell for row in rows[:1] for cell in row if not any(map(str.isdigit, cell))]
    return len(rows) > FEWEST and sum(head_key(cell) is not None for cell in heads) >= FEWEST_HEADS


def _without_those_of(variants: Sequence[Variant], facts: Sequence[Fact]) -> list[Fact]:
    """Return facts without prices and codes of variants that have different ones."""
    kept = list(facts)
    for key in ("price", "code"):
        values = {getattr(each, key) for each in variants} - {None}
        several = len({fact.value for fact in facts if fact.key == key}) > 1
        if len(values) > 1:
            kept = [
                fact
                for fact in kept
                if fact.key != key or fact.rule == BY_TEACHING
                or not (several or fact.value in values)
            ]  # fmt: skip
    return kept


def _places_on(product: FoundProduct, number: int) -> list[Occurrence]:
    return [place for place in product.occurrences if place.page == number]


def _of_pairs(own: Sequence[Line], page: PlacedLines, names: Sequence[Box]) -> Sequence[Line]:
    """Return the lines that may be a product's sheet: its own, or if it is alone on its page all from its name on."""
    if page.has_others(names):
        return own
    top = min((name[1] for name in names), default=None)
    return [line for line in page.lines if top is not None and line.bbox[1] >= top]


def _chosen(
    product: FoundProduct,
    labelled: Iterable[Fact],
    rows: Iterable[Fact],
    loose: Iterable[Fact],
    shared: Sequence[Fact],
    heads: Iterable[str],
) -> list[Fact]:
    """Return the facts of a product that are kept, in the order in which one is believed before another."""
    first = next((place.bbox for place in product.occurrences), None)
    named = [
        make_fact(key, value, "", product.first_page, first, "name") for key, value in values_in_name(product.name)
    ]
    plain_heads = {_plain(head) for head in heads}
    labelled = [fact for fact in labelled if _plain(fact.value) not in plain_heads]
    facts = _usable(each for fact in (*labelled, *rows) for each in _single(fact))
    own_names = {_plain(name) for name in (product.name, product.raw_name, *(each.name for each in product.variants))}
    loose = [fact for fact in loose if not (fact.key == "color" and _plain(fact.value) in own_names)]
    facts = [*facts, *_not_said(_usable(loose), facts)]
    facts += [*_without_keys_of(facts, _usable([*named, *_unambiguous(shared)]))]
    if product.code:  # any other in its row is that of something else
        facts = [fact for fact in facts if fact.key != "code" or _plain(fact.value) == _plain(product.code)]
    taught = {fact.key for fact in product.taught}
    return _with_sale([*product.taught, *(fact for fact in facts if fact.key not in taught)])


def _with_sale(facts: Sequence[Fact]) -> list[Fact]:
    """Return facts whose prices are those of today; the one before a reduction is kept if it is above all of these.

    Where no other price is printed, it is the price: "RRP € 99".
    """
    before = [fact for fact in facts if fact.key == "regular_price"]
    former = {_plain(fact.value) for fact in before}
    today = [fact for fact in facts if fact.key == "price" and _plain(fact.value) not in former]
    if today:
        facts = [fact for fact in facts if fact.key != "price" or fact in today]
    highest = max((price_of(fact.value) or 0.0 for fact in today), default=math.inf)
    is_sale = len(before) == 1 and (price_of(before[0].value) or 0.0) > highest
    return [fact for fact in facts if fact.key != "regular_price" or is_sale]


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
            variants=description.variants or found.variants,
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


def _row_facts(places: Sequence[Occurrence], page: PlacedLines, before: PlacedLines | None) -> Iterator[Fact]:
    """Yield the cells in the row of the product's name in a table, whose heads may be on the page before."""
    own = {place.bbox for place in places}
    for place in places:
        for cell in page.rows.cells_beside(place, own, before.rows if before else None):
            yield from _facts_of_cell(cell, page.number)


def _facts_of_variants(variants: Iterable[Variant]) -> Iterator[Fact]:
    """Yield sizes and other facts of the rows of a table, which are its product's, too: filters use all of them."""
    for variant in variants:
        sizes = [("size", variant.size)] if variant.size and (variant.code or variant.price) else []
        for key, value in (*sizes, *variant.facts):
            key = kind_of(value) or ("dimensions" if size_in(value) == value else key)
            yield make_fact(key, value, "", variant.page or 0, variant.bbox, "row")


def _facts_of_cell(cell: Cell, page: int) -> Iterator[Fact]:
    value = normalise_line(cell.value)
    key = "price" if is_price(value) else cell.key
    key = kind_of(value) or key if key == "unit" else key
    yield make_fact(key, value, cell.label, page, cell.box, "row")
    if key == "price" and (color := color_at_end(cell.label)):
        yield make_fact("color", color, cell.label, page, cell.box, "row")


def _unambiguous(facts: Sequence[Fact]) -> Iterator[Fact]:
    """Yield facts whose key has one value: with several it is unknown which product has which."""
    values: dict[str, set[str]] = {}
    for fact in facts:
        values.setdefault(fact.key, set()).add(_plain(fact.value))
    yield from (fact for fact in facts if len(values[fact.key]) == 1)


def _single(fact: Fact) -> list[Fact]:
    """Return one fact for each colour that a text lists, and for the price before a reduction next to that of today.

    "white/oak" is one product in two colours.
    """
    if fact.key == "price" and (before := former_in(f"{fact.label} {fact.value}")):
        now = fact.model_copy(update={"value": price_in(fact.value) or fact.value})
        return [now, fact.model_copy(update={"key": "regular_price", "value": before})]
    if fact.key != "color":
        return [fact]
    return [fact.model_copy(update={"value": part.strip()}) for part in re.split(r"[,;]\s", fact.value) if part.strip()]


def _usable(facts: Iterable[Fact]) -> list[Fact]:
    """Return each value of a key once, without addresses, prose and values such as "n/a"."""
    kept: dict[tuple[str, str], Fact] = {}
    for fact in facts:
        says_something = fact.value.casefold() not in NOTHING and any(map(str.isalnum, fact.value))
        is_price = fact.key == "code" and price_in(fact.value) == fact.value
        is_label = fact.value.endswith((":", "：")) or (fact.key in NUMBERS and not any(map(str.isdigit, fact.value)))
        in_column = fact.key == "price" and fact.rule == "row"
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


def _not_said(loose: Iterable[Fact], facts: Sequence[Fact]) -> Iterator[Fact]:
    """Yield the facts whose key no other fact has, and whose value known labels do not give already."""
    known = [_plain(fact.value) for fact in facts if fact.key in WORDS_OF]
    for fact in _without_keys_of(facts, loose):
        value = _plain(fact.value)
        if not any(value in other for other in known):
            yield fact


def _without_keys_of(known: Iterable[Fact], facts: Iterable[Fact]) -> Iterator[Fact]:
    """Yield the facts whose key none of the known facts has; one measure is enough instead of a size."""
    keys = {fact.key for fact in known}
    return (fact for fact in facts if not keys & (MEASURES if fact.key in ("dimensions", "size") else {fact.key}))


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
