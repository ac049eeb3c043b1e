"""What a document consists of, over HTTP: every list comes whole in pages, and a product with its pictures."""

from fastapi.testclient import TestClient

from tests.doors.pages import one_sample as sample

__all__ = ["sample"]  # a fixture

PARTS = ("products", "entities", "chunks", "links", "images", "pages")


def test_every_list_comes_in_portions(sample: TestClient, document: str) -> None:
    for part in PARTS:
        path = f"/documents/{document}/{part}"
        whole, first = (sample.get(path, params={"limit": limit}).json() for limit in (200, 1))
        rest = sample.get(path, params={"limit": 200, "cursor": first["next"]}).json()
        assert first[part] + rest[part] == whole[part] != []
        assert len(first[part]) == 1
        assert rest["next"] is whole["next"] is None
    for product in sample.get(f"/documents/{document}/products").json()["products"]:
        assert sample.get(f"/products/{product['id']}").json() == product
        assert (product["owner"], product["document_id"]) == ("anna", document)
        assert {sample.get(f"/images/{picture['id']}/file").status_code for picture in product["pictures"]} == {200}


def test_a_cursor_of_another_list_is_refused(sample: TestClient, document: str) -> None:
    cursor = sample.get(f"/documents/{document}/pages?limit=1").json()["next"]
    for part in PARTS:
        for wrong in ("x", "WzFlOTk5LCJ4Il0=", "é") if part == "pages" else (cursor,):
            answer = sample.get(f"/documents/{document}/{part}", params={"cursor": wrong})
            assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), wrong
