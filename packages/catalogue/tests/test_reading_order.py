"""Pages that show two printed pages are known without printed numbers."""

from collections.abc import Sequence

import pytest

from swatchbook.domain.records import Page
from swatchbook_catalogue.discover import discover
from swatchbook_catalogue.page_layout import summarise_page
from swatchbook_catalogue.reading_order import mark_spreads
from tests.catalogue import layouts
from tests.catalogue.layouts import HEIGHT, WIDTH, cover, page, prose

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
