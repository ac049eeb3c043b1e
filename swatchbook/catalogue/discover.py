"""Stage 2A by layout rules: which headings, cards or article codes name the products of a document; their pages,
categories, codes, variants and confidence; how much a catalogue must hold to have products at all, and the warning when
a document has none. When a repeated heading is one product: `sections.py`.

Three readings of the layout compete: sections under headings, cards (names at pictures) and article codes. The warning
is the result's `note`.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from swatchbook.catalogue.cards import Card, find_cards
from swatchbook.catalogue.kinds import heading_kind, page_kind
from swatchbook.catalogue.page_layout import Code, PageLayout, Style, clean_name, normalise_line, summarise_page
from swatchbook.catalogue.running_text import text_place
from swatchbook.catalogue.sections import (
    DocumentLayout,
    Section,
    category_before,
    find_sections,
    heading_styles,
    layout_document,
)
from swatchbook.geometry import centre_inside
from swatchbook.records import Box, Discovery, Evidence, FoundProduct, Occurrence, OutlineEntry, Page, Reading, fold

UNSURE = "The layout does not tell which products this document offers; it needs a vision model or a person."

SPECIFIED = 0.5
"""Headings name products when at least this share of their sections holds specifications, codes or prices."""
FEW_PAGES = 4
"""A document of at most so many pages may be a leaflet of one product or a single page of cards."""
FEWEST_LABELS = 3
FEWEST_CODES = 8
CODES_A_PAGE = 3
CODES_A_SECTION = 4
"""Headings with this many codes or more on average head price lists."""
GRIDS = 0.5
"""Headings are categories when at least this share of their sections holds two or more cards."""


def discover(reading: Reading, pages: Iterable[Page]) -> Discovery:
    """Return the products with page ranges, names, categories, codes, variants and evidence.

    The pages are read once, in order.
    """
    layouts = [summarise_page(page) for page in pages]
    kinds = {s.number: page_kind(s, len(layouts)) for s in layouts}
    document = layout_document(layouts, kinds, reading.outline)
    announced_names = _announced_names(reading.outline, layouts)
    headings = _choose_headings(document, announced_names)
    cards = find_cards([s for s in layouts if kinds[s.number] is None], document.family, document.repeated_places)
    cards = cards if _are_products(cards, document) else {}
    codes = _main_codes(document)
    rejected = _rejected(headings)
    if headings and _are_card_names(headings.sections, cards):
        products = _from_cards_and_headings(headings, cards, document, announced_names, reading.outline)
    elif headings and not _are_categories(headings.sections, cards) and not _are_lists(headings.sections, codes):
        products = [
            _from_section(s, document, headings.style, announced_names, reading.outline) for s in headings.products
        ]
    elif cards and sum(map(len, cards.values())) * 2 >= len(codes):
        products = _from_cards(cards, document)
    else:
        products = _from_codes(codes, document)
    return Discovery(products=tuple(products), rejected=rejected, note=None if products else UNSURE)


# --- headings ---------------------------------------------------------------------------------------------------------


def _announced_names(outline: Sequence[OutlineEntry], layouts: Sequence[PageLayout]) -> frozenset[str]:
    """Return the folded names in the outline and on index pages. They help to choose the style of titles, not pages."""
    names = [entry.title for entry in outline] + [name for s in layouts for name in s.entries]
    return frozenset(fold(normalise_line(name)) for name in names if not heading_kind(name)) - {""}


@dataclass(frozen=True, slots=True)
class HeadingFamily:
    """A family of headings that may name products, with the evidence for it."""

    style: Style
    sections: list[Section]
    described: float  # share of sections with labels and values
    specified: float  # share of sections with labels and values, codes or prices
    announced: float  # share of headings listed in the outline or an index

    @property
    def is_alone(self) -> bool:
        """Whether the family is a single heading with fewer than `FEWEST_LABELS` labels below it."""
        return len(self.sections) == 1 and len(self.sections[0].attributes) < FEWEST_LABELS

    @property
    def products(self) -> list[Section]:
        """The sections that are products."""
        return [s for s in self.sections if _is_product(s, self.sections)]


def _choose_headings(document: DocumentLayout, announced_names: frozenset[str]) -> HeadingFamily | None:
    """Return the family of headings that name products, or None.

    It is the finest family whose sections hold labels with values. Codes and prices decide only where no family has
    such sections, because the colours and sizes of one product have codes too.
    """
    candidates = [
        family
        for style in heading_styles(document)
        if (family := _heading_family(document, style, announced_names)).sections
    ]
    described = [t for t in candidates if t.described >= SPECIFIED and not t.is_alone]
    specified = [t for t in candidates if t.specified >= SPECIFIED and not t.is_alone]
    best: HeadingFamily | None = None
    for family in described or specified:
        if best is None or _is_finer(family, best):
            best = family
    return best


def _heading_family(document: DocumentLayout, style: Style, announced_names: frozenset[str]) -> HeadingFamily:
    found = find_sections(document, style)
    count = max(1, len(found))
    return HeadingFamily(
        style,
        found,
        described=sum(s.is_described for s in found) / count,
        specified=sum(s.is_specified for s in found) / count,
        announced=sum(fold(s.name) in announced_names for s in found) / count,
    )


def _is_finer(new: HeadingFamily, old: HeadingFamily) -> bool:
    """Whether a family of smaller headings names products better: it has more sections, which are as well specified.

    A family listed in the outline or an index is replaced only by one with twice as many sections.
    """
    more = len(new.sections) >= (2 if old.announced >= 0.5 > new.announced else 1.25) * len(old.sections)
    return more and new.described >= 0.9 * old.described and new.specified >= 0.9 * old.specified


def _is_product(section: Section, all_sections: Sequence[Section]) -> bool:
    """Whether a section is a product: it has specifications, or pictures where others lack specifications too."""
    if section.is_specified:
        return True
    specified = sum(s.is_specified for s in all_sections) / len(all_sections)
    return bool(section.pictures) and not (specified >= 0.8 and len(all_sections) >= 5)


def _are_categories(all_sections: Sequence[Section], cards: Mapping[int, Sequence[Card]]) -> bool:
    """Whether headings only group cards: half of their sections hold two or more, and the specifications are in cards.

    Sections whose headings are themselves names of cards do not count.
    """
    headings = {(s.head.page, s.head.box) for s in all_sections}
    grids = labelled = 0
    for section in all_sections:
        inside = [
            c for page, region in section.regions for c in cards.get(page, ()) if centre_inside(c.text.box, region)
        ]
        if any((c.text.page, c.text.box) in headings for c in inside):
            continue
        grids += len(inside) >= 2
        cards_around = [
            [c for c in inside if p == c.text.page and centre_inside(a.box, c.region)] for p, a in section.attributes
        ]
        # a table below a grid lies in the last card's region; only labels in most cards are the cards' own
        served = len({c.text.box for around in cards_around for c in around})
        labelled += not all(cards_around) or (bool(cards_around) and 2 * served < len(inside))
    return grids >= GRIDS * len(all_sections) and labelled < GRIDS * len(all_sections)


def _are_card_names(all_sections: Sequence[Section], cards: Mapping[int, Sequence[Card]]) -> bool:
    """Whether half of the headings are names below or beside pictures, several on a page.

    Then the page is divided by pictures. A name above its picture is a heading like any other.
    """
    shared_pages = [c for on_page in cards.values() if len(on_page) > 1 for c in on_page]
    boxes = {(c.text.page, c.text.box) for c in shared_pages if c.relation != "above"}
    return 2 * sum((s.head.page, s.head.box) in boxes for s in all_sections) > len(all_sections)


def _from_cards_and_headings(
    headings: HeadingFamily,
    cards: Mapping[int, Sequence[Card]],
    document: DocumentLayout,
    announced_names: frozenset[str],
    outline: Sequence[OutlineEntry],
) -> list[FoundProduct]:
    """Return the products of cards, and of headings that are no card's name, page by page."""
    boxes = {(c.text.page, c.text.box) for on_page in cards.values() for c in on_page}
    others = [s for s in headings.products if (s.head.page, s.head.box) not in boxes]
    products = _from_cards(cards, document)
    products += [_from_section(s, document, headings.style, announced_names, outline) for s in others]
    return sorted(products, key=lambda p: p.first_page)


def _are_lists(all_sections: Sequence[Section], codes: Sequence[tuple[int, Code]]) -> bool:
    """Whether headings head price lists: many named codes in each section, few pictures, and no labels but those of
    codes and prices."""
    names = {fold(code.name) for _, code in codes if code.name}
    codes_only = sum(all(a.key in ("code", "price", "quantity") for _, a in s.attributes) for s in all_sections)
    few_pictures = sum(s.pictures for s in all_sections) * 3 <= len(codes)
    return (
        len(codes) >= CODES_A_SECTION * len(all_sections)
        and 2 * len(names) >= len(codes)
        and few_pictures
        and codes_only > len(all_sections) / 2
    )


def _from_section(
    section: Section,
    document: DocumentLayout,
    style: Style,
    announced_names: frozenset[str],
    outline: Sequence[OutlineEntry],
) -> FoundProduct:
    head = section.head
    announced = fold(section.name) in announced_names
    attributes = [a for _, a in section.attributes]
    score = 0.45 + 0.15 * announced + 0.05 * min(4, len(attributes)) + 0.1 * bool(section.pictures)
    evidence = [
        Evidence(rule="heading", page=head.page, text=head.text, detail={"size": head.size, "bold": float(head.bold)})
    ]
    if announced:
        evidence.append(Evidence(rule="announced", text=section.name))
    if attributes:
        evidence.append(
            Evidence(rule="specifications", page=head.page, text=f"{attributes[0].label}: {attributes[0].value}")
        )
    pages = section.pages
    codes = tuple(a.value for a in attributes if a.key == "code")
    return FoundProduct(
        name=section.name,
        raw_name=head.text,
        category=_outline_parent(section, outline)
        or _running_category(section, document)
        or category_before(document, style, head.page, head.box[1]),
        code=codes[0] if len(set(codes)) == 1 else None,
        variants=_variants(section),
        first_page=pages[0],
        last_page=pages[-1],
        pages=pages,
        occurrences=tuple(
            Occurrence(
                page=p, bbox=head.box if p == head.page else r, region=r, text=head.text if p == head.page else ""
            )
            for p, r in section.regions
        ),
        confidence=round(min(0.97, score), 3),
        evidence=tuple(evidence),
    )


def _outline_parent(section: Section, outline: Sequence[OutlineEntry]) -> str | None:
    """Return the title of a product's parent in the outline."""
    parents: list[OutlineEntry] = []
    for entry in outline:
        while parents and parents[-1].level >= entry.level:
            parents.pop()
        if fold(entry.title) == fold(section.name) and abs(entry.page - section.head.page) <= 2 and parents:
            return normalise_line(parents[-1].title)
        parents.append(entry)
    return None


def _running_category(section: Section, document: DocumentLayout) -> str | None:
    """Return the category that a running head joins to the product's name: "Wood & Cork · Nordvik Oak"."""
    for layout in document.layouts[: section.pages[-1]]:
        for text in layout.texts if layout.number in section.pages else ():
            parts = [part.strip() for part in re.split(r"\s+[·|/›>–—-]\s+", text.text)]
            if len(parts) == 2 and fold(parts[1]) == fold(section.name) and text_place(text, layout).in_margin:
                return parts[0]
    return None


def _variants(section: Section) -> tuple[str, ...]:
    """Return the values of the first label for styles, colours or finishes that has several."""
    for key in ("style", "color", "finish"):
        values = tuple(dict.fromkeys(normalise_line(a.value) for _, a in section.attributes if a.key == key))
        if len(values) > 1:
            return values
    return ()


def _rejected(headings: HeadingFamily | None) -> tuple[Evidence, ...]:
    """Return the headings of the chosen family that name no product, with the reason."""
    if headings is None:
        return ()
    rejected = (s for s in headings.sections if not _is_product(s, headings.sections))
    return tuple(Evidence(rule="no specification", page=s.head.page, text=s.name) for s in rejected)


# --- cards ------------------------------------------------------------------------------------------------------------


def _are_products(cards: Mapping[int, Sequence[Card]], document: DocumentLayout) -> bool:
    """Whether cards are products: on a tenth of the pages, four with specifications, or three in a leaflet."""
    many = [page for page, on_page in cards.items() if len(on_page) >= 2]
    total = sum(map(len, cards.values()))
    if len(document.layouts) <= FEW_PAGES:
        return total >= 3
    if len(many) >= 2 and 10 * len(cards) >= len(document.layouts) and total >= 5:
        return True
    by_number = {s.number: s for s in document.layouts}
    specified = sum(_is_specified(c, by_number[page]) for page, on_page in cards.items() for c in on_page)
    return specified >= 4


def _is_specified(card: Card, layout: PageLayout) -> bool:
    boxes = [a.box for a in layout.attributes if a.known] + list(layout.prices) + [c.box for c in layout.codes]
    return any(centre_inside(box, card.region) for box in boxes)


def _from_cards(cards: Mapping[int, Sequence[Card]], document: DocumentLayout) -> list[FoundProduct]:
    layouts = {s.number: s for s in document.layouts}
    return [_from_card(c, layouts[page], document) for page, on_page in cards.items() for c in on_page]


def _from_card(card: Card, layout: PageLayout, document: DocumentLayout) -> FoundProduct:
    page, text = layout.number, card.text
    codes = [c.code for c in layout.codes if centre_inside(c.box, card.region)]
    specified = _is_specified(card, layout)
    return FoundProduct(
        name=clean_name(text),
        raw_name=text.text,
        category=category_before(document, document.family[text.style], page, text.box[1]),
        code=codes[0] if len(codes) == 1 else None,
        first_page=page,
        last_page=page,
        pages=(page,),
        occurrences=(Occurrence(page=page, bbox=text.box, region=card.region, text=text.text),),
        confidence=0.75 if specified else 0.65,
        evidence=(
            Evidence(rule="card", page=page, text=text.text, detail={"relation": card.relation, "size": text.size}),
        ),
    )


# --- codes ------------------------------------------------------------------------------------------------------------


def _main_codes(document: DocumentLayout) -> list[tuple[int, Code]]:
    """Return the codes in the font size that has most of them, if there are enough in all and on each page."""
    by_size: dict[float, list[tuple[int, Code]]] = defaultdict(list)
    for layout in document.layouts:
        if document.kinds.get(layout.number) not in ("index", "contacts"):
            for code in layout.codes:
                by_size[code.size].append((layout.number, code))
    best = max(by_size.values(), key=lambda codes: len({c.code for _, c in codes}), default=[])
    pages = Counter(page for page, _ in best)
    lengths = Counter(len(c.code) for _, c in best if c.code.isdigit())
    if len({c.code for _, c in best}) < FEWEST_CODES or median(pages.values()) < CODES_A_PAGE:
        return []
    uneven = lengths and max(lengths.values()) < 0.8 * sum(lengths.values())
    return [] if uneven else best


def _from_codes(codes: Sequence[tuple[int, Code]], document: DocumentLayout) -> list[FoundProduct]:
    """Return a product for each name under a heading, or for each code without a name; more codes are its variants."""
    smallest: Style = (min((c.size for _, c in codes), default=0.0), False)
    grouped: dict[tuple[str | None, str], list[tuple[int, Code]]] = defaultdict(list)
    for page, code in codes:
        category = category_before(document, smallest, page, code.box[1])
        grouped[category, fold(code.name or code.code)].append((page, code))
    return [_from_code_group(category, group) for (category, _), group in grouped.items()]


def _from_code_group(category: str | None, group: Sequence[tuple[int, Code]]) -> FoundProduct:
    page, first = group[0]
    distinct = tuple(dict.fromkeys(c.code for _, c in group))
    pages = tuple(sorted({p for p, _ in group}))
    return FoundProduct(
        name=first.name or first.code,
        raw_name=first.name or first.code,
        category=category,
        code=distinct[0] if len(distinct) == 1 else None,
        variants=distinct if len(distinct) > 1 else (),
        first_page=pages[0],
        last_page=pages[-1],
        pages=pages,
        occurrences=tuple(Occurrence(page=p, bbox=c.box, region=_row(c.box), text=c.code) for p, c in group),
        confidence=0.7 if first.name else 0.6,
        evidence=(Evidence(rule="code", page=page, text=first.code, detail={"size": first.size}),),
    )


def _row(box: Box) -> Box:
    """Return the region of a code without a picture: roughly its row."""
    height = box[3] - box[1]
    return box[0], box[1] - height, box[2] + 220, box[3] + height
