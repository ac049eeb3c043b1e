"""The page of a product: what it shows is what the ledger has, and it is only for browsers at its address."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from swatchbook.resources import Resources
from swatchbook.store.ledger.tables import documents, products
from tests.doors.pages import BROWSER, Page, page, send
from tests.store.ledger.scene import change, set_document
from tests.tables import rows_of


@pytest.fixture
def listed(sample: TestClient, document: str) -> list[dict[str, Any]]:
    """The products of the sample."""
    found: list[dict[str, Any]] = sample.get(f"/documents/{document}/products").json()["products"]
    return found


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
    first, last = (page(sample, f"/products/{each['id']}") for each in (listed[0], listed[-1]))
    assert [given["href"] for given in first.all("a", rel="next")] == [f"/products/{listed[1]['id']}"]
    assert first.all("a", rel="prev") == []
    assert [given["href"] for given in last.all("a", rel="prev")] == [f"/products/{listed[-2]['id']}"]
    assert last.all("a", rel="next") == []
    address = f"/products/{listed[0]['id']}"
    as_page, as_json = sample.get(address, headers=BROWSER), sample.get(address)
    assert as_page.headers["content-type"].startswith("text/html")
    assert as_json.json() == listed[0]
    assert (as_page.headers["vary"], as_json.headers["vary"]) == ("Accept", "Accept")
    page(sample, "/products/no-id", 404)
    unknown = sample.get("/products/00000000-0000-0000-0000-000000000000")
    assert unknown.headers["content-type"] == "application/problem+json"


def test_variants_are_a_table(sample: TestClient, resources: Resources, listed: list[dict[str, Any]]) -> None:
    (product, *_) = [each for each in listed if any(p["caption"] for p in each["pictures"])]
    (picture, *_) = [each for each in product["pictures"] if each["caption"]]
    variant = {"name": picture["caption"], "code": "XY-1", "price": "€ 7", "page": 2}
    this = products.c.id == product["id"]
    record = resources.ledger.execute(products.select().where(this)).one().record
    change(resources.ledger, products, this, record={**record, "variants": [variant]})
    read = page(sample, f"/products/{product['id']}")
    assert "NameCodePricePage" in "".join(read.text.split())
    assert "XY-1€72" in "".join(read.text.split())
    assert read.all("img", alt=picture["caption"], width="96", src=f"/images/{picture['id']}/thumbnail?side=96")


def leads_to(client: TestClient, given: str, **fields: str) -> str:
    sent = send(client, given, **fields)
    assert sent.status_code == 303, sent.text
    address, _, done = sent.headers["location"].partition("?")
    assert bool(done) == ("undo" not in given), "each edit but an undo offers to undo it"
    return address


def test_name_and_facts_are_changed_and_changes_undone(sample: TestClient, listed: list[dict[str, Any]]) -> None:
    address = f"/products/{listed[0]['id']}"
    assert leads_to(sample, f"/ui{address}/edits", action="rename", name="Larch") == address
    read = page(sample, address)
    assert f"rename {listed[0]['name']} (page {listed[0]['first_page']}) to Larch" in read.text
    assert "100 % likely" in read.text
    assert leads_to(sample, f"/ui{address}/edits/1/undo") == address
    assert sample.get(address).json() == listed[0]
    assert page(sample, f"/products/{listed[1]['id']}").text.count("by hand") == 0, "it is no edit of the other"
    forms = rows_of(__file__, "facts")
    for form in forms:
        assert leads_to(sample, f"/ui{address}/edits", **form) == address
    now = sample.get(address).json()
    assert now["metadata"]["size"] == "20 × 30 cm"
    assert now["metadata"]["slip_rating_class"] == "B"
    assert "material" not in now["metadata"]
    assert now["code"] == "XY-1"
    assert page(sample, address).all("button", **{"aria-label": "Undo edit 5"})
    for number in (5, 4, 3, 2):
        leads_to(sample, f"/ui{address}/edits/{number}/undo")
    assert sample.get(address).json() == listed[0]


def test_mistake_is_shown_next_to_its_field(sample: TestClient, listed: list[dict[str, Any]]) -> None:
    address = f"/ui/products/{listed[0]['id']}/edits"
    for form, field, message in (
        ({"action": "rename", "name": " "}, "name", "It must have 1 or more characters."),
        ({"action": "rename", "name": "x" * 501}, "name", "It must have at most 500 characters."),
        ({"action": "set_fact", "fact": "name", "value": "x"}, "fact", "by renaming it"),
        ({"action": "set_fact", "fact": "new", "value": "a\nb"}, "value", "It must match "),
        ({"action": "split", "after_page": "900", "name": "x"}, "after_page", "Choose a page"),
    ):
        sent = send(sample, address, **form)
        assert sent.status_code == 422
        read = Page(sent.text)
        (wrong,) = [given for tag, given in read.tags if given.get("aria-invalid")]
        assert (wrong["name"], wrong["aria-describedby"]) == (field, "wrong")
        assert read.all("p", id="wrong", role="alert")
        assert message in read.text
        if field != "after_page":
            assert wrong["value"] == form[field], "what was typed is kept"
    gone = send(sample, address, action="set_fact", fact="smell", value="")
    assert (gone.status_code, "has no smell any more" in gone.text) == (422, True)
    assert send(sample, address, action="merge", other="nobody").status_code == 422
    assert sample.get(f"/products/{listed[0]['id']}").json() == listed[0]


def test_product_is_merged_into_a_chosen_one(sample: TestClient, document: str, listed: list[dict[str, Any]]) -> None:
    one, other = listed[:2]
    chosen = page(sample, f"/ui/products/{one['id']}/merge")
    ids = [given["value"] for given in chosen.all("input", name="other")]
    assert ids == [each["id"] for each in listed if each is not one]
    assert chosen.all("img", src=f"/images/{other['pictures'][0]['id']}/thumbnail?side=256")
    assert "No other product" in page(sample, f"/ui/products/{one['id']}/merge?name=xyzzy").text
    edits = f"/ui/products/{one['id']}/edits"
    assert leads_to(sample, edits, action="merge", other=other["id"]) == f"/products/{other['id']}"
    page(sample, f"/products/{one['id']}", 404)
    assert set(sample.get(f"/products/{other['id']}").json()["pages"]) == {*one["pages"], *other["pages"]}
    leads_to(sample, f"/ui/products/{other['id']}/edits/1/undo")
    assert sample.get(f"/documents/{document}/products").json()["products"] == listed


def test_product_is_split_and_removed(sample: TestClient, document: str, listed: list[dict[str, Any]]) -> None:
    one = next(each for each in listed if len(each["pages"]) > 1)
    edits = f"/ui/products/{one['id']}/edits"
    leads_to(sample, edits, action="split", after_page=str(one["pages"][0]), name="Second")
    now = sample.get(f"/documents/{document}/products").json()["products"]
    (second,) = [each for each in now if each["name"] == "Second"]
    assert second["pages"] == one["pages"][1:]
    assert "split" in page(sample, f"/products/{second['id']}").text
    assert leads_to(sample, f"/ui/products/{second['id']}/edits", action="hide") == f"/ui/documents/{document}"
    assert "Second" in page(sample, f"/ui/documents/{document}").text
    page(sample, f"/products/{second['id']}", 404)


def test_grid_lists_what_to_look_at_first(
    sample: TestClient, resources: Resources, document: str, listed: list[dict[str, Any]]
) -> None:
    last = listed[-1]
    this = products.c.id == last["id"]
    record = resources.ledger.execute(products.select().where(this)).one().record
    change(resources.ledger, products, this, record={**record, "confidence": 0.4, "category": last["name"]})
    for address in (f"/ui/documents/{document}", f"/ui/documents/{document}/products"):
        read = page(sample, address)
        assert read.links("/products/")[0] == f"/products/{last['id']}"
        assert "40 % likely" in read.text
        assert "reads like a heading" in read.text
        assert {f"/products/{each['id']}" for each in listed} <= set(read.links("/products/"))
    assert len(sample.get(f"/products/{last['id']}").json()["look_at"]) == 2
    leads_to(sample, f"/ui/products/{last['id']}/edits", action="set_fact", fact="size", value="1")
    assert page(sample, f"/ui/documents/{document}/products").links("/products/")[0] == f"/products/{listed[0]['id']}"


def test_document_shows_how_sure_unedited_products_are(
    sample: TestClient, resources: Resources, document: str, listed: list[dict[str, Any]]
) -> None:
    def pretend(sure: float) -> None:
        told = resources.ledger.execute(documents.select().where(documents.c.id == document)).one().report
        set_document(resources.ledger, document, report={**told, "sure": sure})

    assert 0 < sample.get(f"/documents/{document}").json()["report"]["sure"] < 1
    assert "Are these its products?" in page(sample, "/ui/documents").text
    pretend(0.834)
    read = page(sample, f"/ui/documents/{document}")
    assert "Are these its products? 83 % likely." in read.text
    assert read.all("p", id="sure") == [{"id": "sure"}]
    listing = page(sample, "/ui/documents")
    assert "Are these its products? 83 % likely" in listing.text
    assert "Look at it" not in listing.text
    pretend(0.31)
    read = page(sample, f"/ui/documents/{document}")
    assert "Are these its products? 31 % likely. Check its names" in read.text
    assert read.all("p", id="sure", class_="alert")
    assert "Are these its products? 31 % likely" in page(sample, "/ui/documents").text
    leads_to(sample, f"/ui/products/{listed[0]['id']}/edits", action="set_fact", fact="size", value="1")
    assert not page(sample, f"/ui/documents/{document}").all("p", id="sure")
    assert "Are these its products?" not in page(sample, "/ui/documents").text
