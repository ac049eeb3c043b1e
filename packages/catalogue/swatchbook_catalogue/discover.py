"""Stage 2A by layout rules: find the products of a document, with their pages, categories, codes and confidence.

A product's name is that of a card (a picture with its name) or heads a section.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from swatchbook_base.geometry import centre_inside, turn_back
from swatchbook_base.records import (
    Box,
    Discovery,
    Evidence,
    Fact,
    FoundProduct,
    Occurrence,
    OutlineEntry,
    Page,
    Reading,
    fold,
    normalise_line,
)
from swatchbook_catalogue.attributes import code_of
from swatchbook_catalogue.cards import Card, find_cards
from swatchbook_catalogue.categories import find_categories
from swatchbook_catalogue.choose_names import (
    Choice,
    Weights,
    choose_names,
    judge_groups,
    shipped_weights,
    with_coded_names,
)
from swatchbook_catalogue.judge_document import judge_document
from swatchbook_catalogue.kinds import heading_kind, is_label, page_kind
from swatchbook_catalogue.name_groups import NameGroup, find_name_groups
from swatchbook_catalogue.page_layout import PageLayout, summarise_page, upright
from swatchbook_catalogue.plan import shows_products
from swatchbook_catalogue.reading_order import mark_spreads
from swatchbook_catalogue.running_text import at_edge
from swatchbook_catalogue.sections import DocumentLayout, Section, find_sections, layout_document
from swatchbook_catalogue.variants import PageParts, find_variants

UNSURE = "The layout does not tell which products this document offers; it needs a vision model or a person."

SPECIFIED = 0.8  # the least share of sections with labels from which sections without them are dividers
GUESS = 0.5  # the least confidence of a product that is no guess
MOST_GROUPS, MOST_REJECTED = 4, 40
"""Groups of texts, and texts of each, that are kept as rejected: enough to see what was nearly taken for products."""
LEAST_LIKELY = 0.001  # the least probability of a group whose texts are kept as rejected: others were not nearly chosen
AGAIN = 2  # the most pages between two places of a name that are one product, unless the codes differ

Names = Mapping[tuple[int, Box], str]  # page and box of a text -> its name, category or code

Choose = Callable[[Sequence[NameGroup], Weights], Choice | None]
"""A function that chooses the names of a document's products."""

Amend = Callable[[Choice], Choice]
"""A function that adds to a choice what a person has taught."""


def discover(
    reading: Reading, pages: Iterable[Page], weights: Weights | None = None, *, choose: Choose = choose_names
) -> Discovery:
    """Return the products with page ranges, names, categories, codes, variants and evidence.

    The pages are read once, in order. `weights` choose the names; the default are those of the package. Another
    `choose` serves to measure later stages with other names (`devtools/fit_links.py`).
    """
    document, announced = lay_out(reading, pages)
    return discover_in(document, announced, reading, weights or shipped_weights(), choose=choose)


def discover_in(
    document: DocumentLayout,
    announced: frozenset[str],
    reading: Reading,
    weights: Weights,
    *,
    choose: Choose = choose_names,
    amend: Amend | None = None,
) -> Discovery:
    """Return the products of a document that is laid out. `amend` adds codes and prices to the chosen names."""
    groups = find_name_groups(document, announced)
    choice = choose(groups, weights)
    choice = choice and with_coded_names(choice, document)
    choice = amend(choice) if choice and amend else choice
    found = name_products(choice, document, announced, reading)
    discovery = discovery_of(found, document, reading, rejected=tuple(_rejected(groups, found, weights)))
    return discovery.model_copy(update={"sure": judge_document(groups, choice if found else None, weights)})


def name_products(
    choice: Choice | None, document: DocumentLayout, announced_names: frozenset[str], reading: Reading
) -> tuple[FoundProduct, ...]:
    """Return the products that the chosen names head or caption, with their places on upright pages."""
    if not choice:
        return ()
    found = find_products(choice, document, announced_names, reading.outline)
    names = {(c.text.page, c.text.box): c.name for c in choice.candidates}
    parts = {layout.number: PageParts(layout, names.keys()) for layout in document.layouts}
    named = frozenset(map(fold, names.values()))
    return tuple(with_families([p.model_copy(update={"variants": find_variants(p, parts, named)}) for p in found]))


def discovery_of(
    found: Sequence[FoundProduct], document: DocumentLayout, reading: Reading, rejected: tuple[Evidence, ...] = ()
) -> Discovery:
    """Return products with their places as printed, and the pages that look like those of products but have none."""
    sure = {page for product in found if product.confidence >= GUESS for page in product.pages}
    return Discovery(
        products=_as_printed(found, document, reading),
        rejected=rejected,
        unsure=tuple(
            layout.number
            for layout in document.layouts
            if layout.number not in sure
            and document.kinds.get(layout.number) is None
            and shows_products(layout, document.family, document.repeated_places, pictured=bool(layout.pictures))
        ),
        note=None if found else UNSURE,
    )


def _as_printed(
    products: Sequence[FoundProduct], document: DocumentLayout, reading: Reading
) -> tuple[FoundProduct, ...]:
    """Return the products with their places on sideways pages, which were read upright, turned back as in the file."""
    turns = {layout.number: layout.turn for layout in document.layouts if layout.turn}
    if not turns:
        return tuple(products)

    def printed(page: int | None, box: Box | None) -> Box | None:
        return turn_back(box, reading.page_boxes[page], turns[page]) if page in turns and box else box

    def as_printed(product: FoundProduct) -> FoundProduct:
        places = (
            o.model_copy(update={"bbox": printed(o.page, o.bbox), "region": printed(o.page, o.region)})
            for o in product.occurrences
        )
        variants = (v.model_copy(update={"bbox": printed(v.page, v.bbox)}) for v in product.variants)
        taught = (fact.model_copy(update={"bbox": printed(fact.page, fact.bbox)}) for fact in product.taught)
        return product.model_copy(
            update={"occurrences": tuple(places), "variants": tuple(variants), "taught": tuple(taught)}
        )

    return tuple(map(as_printed, products))


def _rejected(groups: Sequence[NameGroup], found: Sequence[FoundProduct], weights: Weights) -> Iterator[Evidence]:
    """Yield the texts of the likeliest groups that name no product, with the probability of their group."""
    named = {(place.page, place.bbox) for product in found for place in product.occurrences}
    probabilities = judge_groups([g.features for g in groups], [g.meaning for g in groups], weights)
    likeliest = sorted(zip(probabilities, range(len(groups)), strict=False), reverse=True)[:MOST_GROUPS]
    for probability, n in likeliest:
        left = [c.text for c in groups[n].candidates if (c.text.page, c.text.box) not in named]
        rule = "no product of its own" if len(left) < len(groups[n].candidates) else "another style is likelier"
        for text in left[:MOST_REJECTED] if probability >= LEAST_LIKELY else ():
            yield Evidence(rule=rule, page=text.page, text=text.text, detail={"probability": round(probability, 3)})


def lay_out(reading: Reading, pages: Iterable[Page]) -> tuple[DocumentLayout, frozenset[str]]:
    """Return the layout of a document, and the folded names in its outline and on its index pages."""
    layouts = mark_spreads([summarise_page(upright(page)) for page in pages], reading.page_boxes)
    # If most pages are "contacts", the addresses are in their feet.
    kinds = {s.number: page_kind(s, len(layouts)) for s in layouts}
    running = 2 * sum(kind == "contacts" for kind in kinds.values()) > len(layouts)
    kinds = {page: None if running and kind == "contacts" else kind for page, kind in kinds.items()}
    return layout_document(layouts, kinds), _announced_names(reading.outline, layouts)


def find_products(
    choice: Choice, document: DocumentLayout, announced_names: frozenset[str], outline: Sequence[OutlineEntry]
) -> list[FoundProduct]:
    """Return the products of cards, on pages that pictures divide, and of sections; without variants and families."""
    names = {(c.text.page, c.text.box): c.name for c in choice.candidates}
    of_rows = {(layout.number, box): code for layout in document.layouts for box, code in layout.row_codes.items()}
    codes = of_rows | {(c.text.page, c.text.box): code for c, code in choice.codes.items()}
    sure = {(c.text.page, c.text.box): round(value, 3) for c, value in choice.probabilities.items()}
    categories, dividing = find_categories(document, [c.text for c in choice.candidates])
    joined = {(c.text.page, c.text.box) for c in choice.joined}
    sections = _without_dividers(find_sections(document, choice.styles, names, dividing), joined)
    cards = _divided_by_pictures(
        sections, find_cards(document.layouts, document.family, document.repeated_places, names)
    )
    layouts = {s.number: s for s in document.layouts}
    boxes = {(page, card.text.box): card for page, on_page in cards.items() for card in on_page}
    found = [_from_card(c, names[at], codes.get(at), sure[at], layouts[at[0]]) for at, c in boxes.items()]
    found += [
        _from_section(s, codes, sure[s.head.page, s.head.box], announced_names)
        for s in sections
        if (s.head.page, s.head.box) not in boxes
    ]
    taught = {(c.text.page, c.text.box): facts for c, facts in choice.taught.items()}
    return [
        p.model_copy(update={"taught": _taught_of(p, taught)}) if taught else p
        for p in without_repeats(_with_categories(found, categories, _running_categories(document), outline))
    ]


def _with_categories(
    products: Iterable[FoundProduct],
    categories: Names,
    running: Mapping[tuple[int, str], str],
    outline: Sequence[OutlineEntry],
) -> Iterator[FoundProduct]:
    """Yield the products in the order of their pages, each with its category.

    It is the title above it in the outline, else what a running head has before its name, else the heading above it.
    """
    for product in sorted(products, key=lambda p: p.first_page):
        category = (
            _outline_parent(product, outline)
            or next(filter(None, (running.get((page, fold(product.name))) for page in product.pages)), None)
            or categories.get((product.first_page, product.occurrences[0].bbox))
        )
        yield product.model_copy(update={"category": category})


_BETWEEN = re.compile(r"\s+[·|/›>–—-]\s+")
"""What a running head has between a category and a product's name."""


def _running_categories(document: DocumentLayout) -> dict[tuple[int, str], str]:
    """Return (page, folded name) -> the category that the running head has before it: "Wood & Cork · Nordvik Oak"."""
    return {
        (layout.number, fold(parts[1])): parts[0].strip()
        for layout in document.layouts
        for text in layout.texts
        if at_edge(text, layout) and len(parts := _BETWEEN.split(text.text)) == 2
    }


def _outline_parent(product: FoundProduct, outline: Sequence[OutlineEntry]) -> str | None:
    """Return the title of a product's parent in the outline."""
    parents: list[OutlineEntry] = []
    for entry in outline:
        while parents and parents[-1].level >= entry.level:
            parents.pop()
        if fold(entry.title) == fold(product.name) and abs(entry.page - product.first_page) <= 2 and parents:
            return normalise_line(parents[-1].title)
        parents.append(entry)
    return None


def _taught_of(product: FoundProduct, taught: Mapping[tuple[int, Box], tuple[Fact, ...]]) -> tuple[Fact, ...]:
    """Return the taught facts at the places of a product's name, each value once."""
    facts = [fact for place in product.occurrences for fact in taught.get((place.page, place.bbox), ())]
    return tuple({(fact.key, fact.value): fact for fact in reversed(facts)}.values())[::-1]


def _without_dividers(sections: Sequence[Section], joined: Collection[tuple[int, Box]]) -> list[Section]:
    """Return the sections, without those of joined names that lack the labels which nearly all others have."""
    lead = [bool(s.attributes) for s in sections if (s.head.page, s.head.box) not in joined]
    every = sum(lead) < SPECIFIED * len(lead)
    return [s for s in sections if every or s.attributes or (s.head.page, s.head.box) not in joined]


def without_repeats(products: Iterable[FoundProduct]) -> list[FoundProduct]:
    """Return the products, those with one name and code joined, and those with one name and category on near pages.

    Below a label ("Technical data") products may be shown again: it is no other category.
    """
    found: list[FoundProduct] = []
    category: dict[str, str | None] = {}
    last: dict[tuple[str | None, str], int] = {}
    coded: dict[tuple[str, str], int] = {}
    for product in products:
        name = fold(product.name)
        if not is_label(product.category or "") or name not in category:
            category[name] = product.category
        key, known = (category[name], name), (name, product.code or "")
        n = coded.get(known, last.get(key)) if product.code else last.get(key)
        same = found[n] if n is not None else None
        near = same and product.first_page - same.last_page <= AGAIN and product.code in (None, same.code)
        if same and n is not None and (near or known in coded):
            pages = tuple(sorted({*same.pages, *product.pages}))
            places = same.occurrences + product.occurrences
            joined = {"first_page": pages[0], "last_page": pages[-1], "pages": pages, "occurrences": places}
            found[n] = same.model_copy(update=joined)
        else:
            n = len(found)
            found.append(product)
        last[key] = n
        if product.code:
            coded[known] = n
    return found


def _announced_names(outline: Sequence[OutlineEntry], layouts: Sequence[PageLayout]) -> frozenset[str]:
    """Return the folded names in the outline and on index pages, which help to choose the style of titles."""
    names = [entry.title for entry in outline] + [name for s in layouts for name in s.entries]
    return frozenset(fold(normalise_line(name)) for name in names if not heading_kind(name)) - {""}


# --- sections ---------------------------------------------------------------------------------------------------------


def _from_section(
    section: Section,
    printed_codes: Names,
    confidence: float,
    announced_names: frozenset[str],
) -> FoundProduct:
    head = section.head
    attributes = [a for _, a in section.attributes]
    evidence = [
        Evidence(rule="heading", page=head.page, text=head.text, detail={"size": head.size, "bold": float(head.bold)})
    ]
    if fold(section.name) in announced_names:
        evidence.append(Evidence(rule="announced", text=section.name))
    if attributes:
        first = attributes[0]
        evidence.append(Evidence(rule="specifications", page=head.page, text=f"{first.label}: {first.value}"))
    pages = section.pages
    code = printed_codes.get((head.page, head.box))
    codes = (code,) if code else tuple(a.value for a in attributes if a.key == "code")
    return FoundProduct(
        name=section.name,
        raw_name=head.text,
        code=codes[0] if len(set(codes)) == 1 else None,
        first_page=pages[0],
        last_page=pages[-1],
        pages=pages,
        occurrences=tuple(
            Occurrence(
                page=p, bbox=head.box if p == head.page else r, region=r, text=head.text if p == head.page else ""
            )
            for p, r in section.regions
        ),
        confidence=confidence,
        evidence=tuple(evidence),
    )


# --- cards ------------------------------------------------------------------------------------------------------------


def _divided_by_pictures(
    sections: Sequence[Section], cards: Mapping[int, Sequence[Card]]
) -> Mapping[int, Sequence[Card]]:
    """Return the cards of the pages that pictures divide.

    These are all pages if more than half of the document's names are below or next to pictures, several on a page; else
    the pages on which all names are. A name above its picture is an ordinary heading.
    """
    names: dict[int, set[Box]] = defaultdict(set)
    for section in sections:
        names[section.head.page].add(section.head.box)
    carded = {
        number: {c.text.box for c in on_page if c.relation != "above"} & names[number]
        for number, on_page in cards.items()
        if len(on_page) > 1
    }
    if 2 * sum(map(len, carded.values())) > len(sections):
        return cards
    return {number: cards[number] for number, boxes in carded.items() if boxes == names[number]}


def _from_card(card: Card, name: str, code: str | None, confidence: float, layout: PageLayout) -> FoundProduct:
    page, text = layout.number, card.text
    codes = [code] if code else [c.code for c in layout.codes if centre_inside(c.box, card.region)]
    return FoundProduct(
        name=name,
        raw_name=text.text,
        code=codes[0] if len(codes) == 1 else None,
        first_page=page,
        last_page=page,
        pages=(page,),
        occurrences=(Occurrence(page=page, bbox=text.box, region=card.region, text=text.text),),
        confidence=confidence,
        evidence=(
            Evidence(rule="card", page=page, text=text.text, detail={"relation": card.relation, "size": text.size}),
        ),
    )


# --- families ---------------------------------------------------------------------------------------------------------


FEWEST_PRODUCTS = 2  # the fewest products of a family
_NUMBER = re.compile(r"[\s.,:·№#-]+(?:no\.?\s*)?\d[\w.,/×*-]*$", re.IGNORECASE)
"""A number or a size at the end of a name, with the signs before it."""


def with_families(products: Sequence[FoundProduct]) -> list[FoundProduct]:
    """Return the products with the names of their families, which must not be those of all products of a category."""
    heads = [_head(p.name) for p in products]
    alike = Counter((p.category, fold(head)) for p, head in zip(products, heads, strict=True))
    below = Counter(p.category for p in products)
    found = []
    for product, head in zip(products, heads, strict=True):
        shared = alike[product.category, fold(head)]
        if shared >= FEWEST_PRODUCTS and (product.category is None or shared < below[product.category]):
            family: str | None = head
        else:
            family = product.category if below[product.category] >= FEWEST_PRODUCTS else None
        found.append(product.model_copy(update={"family": family}))
    return found


def _head(name: str) -> str:
    """Return a name without the number or size at its end; a code is one word."""
    return name if code_of(name) else _NUMBER.sub("", name).rstrip(" -–—") or name
