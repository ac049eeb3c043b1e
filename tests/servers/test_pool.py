"""Shards on a work pool, as processes of one more worker: what is asked of them does not depend on what holds them."""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from swatchbook.store.ledger import run_queries
from swatchbook.store.ledger.runs import SHARD_START
from tests.fixtures import SOAK
from tests.servers.audit import parent, runs_of
from tests.servers.catalogues import make_catalogue, squares
from tests.servers.halfway import conclude, half_way
from tests.servers.stack import CONTROL, Part, Stack, worker_part

pytestmark = pytest.mark.stack

POOL = "embed-by-process"
IN_SHARDS: dict[str, Any] = {"execution": "pool", "batch_size": 12}
"""Two batches of pictures and two of text, so four shards; with a second for each picture, two run for twelve."""

LEAST_GRACE_SECONDS = 10
"""Between SIGTERM and SIGKILL: of Docker. Kubernetes leaves 30 (pools/kubernetes.json)."""

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
    try:
        yield worker
    finally:
        point(whole_stack, deployment["id"], deployment["work_pool_name"])
        worker.stop()
        whole_stack.ask_prefect("DELETE", f"/work_pools/{POOL}")


def point(stack: Stack, deployment: str, pool: str) -> None:
    stack.ask_prefect("PATCH", f"/deployments/{deployment}", json={"work_pool_name": pool})


def shown_in_graph(stack: Stack, document: str) -> tuple[set[str], set[str]]:
    """The shards that Prefect shows in their parent's graph, and those that are subflows of one of its task runs."""
    (of,) = [run["prefect_run"] for run in runs_of(stack, document, "document")]
    tasks = stack.ask_prefect("POST", "/task_runs/filter", json={"flow_runs": {"id": {"any_": [of]}}})
    subflows = {"flow_runs": {"parent_task_run_id": {"any_": [task["id"] for task in tasks]}}}
    nodes = stack.ask_prefect("GET", f"/flow_runs/{of}/graph-v2")["nodes"]
    return (
        {node["id"] for _, node in nodes if node["kind"] == "flow-run"},
        {run["id"] for run in stack.ask_prefect("POST", "/flow_runs/filter", json=subflows)},
    )


def parent_killed(stack: Stack, document: str) -> None:
    parent(stack, document).send_signal(signal.SIGKILL)


def shard_terminated(stack: Stack, document: str) -> None:
    """As a provider takes a spot machine back: SIGTERM, and SIGKILL only after the time that pools leave."""
    victim = psutil.Process(next(shard for shard in runs_of(stack, document) if shard["state"] == "live")["pid"])
    victim.send_signal(signal.SIGTERM)
    victim.wait(LEAST_GRACE_SECONDS)


@pytest.mark.parametrize("kill", [parent_killed, shard_terminated], ids=lambda kill: kill.__name__)
def test_kill_half_way_does_not_change_the_result(
    stack: Stack, shard_worker: Part, tmp_path: Path, kill: Callable[[Stack, str], None]
) -> None:
    document = half_way(stack, tmp_path / f"{kill.__name__}.pdf", **IN_SHARDS)
    in_graph, subflows = shown_in_graph(stack, document)
    assert len(subflows) == 4
    assert in_graph == subflows >= {shard["prefect_run"] for shard in runs_of(stack, document)}
    kill(stack, document)
    stack.trouble(seconds=0.2)
    conclude(stack, kill.__name__, document)
    assert run_queries.shard_seconds(stack.resources.ledger, SHARD_START), "what a shard took to start is measured"
    if kill is parent_killed:  # the next parent adopts its shards, and cuts nothing twice
        assert [shard["state"] for shard in runs_of(stack, document)] == ["ended"] * 4


SIZE, PICTURES = 4, 64
"""Pictures of a batch, and of a document: four shards of four batches."""

DEATHS = 2


@pytest.mark.parametrize("seed", range(8 if SOAK else 1))
def test_killed_shard_costs_at_most_one_batch(stack: Stack, shard_worker: Part, tmp_path: Path, seed: int) -> None:
    dice, log = random.Random(seed), tmp_path / "begun"
    log.touch()
    stack.trouble(seconds=1.0, begun=str(log))
    catalogue = make_catalogue(tmp_path / f"several-{seed}.pdf", pictures=PICTURES, picture=squares)
    document = stack.upload(catalogue, focus=False, execution="pool", batch_size=SIZE)
    killed = list[int]()
    for _ in range(DEATHS):
        killed.append(kill_a_shard(stack, document, log, dice, killed))
    stack.trouble(begun=str(log))
    conclude(stack, f"shard_killed_after_batches_{seed}", document, pictures=PICTURES)
    begun = taken_up(log)
    last = {key: process for process, key in begun}
    again = Counter(process for process, key in begun if last[key] != process)
    assert len(last) == PICTURES
    assert len(begun) == len(set(begun))
    assert again.keys() <= set(killed)
    for process in killed:
        assert again[process] <= SIZE
        assert sum(process == each for each, _ in begun) - again[process] >= SIZE, "what it recorded stays"


def kill_a_shard(stack: Stack, document: str, log: Path, dice: random.Random, killed: list[int]) -> int:
    """Kill the process of a shard, at a random moment after it has recorded a batch or two; return its id."""
    enough = (1 + dice.choice((1, 2))) * SIZE  # a batch that is not at work any more is recorded
    ready = list[int]()

    def has_recorded() -> bool:
        counts = Counter(process for process, _ in taken_up(log))
        live = {shard["pid"] for shard in runs_of(stack, document) if shard["state"] == "live"}
        ready[:] = [process for process in sorted(live.difference(killed)) if counts[process] >= enough]
        return bool(ready)

    while True:
        stack.wait_until(has_recorded, "a shard has recorded a batch")
        time.sleep(dice.uniform(0, 0.5))
        with suppress(psutil.NoSuchProcess):  # it has just ended
            psutil.Process(ready[0]).kill()
            return ready[0]


def taken_up(log: Path) -> list[tuple[int, str]]:
    lines = (line.split() for line in log.read_text().splitlines())
    return [(int(process), key) for process, key in lines]
