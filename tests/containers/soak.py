"""The rest of what may die while shards are made in containers, with outages of a minute: half an hour in all.

By `make soak`, or one by `SWATCHBOOK_TEST_SOAK=1 pytest tests/containers/soak.py -k engine_restarted`;
SWATCHBOOK_TEST_FIGURES names a file that is told what was measured.
"""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from swatchbook.domain.records import DocumentStatus
from tests.containers.engine import ours, ours_hanging, restart_ours
from tests.containers.pool import Pool
from tests.servers.audit import TERMINAL, flow_runs, parent, runs_of
from tests.servers.halfway import conclude, half_way, mended, pictures_made, tell, told_of

pytestmark = pytest.mark.timeout(1_500)  # the first run makes every image


ABSENT = "swatchbook-test-absent"
"""An image that nobody has."""


def engine_restarted(pool: Pool, document: str) -> None:
    only_ours(pool)
    restart_ours()


def worker_killed_with_one_pending(pool: Pool, document: str) -> None:
    """Between taking a shard and the start of its container: the engine answers late."""
    only_ours(pool)
    with ours_hanging():
        pool.stack.trouble()
        pool.stack.wait_until(lambda: pool.pending(document), "the worker submits a shard")
        pool.worker.kill(family=True)
    pool.worker.start()


def three_runs_at_once(pool: Pool, document: str) -> None:
    known = pool.stack.document(document)
    assert known.file is not None
    again = {"source": known.file, "owner": known.owner, "options": known.options.model_dump(mode="json")}
    parent(pool.stack, document).send_signal(signal.SIGKILL)
    for flow, parameters in (("ingest_catalogue", again), ("ingest_catalogue", again), ("retry_failed", {})):
        deployment = pool.stack.ask_prefect("GET", f"/deployments/name/{flow}/{flow}")["id"]
        given = {"parameters": parameters, "tags": [document], "state": {"type": "SCHEDULED"}}
        pool.stack.ask_prefect("POST", f"/deployments/{deployment}/create_flow_run", json=given)


def only_ours(pool: Pool) -> None:
    if pool.engine != ours():
        pytest.skip("The engine at hand may have others' containers.")


DEATHS = [engine_restarted, worker_killed_with_one_pending, three_runs_at_once]


@pytest.mark.parametrize("death", DEATHS, ids=lambda death: death.__name__)
def test_what_dies_is_made_up_for(pool: Pool, tmp_path: Path, death: Callable[[Pool, str], None]) -> None:
    document = half_way(pool.stack, tmp_path / f"{death.__name__}.pdf", execution="pool")
    death(pool, document)
    pool.stack.trouble()
    conclude(pool.stack, death.__name__, document)
    assert {shard["state"] for shard in runs_of(pool.stack, document)} <= {"ended", "dead"}
    assert not pool.held()


def test_document_is_blocked_until_shards_can_be_made(pool: Pool, tmp_path: Path) -> None:
    stack = pool.stack
    document = half_way(stack, tmp_path / "image_missing.pdf", execution="pool")
    with pool.job(image=ABSENT):
        for shard in pool.live(document):
            pool.engine.run("kill", pool.containers()[shard])
        seconds = stack.wait_for(document, DocumentStatus.BLOCKED, DocumentStatus.COMPLETED)
        assert ABSENT in told_of(stack, document)
    tell("image_missing, until it is blocked", None, seconds)
    stack.trouble()
    mended(stack, document)
    conclude(stack, "image_missing", document)


def test_cancel_stops_shards_and_frees_what_they_hold(pool: Pool, tmp_path: Path) -> None:
    stack = pool.stack
    document = half_way(stack, tmp_path / "cancelled.pdf", execution="pool")
    assert stack.ask("POST", f"/documents/{document}/cancel").status_code == 202
    seconds = stack.wait_until(lambda: not pool.containers(running=True), "its containers stop")
    seconds += stack.wait_until(lambda: TERMINAL.issuperset(flow_runs(stack, document)), "its flow runs end")
    made = pictures_made(stack)
    tell("cancelled, until its containers are gone", None, seconds)
    assert not pool.held()
    assert stack.document(document).status == DocumentStatus.CANCELLED
    stack.trouble()
    assert stack.ask("POST", f"/documents/{document}/retry").status_code == 202
    conclude(stack, "cancelled, then retried", document)
    assert pictures_made(stack) > made
