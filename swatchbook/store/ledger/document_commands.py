"""Change a document outside a run: request it again, retry, cancel, delete, regenerate, or postpone it.

Also counts what a delete would take from an owner: images that its other documents do not show. The order in which a
delete goes through ledger and index is in `ingest/delete.py`.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    delete,
    exists,
    func,
    null,
    or_,
    select,
    tuple_,
    update,
)

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import COUNTED, Deletion, DocumentStatus, IngestOptions, ItemState
from swatchbook.store.ledger.database import Ledger, Source, changing, db_now, upsert
from swatchbook.store.ledger.dirty import hide_chunks, hide_images, unpublished_rows
from swatchbook.store.ledger.document_editions import leave_chain
from swatchbook.store.ledger.requested import queue_again, requested_items
from swatchbook.store.ledger.runs import revoke
from swatchbook.store.ledger.schedule import is_due
from swatchbook.store.ledger.stored_documents import Document, asked_in, change_document, get_document
from swatchbook.store.ledger.tables import (
    assemblies,
    chunks,
    contents,
    documents,
    figures,
    hand_edits,
    images,
    items,
    links,
    lost_pictures,
    notices,
    pages,
    placements,
    product_codes,
    products,
    requested,
    runs,
    source_items,
)
from swatchbook.store.ledger.webhooks import owe_notice


def request_again(source: Source, document: str, options: IngestOptions) -> Document:
    """Queue a document with these options; the options requested last count.

    A live run continues, and the document is queued when it ends. A document that is being deleted stays so. Raises
    InvalidReference for an unknown one.
    """
    values: dict[str, Any] = {"options": options.model_dump(mode="json"), "fingerprint": null()}  # no run began
    values |= {"launches": documents.c.launches + 1, "updated_at": db_now(), "commanded_at": db_now(), **asked_in()}
    queued = {"status": DocumentStatus.QUEUED, "due_at": null(), "deaths": 0, "message": null(), "failure_kind": null()}
    kept = documents.c.status != DocumentStatus.DELETING
    with changing(source) as connection:
        change_document(connection, document, kept, **values)
        change_document(connection, document, kept, documents.c.run.is_(None), **queued)
        return get_document(connection, document)


def postpone(
    ledger: Ledger, document: str, status: DocumentStatus, *, message: str, failure_kind: str, seconds: float
) -> None:
    """Record why a document without a live run cannot be begun now, and make it due after these seconds.

    One that is being deleted stays so.
    """
    is_queued = documents.c.status == DocumentStatus.QUEUED
    idle = (documents.c.id == document, documents.c.run.is_(None), or_(is_due(), is_queued))
    kept = documents.c.status != DocumentStatus.DELETING
    reason = {"status": status, "message": message, "failure_kind": failure_kind}
    with ledger.write() as connection:
        changed = connection.execute(
            update(documents).where(*idle, kept).values(**reason, due_at=db_now() + seconds, updated_at=db_now())
        ).rowcount
        if changed:
            owe_notice(connection, document)


def retry(ledger: Ledger, document: str, *, force: bool = False) -> bool:
    """Make a document's open items due now and queue failed ones again; with force, rejected ones too.

    Objects that the index refused are due as well. Returns False when nothing is left to do. A document that runs or is
    being deleted keeps its status. Raises InvalidReference for an unknown one.
    """
    again = {ItemState.FAILED, ItemState.REJECTED} if force else {ItemState.FAILED}
    left_alone = (DocumentStatus.COMPLETED, DocumentStatus.DELETING)
    get_document(ledger, document)
    with ledger.write() as connection:
        queue_again(connection, document, again)
        _work_now(connection, document, documents.c.status.not_in(left_alone))
    return get_document(ledger, document).status != DocumentStatus.COMPLETED


def end_pauses(ledger: Ledger) -> list[str]:
    """Make all documents due whose next try is still to come, with their items; return their ids.

    One that runs, or waits for a person without a next try, is left alone.
    """
    paused = documents.c.status.in_((DocumentStatus.WAITING, DocumentStatus.BLOCKED)), documents.c.due_at > db_now()
    with ledger.write() as connection:
        ids = connection.execute(select(documents.c.id).where(documents.c.run.is_(None), *paused)).scalars().all()
        for document in ids:
            _work_now(connection, document, and_(*paused))
    return list(ids)


def regenerate(ledger: Ledger, document: str, *, force: bool = False, keys: Sequence[str] | None = None) -> None:
    """Make a document due, completed or not, so that its next run makes missing and stale items; done ones stay.

    Its pausing items are due now. With force, failed and rejected items are queued again, if `keys` are given only
    those of these content keys. A document that runs or is being deleted keeps its status. Raises InvalidReference for
    an unknown one.
    """
    get_document(ledger, document)
    with ledger.write() as connection:
        if force:
            queue_again(connection, document, {ItemState.FAILED, ItemState.REJECTED}, keys)
        _work_now(connection, document, documents.c.status != DocumentStatus.DELETING)


def _record_command(connection: Connection, document: str) -> None:
    """Record that a person asked for the document: a cancel in Prefect before this time no longer counts."""
    change_document(connection, document, commanded_at=db_now())


def _work_now(connection: Connection, document: str, where: ColumnElement[bool]) -> None:
    """Make a document's pausing items due now, as a person asked for, and the document too, if it satisfies `where`."""
    _record_command(connection, document)
    rows = requested_items(document)
    pausing = select(rows.c.key, rows.c.role, rows.c.tag).where(
        rows.c.state == ItemState.PENDING, rows.c.next_retry_at.is_not(None)
    )
    this = tuple_(items.c.key, items.c.role, items.c.tag).in_(pausing)
    connection.execute(update(items).where(this).values(next_retry_at=null()))
    placed = select(placements.c.image).where(placements.c.document == document)
    for table, of_document in ((images, images.c.id.in_(placed)), (chunks, chunks.c.document == document)):
        refused = update(table).where(of_document, table.c.publish_next.is_not(None))
        connection.execute(refused.values(publish_next=null()))
    due = {"status": DocumentStatus.WAITING, "due_at": db_now(), "deaths": 0, "message": null(), "failure_kind": null()}
    change_document(connection, document, documents.c.run.is_(None), where, **due, updated_at=db_now())


def cancel(ledger: Ledger, document: str) -> bool:
    """Stop working on a document; done items and searchable objects stay. Returns False if there is nothing to stop.

    Raises InvalidReference for an unknown one.
    """
    if get_document(ledger, document).status in (DocumentStatus.COMPLETED, DocumentStatus.DELETING):
        return False
    with ledger.write() as connection:
        revoke(connection, document, DocumentStatus.CANCELLED, "Cancelled; `swatchbook fill failed` continues it.")
        _record_command(connection, document)
    return True


def mark_deleting(ledger: Ledger, document: str) -> None:
    """Revoke a document's runs and set it `deleting`, which is final; an older edition of it is searched again.

    Raises InvalidReference for an unknown one.
    """
    get_document(ledger, document)
    with ledger.write() as connection:
        revoke(connection, document, DocumentStatus.DELETING, "Being deleted.")
        leave_chain(connection, document)


def delete_rows(ledger: Ledger, document: str) -> None:
    """Delete all rows of a `deleting` document but its own; images and chunks that nothing shows any more are gone."""
    with ledger.write() as connection:
        _lock_deleting(connection, document)
        remove_parts(connection, document)


def remove_parts(connection: Connection, document: str) -> None:
    """Do within a transaction what `delete_rows` does; repeating it changes nothing."""
    leave_chain(connection, document)
    shown = set(
        connection.execute(select(placements.c.image).where(placements.c.document == document).distinct()).scalars()
    )
    parts = (
        placements, links, products, product_codes, pages, lost_pictures, requested, figures, source_items,
        hand_edits, assemblies,
    )  # fmt: skip
    for table in parts:
        connection.execute(delete(table).where(table.c.document == document))
    hide_images(connection, shown)
    hide_chunks(
        connection, connection.execute(select(chunks.c.id).where(chunks.c.document == document)).scalars().all()
    )


def finish_delete(ledger: Ledger, document: str) -> bool:
    """Delete the document's own row once the index holds nothing of it; return False as long as it does."""
    with ledger.write() as connection:
        if connection.execute(select(documents.c.id).where(documents.c.id == document)).first() is None:
            return True
        row = _lock_deleting(connection, document)
        left = (
            select(chunks.c.id).where(chunks.c.document == document),
            select(placements.c.id).where(placements.c.document == document),
            select(images.c.id).where(images.c.owner == row.owner, unpublished_rows(images), images.c.gone),
        )
        if any(connection.execute(rows.limit(1)).first() for rows in left):
            return False
        for table in (figures, runs, notices):
            connection.execute(delete(table).where(table.c.document == document))
        connection.execute(delete(documents).where(documents.c.id == document))
        if row.file is not None:  # collected later, unless the same file is ingested again
            source = upsert(connection, contents).values(key=row.content, file=row.file, unused_since=db_now())
            used_until_now = {"unused_since": db_now()}
            connection.execute(source.on_conflict_do_update(index_elements=[contents.c.key], set_=used_until_now))
    return True


def _lock_deleting(connection: Connection, document: str) -> Row[Any]:
    row = connection.execute(select(documents).where(documents.c.id == document).with_for_update()).one_or_none()
    if row is None or row.status != DocumentStatus.DELETING:
        raise InvalidReference(f"Document {document} is not being deleted.")
    return row


# --- what a delete would remove ---------------------------------------------------------------------------------------


IMAGE_KEYS = (images.c.content_key, images.c.text_key, images.c.pair_key)
"""Keys of an image's vectors: of the picture, of its understanding text, and of both together."""


def count_deletion(ledger: Ledger, *ids: str, owner: str | None = None) -> Deletion:
    """Count what deleting these documents, or all of an owner, takes from their owner.

    What its other documents show is not counted.
    """
    going = documents.c.id.in_(ids) if owner is None else documents.c.owner == owner
    deleted, shown = select(documents.c.id).where(going), placements.c.state.in_(COUNTED)
    here = images.c.id.in_(select(placements.c.image).where(placements.c.document.in_(deleted), shown))
    # asked image by image, by index
    elsewhere = exists().where(placements.c.image == images.c.id, placements.c.document.not_in(deleted), shown)
    count = select(func.count())
    with ledger.read() as connection:
        return Deletion(
            documents=connection.execute(count.select_from(documents).where(going)).scalar_one(),
            images=connection.execute(count.select_from(images).where(here, ~elsewhere)).scalar_one(),
        )
