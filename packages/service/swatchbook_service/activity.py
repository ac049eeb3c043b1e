"""Count by day what runs did, what failed and what calls cost; list the last runs and open failures.

A run without progress for two minutes is stuck.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Double,
    Select,
    String,
    Subquery,
    case,
    cast,
    func,
    literal,
    or_,
    select,
)

from swatchbook.domain.records import (
    DailyCost,
    DailyFailures,
    DailyWork,
    DocumentStatus,
    FailingKind,
    FailingOther,
    ItemState,
    ProviderState,
    RunState,
    Stage,
    Verdict,
)
from swatchbook.store.ledger.database import Ledger, db_now
from swatchbook.store.ledger.dirty import unpublished_rows
from swatchbook.store.ledger.image_states import (
    chunk_item_state,
    chunk_items,
    chunk_next_try,
    image_item_failure,
    image_item_state,
    image_items,
    image_next_try,
    is_open,
    shown_images,
)
from swatchbook.store.ledger.queries.stage_times import timings
from swatchbook.store.ledger.stored_documents import owned_by
from swatchbook.store.ledger.tables import (
    calls,
    chunks,
    documents,
    figures,
    images,
    items,
    pages,
    reviews,
    runs,
    source_items,
)

_DAY = 86_400
_STUCK_SECONDS = 120.0  # without progress; after five minutes the loop ends the run
_PROVIDER_SECONDS = 3_600.0  # seconds in which a provider's last answer or failure shows its state


# --- by day -----------------------------------------------------------------------------------------------------------


def daily_failures(ledger: Ledger, seconds: float, owner: str | None = None) -> list[DailyFailures]:
    """Return the tries that failed in the last seconds and runs that failures ended, by day, owner, role and kind."""
    of_items = (
        select(
            _day(figures.c.at), documents.c.owner, figures.c.stage.label("role"), figures.c.failure.label("kind"),
            func.sum(figures.c.units).label("count"),
        )
        .join_from(figures, documents, documents.c.id == figures.c.document)
        .where(figures.c.at > db_now() - seconds, figures.c.failure != "", *owned_by(owner))
    )  # fmt: skip
    ended = or_(runs.c.state == "dead", runs.c.failure_kind.is_not(None))
    kind = case((runs.c.state == "dead", "crashed_worker"), else_=runs.c.failure_kind).label("kind")
    of_runs = (
        select(
            _day(runs.c.ended_at), documents.c.owner, cast(literal(None), String).label("role"), kind,
            func.count().label("count"),
        )
        .join_from(runs, documents, documents.c.id == runs.c.document)
        .where(runs.c.ended_at > db_now() - seconds, ended, *owned_by(owner))
    )  # fmt: skip
    found = list[DailyFailures]()
    for query in (of_items, of_runs):
        _, *of, _ = query.selected_columns
        found += map(DailyFailures.model_validate, _by_day(ledger, query, *of))
    return sorted(found, key=lambda each: (each.day, each.owner, each.kind, each.role or ""))


def daily_work(ledger: Ledger, seconds: float, owner: str | None = None) -> list[DailyWork]:
    """Return what runs did in the last seconds, by day and stage."""
    query = (
        select(
            _day(timings.c.at), timings.c.stage, func.count().label("runs"), func.sum(timings.c.units).label("units"),
            func.sum(timings.c.seconds).label("seconds"),
        )
        .join_from(timings, documents, documents.c.id == timings.c.document)
        .where(
            timings.c.at > db_now() - seconds, timings.c.units > 0, timings.c.stage.in_(list(Stage)), *owned_by(owner)
        )
    )  # fmt: skip
    return [DailyWork.model_validate(row) for row in _by_day(ledger, query, timings.c.stage)]


def daily_costs(ledger: Ledger, seconds: float, owner: str | None = None) -> list[DailyCost]:
    """Return the calls of the last seconds with their known costs, by day, provider and model.

    Without an owner also those of documents that are deleted meanwhile.
    """
    unpriced = (calls.c.state == "answered") & calls.c.cost_usd.is_(None)
    query = select(
        _day(calls.c.at), calls.c.provider, calls.c.model, func.count().label("calls"),
        func.count().filter(calls.c.state == "failed").label("failed"),
        func.count().filter(unpriced).label("unpriced"),
        func.coalesce(func.sum(calls.c.cost_usd), 0.0).label("cost_usd"),
        func.coalesce(func.sum(calls.c.tokens_in), 0).label("tokens_in"),
        func.coalesce(func.sum(calls.c.tokens_out), 0).label("tokens_out"),
    ).where(calls.c.at > db_now() - seconds, *owned_by(owner, calls))  # fmt: skip
    return [DailyCost.model_validate(row) for row in _by_day(ledger, query, calls.c.provider, calls.c.model)]


def total_costs(ledger: Ledger) -> dict[str, float]:
    """Return provider -> the known costs of all calls that were ever made to it."""
    query = select(calls.c.provider, func.coalesce(func.sum(calls.c.cost_usd), 0.0)).group_by(calls.c.provider)
    return dict(ledger.execute(query).tuples().all())


def _day(at: ColumnElement[float]) -> ColumnElement[int]:
    """Return the number of the day of a time, in both databases' integer arithmetic."""
    return (cast(at, BigInteger) // _DAY).label("day")


def _by_day(ledger: Ledger, query: Any, *of: ColumnElement[Any]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a query whose first column is a day, for each day and each value of these columns, in order."""
    day = query.selected_columns[0].element
    rows = ledger.execute(query.group_by(day, *of).order_by(day, *of)).mappings().all()
    for row in rows:
        yield {**row, "day": datetime.fromtimestamp(row["day"] * _DAY, UTC).date().isoformat()}


# --- now --------------------------------------------------------------------------------------------------------------


def failing_kinds(ledger: Ledger, owner: str | None = None) -> list[FailingKind]:
    """Return the kinds of failures of shown images that are not made good yet, with the first next try of each."""
    kind = image_item_failure["kind"].as_string()
    rejected = case((image_item_state == ItemState.REJECTED, images.c.id))
    next_try = func.min(case((is_open(image_item_state), image_next_try)))
    query = (
        select(
            kind.label("kind"),
            func.count(images.c.id.distinct()).label("images"),
            func.count(rejected.distinct()).label("rejected"),
            next_try.label("next_try"),
        )
        .select_from(image_items(_with_failures(owner)))
        .where(kind.is_not(None), image_item_state != ItemState.DONE)
        .group_by(kind)
        .order_by(kind)
    )
    return [FailingKind.model_validate(dict(row)) for row in ledger.execute(query).mappings()]


def _with_failures(owner: str | None) -> Subquery:
    """Return (document, image) of shown images of which an item has failed: they are few, and the rest need no join."""
    shown, failed = shown_images(owner=owner), items.alias("failed")
    keys = select(failed.c.key).where(
        failed.c.state != ItemState.DONE, failed.c.failure["kind"].as_string().is_not(None)
    )
    of_image = (images.c.content_key, images.c.text_key, images.c.pair_key)
    dismissed = select(reviews.c.image).where(reviews.c.verdict == Verdict.REJECTED)
    return (
        select(shown)
        .join(images, images.c.id == shown.c.image)
        .where(or_(*(key.in_(keys) for key in of_image), images.c.id.in_(dismissed)))
        .subquery("with_failures")
    )


def failing_others(ledger: Ledger, owner: str | None = None) -> list[FailingOther]:
    """Return the kinds of failures of what is no image, and of what the index refused, with the first next tries."""
    failed = items.c.failure["kind"].as_string()
    failed_keys = select(items.c.key).where(items.c.state != ItemState.DONE, failed.is_not(None))
    next_try = case((is_open(chunk_item_state), chunk_next_try))
    queries = (
        _by_kind("document", documents.c.failure_kind, documents.c.id, documents.c.due_at).where(*owned_by(owner)),
        _by_kind("item", source_items.c.kind, source_items.c.key).where(
            *owned_by(owner, source_items), ~source_items.c.gone
        ),
        _by_kind("page", pages.c.failure_kind, pages.c.number).where(*owned_by(owner, pages)),
        _by_kind("chunk", failed, chunks.c.id.distinct(), next_try)
        .select_from(chunk_items())
        .where(chunks.c.text_key.in_(failed_keys), items.c.state != ItemState.DONE, *owned_by(owner, chunks)),
        *(
            _by_kind("index", table.c.publish_failure["kind"].as_string(), table.c.id, table.c.publish_next).where(
                unpublished_rows(table), ~table.c.gone, *owned_by(owner, table)
            )
            for table in (images, chunks)
        ),
    )
    with ledger.read() as connection:
        return [
            FailingOther.model_validate(dict(row)) for each in queries for row in connection.execute(each).mappings()
        ]


def _by_kind(
    what: str, kind: ColumnElement[Any], counted: ColumnElement[Any], next_try: ColumnElement[Any] | None = None
) -> Select[Any]:
    """Return (what, kind, count, next_try), one row for each kind of failure."""
    first = cast(literal(None), Double) if next_try is None else func.min(next_try)
    columns = (
        literal(what).label("what"), kind.label("kind"), func.count(counted).label("count"), first.label("next_try")
    )  # fmt: skip
    return select(*columns).where(kind.is_not(None)).group_by(kind).order_by(kind)


def documents_failing(ledger: Ledger, kind: str, limit: int, owner: str | None = None) -> list[str]:
    """Return the ids of documents that a failure of this kind stopped, or that show images with one; at most `limit`.

    Cancelled and deleted documents are left out, and so are rejected images.
    """
    shown = _with_failures(owner)
    with_images = (
        select(shown.c.document)
        .select_from(image_items(shown))
        .where(
            items.c.failure["kind"].as_string() == kind,
            image_item_state.not_in((ItemState.DONE, ItemState.REJECTED)),
        )
    )
    query = select(documents.c.id).where(
        or_(documents.c.failure_kind == kind, documents.c.id.in_(with_images)),
        documents.c.status.not_in((DocumentStatus.CANCELLED, DocumentStatus.DELETING)),
        *owned_by(owner),
    )
    return list(ledger.execute(query.order_by(documents.c.id).limit(limit)).scalars())


def provider_states(ledger: Ledger, owner: str | None = None) -> list[ProviderState]:
    """Return whether the providers answer that were called in the last hour."""
    answered = func.max(case((calls.c.state == "answered", calls.c.at)))
    failed = func.max(case((calls.c.state.in_(("failed", "unknown")), calls.c.at)))
    query = (
        select(calls.c.provider, answered.label("answered_at"), failed.label("failed_at"))
        .where(calls.c.at > db_now() - _PROVIDER_SECONDS, *owned_by(owner, calls))
        .group_by(calls.c.provider)
        .order_by(calls.c.provider)
    )
    rows = [dict(row) for row in ledger.execute(query).mappings()]
    return [
        ProviderState(**row, state="failing" if (row["failed_at"] or 0) > (row["answered_at"] or 0) else "ok")
        for row in rows
    ]


def recent_runs(ledger: Ledger, limit: int, owner: str | None = None) -> list[RunState]:
    """Return the live runs, then the last others; at most `limit` of all, newest first."""
    live = runs.c.state == "live"
    is_stuck = or_(runs.c.progress_at < db_now() - _STUCK_SECONDS, runs.c.lease_until < db_now())
    state = case(
        (live & is_stuck, "stuck"),
        (live, "live"),
        (runs.c.state == "dead", "crashed"),
        (runs.c.state == "revoked", "stopped"),
        (runs.c.failure_kind.is_not(None), "failed"),
        else_="ended",
    )
    query = (
        select(
            runs.c.token, runs.c.document, documents.c.name, documents.c.owner, runs.c.kind, state.label("state"),
            runs.c.stage, runs.c.done, runs.c.total, runs.c.note, runs.c.started_at, runs.c.ended_at,
            case((live, db_now() - runs.c.progress_at)).label("progress_age"), runs.c.failure_kind,
            runs.c.prefect_run.label("flow_run"), documents.c.status.label("document_status"),
            documents.c.due_at.label("document_due_at"), documents.c.kind.label("source"),
        )
        .join_from(runs, documents, documents.c.id == runs.c.document)
        .where(*owned_by(owner))
        .order_by(case((live, 0), else_=1), runs.c.token.desc())
        .limit(limit)
    )  # fmt: skip
    rows = ledger.execute(query).mappings().all()
    began, found = dict[str, float](), list[RunState]()
    for row in sorted(rows, key=lambda row: row["token"], reverse=True):
        found.append(RunState(**row, continued_at=began.get(row["document"])))
        began[row["document"]] = row["started_at"]
    return found
