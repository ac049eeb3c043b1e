"""Find the documents that are due to be run, deleted or published, those that wait longest first.

One rule brings every document back: whatever is unfinished, not cancelled, without a live run and due is run again
(`is_due`). In addition, rows that wait to be published and that no publisher holds make their document due.
`ingest/run.py` decides when a document is due again after a failed run. The rounds of the loop that did something are
recorded for people.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, insert, or_, select, update
from ulid import ULID

from swatchbook.domain.errors import DiskFull
from swatchbook.domain.records import DocumentStatus, ItemState, Record, Round
from swatchbook.store.ledger.database import Ledger, db_now
from swatchbook.store.ledger.dead_runs import mark_dead
from swatchbook.store.ledger.dirty import is_unattended
from swatchbook.store.ledger.stored_documents import BEGIN_SECONDS, Document, owned_by, read_document
from swatchbook.store.ledger.tables import chunks, documents, images, items, placements, rounds, runs

_MAX_DOCUMENTS = 1_000
"""Documents returned at once; the others are due again when these are done."""

_DUE_AT_ONCE = (DocumentStatus.RUNNING, DocumentStatus.DELETING)
_DUE_IN_TIME = (DocumentStatus.QUEUED, DocumentStatus.WAITING, DocumentStatus.BLOCKED)


class DueCounts(Record):
    """Counts of work that is due. `oldest_due_seconds`: for how long the first document has been due, 0 if none is."""

    items_due: int
    documents_due: int
    oldest_due_seconds: float


# --- the rule ---------------------------------------------------------------------------------------------------------


def is_due() -> ColumnElement[bool]:
    """Return the condition that a document is to be run (or deleted) now, if no run is live.

    A blocked document without a due time is never due: a person must act. A queued one has a due time only while the
    flow run that has registered it begins its run.
    """
    in_time = or_(documents.c.due_at.is_(None), documents.c.due_at <= db_now())
    for_a_person = and_(documents.c.status == DocumentStatus.BLOCKED, documents.c.due_at.is_(None))
    return or_(documents.c.status.in_(_DUE_AT_ONCE), and_(documents.c.status.in_(_DUE_IN_TIME), in_time, ~for_a_person))


def _has_rows_to_publish() -> ColumnElement[bool]:
    """Return the condition that a document shows rows to publish that no publisher holds, or its owner has gone images.

    A gone image belongs to no document any more.
    """
    placed = select(placements.c.document).join(images).where(is_unattended(images))
    cut = select(chunks.c.document).where(is_unattended(chunks))
    owners = select(images.c.owner).where(is_unattended(images), images.c.gone)
    return or_(documents.c.id.in_(placed), documents.c.id.in_(cut), documents.c.owner.in_(owners))


# --- documents to work on ---------------------------------------------------------------------------------------------


def due_documents(ledger: Ledger, limit: int = _MAX_DOCUMENTS, *, owner: str | None = None) -> list[Document]:
    """Mark dead runs, then return the documents to work on now, of an owner or of all, those that wait longest first.

    Unfinished and deleted ones that are due, and any whose rows wait to be published; `wants_run` distinguishes them.
    """
    with suppress(DiskFull):  # people can still see what is due
        mark_dead(ledger)
    return _longest_waiting(ledger, and_(or_(is_due(), _has_rows_to_publish()), *owned_by(owner)), limit)


def launchable(ledger: Ledger, limit: int, *, patient: bool = False) -> list[Document]:
    """Return the documents to launch a run for, those that wait longest first; deletes are not among them.

    `patient`: nor are documents that were queued while a command holds files: it begins their runs itself, in time.
    """
    holds = exists().where(runs.c.kind == "hold", runs.c.state == "live")
    is_new = and_(documents.c.status == DocumentStatus.QUEUED, documents.c.updated_at > db_now() - BEGIN_SECONDS)
    left = [~and_(is_new, holds)] if patient else []
    return _longest_waiting(ledger, and_(is_due(), documents.c.status != DocumentStatus.DELETING, *left), limit)


def _longest_waiting(ledger: Ledger, condition: ColumnElement[bool], limit: int) -> list[Document]:
    query = (
        select(documents)
        .where(documents.c.run.is_(None), condition)
        .order_by(documents.c.due_at.nulls_first(), documents.c.updated_at, documents.c.id)
        .limit(limit)
    )
    return [read_document(row) for row in ledger.execute(query).mappings()]


def wants_run(ledger: Ledger, document: str) -> bool:
    """Return whether a document is to be run (or deleted) now; if not, only its rows may have to be published."""
    query = select(documents.c.id).where(documents.c.id == document, is_due())
    return ledger.execute(query).first() is not None


def count_launch(ledger: Ledger, document: Document) -> Document | None:
    """Count one more launch of a document, and return it; None where it is not due or another launcher was first."""
    with ledger.write() as connection:
        row = (
            connection.execute(
                update(documents)
                .where(documents.c.id == document.id, documents.c.launches == document.launches)
                .where(documents.c.run.is_(None), is_due())
                .values(launches=document.launches + 1)
                .returning(documents)
            )
            .mappings()
            .one_or_none()
        )
        return None if row is None else read_document(row)


def unfinished_deletes(ledger: Ledger, limit: int) -> list[str]:
    """Return the ids of documents that are being deleted, the oldest delete first."""
    query = select(documents.c.id).where(documents.c.status == DocumentStatus.DELETING)
    return list(ledger.execute(query.order_by(documents.c.updated_at).limit(limit)).scalars())


def needs_publishing(ledger: Ledger) -> bool:
    """Return whether documents without a live run have rows to publish that no publisher holds."""
    query = select(documents.c.id).where(documents.c.run.is_(None), _has_rows_to_publish()).limit(1)
    return ledger.execute(query).first() is not None


def count_due(ledger: Ledger) -> DueCounts:
    """Count the items whose next try has come, and the due documents without a live run."""
    ready = or_(items.c.next_retry_at.is_(None), items.c.next_retry_at <= db_now())
    open_items = select(func.count()).select_from(items).where(items.c.state == ItemState.PENDING, ready)
    since = func.min(func.coalesce(documents.c.due_at, documents.c.updated_at))
    waiting = select(func.count(), since, db_now()).where(documents.c.run.is_(None), is_due())
    with ledger.read() as connection:
        items_due = connection.execute(open_items).scalar_one()
        documents_due, oldest, now = connection.execute(waiting).one()
    return DueCounts(
        items_due=items_due,
        documents_due=documents_due,
        oldest_due_seconds=0.0 if oldest is None else max(0.0, now - oldest),
    )


# --- rounds of the loop -----------------------------------------------------------------------------------------------


def record_round(ledger: Ledger, done: Mapping[str, Any]) -> None:
    """Record what a round did. One that equals the last recorded one is only counted with it, as during an outage."""
    newest = select(rounds.c.id, rounds.c.done).order_by(rounds.c.ended_at.desc(), rounds.c.id.desc()).limit(1)
    with ledger.write() as connection:
        last = connection.execute(newest).one_or_none()
        if last is not None and last.done == done:
            again = update(rounds).where(rounds.c.id == last.id)
            connection.execute(again.values(count=rounds.c.count + 1, ended_at=db_now()))
        else:
            row = {"id": str(ULID()), "count": 1, "done": dict(done)}
            connection.execute(insert(rounds).values(**row, began_at=db_now(), ended_at=db_now()))


def last_rounds(ledger: Ledger, limit: int) -> list[Round]:
    """Return the last recorded rounds, newest first."""
    told = (rounds.c.began_at, rounds.c.ended_at, rounds.c.count, rounds.c.done)
    query = select(*told).order_by(rounds.c.ended_at.desc(), rounds.c.id.desc()).limit(limit)
    return [Round.model_validate(dict(row)) for row in ledger.execute(query).mappings()]
