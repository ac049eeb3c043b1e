"""Runs in Prefect for documents that are due; what is long over there is forgotten.

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
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterIdempotencyKey,
)
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.states import Crashed

from swatchbook.errors import Configuration, Failure, ProviderDown
from swatchbook.ledger import schedule
from swatchbook.ledger.database import Ledger, portions
from swatchbook.ledger.documents import Document
from swatchbook.records import BlockNames, Record
from tasks.prefect_client import PAGE, UNDER_WAY, deployment_id, is_over, of_flows, seconds_in_state, set_state

log = logging.getLogger(__name__)

FLOW = "ingest_catalogue"
DEPLOYMENT = f"{FLOW}/{FLOW}"

AT_ONCE = 100
"""Documents that may wait in Prefect: more than workers begin between two rounds. What is behind them comes in turn."""

HOPELESS_SECONDS = 120.0
"""A flow run that has been Pending or Running for so long with no run in the ledger will never begin one."""

FORGOTTEN_AT_ONCE = 500
"""Flow runs deleted by one collection: an hour later the next ones go."""


class Launched(Record):
    """What came of the due documents: ids of those that got a new flow run, and of flow runs found hopeless."""

    documents: tuple[str, ...] = ()
    hopeless: tuple[str, ...] = ()


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
    waiting = await asyncio.to_thread(schedule.launchable, ledger, most)
    if not waiting:
        return Launched()
    deployment = await deployment_id(client, DEPLOYMENT)
    known = await _by_key(client, [_key(document) for document in waiting])
    now = await asyncio.to_thread(ledger.now)
    created, hopeless = list[str](), list[str]()
    for document in waiting:
        run = known.get(_key(document))
        if run and not is_over(run):
            if not _is_hopeless(run, document, now):
                continue
            await set_state(client, run, Crashed(message="It began no run in the ledger; started again."))
            hopeless.append(str(run.id))
        if await _create(client, deployment, ledger, document, again=run is not None):
            created.append(document.id)
    return Launched(documents=tuple(created), hopeless=tuple(hopeless))


async def forget(client: PrefectClient, *, keep_days: float, dry_run: bool = False) -> int:
    """Delete flow runs, of any flow of ours, that ended so long ago; in a dry run only count them. Returns how many."""
    before = datetime.now(UTC) - timedelta(days=keep_days)
    old = FlowRunFilter(end_time=FlowRunFilterEndTime.model_validate({"before_": before}))
    if dry_run:
        return await client.count_flow_runs(flow_filter=_ALL_OURS, flow_run_filter=old)
    forgotten = 0
    while runs := await client.read_flow_runs(flow_filter=_ALL_OURS, flow_run_filter=old, limit=PAGE):
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
    wanting = await asyncio.to_thread(schedule.count_launch, ledger, document) if again else document
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


def _is_hopeless(run: FlowRun, document: Document, now: float) -> bool:
    """Whether it should have begun its run long ago. `now`: the ledger's clock, Unix seconds."""
    due_for = now - max(document.updated_at, document.due_at or 0)
    return run.state_type in UNDER_WAY and min(seconds_in_state(run), due_for) > HOPELESS_SECONDS


# --- many of them -----------------------------------------------------------------------------------------------------


async def _by_key(client: PrefectClient, keys: Sequence[str]) -> dict[str, FlowRun]:
    """Flow runs by idempotency key, as many as there are."""
    found = dict[str, FlowRun]()
    for some in portions(keys, PAGE):
        named = FlowRunFilter(idempotency_key=FlowRunFilterIdempotencyKey(any_=list(some)))
        runs = await client.read_flow_runs(flow_filter=of_flows(FLOW), flow_run_filter=named, limit=PAGE)
        found |= {run.idempotency_key: run for run in runs if run.idempotency_key}
    return found


_ALL_OURS = of_flows(FLOW, "embed_shard", "retry_failed", "report_coverage", "review_quality")


def _as_failure(error: httpx.HTTPError) -> Failure:
    if isinstance(error, httpx.HTTPStatusError) and error.response.status_code in (401, 403):
        return Configuration("Prefect refuses the key.", advice="Check PREFECT_API_AUTH_STRING.")
    return ProviderDown(f"Prefect does not answer: {type(error).__name__}: {error}")
