"""From the ledger to Prefect: a flow run whose run died becomes Crashed; one whose document was cancelled or deleted
becomes Cancelled, after its worker had 30 s to kill it; a shard that begins no run becomes Crashed after 2 minutes, or
30 while a live worker starts its container. Lost containers are found in `containers.py`.

Keeps no state between rounds, so that concurrent loops and a crash between two calls do no harm.
"""

import asyncio
from contextlib import suppress
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Cancelling, Crashed

from scheduler.launch import FLOW, HOPELESS_SECONDS
from swatchbook.ledger import schedule, shard_runs
from swatchbook.ledger.database import Ledger
from swatchbook.ledger.schedule import PastRun
from swatchbook.records import DocumentStatus, Record, document_id
from swatchbook.runtime.process import is_dead
from swatchbook.storage.files import KEY
from tasks.embed_in_shards import FLOW as SHARD_FLOW
from tasks.prefect_client import (
    UNDER_WAY,
    WAITING,
    WORKER,
    in_states,
    is_over,
    live_workers,
    of_flows,
    seconds_in_state,
    set_state,
)

FAREWELL_SECONDS = 30.0
"""Time for a worker to kill the process of a cancelled flow run (it needs 5–20 s) before we set its state."""

PULL_SECONDS = 1_800.0
"""Time for a live worker to start a shard's container, including the pull of its image."""

_ACTIVE = (*UNDER_WAY, *WAITING)
_UNWANTED = (DocumentStatus.CANCELLED, DocumentStatus.DELETING, None)  # None: the document no longer exists


class SettledRuns(Record):
    """Ids of flow runs whose state was updated."""

    crashed: tuple[str, ...] = ()
    cancelled: tuple[str, ...] = ()


async def settle_flow_runs(client: PrefectClient, ledger: Ledger) -> SettledRuns:
    """Set flow runs of dead runs to Crashed, and those of cancelled or deleted documents to Cancelled."""
    active = [run async for run in in_states(client, _ACTIVE, flow=of_flows(FLOW))]
    past = await asyncio.to_thread(schedule.past_runs, ledger, [str(run.id) for run in active])
    documents = {run.id: _document(run, past.get(str(run.id))) for run in active}
    statuses = await asyncio.to_thread(
        schedule.document_statuses, ledger, {each for each in documents.values() if each}
    )
    due = dict[UUID, State | None]()
    for run in active:
        last, document = past.get(str(run.id)), documents[run.id]
        # A flow run started by a person that has no run in the ledger yet is left alone.
        ours = last is not None or (document is not None and (run.idempotency_key or "").startswith(document))
        due[run.id] = _due_state(run, last, unwanted=ours and statuses.get(document or "") in _UNWANTED)
    return await _set(client, active, due)


async def settle_shards(client: PrefectClient, ledger: Ledger) -> SettledRuns:
    """Settle shards likewise; also set shards to Crashed that should have begun long ago, to free their slots.

    A Pending shard is left alone while its worker lives: its image may still be being pulled. The parent notices the
    end of a shard and embeds its open items in other shards.
    """
    active = [run async for run in in_states(client, _ACTIVE, flow=of_flows(SHARD_FLOW))]
    past = await asyncio.to_thread(schedule.past_runs, ledger, [str(run.id) for run in active])
    tags = {tag for run in active for tag in run.tags}
    wanted = await asyncio.to_thread(shard_runs.current_generations, ledger, tags)
    late = [run for run in active if str(run.id) not in past and _is_late(run)]
    hopeless = {run.id for run in late} - await _held_by_workers(client, late)
    due = dict[UUID, State | None]()
    for run in active:
        last = past.get(str(run.id))
        unwanted = bool(run.tags) and not wanted.intersection(run.tags)  # no tags: a person started it
        due[run.id] = _due_state(run, last, unwanted=unwanted) or (
            Crashed(message="It started no run in the ledger; another shard embeds its items.")
            if run.id in hopeless
            else None
        )
    return await _set(client, active, due)


def _is_late(run: FlowRun) -> bool:
    """Return whether a flow run without a run in the ledger should have begun one."""
    return run.state_type in UNDER_WAY and seconds_in_state(run) > HOPELESS_SECONDS


async def _held_by_workers(client: PrefectClient, late: list[FlowRun]) -> set[UUID]:
    """Return those that are Pending for less than PULL_SECONDS and whose worker is alive."""
    pending = [run for run in late if run.state_type == StateType.PENDING and seconds_in_state(run) < PULL_SECONDS]
    live = {
        (pool, worker)
        for pool in {run.work_pool_name for run in pending if run.work_pool_name}
        for worker in await live_workers(client, pool)
    }
    return {run.id for run in pending if (run.work_pool_name, run.labels.get(WORKER)) in live}


def _due_state(run: FlowRun, last: PastRun | None, *, unwanted: bool) -> State | None:
    """Return the new state of a flow run, None to keep it. `unwanted`: its work is no longer requested."""
    if last is not None and last.state == "dead" and not _began_again(run, last):
        return _state_of_dead(run, last)
    if unwanted:
        return _state_of_unwanted(run)
    if last is not None and last.state == "ended" and min(last.age, seconds_in_state(run)) > HOPELESS_SECONDS:
        return Crashed(message="Its process ended after its work was done.")
    return None


def _began_again(run: FlowRun, last: PastRun) -> bool:
    """Return whether it continued after its run ended, as by Prefect's own retry, and will begin another run."""
    return run.state_type != StateType.CANCELLING and seconds_in_state(run) < last.age


def _state_of_dead(run: FlowRun, last: PastRun) -> State | None:
    """Return Crashed when its process is gone; else Cancelling, so that its worker kills it first."""
    if is_dead(last.process) or (run.state_type == StateType.CANCELLING and seconds_in_state(run) > FAREWELL_SECONDS):
        return Crashed(message="Its process died or hung; its documents were released.")
    return None if run.state_type == StateType.CANCELLING else Cancelling(message="Its run has no heartbeat.")


def _state_of_unwanted(run: FlowRun) -> State | None:
    """Return Cancelled when it has not begun; else Cancelling, so that its worker kills it first."""
    cancelled: State = Cancelled(message="Its document was cancelled, deleted or requested again.")
    if run.state_type == StateType.SCHEDULED:
        return cancelled
    if run.state_type == StateType.CANCELLING:
        return cancelled if seconds_in_state(run) > FAREWELL_SECONDS else None
    return Cancelling(message=cancelled.message)


def _document(run: FlowRun, last: PastRun | None) -> str | None:
    """Return the document id of a flow run, None when its parameters do not contain it."""
    if last is not None:
        return last.document
    source, owner = str(run.parameters.get("source", "")), str(run.parameters.get("owner", "default"))
    return document_id(owner, source[:64]) if KEY.match(source) else None


async def _set(client: PrefectClient, active: list[FlowRun], due: dict[UUID, State | None]) -> SettledRuns:
    crashed, cancelled = list[str](), list[str]()
    for run in active:
        if state := due[run.id]:
            await set_state(client, run, state)
            if state.type == StateType.CRASHED and run.parent_task_run_id:
                await _crash_parent(client, run.parent_task_run_id, state)
            (crashed if state.type == StateType.CRASHED else cancelled).append(str(run.id))
    return SettledRuns(crashed=tuple(crashed), cancelled=tuple(cancelled))


async def _crash_parent(client: PrefectClient, task_run: UUID, state: State) -> None:
    """Set a crashed flow run's parent to Crashed: `retry_failed` runs documents in its own process, which is gone."""
    with suppress(ObjectNotFound):
        parent = (await client.read_task_run(task_run)).flow_run_id
        if parent and not is_over(run := await client.read_flow_run(parent)):
            await set_state(client, run, state)
