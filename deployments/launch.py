"""Runs in Prefect for documents that are due, and Prefect's states made to follow the ledger.

Nothing is remembered between rounds: a launch has one idempotency key, made of what the ledger knows, so that several
loops, a crash between two calls and an emptied Prefect database all come to the same.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterIdempotencyKey,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.states import Cancelled, Cancelling, Crashed

from swatchbook.errors import Configuration, Failure, ProviderDown
from swatchbook.files import KEY
from swatchbook.ledger import launches
from swatchbook.ledger.database import Ledger, portions
from swatchbook.ledger.launches import PastRun
from swatchbook.ledger.process import is_dead
from swatchbook.ledger.runs import Document
from swatchbook.records import BlockNames, DocumentStatus, Record, document_id

log = logging.getLogger(__name__)

FLOW = "ingest_catalogue"
DEPLOYMENT = f"{FLOW}/{FLOW}"

AT_ONCE = 100
"""Documents that may wait in Prefect: more than workers begin between two rounds. What is behind them comes in turn."""

_PAGE = 200  # flow runs: as many as the server gives at once

HOPELESS_SECONDS = 120.0
"""A flow run that has been Pending or Running for so long with no run in the ledger will never begin one."""

FAREWELL_SECONDS = 30.0
"""For a worker to kill the process of a cancelled flow run (it takes 5–20 s) before its state is set for it."""

FORGOTTEN_AT_ONCE = 500
"""Flow runs deleted by one collection: an hour later the next ones go."""

_WAITING, _RUNNING = (StateType.SCHEDULED,), (StateType.PENDING, StateType.RUNNING, StateType.CANCELLING)


class Launched(Record):
    """What came of the due documents: ids of those that got a new flow run, and of flow runs found hopeless."""

    documents: tuple[str, ...] = ()
    hopeless: tuple[str, ...] = ()


class Settled(Record):
    """Flow runs whose state was behind the ledger, by id."""

    crashed: tuple[str, ...] = ()
    cancelled: tuple[str, ...] = ()


@asynccontextmanager
async def prefect(*, at_most: float = 5.0) -> AsyncIterator[PrefectClient]:
    """A client of the Prefect server of PREFECT_API_URL. Raises ProviderDown where it does not answer."""
    async with get_client(httpx_settings={"timeout": 30.0}) as client:
        try:
            async with httpx.AsyncClient(timeout=at_most) as probe:  # Prefect's own retries for a minute
                (await probe.get(f"{str(client.api_url).rstrip('/')}/health")).raise_for_status()
            yield client
        except httpx.HTTPError as error:
            raise _as_failure(error) from error


async def launch(client: PrefectClient, ledger: Ledger, most: int = AT_ONCE) -> Launched:
    """Every document that wants a run gets one flow run, the longest waiting ones first.

    Raises Configuration where there is no deployment, and what the client raises.
    """
    waiting = await asyncio.to_thread(launches.launchable, ledger, most)
    if not waiting:
        return Launched()
    try:
        deployment = (await client.read_deployment_by_name(DEPLOYMENT)).id
    except ObjectNotFound:
        raise Configuration(
            f"Prefect has no deployment {DEPLOYMENT}.", advice="Create it with `swatchbook setup`."
        ) from None
    known = await _by_key(client, [_key(document) for document in waiting])
    now = await asyncio.to_thread(ledger.now)
    created, hopeless = list[str](), list[str]()
    for document in waiting:
        run = known.get(_key(document))
        if run and not _is_over(run):
            if not _is_hopeless(run, document, now):
                continue
            await _set(client, run, Crashed(message="It began no run in the ledger; started again."))
            hopeless.append(str(run.id))
        if await _create(client, deployment, ledger, document, again=run is not None):
            created.append(document.id)
    return Launched(documents=tuple(created), hopeless=tuple(hopeless))


async def settle(client: PrefectClient, ledger: Ledger) -> Settled:
    """Let Prefect's states follow the ledger's, which alone knows who lives and what was cancelled.

    A flow run whose run died is Crashed; one of a document that was cancelled or deleted is cancelled.
    """
    crashed, cancelled = list[str](), list[str]()
    active = [run for types in (_RUNNING, _WAITING) async for run in _in_state(client, types)]
    past = await asyncio.to_thread(launches.past_runs, ledger, [str(run.id) for run in active])
    documents = {run.id: _document(run, past.get(str(run.id))) for run in active}
    statuses = await asyncio.to_thread(launches.statuses, ledger, {each for each in documents.values() if each})
    for run in active:
        last = past.get(str(run.id))
        document = documents[run.id]
        ours = last is not None or (document is not None and (run.idempotency_key or "").startswith(document))
        if state := _due_state(run, last, statuses.get(document or ""), ours=ours):
            await _set(client, run, state)
            if state.type == StateType.CRASHED and run.parent_task_run_id:
                await _crash_parent(client, run.parent_task_run_id, state)
            (crashed if state.type == StateType.CRASHED else cancelled).append(str(run.id))
    return Settled(crashed=tuple(crashed), cancelled=tuple(cancelled))


_UNWANTED = (DocumentStatus.CANCELLED, DocumentStatus.DELETING, None)  # none: it is gone


def _due_state(run: FlowRun, last: PastRun | None, status: DocumentStatus | None, *, ours: bool) -> State | None:
    """What a flow run's state is to become; None where it may stay.

    `status`: its document's. A person's flow run that has begun nothing yet is not `ours`, and decides for itself.
    """
    if last is not None and last.state == "dead" and not _began_again(run, last):
        return _state_of_dead(run, last)
    if ours and status in _UNWANTED:
        return _state_of_unwanted(run)
    if last is not None and last.state == "ended" and min(last.age, _seconds_in_state(run)) > HOPELESS_SECONDS:
        return Crashed(message="Its process ended after its work was done.")
    return None


def _began_again(run: FlowRun, last: PastRun) -> bool:
    """Whether it went on after its run ended, as by Prefect's own retry: it is about to begin another."""
    return run.state_type != StateType.CANCELLING and _seconds_in_state(run) < last.age


def _state_of_dead(run: FlowRun, last: PastRun) -> State | None:
    """Crashed at once where its process is surely gone; else its worker is asked to kill it first."""
    if is_dead(last.process) or (run.state_type == StateType.CANCELLING and _seconds_in_state(run) > FAREWELL_SECONDS):
        return Crashed(message="Its process died or hung; the ledger has freed what it held.")
    return None if run.state_type == StateType.CANCELLING else Cancelling(message="It shows no life.")


def _state_of_unwanted(run: FlowRun) -> State | None:
    """One that has not begun is Cancelled at once; else its worker is asked to kill it first."""
    if run.state_type == StateType.SCHEDULED:
        return Cancelled(message="Its document was cancelled or deleted.")
    if run.state_type == StateType.CANCELLING:
        late = _seconds_in_state(run) > FAREWELL_SECONDS
        return Cancelled(message="Its document was cancelled or deleted.") if late else None
    return Cancelling(message="Its document was cancelled or deleted.")


def _document(run: FlowRun, last: PastRun | None) -> str | None:
    """The document that a flow run is for, as far as its parameters tell."""
    if last is not None:
        return last.document
    source, owner = str(run.parameters.get("source", "")), str(run.parameters.get("owner", "default"))
    return document_id(owner, source[:64]) if KEY.match(source) else None


async def forget(client: PrefectClient, *, keep_days: float, dry_run: bool = False) -> int:
    """Delete flow runs, of any flow of ours, that ended so long ago; in a dry run only count them. Returns how many."""
    before = datetime.now(UTC) - timedelta(days=keep_days)
    old = FlowRunFilter(end_time=FlowRunFilterEndTime.model_validate({"before_": before}))
    if dry_run:
        return await client.count_flow_runs(flow_filter=_ALL_OURS, flow_run_filter=old)
    forgotten = 0
    while runs := await client.read_flow_runs(flow_filter=_ALL_OURS, flow_run_filter=old, limit=_PAGE):
        for run in runs:
            with suppress(ObjectNotFound):
                await client.delete_flow_run(run.id)
        forgotten += len(runs)
        if forgotten >= FORGOTTEN_AT_ONCE:
            break
    return forgotten


# --- one flow run -----------------------------------------------------------------------------------------------------


def _key(document: Document) -> str:
    """A launch's idempotency key. A document that was deleted and came again is another, though its id is the same."""
    return f"{document.id}:{document.created_at:.3f}:{document.launches}"


async def _create(client: PrefectClient, deployment: UUID, ledger: Ledger, document: Document, *, again: bool) -> bool:
    """Give a document a flow run, under the next launch where this one's is over. False where it wants none now."""
    wanting = await asyncio.to_thread(launches.relaunch, ledger, document) if again else document
    if wanting is None or wanting.file is None:
        return False
    given: dict[str, object] = {"options": wanting.options.model_dump(mode="json")}
    if wanting.blocks != BlockNames():  # else the deployment's own
        given["blocks"] = wanting.blocks.model_dump(mode="json")
    try:
        await client.create_flow_run_from_deployment(
            deployment,
            parameters={"source": wanting.file, "owner": wanting.owner, **given},
            idempotency_key=_key(wanting),
            name=f"{wanting.owner}: {wanting.name}"[:200],
            tags=[wanting.id],
        )
    except PrefectHTTPStatusError as refused:
        if refused.response.status_code >= 500:
            raise
        log.warning("%s: Prefect refuses its flow run: %s", wanting.name, refused.response.text)
        return False
    return True


def _is_over(run: FlowRun) -> bool:
    return run.state is not None and run.state.is_final()


def _is_hopeless(run: FlowRun, document: Document, now: float) -> bool:
    """Whether it should have begun its run long ago. `now`: the ledger's clock, Unix seconds."""
    due_for = now - max(document.updated_at, document.due_at or 0)
    return run.state_type in _RUNNING and min(_seconds_in_state(run), due_for) > HOPELESS_SECONDS


def _seconds_in_state(run: FlowRun) -> float:
    return (datetime.now(UTC) - run.state.timestamp).total_seconds() if run.state else 0.0


async def _crash_parent(client: PrefectClient, task_run: UUID, state: State) -> None:
    """`retry_failed` runs documents in its own process, which is gone."""
    with suppress(ObjectNotFound):
        parent = (await client.read_task_run(task_run)).flow_run_id
        if parent and not _is_over(run := await client.read_flow_run(parent)):
            await _set(client, run, state)


async def _set(client: PrefectClient, run: FlowRun, state: State) -> None:
    try:
        await client.set_flow_run_state(run.id, state, force=True)
    except ObjectNotFound:
        log.info("flow run %s is gone", run.id)


# --- many of them -----------------------------------------------------------------------------------------------------


async def _by_key(client: PrefectClient, keys: Sequence[str]) -> dict[str, FlowRun]:
    """Flow runs by idempotency key, as many as there are."""
    found = dict[str, FlowRun]()
    for some in portions(keys, _PAGE):
        named = FlowRunFilter(idempotency_key=FlowRunFilterIdempotencyKey(any_=list(some)))
        runs = await client.read_flow_runs(flow_filter=_OURS, flow_run_filter=named, limit=_PAGE)
        found |= {run.idempotency_key: run for run in runs if run.idempotency_key}
    return found


async def _in_state(client: PrefectClient, types: Sequence[StateType]) -> AsyncIterator[FlowRun]:
    """All flow runs in these states, read page by page."""
    state = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(types))))
    offset = 0
    while runs := await client.read_flow_runs(flow_filter=_OURS, flow_run_filter=state, limit=_PAGE, offset=offset):
        for run in runs:
            yield run
        offset += len(runs)


_OURS = FlowFilter(name=FlowFilterName(any_=[FLOW]))
_ALL_OURS = FlowFilter(name=FlowFilterName(any_=[FLOW, "retry_failed", "report_coverage"]))


def _as_failure(error: httpx.HTTPError) -> Failure:
    if isinstance(error, httpx.HTTPStatusError) and error.response.status_code in (401, 403):
        return Configuration("Prefect refuses the key.", advice="Check PREFECT_API_AUTH_STRING.")
    return ProviderDown(f"Prefect does not answer: {type(error).__name__}: {error}")
