"""Prefect's states made to follow the ledger, which alone knows who lives and what is wanted.

Nothing is remembered between rounds, so that several loops and a crash between two calls come to the same.
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
"""For a worker to kill the process of a cancelled flow run (it takes 5–20 s) before its state is set for it."""

PULL_SECONDS = 1_800.0
"""For a worker that lives to get a shard's container started, however large and far away its image is."""

_ACTIVE = (*UNDER_WAY, *WAITING)
_UNWANTED = (DocumentStatus.CANCELLED, DocumentStatus.DELETING, None)  # none: it is gone


class SettledRuns(Record):
    """Flow runs whose state was behind the ledger, by id."""

    crashed: tuple[str, ...] = ()
    cancelled: tuple[str, ...] = ()


async def settle_flow_runs(client: PrefectClient, ledger: Ledger) -> SettledRuns:
    """A flow run whose run died is Crashed; one of a document that was cancelled or deleted is cancelled."""
    active = [run async for run in in_states(client, _ACTIVE, flow=of_flows(FLOW))]
    past = await asyncio.to_thread(schedule.past_runs, ledger, [str(run.id) for run in active])
    documents = {run.id: _document(run, past.get(str(run.id))) for run in active}
    statuses = await asyncio.to_thread(
        schedule.document_statuses, ledger, {each for each in documents.values() if each}
    )
    due = dict[UUID, State | None]()
    for run in active:
        last, document = past.get(str(run.id)), documents[run.id]
        # A person's flow run that has begun nothing yet decides for itself.
        ours = last is not None or (document is not None and (run.idempotency_key or "").startswith(document))
        due[run.id] = _due_state(run, last, unwanted=ours and statuses.get(document or "") in _UNWANTED)
    return await _set(client, active, due)


async def settle_shards(client: PrefectClient, ledger: Ledger) -> SettledRuns:
    """The same for shards, and one that should have begun its run long ago is Crashed: its slot is another's.

    One that is Pending is in the hands of its worker, as long as that lives: its image may still be on the way. The
    parent that follows a shard sees that it is over, and makes what is open in others.
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
        unwanted = bool(run.tags) and not wanted.intersection(run.tags)  # none: a person started it
        due[run.id] = _due_state(run, last, unwanted=unwanted) or (
            Crashed(message="It began no run in the ledger; another shard makes its items.")
            if run.id in hopeless
            else None
        )
    return await _set(client, active, due)


def _is_late(run: FlowRun) -> bool:
    """Of one without a run in the ledger."""
    return run.state_type in UNDER_WAY and seconds_in_state(run) > HOPELESS_SECONDS


async def _held_by_workers(client: PrefectClient, late: list[FlowRun]) -> set[UUID]:
    """Those of them that are Pending, not for too long, with a worker that shows life."""
    pending = [run for run in late if run.state_type == StateType.PENDING and seconds_in_state(run) < PULL_SECONDS]
    live = {
        (pool, worker)
        for pool in {run.work_pool_name for run in pending if run.work_pool_name}
        for worker in await live_workers(client, pool)
    }
    return {run.id for run in pending if (run.work_pool_name, run.labels.get(WORKER)) in live}


def _due_state(run: FlowRun, last: PastRun | None, *, unwanted: bool) -> State | None:
    """What a flow run's state is to become; None where it may stay. `unwanted`: nobody asks for its work any more."""
    if last is not None and last.state == "dead" and not _began_again(run, last):
        return _state_of_dead(run, last)
    if unwanted:
        return _state_of_unwanted(run)
    if last is not None and last.state == "ended" and min(last.age, seconds_in_state(run)) > HOPELESS_SECONDS:
        return Crashed(message="Its process ended after its work was done.")
    return None


def _began_again(run: FlowRun, last: PastRun) -> bool:
    """Whether it went on after its run ended, as by Prefect's own retry: it is about to begin another."""
    return run.state_type != StateType.CANCELLING and seconds_in_state(run) < last.age


def _state_of_dead(run: FlowRun, last: PastRun) -> State | None:
    """Crashed at once where its process is surely gone; else its worker is asked to kill it first."""
    if is_dead(last.process) or (run.state_type == StateType.CANCELLING and seconds_in_state(run) > FAREWELL_SECONDS):
        return Crashed(message="Its process died or hung; the ledger has freed what it held.")
    return None if run.state_type == StateType.CANCELLING else Cancelling(message="It shows no life.")


def _state_of_unwanted(run: FlowRun) -> State | None:
    """One that has not begun is Cancelled at once; else its worker is asked to kill it first."""
    cancelled: State = Cancelled(message="Its document was cancelled or deleted, or is made anew.")
    if run.state_type == StateType.SCHEDULED:
        return cancelled
    if run.state_type == StateType.CANCELLING:
        return cancelled if seconds_in_state(run) > FAREWELL_SECONDS else None
    return Cancelling(message=cancelled.message)


def _document(run: FlowRun, last: PastRun | None) -> str | None:
    """The document that a flow run is for, as far as its parameters tell."""
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
    """`retry_failed` runs documents in its own process, which is gone."""
    with suppress(ObjectNotFound):
        parent = (await client.read_task_run(task_run)).flow_run_id
        if parent and not is_over(run := await client.read_flow_run(parent)):
            await set_state(client, run, state)
