"""Run stage 6 on a work pool (`execution=pool`): start a flow run for each shard, and follow them once a second.

Each shard holds a run of its own in the ledger. The document's run ends after 12 dead shards in a row, or when for two
minutes no shard was under way and the pool has no live worker. `ingest/shards.py` has the size of shards; `embed.py`
cuts again what a dead shard left.
"""

import asyncio
import atexit
import gc
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any
from uuid import UUID

import httpx
from prefect import Task, get_run_logger, task
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import State, StateType
from prefect.runtime import flow_run
from ulid import ULID

from swatchbook.domain.errors import KINDS, Configuration, CrashedWorker, ProviderDown
from swatchbook.domain.records import BlockNames
from swatchbook.domain.tracing import span
from swatchbook.ingest import shards
from swatchbook.ingest.run import Work, hold_shard_run
from swatchbook.ingest.shards import Shard
from swatchbook.resources import Resources
from swatchbook.store.ledger import dead_runs, run_queries, runs
from swatchbook.store.ledger.claims import Batch
from swatchbook.store.ledger.queries import account as queries_account
from swatchbook.tasks.cancelled_in_prefect import read_flow_runs
from swatchbook.tasks.document_run import Advance
from swatchbook.tasks.policy import WRITE
from swatchbook.tasks.prefect_client import (
    UNDER_WAY,
    WAITING,
    deployment_id,
    in_states,
    is_over,
    live_workers,
    of_flows,
    prefect_errors_as_outage,
)

FLOW = "embed_shard"
DEPLOYMENT = f"{FLOW}/{FLOW}"

_SUBFLOW = Task(lambda: None, name=FLOW)
"""Stands for a shard among the parent's task runs: Prefect shows a flow run in its parent's graph only by a task run.

`run_deployment` makes one, too, but a new one at each retry.
"""

_POLL_SECONDS = 1.0
_IDLE_SECONDS = 120.0
"""Time for a worker to take a shard, before we check whether the pool has any live worker."""

_MAX_DEATHS = 12
"""Dead shards in a row after which the pool is at fault: an image that kills its process is found in half as many."""


@task(**WRITE, task_run_name="send shards of {work.name}")
async def send_shards(resources: Resources, work: Work, batches: Sequence[Batch], attempt: str) -> list[UUID]:
    """Cut batches into shards, create a flow run for each, and return the ids of the flow runs.

    A retry of this task finds the flow runs that the first try created. Raises Configuration if the pool is unusable.
    """
    shards.require_pool(resources.settings)
    cut = await asyncio.to_thread(shards.cut_shards, resources, work, batches)
    async with get_client() as client:
        deployment = await deployment_id(client, DEPLOYMENT)
        return [await _create_flow_run(resources, client, deployment, shard, attempt) for shard in cut]


async def _create_flow_run(
    resources: Resources, client: PrefectClient, deployment: UUID, shard: Shard, attempt: str
) -> UUID:
    work = shard.work
    manifest = await asyncio.to_thread(shards.keep, resources, shard)
    parameters: dict[str, Any] = {"manifest": manifest, "blocks": work.blocks.model_dump(mode="json")}
    key = f"{work.document}:{work.run.generation}:{attempt}:{shard.number}"
    parent = await client.create_task_run(_SUBFLOW, UUID(str(flow_run.id)), dynamic_key=key)
    created = await client.create_flow_run_from_deployment(
        deployment,
        parameters=parameters,
        idempotency_key=key,
        name=f"{work.owner}: {work.name} {shard.number}/{shard.of}"[:200],
        tags=_tags(work),
        parent_task_run_id=parent.id,
    )
    return created.id


async def embed_in_shards(resources: Resources, work: Work, batches: Sequence[Batch], advance: Advance) -> None:
    """Process batches in shards, once. The caller cuts the items that are still pending into batches again.

    Raises the failure that ended a shard, Configuration if no shard could start, CrashedWorker if too many died in a
    row, and what `send_shards` and `_follow` raise.
    """
    flow_runs = await send_shards(resources, work, batches, str(ULID()))
    message = await _follow(resources, work, flow_runs, advance)
    started = await asyncio.to_thread(run_queries.shard_runs, resources.ledger, work.document, work.run.generation)
    ours = [shard for shard in started if shard.flow_run in {str(each) for each in flow_runs}]
    if not ours:
        raise Configuration(
            f"No shard could start: {message}",
            advice="Check that Docker has the image SWATCHBOOK_SHARDS__IMAGE; see the shards' flow runs in Prefect.",
        )
    for shard in ours:
        if shard.failure_kind:
            raise KINDS[shard.failure_kind]("A shard failed.", advice="Its flow run in Prefect shows why.")
    if len(list(takewhile(lambda shard: shard.state == "dead", reversed(started)))) >= _MAX_DEATHS:
        raise CrashedWorker(
            f"{_MAX_DEATHS} shards in a row died.",
            advice="See their flow runs in Prefect; check that containers have enough memory.",
        )


async def follow_earlier_shards(resources: Resources, work: Work, advance: Advance) -> None:
    """Wait for the shards of an earlier run of the document that have not ended."""
    if flow_runs := await _find_active_shards(work):
        get_run_logger().info("%d shards of an earlier run are still active", len(flow_runs))
        await _follow(resources, work, flow_runs, advance)


@task(**WRITE, task_run_name="active shards of {work.name}")
async def _find_active_shards(work: Work) -> list[UUID]:
    async with get_client() as client:
        active = in_states(client, (*WAITING, *UNDER_WAY), flow=of_flows(FLOW), tags=_tags(work))
        return [run.id async for run in active]


def _tags(work: Work) -> list[str]:
    return [work.document, work.run.generation]


async def _follow(resources: Resources, work: Work, flow_runs: Sequence[UUID], advance: Advance) -> str:
    """Wait until these flow runs have ended, in the ledger or in Prefect, and return Prefect's last state message.

    A flow run that ended in Prefect but not in the ledger has died; its items are freed at once. Raises RunRevoked, and
    ProviderDown if no flow run was under way for two minutes and the pool has no live worker.
    """
    log = get_run_logger()
    active, message, last_under_way = set(flow_runs), "", time.monotonic()
    async with get_client() as client:  # one client for all polls: opening it costs as much as ten of them
        while active:
            await asyncio.sleep(_POLL_SECONDS)
            await asyncio.to_thread(runs.record_alive, resources.ledger, work.run)
            try:
                runs_by_id = {run.id: run for run in await read_flow_runs(client, map(str, active))}
            except httpx.HTTPError as error:  # shards go on, and the ledger knows which are alive
                log.warning("Prefect does not answer: %s", error)
                continue
            ended = {id for id in active if id not in runs_by_id or is_over(runs_by_id[id])}
            if dead := await asyncio.to_thread(dead_runs.mark_shards_dead, resources.ledger, [str(id) for id in ended]):
                log.warning("%d shards died; their items are free for other runs", len(dead))
            await asyncio.to_thread(dead_runs.mark_dead, resources.ledger, work.document)
            rows = await asyncio.to_thread(run_queries.shard_runs, resources.ledger, work.document, work.run.generation)
            states = {shard.flow_run: shard.state for shard in rows}
            active -= ended | {id for id in active if states.get(str(id), "live") != "live"}
            if any(run.state_type in UNDER_WAY for run in runs_by_id.values()):
                last_under_way = time.monotonic()
            done, total = await asyncio.to_thread(_count_images, resources, work)
            await advance(done, total, f"{len(flow_runs) - len(active)} of {len(flow_runs)} shards")
            messages = (run.state.message for run in runs_by_id.values() if run.state and run.state.message)
            message = next(messages, message)
            idle = time.monotonic() - last_under_way > _IDLE_SECONDS
            pools = {run.work_pool_name for run in runs_by_id.values() if run.work_pool_name}
            if active and idle and not any([await live_workers(client, pool) for pool in pools]):
                raise ProviderDown(
                    "The shards' work pool has no live worker.",
                    advice="Start one: `swatchbook doctor` says how. The document then resumes by itself.",
                )
    return message


def _count_images(resources: Resources, work: Work) -> tuple[int, int]:
    """Return how many of the document's images are settled, and how many it has (at least 1)."""
    account = queries_account.account(resources.ledger, document=work.document)
    return account.found - account.pending, max(1, account.found)


# --- in the container of a shard --------------------------------------------------------------------------------------


@task(**WRITE, task_run_name="open shard")
async def open_shard(resources: Resources, manifest: str, blocks: BlockNames) -> Shard:
    """Load a shard and begin its run. Raises RunRevoked if the parent's run ended, and what `shards.load` raises."""
    return await asyncio.to_thread(shards.open_shard, resources, manifest, blocks, flow_run=str(flow_run.id))


@asynccontextmanager
async def hold_shard(resources: Resources, shard: Shard) -> AsyncIterator[Advance]:
    """Hold the shard's run while the block runs, and record how it ends. Yields a progress callback."""
    ledger, run, log = resources.ledger, shard.work.run, get_run_logger()
    atexit.register(gc.freeze)  # or Python frees torch and the models object by object at exit, which takes long

    async def advance(done: int, total: int, note: str) -> None:
        await asyncio.to_thread(runs.record_alive, ledger, run)
        log.info("%d/%d, %s", done, total, note)

    whose: dict[str, Any] = {"document": run.document, "run": run.token, "generation": run.generation}
    traced = span("shard", parent=shard.work.trace, shard=shard.number, shards=shard.of, **whose)
    with traced, hold_shard_run(ledger, run):
        with prefect_errors_as_outage():
            start = None
            if shard.images:
                await asyncio.to_thread(resources.models.load_all)
                start = await _start_seconds()
            started = time.monotonic()  # after loading: the time per image decides how large shards are
            yield advance
        runs.end_part(ledger, run, seconds=time.monotonic() - started, images=shard.images, start=start)


async def _start_seconds() -> float | None:
    """Return the seconds since a worker took this flow run, if Prefect answers: its container and models took them."""
    states = list[State[Any]]()
    with suppress(httpx.HTTPError):
        async with get_client() as client:
            states = await client.read_flow_run_states(UUID(str(flow_run.id)))
    taken = [state.timestamp for state in states if state.type is StateType.PENDING]
    return (datetime.now(UTC) - max(taken)).total_seconds() if taken else None
