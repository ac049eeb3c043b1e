"""Create one flow run in Prefect for each due document, at most 100 in a round.

A flow run that begins no run within two minutes is replaced. Flow runs that ended more than SWATCHBOOK_KEEP_DAYS ago
are deleted. `store/ledger/schedule.py` decides what is due.

Keeps no state between rounds: each launch has an idempotency key derived from the ledger, so that concurrent loops, a
crash between two calls and an emptied Prefect database do no harm.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterEndTime, FlowRunFilterIdempotencyKey
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.states import Crashed, Scheduled

from swatchbook.deployments.declared import flow_names
from swatchbook.domain.errors import Configuration
from swatchbook.domain.records import BlockNames, Record
from swatchbook.store.ledger import schedule
from swatchbook.store.ledger.database import Ledger, portions
from swatchbook.store.ledger.run_queries import last_flow_runs
from swatchbook.store.ledger.stored_documents import BATCH, FOLDER, PDF, TABLE, Document
from swatchbook.tasks.cancelled_in_prefect import cancel_document, read_flow_runs
from swatchbook.tasks.prefect_client import (
    PAGE,
    UNDER_WAY,
    WAITING,
    WAITS,
    deployment_id,
    does_not_answer,
    is_over,
    of_flows,
    seconds_in_state,
    set_state,
)

log = logging.getLogger(__name__)

FLOW = "ingest_catalogue"
DEPLOYMENT = f"{FLOW}/{FLOW}"
INGESTS = {PDF: FLOW, FOLDER: "ingest_images", BATCH: "ingest_images", TABLE: "ingest_images"}
"""Kind of a document -> the flow that ingests it."""

AT_ONCE = 100
"""Documents queued in Prefect at a time: more than workers start between two rounds."""

HOPELESS_SECONDS = 120.0
"""A flow run that is Pending or Running for this long without a run in the ledger will never begin one."""

FORGOTTEN_AT_ONCE = 500
"""Flow runs deleted by one collection; the next one, an hour later, deletes more."""


class Launched(Record):
    """Ids of documents that got a flow run, and that a person cancelled; of flow runs set to Crashed as hopeless."""

    documents: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    hopeless: tuple[str, ...] = ()


@asynccontextmanager
async def prefect(*, at_most: float = 5.0) -> AsyncIterator[PrefectClient]:
    """Yield a client of the Prefect server at PREFECT_API_URL. Raises ProviderDown when it does not respond."""
    async with get_client(httpx_settings={"timeout": 30.0}) as client:
        try:
            async with httpx.AsyncClient(timeout=at_most) as probe:  # Prefect's own client retries for a minute
                (await probe.get(f"{str(client.api_url).rstrip('/')}/health")).raise_for_status()
            yield client
        except httpx.HTTPError as error:
            if isinstance(error, httpx.HTTPStatusError) and error.response.status_code in (401, 403):
                raise Configuration(
                    "Prefect rejected the credentials.", advice="Check PREFECT_API_AUTH_STRING."
                ) from error
            raise does_not_answer(error) from error


async def launch(client: PrefectClient, ledger: Ledger) -> Launched:
    """Create one flow run for each due document, the longest waiting first.

    A document whose flow run was cancelled by a person is cancelled instead. Raises Configuration when there is no
    deployment for a kind of document, after the other kinds are launched, and what the client raises.
    """
    waiting = await asyncio.to_thread(schedule.launchable, ledger, AT_ONCE)
    if not waiting:
        return Launched()
    deployments = {kind: await _find_deployment(client, kind) for kind in sorted({each.kind for each in waiting})}
    last = await asyncio.to_thread(last_flow_runs, ledger, [document.id for document in waiting])
    begun = await read_flow_runs(client, last)
    stopped = {last[str(run.id)] for run in begun if await cancel_document(client, ledger, last[str(run.id)], run)}
    waiting = [document for document in waiting if document.id not in stopped]
    existing = await _by_key(client, [_key(document) for document in waiting])
    # Also those that a person started, and that wait or go on since.
    waited = {last[str(run.id)]: run for run in begun if last[str(run.id)] in run.tags and not is_over(run)}
    now = await asyncio.to_thread(ledger.now)
    created, hopeless = list[str](), list[str]()
    for document in waiting:
        run = waited.get(document.id) or existing.get(_key(document))
        if run and not is_over(run):
            if not _is_hopeless(run, document, now):
                await _start_now(client, run)
                continue
            await set_state(client, run, Crashed(message="It started no run in the ledger; a new one replaces it."))
            hopeless.append(str(run.id))
        if run and await cancel_document(client, ledger, document.id, run):
            stopped.add(document.id)
            continue
        deployment = deployments[document.kind]
        if isinstance(deployment, UUID) and await _create(client, deployment, ledger, document, again=run is not None):
            created.append(document.id)
    for deployment in deployments.values():
        if isinstance(deployment, Configuration):
            raise deployment
    return Launched(documents=tuple(created), stopped=tuple(sorted(stopped)), hopeless=tuple(hopeless))


async def forget(client: PrefectClient, *, keep_days: float) -> int:
    """Delete our flow runs that ended more than `keep_days` ago. Return their number."""
    before = datetime.now(UTC) - timedelta(days=keep_days)
    old = FlowRunFilter(end_time=FlowRunFilterEndTime.model_validate({"before_": before}))
    deleted = 0
    while runs := await client.read_flow_runs(flow_filter=of_flows(*flow_names()), flow_run_filter=old, limit=PAGE):
        for run in runs:
            with suppress(ObjectNotFound):
                await client.delete_flow_run(run.id)
        deleted += len(runs)
        if deleted >= FORGOTTEN_AT_ONCE:
            break
    return deleted


# --- one flow run -----------------------------------------------------------------------------------------------------


def _key(document: Document) -> str:
    """Return a launch's idempotency key. `created_at` distinguishes a document that was deleted and uploaded again."""
    return f"{document.id}:{document.created_at:.3f}:{document.launches}"


async def _find_deployment(client: PrefectClient, kind: str) -> UUID | Configuration:
    """Return the deployment that ingests documents of a kind, or a failure that says there is no such deployment."""
    flow = INGESTS[kind]
    try:
        return await deployment_id(client, f"{flow}/{flow}")
    except Configuration as missing:
        return missing


async def _create(client: PrefectClient, deployment: UUID, ledger: Ledger, document: Document, *, again: bool) -> bool:
    """Create a document's flow run; `again` counts a new launch first. Return False if it needs no run now."""
    current = await asyncio.to_thread(schedule.count_launch, ledger, document) if again else document
    if current is None or current.source is None:
        return False
    parameters: dict[str, object] = {"options": current.options.model_dump(mode="json")}
    if current.blocks != BlockNames():  # else the deployment's defaults
        parameters["blocks"] = current.blocks.model_dump(mode="json")
    try:
        await client.create_flow_run_from_deployment(
            deployment,
            parameters={"source": current.source, "owner": current.owner, **parameters},
            idempotency_key=_key(current),
            name=f"{current.owner}: {current.name}"[:200],
            tags=[current.id],
        )
    except PrefectHTTPStatusError as error:
        if error.response.status_code >= 500:
            raise
        log.warning("%s: Prefect rejected the flow run: %s", current.name, error.response.text)
        return False
    return True


async def _start_now(client: PrefectClient, run: FlowRun) -> None:
    """Move the time of a flow run that waits for its document's next try to now: the document is due earlier."""
    at = run.next_scheduled_start_time
    if run.state_type in WAITING and run.state and at and at > datetime.now(UTC):
        await set_state(client, run, Scheduled(name=WAITS, message=run.state.message))


def _is_hopeless(run: FlowRun, document: Document, now: float) -> bool:
    """Return whether it should have begun its run long ago. `now`: the ledger's clock, Unix seconds."""
    due_for = now - max(document.updated_at, document.due_at or 0)
    return run.state_type in UNDER_WAY and min(seconds_in_state(run), due_for) > HOPELESS_SECONDS


# --- many of them -----------------------------------------------------------------------------------------------------


async def _by_key(client: PrefectClient, keys: Sequence[str]) -> dict[str, FlowRun]:
    """Return the existing flow runs by idempotency key."""
    flow_runs = dict[str, FlowRun]()
    for page in portions(keys, PAGE):
        by_key = FlowRunFilter(idempotency_key=FlowRunFilterIdempotencyKey(any_=list(page)))
        runs = await client.read_flow_runs(flow_filter=of_flows(*INGESTS.values()), flow_run_filter=by_key, limit=PAGE)
        flow_runs |= {run.idempotency_key: run for run in runs if run.idempotency_key}
    return flow_runs
