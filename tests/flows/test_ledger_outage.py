"""PostgreSQL goes away in the middle of an ingest and comes back: the run sits it out and ends complete."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from swatchbook.domain.records import DocumentStatus, ItemState
from swatchbook.resources import Resources
from swatchbook.store.ledger.tables import items, runs, vectors
from swatchbook.upkeep.verify import verify
from tests.flows.conftest import Ingest
from tests.ledger_audit import count_writes, writes
from tests.postgres import RunningPostgres, running_postgres

pytestmark = pytest.mark.stack

AWAY_SECONDS = 10.0


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningPostgres]:
    """A server of this test's own, with the ledger of the settings."""
    with running_postgres(tmp_path / "postgres") as running:
        monkeypatch.setenv("SWATCHBOOK_LEDGER_URL", running.new_database("ledger"))
        yield running


def test_killed_ledger_costs_no_run(
    server: RunningPostgres, resources: Resources, ingest: Ingest, small_catalogue: Path
) -> None:
    def outage() -> None:
        while not made():
            time.sleep(0.02)
        server.kill()
        time.sleep(AWAY_SECONDS)
        server.start()

    def made() -> int:
        return resources.ledger.execute(select(func.count()).select_from(vectors)).scalar_one()

    count_writes(resources.ledger)
    away = threading.Thread(target=outage)
    away.start()
    report = ingest(small_catalogue)
    away.join()
    assert report.status == DocumentStatus.COMPLETED
    assert report.images_complete == report.images_found > 0
    with resources.ledger.read() as connection:
        assert set(connection.execute(select(items.c.state)).scalars()) == {ItemState.DONE}
        assert connection.execute(select(runs.c.state)).scalars().all() == ["ended"]
    assert set(writes(resources.ledger).values()) == {1}
    assert verify(resources).sound
