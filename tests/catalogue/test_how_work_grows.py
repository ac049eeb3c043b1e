"""Twice as many rows take about twice as much work: what is asked about each text is counted, because seconds vary."""

from collections.abc import Callable
from types import ModuleType

import pytest

from swatchbook.catalogue import (
    chunk,
    describe,
    discover,
    line_facts,
    link,
    link_features,
    name_candidates,
    page_layout,
    page_wide_facts,
    placed_lines,
    plan,
    table_facts,
    table_rows,
    variants,
)
from swatchbook.catalogue.bands import Bands
from swatchbook.records import Block, Discovery, Page, Product, Table
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


def count(patch: pytest.MonkeyPatch, module: ModuleType, name: str, run: Callable[[], object]) -> int:
    """Return how often a function of a module is called in a run."""
    asked = 0
    original = getattr(module, name)

    def counted(*given: object) -> object:
        nonlocal asked
        asked += 1
        return original(*given)

    with patch.context() as patched:
        patched.setattr(module, name, counted)
        run()
    return asked


def found_in(document: Document) -> Discovery:
    return discover.discover(reading(document), document.pages)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (name_candidates, "_is_cell"),
        (page_layout, "_may_name_code"),
        (page_layout, "code_of"),
        (variants, "centre_inside"),
    ],
)
def test_twice_as_many_rows_a_page_are_asked_about_twice_as_often(
    module: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    once, twice = (
        count(monkeypatch, module, name, lambda rows=rows: found_in(price_list(3, rows)))  # type: ignore[misc]
        for rows in (30, 60)
    )
    assert 0 < twice <= ABOUT_TWICE * once


def test_twice_as_many_pages_fold_twice_as_many_names_for_variants(monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = price_list(4, 12), price_list(8, 12)
    assert len(found_in(many).products) == 2 * len(found_in(few).products) > 40
    once, twice = (
        count(monkeypatch, variants, "fold", lambda document=document: found_in(document))  # type: ignore[misc]
        for document in (few, many)
    )
    assert twice <= ABOUT_TWICE * once


def test_the_words_of_a_table_are_folded_once_for_all_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(rows: int) -> object:
        document = price_list(1, rows)
        table = table_of(document.pages[0])
        planned = plan.make_plan(reading(document), document.pages, Discovery(products=()), focus=True)
        return chunk.chunk("document", reading(document), document.pages, planned, [table])

    once, twice = (count(monkeypatch, chunk, "fold", lambda rows=rows: cut(rows)) for rows in (30, 60))  # type: ignore[misc]
    assert 0 < twice <= ABOUT_TWICE * once


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (line_facts, "values_in"),
        (placed_lines, "centre_inside"),
        (placed_lines, "_distance"),
        (table_rows, "_begins_row"),
        (table_rows, "_in_row"),
        (table_rows, "_at_height"),
        (table_facts, "normalise_line"),
    ],
)
def test_twice_as_many_rows_a_page_are_described_in_twice_as_many_steps(
    module: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def described(rows: int) -> Callable[[], object]:
        document = price_list(2, rows)
        found, tables = found_in(document), [table_of(page) for page in document.pages]
        assert len(found.products) > rows
        return lambda: describe.describe_all(found, document.pages, tables)

    once, twice = (count(monkeypatch, module, name, described(rows)) for rows in (30, 60))
    assert 0 < twice <= ABOUT_TWICE * once


def test_lines_above_all_products_are_read_once_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    document = price_list(3, 30)
    found = found_in(document)
    asked = count(
        monkeypatch, page_wide_facts, "labelled_facts", lambda: describe.describe_all(found, document.pages, [])
    )
    assert 0 < asked <= 2 * len(document.pages)


def table_of(page: Page) -> Table:
    cells = tuple(tuple(line.text for line in block.lines) for block in page.blocks)
    return Table(page=page.number, bbox=page.box, rows=cells, header=False)


@pytest.mark.parametrize("module", [link, link_features])
def test_twice_as_many_rows_a_page_are_linked_in_twice_as_many_steps(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def linked(rows: int) -> Callable[[], object]:
        document = price_list(2, rows)
        found = found_in(document)
        products = assembled(document, found)

        def run() -> object:
            links = link.link(products, found, (), (), document.pages)
            return link.find_unassigned(products, (), links, document.pages)

        return run

    once, twice = (count(monkeypatch, module, "centre_inside", linked(rows)) for rows in (30, 60))
    assert 0 < twice <= ABOUT_TWICE * once


def test_twice_as_many_rows_a_page_have_twice_as_many_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    once, twice = (neighbours(monkeypatch, price_list(2, rows)) for rows in (30, 60))
    assert 0 < twice <= ABOUT_TWICE * once


def neighbours(patch: pytest.MonkeyPatch, document: Document) -> int:
    """Return how many things are found near others in all stages that read texts."""
    found_near = 0
    near = Bands.near

    def counted(bands: Bands[object], top: float, bottom: float) -> list[object]:
        nonlocal found_near
        found = near(bands, top, bottom)
        found_near += len(found)
        return found

    with patch.context() as patched:
        patched.setattr(Bands, "near", counted)
        found = found_in(document)
        products = assembled(document, found)
        planned = plan.make_plan(reading(document), document.pages, found, focus=True)
        chunk.chunk("document", reading(document), document.pages, planned, [])
        link.find_unassigned(products, (), (), document.pages)
    return found_near


def assembled(document: Document, found: Discovery) -> tuple[Product, ...]:
    return describe.assemble_products("document", found, describe.describe_all(found, document.pages, []))
