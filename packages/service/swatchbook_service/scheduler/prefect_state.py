"""Keep Prefect as the ledger says: set up again what it has lost, update the states of flow runs, and cancel documents
whose flow run a person cancelled.

A flow run becomes:

- Crashed if its run or process died;
- Cancelled if its document was cancelled or deleted, after its worker had 30 s to kill it;
- Crashed if it registers no process, or begins no run, within 2 minutes, or 30 while a live worker starts it.

Lost containers are found in `containers.py`.

Keeps no state between rounds, so that concurrent loops and a crash between two calls do no harm.
"""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Cancelling, Crashed

from swatchbook.deployments.declared import CONTROL, EMBED, flow_names
from swatchbook.domain.errors import Configuration, Failure
from swatchbook.domain.records import DEFAULT_OWNER, DocumentStatus, Record
from swatchbook.domain.runtime.process import is_dead
from swatchbook.domain.settings import Settings
from swatchbook.ingest.run import RECHECK_SECONDS
from swatchbook.store.files.stored_file import KEY
from swatchbook.store.ledger import run_queries, schedule, stored_documents
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.document_commands import postpone
from swatchbook.store.ledger.item_tries import LEASE_SECONDS
from swatchbook.store.ledger.owners import id_of_document
from swatchbook.store.ledger.run_queries import PastRun
from swatchbook.tasks.cancelled_in_prefect import SILENT, UNWANTED, cancel_document, cancel_documents
from swatchbook.tasks.embed_in_shards import FLOW as SHARD_FLOW
from swatchbook.tasks.prefect_client import (
    UNDER_WAY,
    WAITING,
    WORKER,
    deployment_id,
    in_states,
    launched_document,
    live_workers,
    of_flows,
    seconds_in_state,
    set_state,
)
from swatchbook_service.pools import how_to_start
from swatchbook_service.scheduler.launch import AT_ONCE, DEPLOYMENT, HOPELESS_SECONDS, INGESTS, prefect
from swatchbook_service.setup import Mode, set_up

FAREWELL_SECONDS = 30.0
"""Time for a worker to kill the process of a cancelled flow run (it needs 5–20 s) before we set its state."""

SILENT_SECONDS = 2 * LEASE_SECONDS
"""Without a heartbeat for this long, the process of a flow run is taken for hung."""

PULL_SECONDS = 1_800.0
"""Time for a live worker to start a shard's container, including the pull of its image."""

_DIED = "Its process died or hung; its documents were released."

_ACTIVE = (*UNDER_WAY, *WAITING)
_UNWANTED = (DocumentStatus.CANCELLED, DocumentStatus.DELETING, None)  # None: the document no longer exists


class UpdatedRuns(Record):
    """Ids of flow runs whose state was updated, and of documents that a person cancelled in Prefect."""

    crashed: tuple[str, ...] = ()
    cancelled: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()


async def update_ingest_states(client: PrefectClient, ledger: Ledger) -> UpdatedRuns:
    """Set ingests of dead processes to Crashed, and those of cancelled or deleted documents to Cancelled.

    A document whose flow run was cancelled by a person is cancelled.
    """
    live = await asyncio.to_thread(run_queries.live_flow_runs, ledger)
    stopped = await cancel_documents(client, ledger, live)
    for run in stopped:
        if run.state_type == StateType.CANCELLED:  # forced: its worker would let the process work on
            await set_state(client, run, Cancelling(message=UNWANTED))
    active = [run async for run in in_states(client, _ACTIVE, flow=of_flows(*INGESTS.values()))]
    past = await asyncio.to_thread(run_queries.past_runs, ledger, [str(run.id) for run in active])
    documents = await asyncio.to_thread(_documents, ledger, active, past)
    cancelled = {live[str(run.id)] for run in stopped}
    for run in active:  # its process was killed before this round saw it alive
        if run.id in documents and await cancel_document(client, ledger, documents[run.id], run):
            cancelled.add(documents[run.id])
    statuses = await asyncio.to_thread(stored_documents.document_statuses, ledger, set(documents.values()))
    due = await _states_of_processes(client, ledger, [run for run in active if str(run.id) not in past])
    for run in active:
        last, document = past.get(str(run.id)), documents.get(run.id)
        # A flow run started by a person that has no run in the ledger yet is left alone.
        ours = last is not None or (document is not None and (run.idempotency_key or "").startswith(document))
        unwanted = ours and document is not None and statuses.get(document) in _UNWANTED
        due[run.id] = _due_state(run, last, unwanted=unwanted) or due.get(run.id)
    updated = await _set(client, active, due)
    return updated.model_copy(update={"documents": tuple(sorted(cancelled))})


async def update_upkeep_states(client: PrefectClient, ledger: Ledger) -> UpdatedRuns:
    """Set flow runs of all other flows to Crashed that have no process any more: they hold slots of their pool."""
    flows = of_flows(*flow_names() - {*INGESTS.values(), SHARD_FLOW})
    active = [run async for run in in_states(client, UNDER_WAY, flow=flows)]
    return await _set(client, active, await _states_of_processes(client, ledger, active))


async def _states_of_processes(
    client: PrefectClient, ledger: Ledger, active: Sequence[FlowRun]
) -> dict[UUID, State | None]:
    """Return flow run -> its new state by the process that it has registered, or should have; None to keep it."""
    found = await asyncio.to_thread(run_queries.processes_of, ledger, [str(run.id) for run in active])
    known = {run.id: found[str(run.id)] for run in active if _is_registered(run, found.get(str(run.id)))}
    late = [run for run in active if run.id not in known and _is_late(run)]
    due: dict[UUID, State | None] = {run.id: _state_of_process(run, known[run.id]) for run in active if run.id in known}
    held = await _held_by_workers(client, late)
    return due | {run.id: _state_of_lost(run) for run in late if run.id not in held}


async def update_shard_states(client: PrefectClient, ledger: Ledger) -> UpdatedRuns:
    """Update shards likewise; also set shards to Crashed that should have begun long ago, to free their slots.

    A Pending shard is left alone while its worker lives: its image may still be being pulled. The parent notices the
    end of a shard and embeds its open items in other shards.
    """
    active = [run async for run in in_states(client, _ACTIVE, flow=of_flows(SHARD_FLOW))]
    past = await asyncio.to_thread(run_queries.past_runs, ledger, [str(run.id) for run in active])
    tags = {tag for run in active for tag in run.tags}
    wanted = await asyncio.to_thread(run_queries.current_generations, ledger, tags)
    late = [run for run in active if str(run.id) not in past and _is_late(run)]
    hopeless = {run.id for run in late} - await _held_by_workers(client, late)
    due = dict[UUID, State | None]()
    for run in active:
        last = past.get(str(run.id))
        by_hand = launched_document(run.tags) is None  # a person started it: it is nobody's child
        unwanted = not by_hand and not wanted.intersection(run.tags)
        due[run.id] = _due_state(run, last, unwanted=unwanted) or (
            Crashed(message="It started no run in the ledger; another shard embeds its items.")
            if run.id in hopeless
            else None
        )
    return await _set(client, active, due)


def _is_registered(run: FlowRun, process: PastRun | None) -> bool:
    """Return whether a flow run has registered its process since it began its present state: it may begin again."""
    return process is not None and (run.state_type == StateType.CANCELLING or process.age <= seconds_in_state(run))


def _state_of_process(run: FlowRun, process: PastRun) -> State | None:
    if is_dead(process.process):
        return _state_of_lost(run)
    return _state_of_silent(run) if process.age > SILENT_SECONDS else None


def _state_of_lost(run: FlowRun) -> State:
    """Return the final state of a flow run without a process: Cancelled if a cancel was asked for."""
    message = "It has no process: it died, or its worker did."
    return Cancelled(message=message) if run.state_type == StateType.CANCELLING else Crashed(message=message)


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
    """Return the new state of a flow run, None to keep it. `unwanted`: its work is no longer requested.

    Nor is that of a run that was revoked, though its document may have been asked for again since.
    """
    if last is not None and last.state == "revoked" and not _began_again(run, last):
        if is_dead(last.process):
            return Cancelled(message=UNWANTED)
        unwanted = True
    if unwanted and run.state_type == StateType.CANCELLING:
        return _state_of_unwanted(run)
    if last is not None and last.state == "dead" and not _began_again(run, last):
        return Crashed(message=_DIED) if is_dead(last.process) else _state_of_silent(run)
    if unwanted:
        return _state_of_unwanted(run)
    under_way = run.state_type in UNDER_WAY  # else it has ended, and waits for its next try
    if under_way and last and last.state == "ended" and min(last.age, seconds_in_state(run)) > HOPELESS_SECONDS:
        return Crashed(message="Its process ended after its work was done.")
    return None


def _began_again(run: FlowRun, last: PastRun) -> bool:
    """Return whether it continued after its run ended, as by Prefect's own retry, and will begin another run."""
    return run.state_type != StateType.CANCELLING and seconds_in_state(run) < last.age


def _state_of_silent(run: FlowRun) -> State | None:
    """Return Cancelling, so that its worker kills the process, then Crashed."""
    if run.state_type != StateType.CANCELLING:
        return Cancelling(message=SILENT)
    return Crashed(message=_DIED) if seconds_in_state(run) > FAREWELL_SECONDS else None


def _state_of_unwanted(run: FlowRun) -> State | None:
    """Return Cancelled when it has not begun; else Cancelling, so that its worker kills it first."""
    cancelled: State = Cancelled(message=UNWANTED)
    if run.state_type == StateType.SCHEDULED:
        return cancelled
    if run.state_type == StateType.CANCELLING:
        return cancelled if seconds_in_state(run) > FAREWELL_SECONDS else None
    return Cancelling(message=UNWANTED)


def _documents(ledger: Ledger, runs: Sequence[FlowRun], past: Mapping[str, PastRun]) -> dict[UUID, str]:
    """Return flow run -> id of its document, if the ledger, the launch or the parameters have it."""
    documents = dict[UUID, str]()
    for run in runs:
        if last := past.get(str(run.id)):
            documents[run.id] = last.document
        elif launched_for := launched_document(run.tags):
            documents[run.id] = launched_for
        elif KEY.match(source := str(run.parameters.get("source", ""))):
            owner = str(run.parameters.get("owner", DEFAULT_OWNER))
            documents[run.id] = id_of_document(ledger, owner, source[:64])
    return documents


async def _set(client: PrefectClient, active: Sequence[FlowRun], due: Mapping[UUID, State | None]) -> UpdatedRuns:
    crashed, cancelled = list[str](), list[str]()
    for run in active:
        if state := due.get(run.id):
            await set_state(client, run, state)
            (crashed if state.type == StateType.CRASHED else cancelled).append(str(run.id))
    return UpdatedRuns(crashed=tuple(crashed), cancelled=tuple(cancelled))


_COMMAND = "Run `swatchbook serve setup`."


def find_troubles(settings: Settings) -> list[str]:
    """Return what keeps runs from starting: missing deployments, and pools that are paused or no worker polls.

    Raises ProviderDown when Prefect does not respond, Configuration when it rejects the credentials.
    """
    return asyncio.run(_find_troubles(settings))


async def _find_troubles(settings: Settings) -> list[str]:
    async with prefect() as client:
        ours = await client.read_deployments(flow_filter=of_flows(*flow_names()))
        missing = sorted(flow_names() - {deployment.name for deployment in ours})
        troubles = [f"Prefect has no deployment {name}. {_COMMAND}" for name in missing]
        for pool in (CONTROL, *([EMBED] if settings.execution == "pool" else [])):
            try:
                found = await client.read_work_pool(pool)
            except ObjectNotFound:
                troubles.append(f"Prefect has no work pool {pool}. {_COMMAND}")
                continue
            if found.is_paused:
                troubles.append(f"The work pool {pool} is paused: resume it in Prefect's UI.")
            elif not await live_workers(client, pool):
                advice = how_to_start(found.type) if pool == EMBED else _CONTROL_WORKER
                troubles.append(f"No worker polls the work pool {pool}. {advice}")
    return troubles


_CONTROL_WORKER = f"Start one: `prefect worker start --pool {CONTROL} --type process`."


async def restore(client: PrefectClient, ledger: Ledger, settings: Settings) -> bool:
    """Set Prefect up if it has no deployment of ingests, as when its database was emptied. Return whether it was so.

    The limit of the control pool is set too where nothing of ours is left: a living worker recreates the pool without.
    When it fails, documents that are due are blocked with the reason, and the failure is raised.
    """
    try:
        await deployment_id(client, DEPLOYMENT)
        return False
    except Configuration as missing:
        problem = missing
    try:
        emptied = not await client.read_deployments(flow_filter=of_flows(*flow_names()))
        await set_up(settings, Mode(force=emptied))
    except Failure as failure:
        await asyncio.to_thread(_block_due_documents, ledger, f"{problem} {failure}")
        raise
    return True


def _block_due_documents(ledger: Ledger, message: str) -> None:
    for document in schedule.launchable(ledger, AT_ONCE):
        kind = Configuration.kind
        postpone(
            ledger, document.id, DocumentStatus.BLOCKED, message=message, failure_kind=kind, seconds=RECHECK_SECONDS
        )
