"""What a person asks of a document: retry, regenerate, cancel, delete."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, null, select, tuple_, update

from swatchbook.errors import InvalidReference
from swatchbook.ledger.database import Ledger, db_now, upsert
from swatchbook.ledger.documents import Document, get_document
from swatchbook.ledger.requested import queue_again, requested_items
from swatchbook.ledger.runs import revoke
from swatchbook.ledger.schedule import is_unfinished
from swatchbook.ledger.states import unpublished_rows
from swatchbook.ledger.tables import (
    chunks,
    contents,
    documents,
    entities,
    images,
    items,
    links,
    pages,
    placements,
    products,
    requested,
    runs,
    timings,
)
from swatchbook.ledger.visibility import hide_chunks, hide_images
from swatchbook.records import DocumentStatus, IngestOptions, ItemState


def request_again(ledger: Ledger, document: str, options: IngestOptions) -> Document:
    """Let a document be made with these options, whatever was asked for before; what is asked for last is made.

    A live run goes on, and the document waits for another behind it. One that is being deleted stays so. Raises
    InvalidReference for an unknown one.
    """
    asked = {"options": options.model_dump(mode="json"), "fingerprint": null()}  # what is asked for is not begun
    this = (documents.c.id == document, documents.c.status != DocumentStatus.DELETING)
    with ledger.write() as connection:
        connection.execute(
            update(documents).where(*this).values(**asked, launches=documents.c.launches + 1, updated_at=db_now())
        )
        connection.execute(
            update(documents)
            .where(*this, documents.c.run.is_(None))
            .values(status=DocumentStatus.QUEUED, due_at=null(), deaths=0, message=null(), failure_kind=null())
        )
    return get_document(ledger, document)


def postpone(
    ledger: Ledger, document: str, status: DocumentStatus, *, message: str, failure_kind: str, seconds: float
) -> None:
    """A document that nobody is at cannot be begun: it says why, and its time comes again after these seconds.

    One that is being deleted stays so.
    """
    idle = (documents.c.id == document, documents.c.run.is_(None), is_unfinished())
    kept = documents.c.status != DocumentStatus.DELETING
    told = {"status": status, "message": message, "failure_kind": failure_kind}
    with ledger.write() as connection:
        connection.execute(
            update(documents).where(*idle, kept).values(**told, due_at=db_now() + seconds, updated_at=db_now())
        )


def retry(ledger: Ledger, document: str, *, force: bool = False) -> bool:
    """Let a document's open items be due now and queue failed ones anew; rejected ones too by force.

    Its refused objects are due as well. False when nothing is left to do. One that runs or is being deleted stays so.
    Raises InvalidReference for an unknown one.
    """
    get_document(ledger, document)
    again = {ItemState.FAILED, ItemState.REJECTED} if force else {ItemState.FAILED}
    with ledger.write() as connection:
        queue_again(connection, document, again)
        _make_due(connection, document)
        _let_wait(connection, document, documents.c.status.not_in((DocumentStatus.COMPLETED, DocumentStatus.DELETING)))
    return get_document(ledger, document).status != DocumentStatus.COMPLETED


def regenerate(ledger: Ledger, document: str, *, force: bool = False, keys: Sequence[str] | None = None) -> None:
    """Let a document's next run make what is missing or stale, also of a completed one; what is done stays.

    Its items that pause are due now. By force those that failed or were rejected are queued anew, of these content
    keys alone if any are given. One that runs or is being deleted stays so. Raises InvalidReference for an unknown one.
    """
    get_document(ledger, document)
    with ledger.write() as connection:
        if force:
            queue_again(connection, document, {ItemState.FAILED, ItemState.REJECTED}, keys)
        _make_due(connection, document)
        _let_wait(connection, document, documents.c.status != DocumentStatus.DELETING)


def _let_wait(connection: Connection, document: str, where: ColumnElement[bool]) -> None:
    connection.execute(
        update(documents)
        .where(documents.c.id == document, documents.c.run.is_(None), where)
        .values(
            status=DocumentStatus.WAITING,
            due_at=db_now(),
            deaths=0,
            message=null(),
            failure_kind=null(),
            updated_at=db_now(),
        )
    )


def _make_due(connection: Connection, document: str) -> None:
    rows = requested_items(document)
    pausing = select(rows.c.key, rows.c.role, rows.c.tag).where(
        rows.c.state == ItemState.PENDING, rows.c.next_retry_at.is_not(None)
    )
    this = tuple_(items.c.key, items.c.role, items.c.tag).in_(pausing)
    connection.execute(update(items).where(this).values(next_retry_at=null()))
    placed = select(placements.c.image).where(placements.c.document == document)
    for table, where in ((images, images.c.id.in_(placed)), (chunks, chunks.c.document == document)):
        connection.execute(update(table).where(where, table.c.publish_next.is_not(None)).values(publish_next=null()))


def cancel(ledger: Ledger, document: str) -> bool:
    """Stop working on a document; what is made and searchable stays. False where there is nothing to stop.

    Raises InvalidReference for an unknown one.
    """
    if get_document(ledger, document).status in (DocumentStatus.COMPLETED, DocumentStatus.DELETING):
        return False
    revoke(ledger, document, DocumentStatus.CANCELLED, "Cancelled; `swatchbook retry` takes it up again.")
    return True


def mark_deleting(ledger: Ledger, document: str) -> None:
    """From now on it can only be deleted: its runs are revoked. Raises InvalidReference for an unknown one."""
    get_document(ledger, document)
    revoke(ledger, document, DocumentStatus.DELETING, "Being deleted.")


def delete_rows(ledger: Ledger, document: str) -> None:
    """Drop all that a `deleting` document says, in one transaction; what nothing shows any more is gone."""
    with ledger.write() as connection:
        _lock_deleting(connection, document)
        shown = set(
            connection.execute(select(placements.c.image).where(placements.c.document == document).distinct()).scalars()
        )
        for table in (placements, links, products, entities, pages, requested, timings):
            connection.execute(delete(table).where(table.c.document == document))
        hide_images(connection, shown)
        hide_chunks(
            connection,
            connection.execute(select(chunks.c.id).where(chunks.c.document == document)).scalars().all(),
        )


def finish_delete(ledger: Ledger, document: str) -> bool:
    """Drop the document's own row once the index holds nothing of it. False while publishing has not come so far."""
    with ledger.write() as connection:
        if connection.execute(select(documents.c.id).where(documents.c.id == document)).first() is None:
            return True
        known = _lock_deleting(connection, document)
        left = (
            select(chunks.c.id).where(chunks.c.document == document),
            select(placements.c.id).where(placements.c.document == document),
            select(images.c.id).where(images.c.owner == known.owner, unpublished_rows(images), images.c.gone),
        )
        if any(connection.execute(rows.limit(1)).first() for rows in left):
            return False
        connection.execute(delete(timings).where(timings.c.document == document))
        connection.execute(delete(runs).where(runs.c.document == document))
        connection.execute(delete(documents).where(documents.c.id == document))
        if known.file is not None:  # collected in time, unless the same bytes come again
            source = upsert(connection, contents).values(key=known.content, file=known.file, unused_since=db_now())
            connection.execute(source.on_conflict_do_nothing())
    return True


def _lock_deleting(connection: Connection, document: str) -> Row[Any]:
    row = connection.execute(select(documents).where(documents.c.id == document).with_for_update()).one_or_none()
    if row is None or row.status != DocumentStatus.DELETING:
        raise InvalidReference(f"Document {document} is not being deleted.")
    return row
