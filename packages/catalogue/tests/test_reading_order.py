"""Pages that show two printed pages are known without printed numbers."""

from collections.abc import Sequence

import pytest

from swatchbook.domain.records import Block, Box, Page
from swatchbook_catalogue.discover import discover
from swatchbook_catalogue.page_layout import summarise_page
from swatchbook_catalogue.reading_order import mark_spreads
from tests.catalogue import layouts
from tests.catalogue.layouts import HEIGHT, WIDTH, cover, page, prose, text

BROAD = 2 * WIDTH


def marked(pages: Sequence[Page]) -> list[int]:
    boxes = {each.number: each.box for each in pages}
    return [layout.number for layout in mark_spreads([summarise_page(each) for each in pages], boxes) if layout.spread]


def without_numbers(pages: Sequence[Page]) -> list[Page]:
    """The pages without the numbers in their margins."""
    kept = [tuple(block for block in each.blocks if not block.text.isdigit()) for each in pages]
    return [each.model_copy(update={"blocks": blocks}) for each, blocks in zip(pages, kept, strict=True)]


def test_products_on_spreads_are_found() -> None:
    document = layouts.spreads()
    pages = without_numbers(document.pages)
    assert marked(pages) == [2, 3, 4, 5]
    found = discover(layouts.reading(document._replace(pages=pages)), pages)
    assert [p.name for p in found.products] == [p.name for p in document.products]


@pytest.mark.parametrize("size", [(BROAD * 0.9, HEIGHT), (BROAD, HEIGHT * 0.9), (1.1 * HEIGHT, HEIGHT)])
def test_broad_pages_of_another_size_are_no_spreads(size: tuple[float, float]) -> None:
    broad = page(2, prose(60, 60, "Soft and quiet. " * 20, width=30)).model_copy(update={"box": (0, 0, *size)})
    assert marked([cover(), broad]) == []


def broad_page(number: int, blocks: Sequence[Block] = (), pictures: Sequence[Box] = ()) -> Page:
    """A page with text in two columns."""
    columns = [text(x, 60 + 40 * line, f"Soft and quiet {number}") for x in (60, 800) for line in range(8)]
    return page(number, [*columns, *blocks], pictures, width=BROAD)


LEFT, RIGHT, WITHIN = (0.0, 400.0, WIDTH, HEIGHT), (WIDTH, 400.0, BROAD, HEIGHT), (60.0, 400.0, 500.0, 700.0)
HEADLINE = text(WIDTH - 200, 20, "A quiet floor for every home", 30)


def test_broad_pages_whose_fold_stays_empty_are_spreads() -> None:
    pictured = [broad_page(n, pictures=[LEFT if n % 2 else RIGHT]) for n in range(1, 7)]
    assert marked([*pictured, broad_page(7)]) == [1, 2, 3, 4, 5, 6, 7]


def test_slides_in_two_columns_are_no_spreads() -> None:
    for pages in (
        [broad_page(n, pictures=[LEFT]) for n in range(1, 6)],
        [broad_page(n, [HEADLINE] if n == 4 else [], [LEFT]) for n in range(1, 9)],
        [broad_page(n, pictures=[WITHIN]) for n in range(1, 9)],
        [page(n, [text(60, 60, "Quiet")], [RIGHT], width=BROAD) for n in range(1, 9)],
        [page(n, [text(60, 60, "Quiet"), text(320, 60, "Soft")], [(0, 400, WIDTH / 2, 700)]) for n in range(1, 9)],
    ):
        assert marked(pages) == []
