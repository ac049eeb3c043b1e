"""Stage 3: decide which pages are product pages, entity pages (specification tables, certificates) or skipped, and why.

A page is skipped only on evidence of its kind (`kinds.py`), never for its place, nor because no product was found on
it. Its text is searched, unless it repeats other pages or is legal terms.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from swatchbook_base.geometry import clip, short_side
from swatchbook_base.records import Discovery, Page, Plan, PlannedPage, Reading, SkippedPicture, fold
from swatchbook_catalogue.cards import named_pictures
from swatchbook_catalogue.kinds import (
    PageKind,
    certificates_in,
    count_contacts,
    main_heading_kind,
    names_a_catalogue,
    page_kind,
)
from swatchbook_catalogue.page_layout import PageLayout, Style, Text, style_families, summarise_page
from swatchbook_catalogue.running_text import (
    FEWEST_PAGES,
    LINE_MARGIN,
    TextPlace,
    find_repeated_places,
    is_in_margin,
    text_place,
)

SKIPPED: dict[PageKind, str] = {
    "blank": "blank",
    "cover": "cover",
    "index": "index",
    "about": "about the maker",
    "contacts": "contacts",
    "legal": "terms",
    "notes": "notes",
}
BOILERPLATE = ("blank", "index", "legal")  # kinds whose text is not searched: an index repeats other pages' names
LINES_OF_A_DIVIDER = 8  # the most lines of a section divider
SPECIFIED = 3  # the fewest known labels with values of an entity page without products
FEWEST_CODES = 3  # the fewest codes that show a product: fewer may be parts of telephone numbers and addresses
FEWEST_PRICES = 3  # the fewest prices that show products on a page without pictures: one sum may be a fee
FEWEST_CARDS = 2  # names at pictures that show products: one may be a cover's title, or caption the factory
FEWEST_CONTACTS = 2  # the fewest addresses and telephone numbers of a page of contacts
PATHS_OF_A_BLANK = 20  # the most vector paths of a blank page: more are a drawing, or text as outlines
SEEN = 6.0  # the least shorter side of a visible picture, in points


class NumberedPage(NamedTuple):
    """A page with its label in the PDF ("" without one) and the numbers in its margins, which may be its own."""

    number: int
    label: str
    printed: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Seen:
    """The data of a page that the plan needs; its size is bounded, except for the pictures."""

    layout: PageLayout
    numbered: NumberedPage
    pictures: tuple[SkippedPicture, ...]
    paths: int
    certificates: tuple[str, ...]
    few_lines: frozenset[str]  # folded; empty if there are many


@dataclass(frozen=True, slots=True)
class _Document:
    """The data that the pages of a document have in common."""

    page_count: int
    family: Mapping[Style, Style]
    repeated_places: frozenset[TextPlace]
    dividers: Mapping[int, frozenset[str]]

    def own_texts(self, layout: PageLayout) -> list[Text]:
        """Return the texts of a page without running heads and feet."""
        return [text for text in layout.texts if text_place(text, layout) not in self.repeated_places]


def make_plan(
    reading: Reading, pages: Iterable[Page], discovery: Discovery, focus: bool, taken: Collection[int] = ()
) -> Plan:
    """Return one planned page for each page read, in order. Without `focus` only blank pages are skipped.

    `taken` are pages that a person takes in: they are never skipped.
    """
    seen = [_look_at(page) for page in pages]
    layouts = [page.layout for page in seen]
    # Titles with entries below them divide the document.
    titles: dict[int, set[str]] = {}
    for entry, following in pairwise(reading.outline):
        if following.level > entry.level and following.page > entry.page:
            titles.setdefault(entry.page, set()).add(fold(entry.title))
    document = _Document(
        page_count=reading.page_count,
        family=style_families(text for layout in layouts for text in layout.texts),
        repeated_places=find_repeated_places(layouts),
        dividers={page: frozenset(folded) for page, folded in titles.items()},
    )
    names = _names_by_page(discovery)
    labels = page_labels([page.numbered for page in seen])
    planned = []
    for page in seen:
        number = page.layout.number
        kept = _planned(page, names.get(number, []), document, focus=focus)
        if number in taken and kept.kind == "skipped":
            kept = PlannedPage(number=number, kind="product", reason=f"taken in: {kept.reason}")
        planned.append(kept.model_copy(update={"label": labels.get(number)}))
    return Plan(pages=tuple(planned))


def _names_by_page(discovery: Discovery) -> dict[int, list[str]]:
    names: dict[int, list[str]] = {}
    for product in discovery.products:
        for number in product.pages:
            names.setdefault(number, []).append(product.name)
    return names


def _look_at(page: Page) -> _Seen:
    lines = frozenset(fold(line.text) for line in page.lines if line.text)
    return _Seen(
        layout=summarise_page(page),
        numbered=numbered_page(page),
        pictures=tuple(
            SkippedPicture(bbox=box, width=drawn.width, height=drawn.height)
            for drawn in page.drawn
            if not drawn.gradient and short_side(box := clip(drawn.bbox, page.box)) >= SEEN
        ),
        paths=page.paths,
        certificates=certificates_in(page.text),
        few_lines=lines if len(lines) <= LINES_OF_A_DIVIDER else frozenset(),
    )


def _planned(page: _Seen, names: list[str], document: _Document, *, focus: bool) -> PlannedPage:
    layout = page.layout
    number = layout.number
    if names:
        return PlannedPage(number=number, kind="product", reason=_first_names(names))
    if focus and page.few_lines & document.dividers.get(number, frozenset()):
        return PlannedPage(number=number, kind="skipped", reason="section divider", pictures=page.pictures)
    kind = _certain_kind(page, document)
    if page.certificates and kind not in ("blank", "index", "contacts"):
        return PlannedPage(number=number, kind="entity", reason="names " + ", ".join(page.certificates[:3]))
    has_table = layout.has_table and kind in (None, "legal", "notes")
    if has_table or sum(a.known for a in layout.attributes) >= SPECIFIED:
        return PlannedPage(number=number, kind="entity", reason="specifications")
    if kind in SKIPPED and (focus or kind == "blank"):
        return PlannedPage(
            number=number,
            kind="skipped",
            reason=SKIPPED[kind],
            boilerplate=kind in BOILERPLATE,
            pictures=page.pictures,
        )
    return PlannedPage(number=number, kind="product", reason="Kept: this page may show a product.")


def _first_names(names: Sequence[str]) -> str:
    """Return the first three names, and the number of further ones."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _certain_kind(page: _Seen, document: _Document) -> PageKind | None:
    """Return the kind of a page if there is more evidence than its place and its few texts, else None."""
    layout = page.layout
    kind = page_kind(layout, document.page_count)
    if kind == "blank":
        return None if page.pictures or page.paths > PATHS_OF_A_BLANK else kind
    if kind is None or shows_products(layout, document.family, document.repeated_places, pictured=bool(page.pictures)):
        return None
    texts = [text.text for text in document.own_texts(layout)]
    if kind == "cover" and any(map(names_a_catalogue, texts)):
        return kind
    if kind in ("cover", "back cover", "contacts") and main_heading_kind(layout) != "contacts":
        texts += [f"{a.label}: {a.value}" for a in layout.attributes]
        return "contacts" if count_contacts(texts) >= FEWEST_CONTACTS else None
    return kind


def shows_products(
    layout: PageLayout, family: Mapping[Style, Style], repeated_places: Collection[TextPlace], *, pictured: bool
) -> bool:
    """Whether a page shows products, whatever its heading.

    A page without pictures must list prices; one with pictures needs a price, codes, labels with values, or names of
    one style at pictures.
    """
    if not pictured:
        return len(layout.prices) >= FEWEST_PRICES
    specified = sum(a.known for a in layout.attributes) >= SPECIFIED
    if layout.prices or len(layout.codes) >= FEWEST_CODES or specified:
        return True
    return named_pictures(layout, family, repeated_places) >= FEWEST_CARDS


# --- labels of pages --------------------------------------------------------------------------------------------------


LONGEST_LINE = 40  # characters of a line with a page number, which may include a running head
MOST_NUMBERS = 12  # numbers that are kept of a page
_NUMBER = re.compile(r"(?<![\d.,/-])\d{1,4}(?![\d.,/-])")


def numbered_page(page: Page) -> NumberedPage:
    """Return a page with its label in the PDF and the numbers in its margins."""
    lines = (line.text for line in page.lines if is_in_margin(page, line, LINE_MARGIN))
    numbers = [int(digits) for line in lines if len(line) <= LONGEST_LINE for digits in _NUMBER.findall(line)]
    return NumberedPage(page.number, page.label, frozenset(numbers[:MOST_NUMBERS]))


def page_labels(pages: Sequence[NumberedPage]) -> dict[int, str]:
    """Return page -> its label, for pages whose label is not their number. `pages` are in order."""
    labels = {page.number: page.label for page in pages if page.label not in ("", str(page.number))}
    return labels or _printed_labels(pages)


def _printed_labels(pages: Sequence[NumberedPage]) -> dict[int, str]:
    single = Counter((1, n - page.number) for page in pages for n in page.printed)
    double = Counter((2, n - 2 * page.number) for page in pages for n in page.printed if n + 1 in page.printed)
    usual = (double + single).most_common(1)  # with equal counts the spreads come first: both of their numbers fit
    if not usual:
        return {}
    (times, distance), count = usual[0]
    if count < FEWEST_PAGES or 2 * count < sum(bool(page.printed) for page in pages) or (times, distance) == (1, 0):
        return {}
    numbered = [page.number for page in pages if times * page.number + distance in page.printed]
    between = (page.number for page in pages if numbered[0] <= page.number <= numbered[-1])
    return {number: _label(times * number + distance, times) for number in between}


def _label(first: int, count: int) -> str:
    return str(first) if count == 1 else f"{first}–{first + 1}"
