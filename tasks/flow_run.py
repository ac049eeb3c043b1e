"""Begin and end a flow run: open its resources, keep its process in the ledger, and name the state in which it ends.

An ingest ends in Prefect as Completed only if all is done, else as `Waiting` or `Failures`, with the message of other
interfaces. Why these states have the types Cancelled and Failed: docs/monitoring.md.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, cast

from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import Pause
from prefect.runtime import flow_run
from prefect.states import Cancelled, Failed

from blocks import load_resources
from swatchbook.errors import Failure
from swatchbook.ledger import flow_runs
from swatchbook.ledger.stored_documents import get_document
from swatchbook.pipeline.run import beating
from swatchbook.records import BlockNames, DocumentStatus, RunReport, ShownState
from swatchbook.reports.document_state import describe_document, describe_end
from swatchbook.resources import Resources
from swatchbook.runtime.process import yield_to_people
from tasks.prefect_client import FAILURES, WAITS
from tasks.results import store_results_in

_MAX_NAME = 200  # characters


@asynccontextmanager
async def flow_process(blocks: BlockNames) -> AsyncIterator[Resources]:
    """Yield the resources of a flow run; while the block runs, the loop sees that the flow run's process lives.

    A flow run that is Running and has no process in the ledger is set to Crashed (scheduler/prefect_state.py). What
    the flow and its tasks return or raise is stored where garbage collection looks for it. From then on the process has
    a lower priority: people wait for pages, not for flows.
    """
    resources, this = load_resources(blocks), str(flow_run.id)
    store_results_in(resources.settings.results_folder)
    yield_to_people()
    ledger = resources.ledger
    await asyncio.to_thread(flow_runs.register, ledger, this)
    try:
        with beating(partial(flow_runs.record_heartbeat, ledger.with_patience(0.0), this), this):
            yield resources
    finally:
        with suppress(Failure):  # a flow run that is over is not looked for
            flow_runs.unregister(ledger.with_patience(0.0), this)


async def rename_flow_run(name: str) -> None:
    """Give the flow run a name that people can read in the Prefect UI. An error is only logged."""
    log = get_run_logger()
    try:
        async with get_client() as client:
            await client.update_flow_run(flow_run.id, name=name[:_MAX_NAME])
    except Exception:
        log.warning("the flow run could not be renamed", exc_info=True)


class NotAllDone(Pause):
    """An ingest ended, and some of it waits or has failed. Its `report` says what.

    It is one of Prefect's signals, so that the process of the flow run ends without an error: no failure is behind it.
    """

    def __init__(self, report: RunReport, message: str) -> None:
        super().__init__(message)
        self.report = report


async def end_by_name(resources: Resources, ingest: Coroutine[Any, Any, RunReport]) -> RunReport:
    """Return what the flow of an ingest returns, so that its state says what is left.

    A caller of the flow gets its report from `report_of`, since Prefect returns results of completed runs only.
    """
    try:
        report = await ingest
    except Exception as error:
        if state := await asyncio.to_thread(_state_of_waiting, resources):
            state.data = error  # a caller of the flow gets it
            return cast("RunReport", state)
        raise
    shown = await asyncio.to_thread(describe_end, resources.ledger, report)
    # Prefect takes a returned state for the end of the flow run
    return cast("RunReport", _named(shown, report) or report)


async def report_of(state: State[RunReport]) -> RunReport:
    """Return the report of an ingest that was called with `return_state=True`. Raises what has ended it, if anything.

    Of an ingest that waits or completed with failures Prefect would raise instead of returning the result.
    """
    result = await state.aresult(raise_on_failure=False)
    if isinstance(result, NotAllDone):
        return result.report
    if isinstance(result, BaseException):
        raise result
    return result


def _named(shown: ShownState, report: RunReport) -> State[Any] | None:
    """Return the final state of a flow run whose document is not all done; None where it is."""
    if shown.word == DocumentStatus.WAITING:
        return Cancelled(name=WAITS, message=shown.sentence, data=NotAllDone(report, shown.sentence))
    if report.status is DocumentStatus.COMPLETED and shown.severity != "good":
        return Failed(name=FAILURES, message=shown.sentence, data=NotAllDone(report, shown.sentence))
    return None


def _state_of_waiting(resources: Resources) -> State[Any] | None:
    """Return the final state of a flow run that an error has ended, if its document waits for a next try by itself."""
    with suppress(Failure):  # the ledger is away: the error is what is known
        ledger = resources.ledger.with_patience(0.0)
        last = flow_runs.past_runs(ledger, [str(flow_run.id)]).get(str(flow_run.id))
        document = last and get_document(ledger, last.document)
        if document and document.status is DocumentStatus.WAITING:
            shown = describe_document(document, now=ledger.now())
            reason = f" {document.message}" if document.message else ""
            return Cancelled(name=WAITS, message=f"{shown.sentence}{reason}")
    return None
