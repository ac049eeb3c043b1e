"""Stage 2A: which products a document offers, and on which pages each stands.

Three readings of the layout compete: sections under headings, cards (names at pictures) and code anchors. A gate keeps
documents that are no catalogues from yielding products; unsure results say so in their note.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from swatchbook.catalogue.cards import Caption, find_cards
from swatchbook.catalogue.kinds import heading_kind, page_kind
from swatchbook.catalogue.layout import Code, PageLayout, Style, clean_name, mark, summarise_page, tidy
from swatchbook.catalogue.sections import (
    DocumentLayout,
    Section,
    category_before,
    heading_styles,
    layout_document,
    sections,
)
from swatchbook.geometry import inside
from swatchbook.records import Box, Card, Discovery, Evidence, FoundProduct, OutlineEntry, Page, Reading, fold

UNSURE = "The layout does not tell which products this document offers; it needs a vision model or a person."

SPECIFIED = 0.5
"""Headings are products' when at least this share of their sections holds specifications, codes or prices."""
FEW_PAGES = 4
"""A document of so few pages may be a leaflet of one product or a single sheet of cards."""
FEWEST_LABELS = 3
FEWEST_CODES = 8
CODES_A_PAGE = 3
CODES_A_SECTION = 4
"""Headings over so many codes on average are those of lists."""
GRIDS = 0.5
"""A header is a category when at least this share of its sections holds two or more cards."""


def discover(reading: Reading, pages: Iterable[Page]) -> Discovery:
    """Products with page ranges, names, categories, codes, variants and evidence; the pages are read once, in order."""
    sheets = [summarise_page(page) for page in pages]
    kinds = {s.number: page_kind(s, len(sheets)) for s in sheets}
    book = layout_document(sheets, kinds, reading.outline)
    anchors = _anchors(reading.outline, sheets)
    titled = _titled(book, anchors)
    cards = find_cards([s for s in sheets if kinds[s.number] is None], book.family, book.shunned)
    cards = cards if _are_goods(cards, book) else {}
    codes = _code_anchors(book)
    rejected = _rejected(book, titled)
    if titled and _are_captions(titled[1], cards):
        found = _from_cards_and_sections(titled, cards, book, anchors, reading.outline)
    elif titled and not _are_categories(titled[1], cards) and not _are_lists(titled[1], codes):
        found = [
            _from_section(s, book, titled[0], anchors, reading.outline) for s in titled[1] if _is_product(s, titled[1])
        ]
    elif cards and sum(map(len, cards.values())) * 2 >= len(codes):
        found = _from_cards(cards, book)
    else:
        found = _from_codes(codes, book)
    return Discovery(products=tuple(found), rejected=rejected, note=None if found else UNSURE)


# --- headings ---------------------------------------------------------------------------------------------------------


def _anchors(outline: Sequence[OutlineEntry], sheets: Sequence[PageLayout]) -> frozenset[str]:
    """Folded names that the outline or an index page announces. They fix the style of titles, never pages."""
    said = [entry.title for entry in outline] + [name for s in sheets for name in s.entries]
    return frozenset(fold(tidy(name)) for name in said if not heading_kind(name)) - {""}


@dataclass(frozen=True, slots=True)
class Titles:
    """A family of headings that may name products, with what speaks for it."""

    style: Style
    sections: list[Section]
    described: float  # share of sections with labels and values
    specified: float  # share of sections with labels and values, codes or prices
    announced: float  # share of headings that outline or index announce

    @property
    def is_alone(self) -> bool:
        """A single heading names a product in a short document, and where three labels or more stand below it."""
        return len(self.sections) == 1 and len(self.sections[0].found) < FEWEST_LABELS


def _titled(book: DocumentLayout, anchors: frozenset[str]) -> tuple[Style, list[Section]] | None:
    """The family of headings that name products, with its sections.

    Where labels and values stand, they tell: the finest family whose sections hold them. Codes and prices tell only
    where no family has these, for colours and sizes of one product have codes too.
    """
    candidates = [t for style in heading_styles(book) if (t := _titles(book, style, anchors)).sections]
    described = [t for t in candidates if t.described >= SPECIFIED and not t.is_alone]
    specified = [t for t in candidates if t.specified >= SPECIFIED and not t.is_alone]
    best: Titles | None = None
    for new in described or specified:
        if best is None or _is_finer(new, best):
            best = new
    return (best.style, best.sections) if best else None


def _titles(book: DocumentLayout, style: Style, anchors: frozenset[str]) -> Titles:
    made = sections(book, style)
    count = max(1, len(made))
    return Titles(
        style,
        made,
        described=sum(s.is_described for s in made) / count,
        specified=sum(s.is_specified for s in made) / count,
        announced=sum(fold(s.name) in anchors for s in made) / count,
    )


def _is_finer(new: Titles, old: Titles) -> bool:
    """Whether a smaller heading names products better than a larger one: more of them, and as well specified. One that
    outline or index announce gives way only to many more."""
    more = len(new.sections) >= (2 if old.announced >= 0.5 > new.announced else 1.25) * len(old.sections)
    return more and new.described >= 0.9 * old.described and new.specified >= 0.9 * old.specified


def _is_product(section: Section, all_sections: Sequence[Section]) -> bool:
    """A section without specifications among specified ones is an introduction or a note, unless some lack them."""
    if section.is_specified:
        return True
    specified = sum(s.is_specified for s in all_sections) / len(all_sections)
    return bool(section.pictures) and not (specified >= 0.8 and len(all_sections) >= 5)


def _are_categories(made: Sequence[Section], cards: Mapping[int, Sequence[Caption]]) -> bool:
    """Whether headings only group cards: half of their sections hold two or more, and specifications stand in cards.

    Captions that *are* the headings make no categories.
    """
    heads = {(s.head.page, s.head.box) for s in made}
    grids = own = 0
    for section in made:
        captions = [c for page, region in section.regions for c in cards.get(page, ()) if inside(c.text.box, region)]
        if any((c.text.page, c.text.box) in heads for c in captions):
            continue
        grids += len(captions) >= 2
        within = [[c for c in captions if p == c.text.page and inside(a.box, c.region)] for p, a in section.found]
        # a table below a grid lies in the last card's region; only labels in most cards are the cards' own
        spread = len({c.text.box for holders in within for c in holders})
        own += not all(within) or (bool(within) and 2 * spread < len(captions))
    return grids >= GRIDS * len(made) and own < GRIDS * len(made)


def _are_captions(made: Sequence[Section], cards: Mapping[int, Sequence[Caption]]) -> bool:
    """Whether half of the headings are names below or beside pictures, several a page: then pictures part the page. A
    name above its picture is a heading like any other."""
    several = [c for on_page in cards.values() if len(on_page) > 1 for c in on_page]
    boxes = {(c.text.page, c.text.box) for c in several if c.relation != "above"}
    return 2 * sum((s.head.page, s.head.box) in boxes for s in made) > len(made)


def _from_cards_and_sections(
    titled: tuple[Style, list[Section]],
    cards: Mapping[int, Sequence[Caption]],
    book: DocumentLayout,
    anchors: frozenset[str],
    outline: Sequence[OutlineEntry],
) -> list[FoundProduct]:
    """Cards, and products whose heading is no card's name, page by page."""
    style, made = titled
    boxes = {(c.text.page, c.text.box) for on_page in cards.values() for c in on_page}
    rest = [s for s in made if (s.head.page, s.head.box) not in boxes and _is_product(s, made)]
    found = _from_cards(cards, book)
    found += [_from_section(s, book, style, anchors, outline) for s in rest]
    return sorted(found, key=lambda p: p.first_page)


def _are_lists(made: Sequence[Section], codes: Sequence[tuple[int, Code]]) -> bool:
    """Whether headings stand over price lists: many named codes a section, no pictures to speak of, and no labels but
    those of codes and prices."""
    names = {fold(code.name) for _, code in codes if code.name}
    bare = sum(all(a.key in ("code", "price", "quantity") for _, a in s.found) for s in made)
    few_pictures = sum(s.pictures for s in made) * 3 <= len(codes)
    return (
        len(codes) >= CODES_A_SECTION * len(made)
        and 2 * len(names) >= len(codes)
        and few_pictures
        and bare > len(made) / 2
    )


def _from_section(
    section: Section, book: DocumentLayout, style: Style, anchors: frozenset[str], outline: Sequence[OutlineEntry]
) -> FoundProduct:
    head = section.head
    announced = fold(section.name) in anchors
    known = [a for _, a in section.found]
    score = 0.45 + 0.15 * announced + 0.05 * min(4, len(known)) + 0.1 * bool(section.pictures)
    evidence = [
        Evidence(rule="heading", page=head.page, text=head.text, detail={"size": head.size, "bold": float(head.bold)})
    ]
    if announced:
        evidence.append(Evidence(rule="announced", text=section.name))
    if known:
        evidence.append(Evidence(rule="specifications", page=head.page, text=f"{known[0].label}: {known[0].value}"))
    pages = section.pages
    codes = tuple(a.value for a in known if a.key == "code")
    return FoundProduct(
        name=section.name,
        raw_name=head.text,
        category=_outline_parent(section, outline)
        or _running_category(section, book)
        or category_before(book, style, head.page, head.box[1]),
        code=codes[0] if len(set(codes)) == 1 else None,
        variants=_variants(section),
        first_page=pages[0],
        last_page=pages[-1],
        pages=pages,
        cards=tuple(
            Card(page=p, bbox=head.box if p == head.page else r, region=r, text=head.text if p == head.page else "")
            for p, r in section.regions
        ),
        confidence=round(min(0.97, score), 3),
        evidence=tuple(evidence),
    )


def _outline_parent(section: Section, outline: Sequence[OutlineEntry]) -> str | None:
    """What stands above a product in the outline."""
    parents: list[OutlineEntry] = []
    for entry in outline:
        while parents and parents[-1].level >= entry.level:
            parents.pop()
        if fold(entry.title) == fold(section.name) and abs(entry.page - section.head.page) <= 2 and parents:
            return tidy(parents[-1].title)
        parents.append(entry)
    return None


def _running_category(section: Section, book: DocumentLayout) -> str | None:
    """What a running head joins to the product's name: "Wood & Cork · Nordvik Oak"."""
    for sheet in book.sheets[: section.pages[-1]]:
        for text in sheet.texts if sheet.number in section.pages else ():
            parts = [part.strip() for part in re.split(r"\s+[·|/›>–—-]\s+", text.text)]
            if len(parts) == 2 and fold(parts[1]) == fold(section.name) and mark(text, sheet)[3]:
                return parts[0]
    return None


def _variants(section: Section) -> tuple[str, ...]:
    """Values of a label that tells variants apart, where it has several."""
    for key in ("style", "color", "finish"):
        values = tuple(dict.fromkeys(tidy(a.value) for _, a in section.found if a.key == key))
        if len(values) > 1:
            return values
    return ()


def _rejected(book: DocumentLayout, titled: tuple[Style, list[Section]] | None) -> tuple[Evidence, ...]:
    """Headings of the chosen family that name no product, with the reason."""
    if titled is None:
        return ()
    return tuple(
        Evidence(rule="no specification", page=s.head.page, text=s.name)
        for s in titled[1]
        if not _is_product(s, titled[1])
    )


# --- cards ------------------------------------------------------------------------------------------------------------


def _are_goods(cards: Mapping[int, Sequence[Caption]], book: DocumentLayout) -> bool:
    """The gate for cards: two pages with a tenth of the document, or four cards with a specification, or a leaflet."""
    many = [page for page, captions in cards.items() if len(captions) >= 2]
    total = sum(map(len, cards.values()))
    if len(book.sheets) <= FEW_PAGES:
        return total >= 3
    if len(many) >= 2 and 10 * len(cards) >= len(book.sheets) and total >= 5:
        return True
    by_number = {s.number: s for s in book.sheets}
    specified = sum(_is_specified(c, by_number[page]) for page, captions in cards.items() for c in captions)
    return specified >= 4


def _is_specified(caption: Caption, sheet: PageLayout) -> bool:
    boxes = [a.box for a in sheet.attributes if a.known] + list(sheet.prices) + [c.box for c in sheet.codes]
    return any(inside(box, caption.region) for box in boxes)


def _from_cards(cards: Mapping[int, Sequence[Caption]], book: DocumentLayout) -> list[FoundProduct]:
    sheets = {s.number: s for s in book.sheets}
    return [_from_card(c, sheets[page], book) for page, on_page in cards.items() for c in on_page]


def _from_card(caption: Caption, sheet: PageLayout, book: DocumentLayout) -> FoundProduct:
    page, text = sheet.number, caption.text
    codes = [c.code for c in sheet.codes if inside(c.box, caption.region)]
    specified = _is_specified(caption, sheet)
    return FoundProduct(
        name=clean_name(text),
        raw_name=text.text,
        category=category_before(book, book.family[text.style], page, text.box[1]),
        code=codes[0] if len(codes) == 1 else None,
        first_page=page,
        last_page=page,
        pages=(page,),
        cards=(Card(page=page, bbox=text.box, region=caption.region, text=text.text),),
        confidence=0.75 if specified else 0.65,
        evidence=(
            Evidence(rule="card", page=page, text=text.text, detail={"relation": caption.relation, "size": text.size}),
        ),
    )


# --- codes ------------------------------------------------------------------------------------------------------------


def _code_anchors(book: DocumentLayout) -> list[tuple[int, Code]]:
    """Codes of the print size that most of them share: eight or more distinct ones, three or more a page."""
    by_size: dict[float, list[tuple[int, Code]]] = defaultdict(list)
    for sheet in book.sheets:
        if book.kinds.get(sheet.number) not in ("index", "contacts"):
            for code in sheet.codes:
                by_size[code.size].append((sheet.number, code))
    best = max(by_size.values(), key=lambda found: len({c.code for _, c in found}), default=[])
    pages = Counter(page for page, _ in best)
    lengths = Counter(len(c.code) for _, c in best if c.code.isdigit())
    if len({c.code for _, c in best}) < FEWEST_CODES or median(pages.values()) < CODES_A_PAGE:
        return []
    uneven = lengths and max(lengths.values()) < 0.8 * sum(lengths.values())
    return [] if uneven else best


def _from_codes(codes: Sequence[tuple[int, Code]], book: DocumentLayout) -> list[FoundProduct]:
    """One product a name (under its heading), or a code where no name stands by; further codes are its variants."""
    smallest: Style = (min((c.size for _, c in codes), default=0.0), False)
    grouped: dict[tuple[str | None, str], list[tuple[int, Code]]] = defaultdict(list)
    for page, code in codes:
        category = category_before(book, smallest, page, code.box[1])
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
        cards=tuple(Card(page=p, bbox=c.box, region=_row(c.box), text=c.code) for p, c in group),
        confidence=0.7 if first.name else 0.6,
        evidence=(Evidence(rule="code", page=page, text=first.code, detail={"size": first.size}),),
    )


def _row(box: Box) -> Box:
    """What a code speaks for without a picture: its row, about."""
    height = box[3] - box[1]
    return box[0], box[1] - height, box[2] + 220, box[3] + height
