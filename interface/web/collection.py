"""The page of the account: what is searchable and what fails, models, runs, throughput, costs and health.

`GET /coverage` has the same numbers.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, NamedTuple

from fastapi import Form, Query, Response

from interface.service import collection
from interface.service.collection import StatesQuery, TheParts, list_states, shown_coverage
from interface.service.parameters import SearchText
from interface.web.pages import TheView, page_router, see_other
from swatchbook.ledger.stored_documents import list_documents
from swatchbook.records import DocumentStatus, RunState, Stage
from swatchbook.reports.document_state import describe_document, describe_step

_NEED_SOMETHING = (DocumentStatus.FAILED, DocumentStatus.BLOCKED, DocumentStatus.WAITING)
_LISTED = 50
"""Documents that are listed of each status, and accounts of documents on a page."""

_COUNTED = {Stage.READ: "pages read", Stage.EMBEDDED: "pictures embedded"}
"""Stages whose throughput is shown by day."""

router = page_router()


@router.get("/ui/coverage")
def show_coverage(
    view: TheView,
    parts: TheParts,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
    retried: Annotated[int | None, Query(ge=0, le=collection.MOST_RETRIED)] = None,
) -> Response:
    """Return the state of the owner's collection, or of all owners."""
    ledger, owner = view.resources.ledger, view.owner
    state = shown_coverage(view.resources, view.caller, parts, owner)
    now = ledger.now()
    return view.render(
        "coverage.html",
        state=state,
        states=list_states(view.resources, view.caller, StatesQuery(owner=owner, limit=_LISTED, cursor=cursor)),
        retried=retried,
        words=_work_of,
        failures=by_day((each.day, each.kind, each.count) for each in state.failures),
        work=by_day((each.day, _COUNTED[each.stage], each.units) for each in state.work if each.stage in _COUNTED),
        costs=by_day((each.day, each.provider, each.cost_usd) for each in state.costs if each.cost_usd),
        stopped=[
            (document, describe_document(document, now=now))
            for status in _NEED_SOMETHING
            for document in list_documents(ledger, owner=owner, status=status, limit=_LISTED)
        ],
    )


def _work_of(run: RunState) -> str:
    """Return what a run does, or did last, in words."""
    if run.stage is None:
        return ""
    return describe_step(run.source, run.stage, run.done, run.total, run.note).sentence


@router.post("/ui/coverage/retry")
def retry_kind(view: TheView, kind: Annotated[SearchText, Form()]) -> Response:
    """Try again now what failed with this kind."""
    queued = collection.retry_kind(view.resources, view.caller, collection.RetryKind(kind=kind, owner=view.owner))
    return see_other(view.link("/ui/coverage", retried=len(queued.documents)))


# --- figures by day ---------------------------------------------------------------------------------------------------


class ByDay(NamedTuple):
    """Figures of each day, newest first: one for each column, the column with the largest total first."""

    columns: Sequence[str]
    rows: Mapping[str, Sequence[float]]


def by_day(values: Iterable[tuple[str, str, float]]) -> ByDay:
    """Return (day, column, value) as a table. Values of one day and column are added; days without any are left out."""
    totals, days = defaultdict[str, float](float), defaultdict[str, defaultdict[str, float]](lambda: defaultdict(float))
    for day, column, value in values:
        totals[column] += value
        days[day][column] += value
    columns = sorted(totals, key=lambda column: (-totals[column], column))
    return ByDay(columns, {day: [days[day][column] for column in columns] for day in sorted(days, reverse=True)})
