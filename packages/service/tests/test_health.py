"""Health and figures: told at once, computed once, and honest about what is down."""

import asyncio
import os
import subprocess
import threading
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert
from test_setup import bare

from swatchbook.domain.errors import ProviderDown
from swatchbook.domain.records import Stage
from swatchbook.domain.settings import load_settings
from swatchbook.resources import Resources
from swatchbook.store.ledger import runs
from swatchbook.store.ledger.database import db_now
from swatchbook.store.ledger.tables import calls
from swatchbook_service import app, health, metrics
from swatchbook_service.health import Recent
from tests.deployments.conftest import queued
from tests.doors.conftest import ADDRESS, asking
from tests.fixtures import free_port
from tests.servers.halfway import fill
from tests.store.ledger.scene import begun, fail, keys, set_document
from tests.tables import rows_of

__all__ = ["bare"]


def figures(client: TestClient) -> dict[str, float]:
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {
        sample.name + "".join(f" {value}" for _, value in sorted(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def test_health_says_exactly_this_without_the_home(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with asking() as client:
        told = client.get("/health").json()
        assert set(told) == {"status", "database", "index", "disk", "prefect", "troubles", "stats", "embedding_stats"}
        assert told["troubles"] == []
        assert told["stats"]["owners"] == 1
        assert (told["status"], told["database"], told["index"], told["prefect"]) == (
            "ok",
            "ok",
            "ok",
            "not configured",
        )
        embedded = told["embedding_stats"]
        total = embedded["total_images"]
        assert total == embedded["with_embeddings"] == told["stats"]["images"]["complete"] > 0
        assert (embedded["without_embeddings"], embedded["coverage_percentage"]) == (0, 100.0)
        assert told["stats"]["documents"] == {"completed": 1}
        assert not any(str(filled) in client.get(path).text for path in ("/health", "/metrics", "/ready", "/documents"))


@pytest.mark.usefixtures("home")
def test_health_is_degraded_without_the_prefect_server(monkeypatch: pytest.MonkeyPatch, prefect_api: str) -> None:
    with asking() as client:
        monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{free_port()}/api")
        told = client.get("/health")
        assert (told.status_code, told.json()["status"], told.json()["prefect"]) == (200, "degraded", "down")
        assert os.environ["PREFECT_API_URL"] in " ".join(told.json()["troubles"])
    with asking() as client:
        monkeypatch.setenv("PREFECT_API_URL", prefect_api)
        assert client.get("/health").json()["prefect"] == "ok"


@pytest.mark.usefixtures("bare")
def test_health_is_degraded_when_prefect_lost_our_deployments() -> None:
    with asking() as client:
        told = client.get("/health").json()
    assert (told["prefect"], told["status"]) == ("ok", "degraded")
    assert "swatchbook serve setup" in told["troubles"][0]


def test_health_is_degraded_when_documents_wait_too_long(resources: Resources) -> None:
    document = queued(resources)
    with asking() as client:
        assert client.get("/health").json()["status"] == "ok"
    set_document(resources.ledger, document.id, updated_at=document.updated_at - 121)
    with asking() as client:
        told = client.get("/health").json()
        assert told["status"] == "degraded"
        assert "has been due for 12" in told["troubles"][0]


@pytest.mark.usefixtures("home")
def test_service_without_ledger_is_live_but_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATCHBOOK_LEDGER_URL", f"postgresql://nobody:hush@127.0.0.1:{free_port()}/nothing")
    with asking() as client:
        assert client.get("/live").json() == {"status": "ok"}
        ready, told, listed = client.get("/ready"), client.get("/health"), client.get("/documents")
        assert (ready.status_code, ready.json()) == (
            503, {"status": "not ready", "database": "down", "index": "ok", "disk": "ok"},
        )  # fmt: skip
        assert (told.status_code, told.json()["status"], told.json()["stats"]) == (503, "down", None)
        assert (listed.status_code, listed.json()["kind"]) == (503, "ledger_down")
        assert int(listed.headers["retry-after"]) > 0
        assert figures(client)["swatchbook_ledger_up"] == 0
        assert "hush" not in ready.text + told.text + listed.text


def test_full_disk_is_told(home: Path, small_disk: Path) -> None:
    """Requests still work, so it is ready; documents wait, so it is degraded."""
    home.symlink_to(small_disk)
    with asking() as client:
        ready, told = client.get("/ready"), client.get("/health")
        assert (ready.status_code, ready.json()["status"], ready.json()["disk"]) == (200, "ready", "full")
        assert (told.status_code, told.json()["status"], told.json()["disk"]) == (200, "degraded", "full")
        assert told.json()["troubles"][0].startswith("The disk of SWATCHBOOK_HOME is full: free some space")
        assert str(small_disk) not in told.text
    fill(small_disk / "more")
    with asking() as client:
        told = client.get("/ready").json()
        assert told == {"status": "ready", "database": "ok", "index": "ok", "disk": "full"}, "not a byte is left"
    subprocess.run(["mount", "-o", "remount,size=100m", str(small_disk)], check=True)
    with asking() as client:
        assert client.get("/ready").json()["disk"] == client.get("/health").json()["disk"] == "ok"


@pytest.mark.usefixtures("filled")
def test_figures_count_documents_images_and_requests() -> None:
    with asking() as client:
        (document,) = client.get("/documents").json()["documents"]
        for _ in range(3):
            client.get(f"/documents/{document['id']}")
        client.get("/nope")
        client.get("/another-nope")
        client.request("BREW", "/documents")
        told = figures(client)
    for name, value in rows_of(__file__, "sample"):
        assert told[name] == value, name
    assert told["swatchbook_images complete"] > 0
    assert not any("nope" in name or "BREW" in name or document["id"] in name for name in told)


def test_figures_tell_of_owners_roles_failures_and_costs(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = resources.ledger
    begun(ledger, owner="anna", content="most", pictures=keys(3))
    for owner in ("bert", "cleo"):
        run = begun(ledger, owner=owner, content=owner, pictures=keys(1))
        fail(ledger, run, keys(1), ProviderDown("No."))
    runs.record_timing(ledger, run, Stage.READ, 3.0, 6)
    with ledger.write() as connection:
        call = {"request": "r", "run": run.token, "document": run.document, "provider": "vision.example"}
        connection.execute(insert(calls).values(**call, state="answered", cost_usd=0.5, at=db_now()))
    monkeypatch.setattr(metrics, "_OWNERS", 1)
    with asking() as client:
        told = figures(client)
    for name, value in rows_of(__file__, "scene"):
        assert told[name] == value, name
    assert not any("bert" in name or "cleo" in name for name in told)
    assert (
        told["swatchbook_cost_usd_total vision.example"] == told["swatchbook_cost_usd_last_hour vision.example"] == 0.5
    )
    assert 0 < told["swatchbook_disk_free_bytes"] < told["swatchbook_disk_bytes"]


def test_many_who_ask_at_once_get_one_answer() -> None:
    asked = list[int]()

    def compute() -> int:
        asked.append(1)
        time.sleep(0.05)
        return 7

    async def ask() -> None:
        recent = Recent(compute, 60)
        assert await asyncio.gather(*(recent.get() for _ in range(50))) == [7] * 50
        assert await recent.get() == 7

    asyncio.run(ask())
    assert asked == [1]


def test_pending_answer_is_not_requested_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "ANSWER_SECONDS", 0.02)
    asked, hold = list[int](), threading.Event()

    def compute() -> None:
        asked.append(1)
        hold.wait(5)

    async def ask() -> None:
        recent = Recent(compute, 0)
        assert [await health.result_or_none(recent.get()) for _ in range(3)] == [None] * 3
        hold.set()

    asyncio.run(ask())
    assert asked == [1]


def test_a_loop_that_fails_begins_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "_LOOP_PAUSE", 0.01)
    begun, again = list[int](), threading.Event()

    async def failing(resources: Resources, wake: asyncio.Event) -> None:
        begun.append(1)
        if len(begun) == 3:
            again.set()
        raise ZeroDivisionError

    with TestClient(app.create_app(load_settings(), loop=failing), base_url=ADDRESS) as client:
        assert again.wait(10)
        assert client.get("/live").status_code == 200
