"""A table of sizes and prices below a name in the sample catalogue is sold as variants in each shop format."""

import re
from pathlib import Path

import pytest
from shop_readers import READERS
from test_batch_to_shops import exported

from samples.catalogues.hardware import CORIN, CUPS
from samples.generate import build_layout
from swatchbook.domain.records import ProductDetails, ProductPicture
from swatchbook.resources import Resources
from swatchbook_catalogue import read_catalogue

PICTURE = ProductPicture(id="1" * 8, file="a.png", score=1.0, page=2, caption=None, width=400, height=400)


@pytest.fixture(scope="module")
def cup(tmp_path_factory: pytest.TempPathFactory) -> ProductDetails:
    folder: Path = tmp_path_factory.mktemp("samples")
    (product,) = (each for each in read_catalogue(build_layout(folder, "hardware")).products if each.name == CORIN.name)
    more = {"document_id": "d", "document": "Ostrand & Fell", "owner": "anna", "pictures": (PICTURE,)}
    return ProductDetails.model_validate(product.model_dump() | more)


@pytest.mark.parametrize("form", READERS)
def test_rows_of_sizes_and_prices_are_exported(resources: Resources, cup: ProductDetails, form: str) -> None:
    data, written = exported(resources, [cup], form)
    assert (written.products, written.variants) == (1, len(CUPS))
    for code, _, price in CUPS:
        row = rf"{code}(?:(?!OF-2115-\d+).)*?{price.removesuffix(' EUR')}\b"  # with no other code in between
        assert re.search(row, data.decode(), re.DOTALL), code
