"""Twice as many rows take about twice as much work: what is asked about each text is counted, because seconds vary."""

from collections import Counter
from collections.abc import Callable

import pytest

from swatchbook.domain.records import Block, Page, Table
from swatchbook_catalogue import (
    chunk,
    describe,
    discover,
    line_facts,
    link,
    link_features,
    name_candidates,
    page_layout,
    placed_lines,
    plan,
    table_rows,
    variants,
)
from swatchbook_catalogue.bands import Bands
from tests.catalogue.layouts import NAMES, Document, page, reading, text

HEADS = ("Code", "Description", "Size mm", "Price EUR")
ABOUT_TWICE = 2.2  # with the headings of pages, which do not double
ASKED = (
    (name_candidates, "_is_cell"), (page_layout, "_may_name_code"), (page_layout, "code_of"),
    (variants, "centre_inside"), (line_facts, "values_in"), (placed_lines, "centre_inside"),
    (placed_lines, "_distance"), (table_rows, "_begins_row"), (table_rows, "_in_row"), (table_rows, "_at_height"),
    (link, "centre_inside"), (link_features, "centre_inside"),
)  # fmt: skip
"""What is asked about each text, by the module that asks."""


def price_list(pages: int, rows: int) -> Document:
    """Return a price list with so many rows a page, each with a code, a name, a size and a price."""
    return Document([price_page(k + 1, rows) for k in range(pages)], [])


def price_page(number: int, rows: int) -> Page:
    def row(y: float, cells: tuple[str, ...]) -> list[Block]:
        return [text(60 + 120 * i, y, cell, 6) for i, cell in enumerate(cells)]

    blocks = [text(60, 30, f"Section {number}", 14, bold=True), *row(60, HEADS)]
    for n in range(rows):
        name = f"{NAMES[(n + number) % 12]} {NAMES[n // 12]}"
        blocks += row(80 + 11 * n, (f"LO-{100 * number + n}", name, f"{20 + n} x 30", f"{4 + n},50 €"))
    return page(number, blocks)


def table_of(page: Page) -> Table:
    cells = tuple(tuple(line.text for line in block.lines) for block in page.blocks)
    return Table(page=page.number, bbox=page.box, rows=cells, header=False)


def read_whole(document: Document) -> None:
    """Find the products of a document, describe and link them, and cut its texts."""
    pages, of = document.pages, reading(document)
    found = discover.discover(of, pages)
    assert len(found.products) > len(pages[0].blocks) / 4
    described = describe.describe_all(found, pages, [table_of(page) for page in pages])
    products = describe.assemble_products("document", found, described)
    planned = plan.make_plan(of, pages, found, focus=True)
    chunk.chunk("document", of, pages, planned, [])
    links = link.link(products, found, (), (), pages)
    link.find_unassigned(products, (), links, pages)


def counted(run: Callable[[], object]) -> Counter[str]:
    """Return how often each of the functions is called in a run, and how many things are found near others."""
    asked, near = Counter[str](), Bands.near

    def counting(key: str, original: Callable[..., object]) -> Callable[..., object]:
        return lambda *given: (asked.update([key]), original(*given))[1]

    def count_near(bands: Bands[object], top: float, bottom: float) -> list[object]:
        found = near(bands, top, bottom)
        asked["near"] += len(found)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Bands, "near", count_near)
        for module, name in ASKED:
            patch.setattr(module, name, counting(f"{module.__name__}.{name}", getattr(module, name)))
        run()
    return asked


def test_work_grows_with_rows() -> None:
    once, twice = (counted(lambda rows=rows: read_whole(price_list(2, rows))) for rows in (30, 60))
    assert len(once) == len(ASKED) + 1
    assert {name: (once[name], many) for name, many in twice.items() if many > ABOUT_TWICE * once[name]} == {}
