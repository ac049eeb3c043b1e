"""Cancel the document of a flow run that a person has cancelled in Prefect.

Only the state of the flow run distinguishes a cancel from a crash: the process is killed in both cases.
"""

import asyncio
from collections.abc import Iterable, Mapping
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.exceptions import ObjectNotFound

from swatchbook.domain.errors import InvalidReference
from swatchbook.store.ledger.database import Ledger, portions
from swatchbook.store.ledger.document_commands import cancel
from swatchbook.store.ledger.run_queries import last_flow_runs
from swatchbook.store.ledger.stored_documents import get_document
from swatchbook.tasks.prefect_client import NO_CANCEL, PAGE

UNWANTED = "Its document was cancelled, deleted or requested again."
SILENT = "Its run has no heartbeat."
NO_CONTAINER = "Its container no longer exists."
"""Messages of states of cancelled flow runs that the loop sets itself."""

_NOT_BY_PEOPLE = (UNWANTED, SILENT, NO_CONTAINER, "no longer exists, cancelled run")  # the last one is a worker's
_CANCELLED = (StateType.CANCELLING, StateType.CANCELLED)


async def cancel_documents(client: PrefectClient, ledger: Ledger, flow_runs: Mapping[str, str]) -> list[FlowRun]:
    """Cancel the documents whose flow run a person has cancelled, and return these flow runs.

    `flow_runs`: flow run -> document. A document that a person asked for after the cancel stays as it is.
    """
    cancelled = []
    for run in await read_flow_runs(client, flow_runs):
        if await cancel_document(client, ledger, flow_runs[str(run.id)], run):
            cancelled.append(run)
    return cancelled


async def cancel_document(client: PrefectClient, ledger: Ledger, document_id: str, run: FlowRun) -> bool:
    """Cancel a document if a person has cancelled its flow run since asking for the document last."""
    if run.state_type not in _CANCELLED:
        return False
    try:
        document = await asyncio.to_thread(get_document, ledger, document_id)
        if not await _is_cancelled_by_person(client, run, since=max(document.created_at, document.commanded_at or 0.0)):
            return False
        return await asyncio.to_thread(cancel, ledger, document_id)
    except InvalidReference:  # it was deleted
        return False


async def was_cancelled_in_prefect(ledger: Ledger, document: str) -> bool:
    """Cancel a document if a person has cancelled its last flow run, and return whether that is so."""
    last = await asyncio.to_thread(last_flow_runs, ledger, [document])
    if not last:
        return False
    async with get_client() as client:
        return bool(await cancel_documents(client, ledger, last))


async def read_flow_runs(client: PrefectClient, ids: Iterable[str]) -> list[FlowRun]:
    """Return the flow runs with these ids that exist."""
    found = list[FlowRun]()
    for portion in portions([UUID(each) for each in ids], PAGE):
        by_id = FlowRunFilter(id=FlowRunFilterId(any_=list(portion)))
        found += await client.read_flow_runs(flow_run_filter=by_id, limit=PAGE)
    return found


async def _is_cancelled_by_person(client: PrefectClient, run: FlowRun, *, since: float) -> bool:
    """Return whether the first of the states with which it was cancelled is a person's, set after `since`.

    An ingest that waits, or has found nothing to do, has ended with a state of this type, too.
    """
    try:
        states = await client.read_flow_run_states(run.id)
    except ObjectNotFound:
        return False
    first: State | None = None
    for state in sorted((each for each in states if each.name not in NO_CANCEL), key=lambda state: state.timestamp):
        first = None if state.type not in _CANCELLED else first or state
    if first is None or first.timestamp.timestamp() <= since:
        return False
    return not any(message in (first.message or "") for message in _NOT_BY_PEOPLE)
