"""Twice as many rows take about twice as much work: what is asked about each text is counted, because seconds vary."""

from collections.abc import Callable
from types import ModuleType

import pytest

from swatchbook.domain.records import Block, Discovery, Page, Table
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


def count(run: Callable[[], object], *functions: tuple[ModuleType, str]) -> list[int]:
    """Return how often each of the functions of modules is called in a run."""
    asked = [0] * len(functions)

    def counted(at: int, original: Callable[..., object]) -> Callable[..., object]:
        def call(*given: object) -> object:
            asked[at] += 1
            return original(*given)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for at, (module, name) in enumerate(functions):
            patch.setattr(module, name, counted(at, getattr(module, name)))
        run()
    return asked


def about_twice(once: list[int], twice: list[int]) -> bool:
    return all(0 < many <= ABOUT_TWICE * few for few, many in zip(once, twice, strict=True))


def found_in(document: Document) -> Discovery:
    return discover.discover(reading(document), document.pages)


def test_work_of_discovery_grows_with_rows() -> None:
    asked = (name_candidates, "_is_cell"), (page_layout, "_may_name_code"), (page_layout, "code_of")
    once, twice = (
        count(lambda rows=rows: found_in(price_list(3, rows)), *asked, (variants, "centre_inside")) for rows in (30, 60)
    )
    assert about_twice(once, twice), (once, twice)


def test_later_work_grows_with_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is counted: calls of describe and link, and what all stages that read texts find near others."""
    asked = (line_facts, "values_in"), (placed_lines, "centre_inside"), (placed_lines, "_distance")
    asked_of_rows = (table_rows, "_begins_row"), (table_rows, "_in_row"), (table_rows, "_at_height")
    found_near, near = [0, 0], Bands.near
    described, linked = list[list[int]](), list[list[int]]()
    for at, rows in enumerate((30, 60)):
        document = price_list(2, rows)

        def counted(bands: Bands[object], top: float, bottom: float, at: int = at) -> list[object]:
            found = near(bands, top, bottom)
            found_near[at] += len(found)
            return found

        with monkeypatch.context() as patched:
            patched.setattr(Bands, "near", counted)
            found = found_in(document)
            products = describe.assemble_products("document", found, describe.describe_all(found, document.pages, []))
            planned = plan.make_plan(reading(document), document.pages, found, focus=True)
            chunk.chunk("document", reading(document), document.pages, planned, [])
            link.find_unassigned(products, (), (), document.pages)
        assert len(found.products) > rows
        tables = [table_of(page) for page in document.pages]

        def describe_again(found: Discovery = found, pages: list[Page] = document.pages, tables=tables) -> None:
            describe.describe_all(found, pages, tables)

        def link_again(products=products, found: Discovery = found, pages: list[Page] = document.pages) -> None:
            links = link.link(products, found, (), (), pages)
            link.find_unassigned(products, (), links, pages)

        described.append(count(describe_again, *asked, *asked_of_rows))
        linked.append(count(link_again, (link, "centre_inside"), (link_features, "centre_inside")))
    assert about_twice(*described), described
    assert about_twice(*linked), linked
    assert about_twice(found_near[:1], found_near[1:]), found_near


def table_of(page: Page) -> Table:
    cells = tuple(tuple(line.text for line in block.lines) for block in page.blocks)
    return Table(page=page.number, bbox=page.box, rows=cells, header=False)
