"""A table of sizes and prices below a product's name in a catalogue is sold as variants in each shop format."""

import re

import pytest
from shop_readers import READERS
from test_batch_to_shops import exported

from swatchbook.domain.records import Page, ProductDetails, ProductPicture
from swatchbook.resources import Resources
from swatchbook_catalogue.describe import assemble_products, describe_all
from swatchbook_catalogue.discover import discover
from tests.catalogue.layouts import NAMES, Document, contacts, cover, foot, page, reading, text

HEADS = ("CAT. NO.", "CAP ML", "PACKING", "PRICE/EACH")


PICTURE = ProductPicture(id="1" * 8, file="a.png", score=1.0, page=2, caption=None, width=400, height=400)


def rows_of(number: int) -> list[tuple[str, str, str, str]]:
    return [(f"{number}/{n}0", f"{n}0", "6", f"€ {number}{n}.50") for n in (1, 2, 3)]


def catalogue() -> list[Page]:
    """Return three products a page: a photo each, and a name above a table."""
    pages = [cover()]
    for first in range(0, 12, 3):
        blocks, pictures = foot(len(pages) + 1), []
        for at, number in enumerate(range(first, first + 3)):
            y = 60 + 240 * at
            blocks.append(text(240, y, NAMES[number].upper() + " CRUCIBLE", 14, bold=True))
            pictures.append((40.0, y, 220.0, y + 160))
            for n, row in enumerate([HEADS, *rows_of(11 + number)]):
                blocks += [text(240 + 80 * k, y + 24 + 16 * n, cell) for k, cell in enumerate(row)]
        pages.append(page(len(pages) + 1, blocks, pictures))
    return [*pages, contacts(len(pages) + 1)]


def read() -> list[ProductDetails]:
    """Run the stages that find and describe products."""
    pages = catalogue()
    found = discover(reading(Document(pages, [])), pages)
    products = assemble_products("d", found, describe_all(found, pages, []))
    more = {"document_id": "d", "document": "Lumen", "owner": "anna", "pictures": (PICTURE,)}
    return [ProductDetails.model_validate(product.model_dump() | more) for product in products]


@pytest.mark.parametrize("form", READERS)
def test_rows_of_sizes_and_prices_are_exported(resources: Resources, form: str) -> None:
    data, written = exported(resources, read(), form)
    assert (written.products, written.variants) == (12, 36)
    for code, _, _, price in (row for number in range(11, 23) for row in rows_of(number)):
        row = rf"{code}(?:(?!\b\d\d/\d\d\b).)*?{price[2:]}\b"  # with no other code in between
        assert re.search(row, data.decode(), re.DOTALL), code
