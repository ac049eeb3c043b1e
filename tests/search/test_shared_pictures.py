"""A picture that several items or documents show: each keeps its name and price, and filters never mix them."""

from collections.abc import Mapping
from typing import Any

import pytest

from swatchbook.domain.settings import Settings
from swatchbook.index.contract import Where
from swatchbook.resources import Resources, open_resources
from swatchbook.store.ledger.queries.filters import facets_of, satisfying
from swatchbook.store.ledger.queries.search_results import describe_images
from swatchbook.store.ledger.tables import images
from tests.ingest.sources.pictures import draw
from tests.search.conftest import ingest, ingest_items
from tests.store.ledger.scene import one

ITEMS: tuple[Mapping[str, Any], ...] = (
    {"id": "a", "title": "Oak chair", "brand": "Nord", "price": "50", "currency": "EUR", "category": "Chairs"},
    {"id": "b", "title": "Ash stool", "brand": "Sud", "price": "5", "currency": "EUR", "category": "Stools"},
    {"id": "c", "title": "Plain bench", "brand": "Nord"},
)
"""All of them have the same picture; the last one has no price."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """(resources, image, folder's document, batch's document): one picture of a folder and of three items."""
    folder = tmp_path_factory.mktemp("shared")
    draw(folder / "pictures" / "seats" / "wooden_seat.png")
    with open_resources(Settings(home=folder / "home")) as resources:
        documents = ingest(resources, folder / "pictures"), ingest_items(resources, folder / "shop", ITEMS)
        yield resources, one(resources.ledger, images)["id"], *documents


def shown(resources: Resources, image: str, where: Where) -> tuple[str, str | None]:
    (hit,) = describe_images(resources.ledger, [image], where)
    return hit.title, hit.document


def test_result_is_named_after_what_is_asked_for(shared: Any) -> None:
    resources, image, folder, batch = shared
    assert shown(resources, image, Where(document=(folder,))) == ("wooden seat", "pictures")
    assert shown(resources, image, Where(document=(batch,)))[1] == "shop"
    assert shown(resources, image, Where(brand=("Sud",))) == ("Ash stool", "shop")
    assert shown(resources, image, Where(price_min=20.0)) == ("Oak chair", "shop")
    assert describe_images(resources.ledger, [image], Where(price_min=20.0))[0].price == "50 EUR"
    assert shown(resources, image, Where(category=("seats",))) == ("wooden seat", "pictures")
    (first,) = describe_images(resources.ledger, [image])
    assert (first.title, first.product, first.document) == ("wooden seat", "wooden seat", "pictures")


def test_no_price_is_no_price(shared: Any) -> None:
    resources, image, folder, _ = shared
    assert satisfying(resources.ledger, "image", [image], Where(document=(folder,), price_max=1000.0)) == set()
    assert satisfying(resources.ledger, "image", [image], Where(product=("bench",), price_max=1000.0)) == set()
    priced = facets_of(resources.read_cache(), "product", Where()).price
    assert priced
    assert (priced.lowest, priced.currencies) == (5.0, ("EUR",))
