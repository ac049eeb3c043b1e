"""Reviews over HTTP, by two owners who have the same picture."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from swatchbook.store.ledger.trashed_documents import move_to_trash
from tests.doors.conftest import ANNA, BERT, asking, bearing
from tests.store.ledger.scene import image, publish_all
from tests.store.ledger.test_picture_reviews import weak

PRIVATE = "The sofa of our client Meyer."
DOCUMENTS = dict[str, str]


@pytest.fixture
def client(home: Any, keys: None) -> Iterator[TestClient]:
    with asking() as client:
        yield client


@pytest.fixture
def documents(client: TestClient) -> DOCUMENTS:
    """Owner -> the document that shows the same two pictures."""
    ledger = client.app.state.resources.ledger  # type: ignore[attr-defined]
    return {owner: weak(ledger, "oak", "ash", owner=owner).document for owner in ("anna", "bert")}


def told(client: TestClient, documents: DOCUMENTS, key: str = BERT, owner: str = "bert") -> list[Any]:
    """Every answer to this key that a review of an image of it could change."""
    document, shown = documents[owner], image("oak", owner)
    paths = (
        f"/images/{shown}", f"/documents/{document}", f"/documents/{document}/images",
        f"/documents/{document}/deletion", "/documents", "/reviews", "/coverage",
    )  # fmt: skip
    answers = [client.get(path, headers=bearing(key)) for path in paths]
    assert {each.status_code for each in answers} == {200}
    return [each.text for each in answers]


def review(client: TestClient, name: str, key: str = ANNA, owner: str = "anna", **decision: Any) -> Any:
    path = f"/images/{image(name, owner)}/review"
    return client.post(path, headers=bearing(key), json=decision)


@pytest.mark.parametrize(
    "decision", [{"verdict": "reject", "reason": PRIVATE}, {"verdict": "accept"}], ids=lambda each: each["verdict"]
)
def test_review_shows_others_nothing(client: TestClient, documents: DOCUMENTS, decision: dict[str, Any]) -> None:
    ledger = client.app.state.resources.ledger  # type: ignore[attr-defined]
    before, hers = told(client, documents), told(client, documents, ANNA, "anna")
    assert review(client, "oak", **decision).status_code == 200
    publish_all(ledger)
    assert told(client, documents, ANNA, "anna") != hers
    assert told(client, documents) == before
    shown = client.get(f"/images/{image('oak')}", headers=bearing(ANNA)).text
    assert (PRIVATE in shown) == (decision["verdict"] != "accept")


def test_each_owner_reviews_and_takes_back_alone(client: TestClient, documents: DOCUMENTS) -> None:
    for owner, key in (("anna", ANNA), ("bert", BERT)):
        assert review(client, "oak", key, owner, verdict="reject", reason="A logo.").json()["review"]["by"] == owner
    withdrawn = client.delete(f"/images/{image('oak', 'bert')}/review", headers=bearing(BERT))
    assert (withdrawn.json()["review"], withdrawn.json()["needs_review"]) == (None, False)
    texts = [
        client.get(f"/images/{image('oak', owner)}", headers=bearing(key)).json()["text"]
        for owner, key in (("anna", ANNA), ("bert", BERT))
    ]
    assert texts == [None, "Material: oak."]
    assert review(client, "oak", verdict="reject", reason=" ").status_code == 422


def test_deletion_counts_the_same_without_the_other_owner(client: TestClient, documents: DOCUMENTS) -> None:
    ledger = client.app.state.resources.ledger  # type: ignore[attr-defined]
    path = f"/documents/{documents['anna']}/deletion"
    both = client.get(path, headers=bearing(ANNA)).json()
    move_to_trash(ledger, documents["bert"])
    publish_all(ledger)
    assert client.get(path, headers=bearing(ANNA)).json() == both
    assert both == {"documents": 1, "images": 2}
