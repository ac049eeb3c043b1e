"""Shards on a work pool, as processes of one more worker: what is asked of them does not depend on what holds them."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import select

from swatchbook.ledger.tables import runs
from tests.conftest import SOAK
from tests.servers.halfway import conclude, half_way
from tests.servers.stack import CONTROL, Part, Stack, worker_part

pytestmark = pytest.mark.stack

POOL = "embed-by-process"
IN_SHARDS: dict[str, Any] = {"execution": "pool", "batch_size": 12}
"""Two batches of pictures and two of text, so four shards; with a second for each picture, two run for twelve."""

LEAST_GRACE_SECONDS = 10
"""Between SIGTERM and SIGKILL: of Docker and Cloud Run. Kubernetes leaves 30 (pools/kubernetes.json), ECS 120."""

DEPLOYMENT = "/deployments/name/embed_shard/embed_shard"


@pytest.fixture(scope="module")
def shard_worker(whole_stack: Stack) -> Iterator[Part]:
    with shards_by_process(whole_stack) as worker:
        yield worker


@contextmanager
def shards_by_process(whole_stack: Stack) -> Iterator[Part]:
    """A worker whose pool the deployment of shards points to meanwhile."""
    template = whole_stack.ask_prefect("GET", "/work_pools/control")["base_job_template"]
    pool = {"name": POOL, "type": "process", "concurrency_limit": 2, "base_job_template": template}
    whole_stack.ask_prefect("POST", "/work_pools/", json=pool)
    command = [POOL if part == "control" else part for part in CONTROL]
    worker = worker_part(whole_stack.folder, whole_stack.environment, "shards", command)
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
    with stack.resources.ledger.read() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def parent(stack: Stack, document: str) -> psutil.Process:
    query = select(runs.c.pid).where(runs.c.document == document, runs.c.kind == "document", runs.c.state == "live")
    with stack.resources.ledger.read() as connection:
        return psutil.Process(connection.execute(query).scalar_one())


def parent_killed(stack: Stack, shard_worker: Part, document: str) -> None:
    parent(stack, document).send_signal(signal.SIGKILL)


def nothing_killed(stack: Stack, shard_worker: Part, document: str) -> None:
    """What the others are held against."""


def shard_killed(stack: Stack, shard_worker: Part, document: str) -> None:
    victim = next(shard for shard in shards(stack, document) if shard["state"] == "live")
    psutil.Process(victim["pid"]).send_signal(signal.SIGKILL)


def shard_terminated(stack: Stack, shard_worker: Part, document: str) -> None:
    """As a provider takes a spot machine back: SIGTERM, and SIGKILL only after the time that pools leave."""
    victim = psutil.Process(next(shard for shard in shards(stack, document) if shard["state"] == "live")["pid"])
    victim.send_signal(signal.SIGTERM)
    victim.wait(LEAST_GRACE_SECONDS)


def worker_of_shards_killed(stack: Stack, shard_worker: Part, document: str) -> None:
    shard_worker.kill(family=False)
    shard_worker.start()


def machine_of_shards_killed(stack: Stack, shard_worker: Part, document: str) -> None:
    shard_worker.kill(family=True)
    shard_worker.start()


SPARING = [parent_killed, *([nothing_killed] if SOAK else [])]
"""They leave the shards alone: the next parent adopts them, and cuts nothing twice."""

KILLS = [
    *SPARING,
    shard_terminated,
    *([shard_killed, worker_of_shards_killed, machine_of_shards_killed] if SOAK else []),
]
"""What kills shards is in every run of the tests with real containers: tests/containers/test_pool.py."""


@pytest.mark.parametrize("kill", KILLS, ids=lambda kill: kill.__name__)
def test_kill_in_the_middle_ends_as_if_there_had_been_none(
    stack: Stack, shard_worker: Part, tmp_path: Path, kill: Callable[[Stack, Part, str], None]
) -> None:
    document = half_way(stack, tmp_path / f"{kill.__name__}.pdf", **IN_SHARDS)
    kill(stack, shard_worker, document)
    stack.trouble(seconds=0.2)
    conclude(stack, kill.__name__, document)
    if kill in SPARING:
        assert [shard["state"] for shard in shards(stack, document)] == ["ended"] * 4
