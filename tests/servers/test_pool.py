"""Shards on a work pool, as processes of one more worker: what is asked of them does not depend on what holds them."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import select

from deployments.weaviate import free_ports
from swatchbook.ledger.tables import runs
from tests.servers.halfway import conclude, half_way
from tests.servers.stack import Part, Stack, answers

POOL = "embed-by-process"
DEPLOYMENT = "/deployments/name/embed_shard/embed_shard"


@pytest.fixture(scope="module")
def shard_worker(whole_stack: Stack) -> Iterator[Part]:
    """A worker whose pool the deployment of shards points to meanwhile."""
    pool = {"name": POOL, "type": "process", "concurrency_limit": 2}
    whole_stack.ask_prefect("POST", "/work_pools/", json=pool)
    (port,) = free_ports(1)
    environment = {**whole_stack.worker.environment, "PREFECT_WORKER_WEBSERVER_PORT": str(port)}
    command = [POOL if part == "control" else part for part in whole_stack.worker.command]
    worker = Part(
        "shards", command, environment, whole_stack.folder / "shards.log", answers(f"http://127.0.0.1:{port}/health")
    )
    worker.start()
    deployment = whole_stack.ask_prefect("GET", DEPLOYMENT)
    point(whole_stack, deployment["id"], POOL)
    yield worker
    point(whole_stack, deployment["id"], deployment["work_pool_name"])
    worker.stop()


def point(stack: Stack, deployment: str, pool: str) -> None:
    stack.ask_prefect("PATCH", f"/deployments/{deployment}", json={"work_pool_name": pool})


def shards(stack: Stack, document: str) -> list[dict[str, Any]]:
    """Runs of a document's shards, oldest first."""
    query = select(runs).where(runs.c.document == document, runs.c.kind == "shard").order_by(runs.c.token)
    with stack.lab.ledger.read() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def parent(stack: Stack, document: str) -> psutil.Process:
    query = select(runs.c.pid).where(runs.c.document == document, runs.c.kind == "document", runs.c.state == "live")
    with stack.lab.ledger.read() as connection:
        return psutil.Process(connection.execute(query).scalar_one())


def test_shards_make_a_document_side_by_side(stack: Stack, shard_worker: Part, tmp_path: Path) -> None:
    document = half_way(stack, tmp_path / "pool.pdf", execution="pool")
    stack.wait_until(lambda: sum(s["state"] == "live" for s in shards(stack, document)) == 2, "two shards at once")
    stack.trouble()
    conclude(stack, "pool", document)
    ended = shards(stack, document)
    assert len(ended) == 4  # two a slot
    assert {shard["state"] for shard in ended} == {"ended"}
    assert len({shard["pid"] for shard in ended}) == 4


def test_shard_killed_gives_its_items_to_others_at_once(stack: Stack, shard_worker: Part, tmp_path: Path) -> None:
    document = half_way(stack, tmp_path / "shard-killed.pdf", execution="pool")
    victim = next(shard for shard in shards(stack, document) if shard["state"] == "live")
    psutil.Process(victim["pid"]).send_signal(signal.SIGKILL)
    stack.trouble()
    conclude(stack, "shard_killed", document)
    assert [shard["state"] for shard in shards(stack, document) if shard["token"] == victim["token"]] == ["dead"]


def test_parent_that_died_adopts_the_shards_that_still_run(stack: Stack, shard_worker: Part, tmp_path: Path) -> None:
    document = half_way(stack, tmp_path / "parent-killed.pdf", execution="pool")
    parent(stack, document).send_signal(signal.SIGKILL)
    stack.trouble(seconds=0.2)
    conclude(stack, "shards_orphaned", document)
    ended = shards(stack, document)
    assert len(ended) == 4  # all of the first parent's: nothing was cut twice
    assert {shard["state"] for shard in ended} == {"ended"}


def test_machine_of_the_shards_goes_and_they_are_made_by_others(
    stack: Stack, shard_worker: Part, tmp_path: Path
) -> None:
    document = half_way(stack, tmp_path / "machine-of-shards.pdf", execution="pool")
    shard_worker.kill(family=True)
    shard_worker.start()
    stack.trouble()
    conclude(stack, "shards_machine_killed", document)
