"""What a document consists of, over HTTP: every list comes whole in pages, and a product with its pictures."""

from typing import Any

from fastapi.testclient import TestClient

from swatchbook.resources import Resources
from swatchbook.store.ledger.queries.document import show_document
from tests.doors.pages import one_sample as sample
from tests.doors.pages import resources

__all__ = ["resources", "sample"]  # fixtures

PARTS = ("products", "entities", "chunks", "links", "images", "pages")


def listed(client: TestClient, document: str, part: str, limit: int) -> list[dict[str, Any]]:
    found, cursor = list[dict[str, Any]](), None
    while True:
        asked = {"limit": limit, **({"cursor": cursor} if cursor else {})}
        answer = client.get(f"/documents/{document}/{part}", params=asked)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page[part]) <= limit
        found += page[part]
        if (cursor := page["next"]) is None:
            return found


def test_every_list_comes_whole_in_the_order_of_the_catalogue(
    sample: TestClient, resources: Resources, document: str
) -> None:
    shown = show_document(resources.ledger, document)
    for part in PARTS:
        pages = [listed(sample, document, part, limit) for limit in (1, 2, 200)]
        assert pages[0] == pages[1] == pages[2]
        assert len(pages[0]) == len(shown["page_boxes" if part == "pages" else part]) > 0
    for part in ("products", "entities", "chunks", "images"):
        found = listed(sample, document, part, 200)
        assert [each["id"] for each in found] == [each["id"] for each in shown[part]]
        same = (found[0].keys() & shown[part][0].keys()) - {"placements"}
        assert {name: found[0][name] for name in same} == {name: shown[part][0][name] for name in same}
    images = listed(sample, document, "images", 200)
    assert {image["state"] for image in images} > {"complete"}, "decorative ones are listed too"
    assert images[0]["placements"][0]["page"] == shown["images"][0]["placements"][0]["page"]
    pages = listed(sample, document, "pages", 200)
    assert [page["number"] for page in pages] == [1, 2, 3, 4, 5, 6]
    assert {page["kind"] for page in pages} == {"product", "skipped"}
    assert pages[0]["reason"] == "cover"
    for product in listed(sample, document, "products", 200):
        assert sample.get(f"/products/{product['id']}").json() == product
        assert (product["owner"], product["document_id"]) == ("anna", document)
        scores = [picture["score"] for picture in product["pictures"]]
        assert scores == sorted(scores, reverse=True) != []
        ids = [picture["id"] for picture in product["pictures"]]
        assert len(set(ids)) == len(ids)
        for picture in ids:
            assert sample.get(f"/images/{picture}/file").status_code == 200


def test_a_cursor_of_another_list_is_refused(sample: TestClient, document: str) -> None:
    cursor = sample.get(f"/documents/{document}/pages?limit=1").json()["next"]
    for part in PARTS:
        for wrong in ("x", "WzFlOTk5LCJ4Il0=", "é") if part == "pages" else (cursor,):
            answer = sample.get(f"/documents/{document}/{part}", params={"cursor": wrong})
            assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), wrong
