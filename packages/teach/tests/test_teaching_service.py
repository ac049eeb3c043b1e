"""Teaching over HTTP: a reading is accepted, listed and undone, and refused where it cannot be used."""

from pathlib import Path

from fastapi.testclient import TestClient

from swatchbook.domain.records import UNTAUGHT, Example, TaughtReading, TextRule
from swatchbook.resources import Resources
from swatchbook.store.ledger.stored_documents import FOLDER, PDF, get_document
from tests.doors.conftest import asking
from tests.store.ledger.scene import queued

LARGE = TaughtReading(
    names=(TextRule(traits={"size": 12.0}),), examples=(Example(page=1, box=(1, 2, 3, 4), text="POLO"),)
)
SMALL = TaughtReading(names=(TextRule(traits={"size": 8.0, "bold": True}),))


def accept(client: TestClient, document: str, reading: TaughtReading, status: int = 202) -> None:
    body = {"reading": reading.model_dump(mode="json")}
    answer = client.post(f"/documents/{document}/teaching", json=body)
    assert answer.status_code == status, answer.text


def test_accepted_readings_are_listed_and_undone_latest_first(filled: Path) -> None:
    with asking() as client:
        (document,) = (each["id"] for each in client.get("/documents").json()["documents"])
        for reading in (LARGE, SMALL):
            accept(client, document, reading)
        pages = [client.get("/readings?limit=1").json()]
        pages.append(client.get("/readings", params={"limit": 1, "cursor": pages[0]["next"]}).json())
        assert pages[1]["next"] is None
        listed = [each for page in pages for each in page["readings"]]
        assert [(each["number"], each["in_use"]) for each in listed] == [(2, True), (1, False)]
        assert client.get("/readings").json()["readings"] == listed
        resources: Resources = client.app.state.resources  # type: ignore[attr-defined]
        for left in (LARGE, UNTAUGHT):
            assert client.delete(f"/documents/{document}/teaching").status_code == 202
            assert get_document(resources.ledger, document).options.taught == left
        assert client.delete(f"/documents/{document}/teaching").status_code == 409
        undone = client.get("/readings").json()["readings"]
        assert all(each["undone_at"] and not each["in_use"] for each in undone)
        assert len(undone) == 2


def test_what_cannot_be_taught_is_refused_in_words(filled: Path) -> None:
    with asking() as client:
        (document,) = (each["id"] for each in client.get("/documents").json()["documents"])
        resources: Resources = client.app.state.resources  # type: ignore[attr-defined]
        folder, unread = (queued(resources.ledger, content=kind, kind=kind) for kind in (FOLDER, PDF))
        accept(client, document, UNTAUGHT, status=422)
        accept(client, folder.id, LARGE, status=422)
        endless = b'{"reading": {"names": [{"traits": {"size": 1e999}}]}}'
        assert client.post(f"/documents/{document}/teaching", content=endless).status_code == 422
        assert client.get("/readings").json()["readings"] == []
        for address in ("pages/1/texts", "teaching/readings"):
            assert client.get(f"/documents/{unread.id}/{address}").status_code == 409
        assert client.post(f"/documents/{unread.id}/teaching/proposal", json={}).status_code == 409
