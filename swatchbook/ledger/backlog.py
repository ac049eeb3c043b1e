"""How much work waits, and for how long: what a person watches to know whether anybody works at all."""

from sqlalchemy import func, or_, select

from swatchbook.ledger.database import Ledger, db_now
from swatchbook.ledger.tables import documents, items
from swatchbook.records import DocumentStatus, ItemState, Record


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
