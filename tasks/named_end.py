"""End the flow run of an ingest in Prefect as Completed only if all is done, else as `Waiting` or `Failures`.

It is `Waiting` if its document waits, and `Failures` if it completed with failures; the message is the same as in other
interfaces. Why these states have the types Cancelled and Failed: docs/monitoring.md.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec, cast

from prefect.client.schemas.objects import State
from prefect.exceptions import Pause
from prefect.runtime import flow_run
from prefect.states import Cancelled, Failed

from blocks import load_resources
from swatchbook.errors import Failure
from swatchbook.ledger import schedule
from swatchbook.ledger.documents import get_document
from swatchbook.records import BlockNames, DocumentStatus, RunReport, ShownState
from swatchbook.reports.document_state import describe_document, describe_end
from swatchbook.resources import Resources
from tasks.prefect_client import FAILURES, WAITS

P = ParamSpec("P")

Ingest = Callable[P, Coroutine[Any, Any, RunReport]]


class NotAllDone(Pause):
    """An ingest ended, and some of it waits or has failed. Its `report` says what.

    It is one of Prefect's signals, so that the process of the flow run ends without an error: no failure is behind it.
    """

    def __init__(self, report: RunReport, message: str) -> None:
        super().__init__(message)
        self.report = report


def ends_by_name(flow: Ingest[P]) -> Ingest[P]:
    """Decorate the function of an ingest's flow, which has a parameter `blocks`, so that its state says what is left.

    A caller of the flow gets its report from `report_of`, since Prefect returns results of completed runs only.
    """

    @wraps(flow)
    async def run(*args: P.args, **kwargs: P.kwargs) -> RunReport:
        bound = signature(flow).bind(*args, **kwargs)
        bound.apply_defaults()
        blocks: BlockNames = bound.arguments["blocks"]
        try:
            report = await flow(*args, **kwargs)
        except Exception as error:
            if state := await asyncio.to_thread(_state_of_waiting, load_resources(blocks)):
                state.data = error  # a caller of the flow gets it
                return cast("RunReport", state)
            raise
        shown = await asyncio.to_thread(describe_end, load_resources(blocks).ledger, report)
        # Prefect takes a returned state for the end of the flow run
        return cast("RunReport", _named(shown, report) or report)

    return run


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
        last = schedule.past_runs(ledger, [str(flow_run.id)]).get(str(flow_run.id))
        document = last and get_document(ledger, last.document)
        if document and document.status is DocumentStatus.WAITING:
            shown = describe_document(document, now=ledger.now())
            reason = f" {document.message}" if document.message else ""
            return Cancelled(name=WAITS, message=f"{shown.sentence}{reason}")
    return None
