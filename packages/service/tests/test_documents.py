"""Documents and images over HTTP: shown as they stand, and what is asked for is written down."""

import io
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import select, update

from swatchbook.domain.records import DocumentStatus, ItemState, Role, Stage, image_id
from swatchbook.resources import Resources
from swatchbook.store.ledger import runs, schedule
from swatchbook.store.ledger.tables import items
from swatchbook.store.ledger.tables import runs as runs_table
from tests.deployments.conftest import queued
from tests.doors.conftest import asking
from tests.fixtures import free_port
from tests.store.ledger import scene
from tests.tables import rows_of


@pytest.fixture
def resources(client: TestClient) -> Resources:
    tools: Resources = client.app.state.resources  # type: ignore[attr-defined]
    return tools


def test_a_live_run_shows_how_far_it_is(client: TestClient, resources: Resources) -> None:
    run = scene.begun(resources.ledger, pictures=scene.keys(4))
    runs.record_progress(resources.ledger, run, Stage.EMBEDDED, 1, 4, "batch 1/4")
    shown = client.get(f"/documents/{run.document}").json()
    assert (shown["status"], shown["percent"]) == ("running", 68.5)
    assert {name: shown["progress"][name] for name in ("stage", "done", "total", "note")} == {
        "stage": "IMAGES_EMBEDDED", "done": 1, "total": 4, "note": "batch 1/4",
    }  # fmt: skip
    assert shown["report"]["images_found"] == shown["report"]["images_pending"] == 4
    agrees_with_list(client, shown)
    scene.change(resources.ledger, items, items.c.key == scene.keys(1)[0], state=ItemState.REJECTED)
    scene.set_document(
        resources.ledger, run.document, status=DocumentStatus.WAITING, stage=Stage.COMPLETED, run=None, due_at=0
    )
    shown = client.get(f"/documents/{run.document}").json()
    assert (shown["stage"], shown["percent"]) == ("IMAGES_EXTRACTED", 68.5)
    assert shown["report"]["stage"] == shown["stage"]
    assert shown["shown"]["sentence"] == "Waiting: 3 of 4 images, 1 rejected, next try now."
    agrees_with_list(client, shown)


def agrees_with_list(client: TestClient, shown: dict[str, Any]) -> None:
    (listed,) = client.get("/documents").json()["documents"]
    assert listed == {name: shown[name] for name in listed}


def test_immediate_delete_is_recorded_and_refuses_other_moves(client: TestClient, resources: Resources) -> None:
    run = scene.begun(resources.ledger, pictures=scene.keys(1))
    path = f"/documents/{run.document}"
    for _ in range(2):
        told = client.delete(f"{path}?now=true")
        assert (told.status_code, told.json()["status"]) == (202, "deleting")
    assert scene.one(resources.ledger, runs_table, token=run.token)["state"] == "revoked"
    assert "in the background" in client.delete(path).json()["message"], "it no longer comes to the trash"
    assert [client.post(f"{path}/{move}").status_code for move in ("embed", "retry", "cancel")] == [409, 409, 409]
    assert client.get(path).json()["status"] == "deleting"


def test_deleted_document_is_in_the_trash_until_restored(client: TestClient, resources: Resources) -> None:
    run = scene.complete(resources.ledger, "oak", "ash")
    path = f"/documents/{run.document}"
    assert client.delete(path).status_code == 202
    assert [client.get(path).status_code, client.delete(path).status_code] == [404, 404]
    assert client.get("/documents").json()["documents"] == []
    (kept,) = client.get("/trash").json()["documents"]
    assert (kept["document"], kept["owner"], kept["images"]) == (run.document, "anna", 2)
    restored = client.post(f"/trash/{run.document}/restore")
    assert (restored.status_code, restored.json()["status"]) == (202, "completed")
    assert client.get(path).json()["status"] == "completed"
    assert client.get("/trash").json()["documents"] == []
    assert client.post(f"/trash/{run.document}/restore").status_code == 404


def settle(resources: Resources, states: list[ItemState]) -> list[str]:
    """Let the first colour items of the sample have come to these states; returns their keys."""
    with resources.ledger.write() as connection:
        found = select(items.c.key).where(items.c.role == Role.COLOR).order_by(items.c.key).limit(len(states))
        keys = list(connection.execute(found).scalars())
        for key, state in zip(keys, states, strict=True):
            this = update(items).where(items.c.key == key, items.c.role == Role.COLOR)
            connection.execute(this.values(state=state, attempts=3, runs=8))
    return keys


def states_of(resources: Resources, keys: list[str]) -> list[str]:
    return [scene.one(resources.ledger, items, key=key, role=Role.COLOR)["state"] for key in keys]


def test_retry_says_that_nothing_starts_it(
    client: TestClient, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/documents/{queued(resources, 'oak').id}/retry"
    assert client.post(path).json()["message"] == "The document will be processed again."
    monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{free_port()}/api")
    told = client.post(path, json={"force": True}).json()["message"]
    assert told == "The document is due, but nothing starts it now: `swatchbook doctor` and `GET /health` say why."


def test_changed_settings_make_a_complete_document_stale(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATCHBOOK_MAX_IMAGE_SIDE", "2048")
    with asking() as client:
        (document,) = client.get("/documents").json()["documents"]
        told = client.post(f"/documents/{document['id']}/embed").json()
        assert told["status"] == "waiting"
        (due_now,) = schedule.due_documents(client.app.state.resources.ledger)  # type: ignore[attr-defined]
        assert due_now.id == document["id"]


def test_image_shows_its_places_and_is_sent_unchanged(sample: TestClient, document: str) -> None:
    (hit,) = sample.get("/search?text=oak&k=1").json()["hits"]
    shown = sample.get(f"/images/{hit['id']}").json()
    assert (shown["owner"], shown["state"], shown["published"]) == ("anna", "complete", True)
    assert {place["document_id"] for place in shown["places"]} == {document}
    assert {role["state"] for role in shown["roles"]} == {"done"}
    assert {"visual", "color", "texture", "analysis"} <= {role["role"] for role in shown["roles"]}
    sent = sample.get(f"/images/{hit['id']}/file")
    with Image.open(io.BytesIO(sent.content)) as picture:
        assert Image.MIME[picture.format or ""] == sent.headers["content-type"]
    assert sent.headers["content-security-policy"].startswith("sandbox")
    assert sent.headers["x-content-type-options"] == "nosniff"


def test_finished_items_stay_and_force_takes_the_rest(sample: TestClient, document: str) -> None:
    resources = sample.app.state.resources  # type: ignore[attr-defined]
    for move, force, left in rows_of(__file__, "left"):
        keys = settle(resources, [ItemState.FAILED, ItemState.REJECTED, ItemState.DONE])
        told = sample.post(f"/documents/{document}/{move}", json={"force": force})
        assert told.status_code == 202
        assert states_of(resources, keys) == left
        shown = sample.get(f"/documents/{document}").json()
        assert shown["status"] == told.json()["status"] == ("waiting" if "pending" in left else "completed")


def test_one_image_is_embedded_again_and_no_other(sample: TestClient, document: str) -> None:
    resources = sample.app.state.resources  # type: ignore[attr-defined]
    keys = settle(resources, [ItemState.FAILED, ItemState.REJECTED])
    image = image_id("anna", keys[1])
    shown = sample.get(f"/images/{image}").json()
    assert shown["state"] == "partial"
    assert sample.post(f"/images/{image}/embed").json()["documents"] == []
    assert states_of(resources, keys) == ["failed", "rejected"]
    assert sample.post(f"/images/{image}/embed", json={"force": True}).json()["documents"] == [document]
    assert states_of(resources, keys) == ["failed", "pending"]
    assert sample.get(f"/documents/{document}").json()["status"] == "waiting"
