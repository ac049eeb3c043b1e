"""Stage 3: which pages show products, which only entities, and which are skipped and why. When unsure, keep."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Literal

from swatchbook.catalogue.kinds import PageKind, certificates_in, page_kind
from swatchbook.catalogue.layout import summarise_page
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
"""So many known labels with values make a page outside all products an entity page."""


def make_plan(reading: Reading, pages: Iterable[Page], discovery: Discovery, focus: bool) -> Plan:
    """One planned page for each page read, in order. Without `focus` none is skipped but those without content."""
    names: dict[int, list[str]] = {}
    for product in discovery.products:
        for number in product.pages:
            names.setdefault(number, []).append(product.name)
    dividers = _dividers(reading)
    planned = []
    for page in pages:
        own = names.get(page.number, [])
        divider = focus and not own and _is_divider(page, dividers.get(page.number, frozenset()))
        if divider:
            planned.append(PlannedPage(number=page.number, kind="skipped", reason="section divider"))
        else:
            planned.append(_planned(page, own, reading.page_count, focus=focus))
    return Plan(pages=tuple(planned))


def _dividers(reading: Reading) -> dict[int, frozenset[str]]:
    """Page -> folded titles of outline entries that others stand below."""
    found: dict[int, set[str]] = {}
    for entry, following in pairwise(reading.outline):
        if following.level > entry.level and following.page > entry.page:
            found.setdefault(entry.page, set()).add(fold(entry.title))
    return {page: frozenset(titles) for page, titles in found.items()}


def _is_divider(page: Page, titles: frozenset[str]) -> bool:
    """Whether a page opens a section of the outline and says little but its title."""
    lines = [fold(line.text) for line in page.lines if line.text]
    return len(lines) <= LINES_OF_A_DIVIDER and any(line in titles for line in lines)


def _planned(page: Page, names: list[str], total: int, *, focus: bool) -> PlannedPage:
    def as_(kind: Literal["product", "entity", "skipped"], reason: str) -> PlannedPage:
        return PlannedPage(number=page.number, kind=kind, reason=reason)

    if names:
        return as_("product", ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else ""))
    sheet = summarise_page(page)
    kind = page_kind(sheet, total)
    certificates = certificates_in(page.text)
    if kind == "blank":
        return as_("skipped", SKIPPED["blank"])
    if certificates and kind not in ("index", "contacts", "back cover"):
        return as_("entity", "names " + ", ".join(certificates[:3]))
    if (page.has_table and kind is None) or sum(a.known for a in sheet.attributes) >= SPECIFIED:
        return as_("entity", "specifications")
    if focus and kind in SKIPPED:
        return as_("skipped", SKIPPED[kind])
    return as_("product", "kept: nothing says that it shows no product")
