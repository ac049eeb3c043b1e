"""Begin and end a flow run: open its resources, keep its process in the ledger, and name the state in which it ends.

An ingest ends in Prefect as Completed only if all is done, else under a name that says why not, with the message of
other interfaces. The names, and why their states have the types Cancelled and Failed: docs/flow-runs.md.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext, TagsContext
from prefect.exceptions import Pause
from prefect.runtime import flow_run
from prefect.states import Cancelled, Completed, Failed, Scheduled

from swatchbook.blocks import load_resources
from swatchbook.domain.errors import (
    DocumentDeleted,
    Failure,
    InvalidReference,
    Policy,
    RunRevoked,
    Unexpected,
    as_failure,
)
from swatchbook.domain.records import BlockNames, DocumentStatus, RunReport, ShownState
from swatchbook.domain.runtime.process import yield_to_people
from swatchbook.ingest.run import beating
from swatchbook.resources import Resources
from swatchbook.store.ledger import run_queries, runs
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.queries.account import account
from swatchbook.store.ledger.queries.report import document_report
from swatchbook.store.ledger.stored_documents import Document, get_document
from swatchbook.tasks.cancelled_in_prefect import UNWANTED
from swatchbook.tasks.document_run import Idle
from swatchbook.tasks.prefect_client import (
    BLOCKED,
    DELETED,
    ELSEWHERE,
    FAILURES,
    LOOK,
    NOTHING_NEW,
    REFUSED,
    WAITS,
    launched_document,
    prefect_errors_as_outage,
)
from swatchbook.tasks.results import store_results_in
from swatchbook.upkeep.reports.document_state import LOOK_AT_IT, describe_account, describe_end

_MAX_NAME = 200  # characters


@asynccontextmanager
async def flow_process(blocks: BlockNames) -> AsyncIterator[Resources]:
    """Yield the resources of a flow run; while the block runs, the loop sees that the flow run's process lives.

    A flow run that is Running and has no process in the ledger is set to Crashed
    (`prefect_state.py` of packages/service). What the flow and its tasks return or raise is stored where garbage
    collection looks for it. From then on the process has a lower priority: people wait for pages, not for flows. Tasks
    do not inherit the tags of the flow run: Prefect would ask for a limit of each.
    """
    resources, this = load_resources(blocks), str(flow_run.id)
    store_results_in(resources.settings.results)
    yield_to_people()
    ledger = resources.ledger
    token = await asyncio.to_thread(partial(runs.begin_process, ledger, flow_run=this))
    try:
        renew = partial(runs.renew_process, ledger.with_patience(0.0), token)
        with beating(renew, this), TagsContext(current_tags=set()):
            yield resources
    finally:
        with suppress(Failure):  # a flow run that is over is not looked for
            runs.end_process(ledger.with_patience(0.0), token)


async def rename_flow_run(name: str) -> None:
    """Give the flow run a name that people can read in the Prefect UI. An error is only logged."""
    log = get_run_logger()
    try:
        async with get_client() as client:
            await client.update_flow_run(flow_run.id, name=name[:_MAX_NAME])
    except Exception:
        log.warning("the flow run could not be renamed", exc_info=True)


class NotAllDone(Pause):
    """An ingest ended, and not all of it is done. Its `report` says what.

    It is one of Prefect's signals, so that the process of the flow run ends without an error: no failure is behind it.
    """

    def __init__(self, report: RunReport, message: str) -> None:
        super().__init__(message)
        self.report = report


async def end_by_name(resources: Resources, ingest: Coroutine[Any, Any, RunReport | Idle]) -> RunReport | State[Any]:
    """Return what the flow of an ingest returns: its report, or a state whose name and message say how it ended.

    A caller of the flow gets its report from `report_of`, since Prefect returns results of completed runs only.
    """
    try:
        with prefect_errors_as_outage():
            ended = await ingest
    except Exception as error:
        if state := await asyncio.to_thread(_state_of_error, resources, error):
            state = state.model_copy(update={"data": error})  # a caller of the flow gets it
            await _go_on_by_itself(resources.ledger, state)
            return state
        raise
    report, idle = (ended.report, ended) if isinstance(ended, Idle) else (ended, None)
    shown = await asyncio.to_thread(describe_end, resources.ledger, report)
    named = _named(shown, report, idle)
    if named is not None:
        await _go_on_by_itself(resources.ledger, named)
    return named or report


async def _go_on_by_itself(ledger: Ledger, state: State[Any]) -> None:
    """Schedule a flow run that waits for its document's next try, and end its process by raising Pause.

    Any other state is left alone, and so is a flow that a command or a flow has called: no worker starts it again.
    """
    this = FlowRunContext.get()  # prefect.runtime has the deployment of the flow that called this one
    if state.name != WAITS or not (this and this.flow_run and this.flow_run.deployment_id):
        return
    document = await asyncio.to_thread(_document_of_this, ledger)
    if document is None or document.due_at is None:
        return
    at = datetime.fromtimestamp(document.due_at, UTC)
    waits: State[Any] = Scheduled(name=WAITS, message=state.message, scheduled_time=at)
    async with get_client() as client:
        await client.update_flow_run(flow_run.id, tags={*flow_run.tags, document.id})  # then it takes its options
        await client.set_flow_run_state(flow_run.id, waits)
    raise Pause(state=waits)


async def report_of(state: State[Any], ledger: Ledger, document: str) -> RunReport:
    """Return the report of an ingest that was called with `return_state=True`. Raises what has ended it, if anything.

    Of an ingest that is not all done Prefect would raise instead of returning the result. Where Prefect's client lost
    the answer to this state and set it again, it has the server's copy of it, which lacks the result.
    """
    if state.data is None:
        return await asyncio.to_thread(document_report, ledger, document)
    result = await state.aresult(raise_on_failure=False)
    if isinstance(result, NotAllDone):
        return result.report
    if isinstance(result, BaseException):
        raise result
    report: RunReport = result
    return report


def _named(shown: ShownState, report: RunReport, idle: Idle | None) -> State[Any] | None:
    """Return the final state of a flow run that ended without an error; None where it has done all."""
    if idle and idle.elsewhere:
        return _not_all_done(Cancelled, report, "Another flow run works on its document.", name=ELSEWHERE)
    match report.status:
        case DocumentStatus.COMPLETED if shown.severity == "good":
            complete = f"{shown.sentence} It was complete before, with the same options."
            return Completed(name=NOTHING_NEW, message=complete, data=report) if idle else None
        case DocumentStatus.COMPLETED if shown.word == LOOK_AT_IT:
            return Completed(name=LOOK, message=shown.sentence, data=report)
        case DocumentStatus.COMPLETED if shown.word != DocumentStatus.WAITING:
            return _not_all_done(Failed, report, shown.sentence, name=FAILURES)
        case DocumentStatus.COMPLETED | DocumentStatus.WAITING | DocumentStatus.QUEUED | DocumentStatus.RUNNING:
            return _not_all_done(Cancelled, report, shown.sentence, name=WAITS)
        case DocumentStatus.BLOCKED:
            return _not_all_done(Failed, report, shown.sentence, name=BLOCKED)
        case DocumentStatus.FAILED:
            return _not_all_done(Failed, report, shown.sentence)
        case DocumentStatus.CANCELLED:
            return _not_all_done(Cancelled, report, UNWANTED)
        case DocumentStatus.DELETING:
            return _not_all_done(Cancelled, report, _GONE, name=DELETED)


def _not_all_done(state: Callable[..., State[Any]], report: RunReport, message: str, **named: str) -> State[Any]:
    return state(message=message, data=NotAllDone(report, message), **named)


_GONE = "Its document was deleted."


def _state_of_error(resources: Resources, error: Exception) -> State[Any] | None:
    """Return the final state of a flow run that an error has ended, by its document or else by the error.

    None for an unexpected error that nothing tries again: Prefect shows it to operators.
    """
    failure = as_failure(error)
    if isinstance(failure, DocumentDeleted):
        return Cancelled(name=DELETED, message=_GONE)
    try:
        ledger = resources.ledger.with_patience(0.0)
        document = _document_of_this(ledger)
        match document and document.status:
            case DocumentStatus.DELETING:
                return Cancelled(name=DELETED, message=_GONE)
            case DocumentStatus.CANCELLED:
                return Cancelled(message=UNWANTED)
            case DocumentStatus.WAITING if document:
                shown = describe_account(document, account(ledger, document=document.id), now=ledger.now())
                return Cancelled(name=WAITS, message=" ".join(filter(None, (shown.sentence, document.message))))
    except InvalidReference:
        return Cancelled(name=DELETED, message=_GONE)
    except Failure:  # the ledger is away: the error is what is known
        document = None
    if isinstance(error, RunRevoked):  # the rows of a deleted document's runs are gone; else another run goes on
        return Cancelled(message=UNWANTED) if document else Cancelled(name=DELETED, message=_GONE)
    if isinstance(failure, Unexpected):
        return None
    if failure.policy is Policy.BLOCKED:
        return Failed(name=BLOCKED, message=str(failure))
    is_refused = document is None and failure.policy is Policy.NEVER
    return Failed(name=REFUSED if is_refused else None, message=str(failure))


def _document_of_this(ledger: Ledger) -> Document | None:
    """Return the document of this flow run; None if it has found none. Raises InvalidReference if it was deleted."""
    this = str(flow_run.id)
    last = run_queries.past_runs(ledger, [this]).get(this)
    document = last.document if last else launched_document(flow_run.tags)
    return get_document(ledger, document) if document else None
