"""The page of the account: what is searchable and what fails, models, runs, throughput, costs and health.

`GET /coverage` has the same numbers.
"""

from typing import Annotated

from fastapi import Form, Query, Response

from interface.service import coverage
from interface.service.coverage import StatesQuery, TheParts, list_states, shown_coverage
from interface.service.parameters import SearchText
from interface.web.pages import TheView, page_router, see_other
from interface.web.plots import last_days, plot_days
from swatchbook.ledger.documents import list_documents
from swatchbook.records import DocumentStatus, RunState, Stage
from swatchbook.reports.document_state import describe_document
from swatchbook.reports.progress import describe_step
from swatchbook.reports.state import DAYS

_NEED_SOMETHING = (DocumentStatus.FAILED, DocumentStatus.BLOCKED, DocumentStatus.WAITING)
_LISTED = 50
"""Documents that are listed of each status, and accounts of documents on a page."""

_COUNTED = {Stage.READ: "pages read", Stage.EMBEDDED: "pictures embedded"}
"""Stages whose throughput is plotted."""

router = page_router()


@router.get("/ui/coverage")
def show_coverage(
    view: TheView,
    parts: TheParts,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
    retried: Annotated[int | None, Query(ge=0, le=coverage.MOST_RETRIED)] = None,
) -> Response:
    """Return the state of the owner's collection, or of all owners."""
    ledger, owner = view.resources.ledger, view.owner
    state = shown_coverage(view.resources, view.caller, parts, owner)
    now = ledger.now()
    days = last_days(DAYS, now)
    return view.render(
        "coverage.html",
        state=state,
        states=list_states(view.resources, view.caller, StatesQuery(owner=owner, limit=_LISTED, cursor=cursor)),
        retried=retried,
        words=_work_of,
        plots={
            "failures": plot_days(
                "failures", "Failed tries by day", "Stacked bars by kind of failure; the table below has the numbers.",
                days, ((each.day, each.kind, each.count) for each in state.failures),
            ),
            "work": plot_days(
                "work", "Pages read and pictures embedded by day", "Stacked bars; the table below has the numbers.",
                days, ((each.day, _COUNTED[each.stage], each.units) for each in state.work if each.stage in _COUNTED),
            ),
            "costs": plot_days(
                "costs", "Cost by day in US dollars", "Stacked bars by provider; the table below has the numbers.",
                days, ((each.day, each.provider, each.cost_usd) for each in state.costs),
            ),
        },
        stopped=[
            (document, describe_document(document, now=now))
            for status in _NEED_SOMETHING
            for document in list_documents(ledger, owner=owner, status=status, limit=_LISTED)
        ],
    )  # fmt: skip


def _work_of(run: RunState) -> str:
    """Return what a run does, or did last, in words."""
    if run.stage is None:
        return ""
    return describe_step(run.source, run.stage, run.done, run.total, run.note).sentence


@router.post("/ui/coverage/retry")
def retry_kind(view: TheView, kind: Annotated[SearchText, Form()]) -> Response:
    """Try again now what failed with this kind."""
    queued = coverage.retry_kind(view.resources, view.caller, coverage.RetryKind(kind=kind, owner=view.owner))
    return see_other(view.link("/ui/coverage", retried=len(queued.documents)))
