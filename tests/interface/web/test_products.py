"""The page of a product: what it shows is what the ledger has, and it is only for browsers at its address."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from swatchbook.ledger.tables import products
from swatchbook.pipeline.register_folder import register_folder
from swatchbook.pipeline.run import begin_work
from swatchbook.pipeline.scan import scan
from swatchbook.pipeline.work import Work
from swatchbook.records import IngestOptions
from swatchbook.resources import Resources
from tests.interface.web.conftest import BROWSER, page
from tests.sources.pictures import draw


@pytest.fixture
def listed(sample: TestClient, document: str) -> list[dict[str, Any]]:
    """The products of the sample."""
    found: list[dict[str, Any]] = sample.get(f"/documents/{document}/products").json()["products"]
    return found


def test_address_answers_browsers_with_page_others_with_json(sample: TestClient, listed: list[dict[str, Any]]) -> None:
    address = f"/products/{listed[0]['id']}"
    as_page, as_json = sample.get(address, headers=BROWSER), sample.get(address)
    assert as_page.headers["content-type"].startswith("text/html")
    assert as_json.json() == listed[0]
    assert (as_page.headers["vary"], as_json.headers["vary"]) == ("Accept", "Accept")
    page(sample, "/products/no-id", 404)
    assert (
        sample.get("/products/00000000-0000-0000-0000-000000000000")
        .headers["content-type"]
        .startswith("application/problem+json")
    )


def test_page_shows_pictures_facts_and_pages(sample: TestClient, document: str, listed: list[dict[str, Any]]) -> None:
    for product in listed:
        read = page(sample, f"/products/{product['id']}")
        assert product["name"] in read.text
        assert {f"/ui/images/{each['id']}" for each in product["pictures"]} <= set(read.links("/ui/images/"))
        for score in (each["score"] for each in product["pictures"]):
            assert f"{100 * score:.0f} % sure" in read.text
        for key, value in product["metadata"].items():
            assert key.replace("_", " ") in read.text
            assert value in read.text
        for fact in product["facts"]:
            assert f"/ui/documents/{document}?page={fact['page']}#page" in read.links("/ui/documents/")
        rendered = [given["src"] for given in read.all("img", alt="")]
        assert rendered == [f"/documents/{document}/pages/{number}?width=600" for number in product["pages"]]
        boxes = [given for given in read.all("rect") if given.get("class") == "look shown"]
        assert len(boxes) >= len(product["pictures"])


def test_variant_is_shown_with_picture_that_names_it(
    sample: TestClient, resources: Resources, listed: list[dict[str, Any]]
) -> None:
    (product, *_) = [each for each in listed if any(p["caption"] for p in each["pictures"])]
    (picture, *_) = [each for each in product["pictures"] if each["caption"]]
    variant = {"grain": "variant", "name": picture["caption"], "code": "XY-1", "price": "€ 7", "page": 2}
    with resources.ledger.write() as connection:
        record = connection.execute(products.select().where(products.c.id == product["id"])).one().record
        changed = update(products).where(products.c.id == product["id"])
        connection.execute(changed.values(record={**record, "variants": [variant]}))
    read = page(sample, f"/products/{product['id']}")
    assert "XY-1 · € 7 · page 2" in " ".join(read.text.split())
    assert read.all("img", alt=picture["caption"], width="96", src=f"/images/{picture['id']}/thumbnail?side=96")


def test_products_lead_to_those_before_and_after(sample: TestClient, listed: list[dict[str, Any]]) -> None:
    first, last = (page(sample, f"/products/{each['id']}") for each in (listed[0], listed[-1]))
    assert [given["href"] for given in first.all("a", rel="next")] == [f"/products/{listed[1]['id']}"]
    assert first.all("a", rel="prev") == []
    assert [given["href"] for given in last.all("a", rel="prev")] == [f"/products/{listed[-2]['id']}"]
    assert last.all("a", rel="next") == []


def test_names_on_document_and_image_pages_lead_to_products(
    sample: TestClient, document: str, listed: list[dict[str, Any]]
) -> None:
    for product in listed:
        address = f"/products/{product['id']}"
        assert address in page(sample, f"/ui/documents/{document}?page={product['first_page']}").links("/products/")
        assert address in page(sample, f"/ui/images/{product['pictures'][0]['id']}").links("/products/")


def test_item_of_folder_has_page_with_its_file(sample: TestClient, resources: Resources, tmp_path: Path) -> None:
    draw(tmp_path / "pictures" / "oak.png", 1)
    options = IngestOptions()
    folder = register_folder(resources, tmp_path / "pictures", owner="anna", options=options).document
    work = begin_work(resources, folder.content, owner="anna", options=options, kind=folder.kind)
    assert isinstance(work, Work)
    scan(resources, work, b"", progress=lambda done, total: None)
    (product,) = sample.get(f"/documents/{folder.id}/products").json()["products"]
    read = page(sample, f"/products/{product['id']}")
    assert product["name"] in read.text
    assert "oak.png" in read.text
    assert "It is an item of this folder" in read.text
    assert read.links(f"/ui/images/{product['pictures'][0]['id']}")
