"""Stage 3: which pages are product pages, which are entity pages (specification tables, certificates), and which are
skipped and why; an unclear page counts as a product page. Without focus (`--no-focus`) only blank pages are skipped.
How the kind of a page is recognised: `kinds.py`.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import Literal

from swatchbook.catalogue.kinds import PageKind, certificates_in, page_kind
from swatchbook.catalogue.page_layout import summarise_page
from swatchbook.records import Discovery, Page, Plan, PlannedPage, Reading, fold

SKIPPED: dict[PageKind, str] = {
    "blank": "blank",
    "cover": "cover",
    "back cover": "back cover",
    "index": "index",
    "about": "about the maker",
    "contacts": "contacts",
    "legal": "terms and notes",
}
LINES_OF_A_DIVIDER = 8
SPECIFIED = 3
"""A page outside all products is an entity page from this number of known labels with values."""


def make_plan(reading: Reading, pages: Iterable[Page], discovery: Discovery, focus: bool) -> Plan:
    """Return one planned page for each page read, in order. Without `focus` only blank pages are skipped."""
    names_by_page: dict[int, list[str]] = {}
    for product in discovery.products:
        for number in product.pages:
            names_by_page.setdefault(number, []).append(product.name)
    dividers = _dividers(reading)
    planned = []
    for page in pages:
        product_names = names_by_page.get(page.number, [])
        divider = focus and not product_names and _is_divider(page, dividers.get(page.number, frozenset()))
        if divider:
            planned.append(PlannedPage(number=page.number, kind="skipped", reason="section divider"))
        else:
            planned.append(_planned(page, product_names, reading.page_count, focus=focus))
    return Plan(pages=tuple(planned))


def _dividers(reading: Reading) -> dict[int, frozenset[str]]:
    """Return page -> folded titles of outline entries that have entries below them."""
    titles: dict[int, set[str]] = {}
    for entry, following in pairwise(reading.outline):
        if following.level > entry.level and following.page > entry.page:
            titles.setdefault(entry.page, set()).add(fold(entry.title))
    return {page: frozenset(folded) for page, folded in titles.items()}


def _is_divider(page: Page, titles: frozenset[str]) -> bool:
    """Whether a page opens a section of the outline and holds little but its title."""
    lines = [fold(line.text) for line in page.lines if line.text]
    return len(lines) <= LINES_OF_A_DIVIDER and any(line in titles for line in lines)


def _planned(page: Page, names: list[str], total: int, *, focus: bool) -> PlannedPage:
    def planned(kind: Literal["product", "entity", "skipped"], reason: str) -> PlannedPage:
        return PlannedPage(number=page.number, kind=kind, reason=reason)

    if names:
        return planned("product", ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else ""))
    layout = summarise_page(page)
    kind = page_kind(layout, total)
    certificates = certificates_in(page.text)
    if kind == "blank":
        return planned("skipped", SKIPPED["blank"])
    if certificates and kind not in ("index", "contacts", "back cover"):
        return planned("entity", "names " + ", ".join(certificates[:3]))
    if (page.has_table and kind is None) or sum(a.known for a in layout.attributes) >= SPECIFIED:
        return planned("entity", "specifications")
    if focus and kind in SKIPPED:
        return planned("skipped", SKIPPED[kind])
    return planned("product", "kept: nothing says that it shows no product")
