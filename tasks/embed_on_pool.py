"""Stage 6 on a work pool: shards are sent, followed by the ledger's word, and what stays open is cut anew."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Any
from uuid import UUID

import httpx
from prefect import get_run_logger, task
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun
from ulid import ULID

from blocks import load_resources
from swatchbook.errors import KINDS, Configuration, CrashedWorker, ProviderDown
from swatchbook.ledger import runs, shard_runs
from swatchbook.ledger.database import portions
from swatchbook.ledger.items import Batch
from swatchbook.ledger.queries import account as queries_account
from swatchbook.pipeline import shards
from swatchbook.pipeline.run import Work
from swatchbook.pipeline.shards import Shard
from tasks.policy import WRITE
from tasks.prefect_client import PAGE, UNDER_WAY, WAITING, deployment_id, in_states, is_over, live_workers, of_flows
from tasks.progress import Advance

FLOW = "embed_shard"
DEPLOYMENT = f"{FLOW}/{FLOW}"

_LOOK_SECONDS = 1.0
_IDLE_SECONDS = 120.0
"""For a worker to take some shard, before it is asked whether anybody serves the pool."""

_MOST_DEATHS = 12
"""Shards in a row, before it is their pool that kills them: one deadly picture is named after half as many."""


@task(**WRITE, task_run_name="send shards of {work.name}")
async def send_shards(work: Work, batches: Sequence[Batch], attempt: str) -> list[UUID]:
    """Cut open items into shards and give each a flow run: these. A second try finds those that the first one sent.

    Raises Configuration where the pool cannot be used.
    """
    tools = load_resources(work.blocks)
    shards.require_pool(tools.settings)
    cut = await asyncio.to_thread(shards.cut_shards, tools, work, batches)
    async with get_client() as client:
        deployment = await deployment_id(client, DEPLOYMENT)
        return [await _send(client, deployment, shard, attempt) for shard in cut]


async def _send(client: PrefectClient, deployment: UUID, shard: Shard, attempt: str) -> UUID:
    work = shard.work
    manifest = await asyncio.to_thread(shards.keep, load_resources(work.blocks), shard)
    parameters: dict[str, Any] = {"manifest": manifest, "blocks": work.blocks.model_dump(mode="json")}
    sent = await client.create_flow_run_from_deployment(
        deployment,
        parameters=parameters,
        idempotency_key=f"{work.document}:{work.run.generation}:{attempt}:{shard.number}",
        name=f"{work.owner}: {work.name} {shard.number}/{shard.of}"[:200],
        tags=_tags(work),
    )
    return sent.id


async def make_on_pool(work: Work, batches: Sequence[Batch], advance: Advance) -> None:
    """Make batches in shards, once: what is open when they are over is the caller's to cut again.

    Raises what ended a shard, for it concerns them all, Configuration where none could begin, CrashedWorker where too
    many died in a row, and as `send_shards` and `_follow`.
    """
    sent = await send_shards(work, batches, str(ULID()))
    said = await _follow(work, sent, advance)
    known = await asyncio.to_thread(
        shard_runs.of_document, load_resources(work.blocks).ledger, work.document, work.run.generation
    )
    ours = [shard for shard in known if shard.flow_run in {str(flow_run) for flow_run in sent}]
    if not ours:
        raise Configuration(
            f"No shard could begin: {said}",
            advice="Are their image, SWATCHBOOK_SHARD_IMAGE, and Docker there? Their flow runs in Prefect say more.",
        )
    for shard in ours:
        if shard.failure_kind:
            raise KINDS[shard.failure_kind]("A shard could not go on.", advice="Its flow run in Prefect says why.")
    if len(list(takewhile(lambda shard: shard.state == "dead", reversed(known)))) >= _MOST_DEATHS:
        raise CrashedWorker(
            f"{_MOST_DEATHS} shards in a row died.", advice="See their flow runs; do containers have memory enough?"
        )


async def adopt_shards(work: Work, advance: Advance) -> None:
    """Follow the shards that an earlier run of the document has sent, and that are not over."""
    if sent := await _sent_before(work):
        get_run_logger().info("%d shards of an earlier run are still at work", len(sent))
        await _follow(work, sent, advance)


@task(**WRITE, task_run_name="shards at work on {work.name}")
async def _sent_before(work: Work) -> list[UUID]:
    async with get_client() as client:
        active = in_states(client, (*WAITING, *UNDER_WAY), flow=of_flows(FLOW), tags=_tags(work))
        return [run.id async for run in active]


def _tags(work: Work) -> list[str]:
    return [work.document, work.run.generation]


async def _follow(work: Work, sent: Sequence[UUID], advance: Advance) -> str:
    """Until none of these flow runs is at work any more, by the ledger and by Prefect. Returns what Prefect said last.

    One that is over for Prefect and not in the ledger has died: its items are free at once. Raises RunRevoked, and
    ProviderDown where none is in a worker's hands for two minutes, and none lives that could be busy with others.
    """
    tools, log = load_resources(work.blocks), get_run_logger()
    waiting, said, taken = set(sent), "", time.monotonic()
    async with get_client() as client:  # one for all looks: to open it costs ten of them
        while waiting:
            await asyncio.sleep(_LOOK_SECONDS)
            await asyncio.to_thread(runs.record_alive, tools.ledger, work.run)
            try:
                states = await _read(client, waiting)
            except httpx.HTTPError as error:  # the ledger still knows who lives
                log.warning("Prefect does not answer: %s", error)
                continue
            over = {flow_run for flow_run in waiting if flow_run not in states or is_over(states[flow_run])}
            if dead := await asyncio.to_thread(
                shard_runs.mark_dead, tools.ledger, [str(flow_run) for flow_run in over]
            ):
                log.warning("%d shards died; what they held is made by others", len(dead))
            await asyncio.to_thread(runs.mark_dead, tools.ledger, work.document)
            known = await asyncio.to_thread(shard_runs.of_document, tools.ledger, work.document, work.run.generation)
            lives = {shard.flow_run: shard.state for shard in known}
            waiting -= over | {flow_run for flow_run in waiting if lives.get(str(flow_run), "live") != "live"}
            if any(run.state_type in UNDER_WAY for run in states.values()):
                taken = time.monotonic()
            done, total = await asyncio.to_thread(_done, work)
            await advance(done, total, f"{len(sent) - len(waiting)} of {len(sent)} shards")
            said = next((run.state.message for run in states.values() if run.state and run.state.message), said)
            if waiting and time.monotonic() - taken > _IDLE_SECONDS and not await _are_served(client, states.values()):
                raise ProviderDown(
                    "No worker takes shards from their pool.",
                    advice="Start one: `swatchbook worker`. The document goes on by itself.",
                )
    return said


async def _read(client: PrefectClient, flow_runs: set[UUID]) -> dict[UUID, FlowRun]:
    """What Prefect knows of these; one that somebody has deleted is missing."""
    found = dict[UUID, FlowRun]()
    for some in portions(tuple(flow_runs), PAGE):
        chosen = FlowRunFilter(id=FlowRunFilterId(any_=list(some)))
        found |= {run.id: run for run in await client.read_flow_runs(flow_run_filter=chosen, limit=PAGE)}
    return found


async def _are_served(client: PrefectClient, runs: Iterable[FlowRun]) -> bool:
    """Whether a worker of their pool lives."""
    return any([await live_workers(client, pool) for pool in {run.work_pool_name for run in runs} if pool])


def _done(work: Work) -> tuple[int, int]:
    account = queries_account.account(load_resources(work.blocks).ledger, document=work.document)
    return account.found - account.pending, max(1, account.found)
