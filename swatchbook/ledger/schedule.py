"""What is due now, and how often it was launched: the queries of the scheduler.

One rule brings everything back: whatever is unfinished, not cancelled, without a live run and due is run again.
"""

from collections.abc import Collection, Sequence
from typing import Literal

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Table,
    and_,
    func,
    or_,
    select,
    update,
)

from swatchbook.ledger import schedule
from swatchbook.ledger.database import Ledger, db_now, portions
from swatchbook.ledger.documents import Document, read_document
from swatchbook.ledger.runs import mark_dead, process_of
from swatchbook.ledger.states import publishable
from swatchbook.ledger.tables import (
    chunks,
    documents,
    images,
    items,
    placements,
    runs,
)
from swatchbook.records import DocumentStatus, ItemState, Record
from swatchbook.runtime.process import Process


class Backlog(Record):
    """What could be worked on now, and since when: seconds since the document that waits longest was due, 0 if none."""

    items_due: int
    documents_due: int
    oldest_due_seconds: float


def backlog(ledger: Ledger) -> Backlog:
    """Items whose next try has come, and documents whose turn has and that nobody works on."""
    ready = or_(items.c.next_retry_at.is_(None), items.c.next_retry_at <= db_now())
    since = func.coalesce(documents.c.due_at, documents.c.updated_at)
    at_once = documents.c.status.in_((DocumentStatus.QUEUED, DocumentStatus.RUNNING, DocumentStatus.DELETING))
    in_time = or_(
        documents.c.due_at <= db_now(),
        (documents.c.status == DocumentStatus.WAITING) & documents.c.due_at.is_(None),  # blocked: a person mends it
    ) & documents.c.status.in_((DocumentStatus.WAITING, DocumentStatus.BLOCKED))
    waiting = select(func.count(), func.min(since), db_now()).where(documents.c.run.is_(None), or_(at_once, in_time))
    with ledger.read() as connection:
        open_items = select(func.count()).select_from(items).where(items.c.state == ItemState.PENDING, ready)
        items_due = connection.execute(open_items).scalar_one()
        documents_due, oldest, now = connection.execute(waiting).one()
    return Backlog(
        items_due=items_due,
        documents_due=documents_due,
        oldest_due_seconds=0.0 if oldest is None else max(0.0, now - oldest),
    )


_MOST = 1_000
"""Documents given at once; the rest comes when these are worked off."""

_AT_ONCE = (DocumentStatus.QUEUED, DocumentStatus.RUNNING, DocumentStatus.DELETING)
_IN_TIME = (DocumentStatus.WAITING, DocumentStatus.BLOCKED)


def due(ledger: Ledger, limit: int = _MOST) -> list[Document]:
    """Documents to work on now, those that wait longest first; runs that died are buried on the way.

    Unfinished ones whose time has come (a blocked one when its next probe has), deletes; and whatever their status
    those with rows to publish that nobody publishes, for which `wants_run` tells whether there is more to do.
    """
    mark_dead(ledger)
    query = (
        select(documents)
        .where(documents.c.run.is_(None), or_(is_unfinished(), publishing_is_due()))
        .order_by(documents.c.due_at.nulls_first(), documents.c.updated_at, documents.c.id)
        .limit(limit)
    )
    with ledger.read() as connection:
        return [read_document(row) for row in connection.execute(query).mappings()]


def is_unfinished() -> ColumnElement[bool]:
    """Whether a document is to be run (or deleted) now, if nobody is at it: `wants_run` as SQL."""
    in_time = or_(documents.c.due_at.is_(None), documents.c.due_at <= db_now())
    never = (documents.c.status == DocumentStatus.BLOCKED) & documents.c.due_at.is_(None)  # only a person mends it
    return or_(documents.c.status.in_(_AT_ONCE), documents.c.status.in_(_IN_TIME) & in_time & ~never)


def wants_run(document: Document, now: float) -> bool:
    """Whether a due document is to be run (or deleted) again; if not, only publishing is left. `now`: Unix seconds."""
    if document.status in _IN_TIME:
        at_once = document.status == DocumentStatus.WAITING
        return at_once if document.due_at is None else document.due_at <= now
    return document.status in _AT_ONCE


def publishing_is_due() -> ColumnElement[bool]:
    """Whether rows that a document shows wait to be published and nobody does; gone images count to their owner's."""

    def unattended(table: Table) -> ColumnElement[bool]:
        return and_(
            publishable(table),
            or_(table.c.publish_next.is_(None), table.c.publish_next <= db_now()),
            or_(table.c.publish_lease.is_(None), table.c.publish_until <= db_now()),
        )

    placed = select(placements.c.document).join(images).where(unattended(images))
    cut = select(chunks.c.document).where(unattended(chunks))
    owners = select(images.c.owner).where(unattended(images), images.c.gone)
    return or_(documents.c.id.in_(placed), documents.c.id.in_(cut), documents.c.owner.in_(owners))


class PastRun(Record):
    """What the ledger knows of the last run that a flow run began. `age`: seconds since it ended, 0 while it lives."""

    document: str
    state: Literal["live", "ended", "dead", "revoked"]
    age: float
    process: Process


def launchable(ledger: Ledger, limit: int) -> list[Document]:
    """Documents that want a run now and have none, those that wait longest first; deletes are not among them."""
    query = (
        select(documents)
        .where(documents.c.run.is_(None), schedule.is_unfinished(), documents.c.status != DocumentStatus.DELETING)
        .order_by(documents.c.due_at.nulls_first(), documents.c.updated_at, documents.c.id)
        .limit(limit)
    )
    with ledger.read() as connection:
        return [read_document(row) for row in connection.execute(query).mappings()]


def relaunch(ledger: Ledger, document: Document) -> Document | None:
    """The document with its next launch, where it still wants one and nobody else has counted this one already."""
    with ledger.write() as connection:
        row = (
            connection.execute(
                update(documents)
                .where(documents.c.id == document.id, documents.c.launches == document.launches)
                .where(documents.c.run.is_(None), schedule.is_unfinished())
                .values(launches=document.launches + 1)
                .returning(documents)
            )
            .mappings()
            .one_or_none()
        )
        return None if row is None else read_document(row)


def deletes(ledger: Ledger, limit: int) -> list[str]:
    """Documents whose delete is to be finished, by id; oldest first."""
    query = select(documents.c.id).where(documents.c.status == DocumentStatus.DELETING)
    with ledger.read() as connection:
        return list(connection.execute(query.order_by(documents.c.updated_at).limit(limit)).scalars())


def needs_publishing(ledger: Ledger) -> bool:
    """Whether rows wait to be published that nobody is at, of documents that nobody works on."""
    query = select(documents.c.id).where(documents.c.run.is_(None), schedule.publishing_is_due()).limit(1)
    with ledger.read() as connection:
        return connection.execute(query).first() is not None


def statuses(ledger: Ledger, ids: Collection[str]) -> dict[str, DocumentStatus]:
    """Status by document; one that is gone is missing."""
    found = dict[str, DocumentStatus]()
    with ledger.read() as connection:
        for some in portions(tuple(ids)):
            rows = connection.execute(select(documents.c.id, documents.c.status).where(documents.c.id.in_(some)))
            found |= {row.id: DocumentStatus(row.status) for row in rows}
    return found


def past_runs(ledger: Ledger, flow_runs: Sequence[str]) -> dict[str, PastRun]:
    """By flow run: the last run that it began. One that began none is missing."""
    found = dict[str, PastRun]()
    with ledger.read() as connection:
        for some in portions(flow_runs):
            rows = connection.execute(
                select(runs, (db_now() - func.coalesce(runs.c.ended_at, db_now())).label("age"))
                .where(runs.c.prefect_run.in_(some))
                .order_by(runs.c.token)
            ).mappings()
            found |= {row["prefect_run"]: _past(row) for row in rows}
    return found


def _past(row: RowMapping) -> PastRun:
    return PastRun(document=row["document"], state=row["state"], age=row["age"], process=process_of(row))
