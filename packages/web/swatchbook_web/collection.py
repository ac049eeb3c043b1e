"""Two pages of the account: what is searchable, what is not, and why; and for engineers models, runs, throughput, costs
and health. `GET /coverage` has the same numbers.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, NamedTuple

from fastapi import Form, Query, Response

from swatchbook.domain.records import CollectionState, DocumentStatus, RunState, Stage
from swatchbook.store.ledger.queries.account import document_states
from swatchbook.store.ledger.stored_documents import list_documents
from swatchbook.upkeep.reports.document_state import describe_account, describe_step
from swatchbook_base.truncate import plural
from swatchbook_service import collection
from swatchbook_service.collection import StatesQuery, TheParts, list_states, shown_coverage
from swatchbook_service.parameters import SearchText
from swatchbook_web.pages import TheView, page_router, see_other

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
    """Return what of the owner's collection, or of all, can be searched, what cannot, why, and the next try."""
    ledger, owner = view.resources.ledger, view.owner
    now = ledger.now()
    stopped = [
        document
        for status in _NEED_SOMETHING
        for document in list_documents(ledger, owner=owner, status=status, limit=_LISTED)
    ]
    state = shown_coverage(view.resources, view.caller, parts, owner)
    return view.render(
        "coverage.html",
        state=state,
        states=list_states(view.resources, view.caller, StatesQuery(owner=owner, limit=_LISTED, cursor=cursor)),
        retried=retried,
        reasons=list(_reasons(state)),
        stopped=[
            (document, describe_account(document, counts, now=now))
            for document, counts in zip(stopped, document_states(ledger, stopped), strict=True)
        ],
    )


@router.get("/ui/coverage/log")
def show_log(view: TheView, parts: TheParts) -> Response:
    """Return what was done, for engineers: roles, models, runs, throughput and costs."""
    state = shown_coverage(view.resources, view.caller, parts, view.owner)
    return view.render(
        "coverage_log.html",
        state=state,
        words=_work_of,
        failures=by_day((each.day, each.kind, each.count) for each in state.failures),
        work=by_day((each.day, _COUNTED[each.stage], each.units) for each in state.work if each.stage in _COUNTED),
        costs=by_day((each.day, each.provider, each.cost_usd) for each in state.costs if each.cost_usd),
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


# --- why something is not searchable ----------------------------------------------------------------------------------

_WHY = {
    "authentication": "An API key is missing or wrong", "budget_exceeded": "The budget is used up",
    "configuration": "A setting is missing or wrong", "crashed_worker": "It crashed while it was read",
    "disk_full": "The disk is full", "dismissed": "Rejected by a person in a review",
    "encrypted_document": "It needs a password", "file_missing": "The stored file is missing",
    "files_down": "The file store did not answer", "host_away": "The website could not be reached",
    "index_damaged": "The search index is damaged", "index_down": "The search index did not answer",
    "invalid_model_output": "The AI model gave no usable answer",
    "invalid_reference": "The file or address was not found, or is not allowed",
    "ledger_down": "The database did not answer", "missing_extra": "A package is not installed",
    "out_of_memory": "Not enough memory", "payload_too_large": "Too large for the AI service",
    "plugin_failed": "A plugin failed", "provider_down": "A service did not answer",
    "provider_error": "A service answered with an error", "provider_rejected": "Refused by the AI service",
    "provider_timeout": "It took too long", "rate_limited": "A service asked to wait", "too_large": "Too large",
    "too_slow": "Reading it takes too long",
    "unexpected": "An unexpected error", "unreadable_document": "Not a PDF, empty or damaged",
    "unreadable_image": "Not a picture, or a damaged one", "unsupported_format": "This kind of file cannot be read",
}  # fmt: skip
"""Kind of failure -> why, for a person who has never seen a log."""

_WHAT = {
    "item": ("item", "items"), "page": ("page", "pages"),
    "chunk": ("text", "texts"), "index": ("picture or text", "pictures or texts"),
}  # fmt: skip
"""`what` of `FailingOther` -> one, several."""


class Reason(NamedTuple):
    """Why some pictures, pages or the like are not searchable. `retried`: the kind that *Retry now* sends, if any."""

    why: str
    what: str
    next_try: float | None
    retried: str | None


def _reasons(state: CollectionState) -> Iterator[Reason]:
    for each in state.failing:
        what, again = plural(each.images, "picture"), each.images > each.rejected
        if again and each.rejected:
            what += f" ({each.rejected:,} of them for good)"
        yield Reason(_why(each.kind), what, each.next_try, each.kind if again else None)
    for other in state.failing_others:
        if other.what != "document":  # the page lists them with their messages
            yield Reason(_why(other.kind), plural(other.count, *_WHAT[other.what]), other.next_try, None)


def _why(kind: str) -> str:
    return _WHY.get(kind, kind.replace("_", " ").capitalize())


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
