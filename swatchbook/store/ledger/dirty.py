"""Mark images and chunks that must be published again (`dirty`), or that must leave the index (`gone`).

Every change raises the counter `dirty`, which is written only here; a row is `gone` if no document shows it any more.
`publishing.py` leases rows and records them as published.

`made` takes the value of `dirty` when an item was committed, so a row with `published` below `made` has a result that
cannot be searched yet. A row that is `gone` stays until publishing has removed its object from the index.
"""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, case, delete, literal_column, or_, select, true, update

from swatchbook.domain.records import COUNTED, DocumentStatus
from swatchbook.store.ledger.database import db_now, execute_in, portions, select_in
from swatchbook.store.ledger.tables import analyses, chunks, documents, images, placements
from swatchbook.store.ledger.used_contents import note_unused

NEVER_SHOWN = {"dirty": 0, "made": 0, "published": 0}
"""Column values of an image or chunk that was never shown, or whose object was removed: it has nothing to publish."""


# --- what waits to be published ---------------------------------------------------------------------------------------


def unpublished_rows(table: Table) -> ColumnElement[bool]:
    """Return the condition of the partial index of images or chunks, word for word: else SQLite does not use it."""
    return or_(table.c.dirty > table.c.published, literal_column(f"{table.name}.gone"))


def is_searchable(table: Table) -> ColumnElement[bool]:
    """Return the condition of rows in the index: shown, and for chunks with vectors (sections have none)."""
    return and_(~table.c.gone, table.c.dirty > 0, *([chunks.c.embed] if table is chunks else []))


def publishable(table: Table) -> ColumnElement[bool]:
    """Return the condition of images or chunks to publish or remove: changed and with a done item, or gone."""
    has_result = and_(chunks.c.made > 0, chunks.c.embed) if table is chunks else table.c.made > 0
    return and_(unpublished_rows(table), or_(has_result, table.c.gone))


def is_unattended(table: Table) -> ColumnElement[bool]:
    """Return the condition that a row is due to be published or removed, and that no publisher holds it."""
    is_free = or_(table.c.publish_lease.is_(None), table.c.publish_until <= db_now())
    return and_(publishable(table), is_due_to_publish(table), is_free)


def is_due_to_publish(table: Table) -> ColumnElement[bool]:
    """Return the condition that a row is due; a refused one has a next try."""
    return or_(table.c.publish_next.is_(None), table.c.publish_next <= db_now())


# --- changes ----------------------------------------------------------------------------------------------------------


def mark_shown(connection: Connection, table: Table, ids: Collection[str], *, made: Collection[str]) -> None:
    """Raise `dirty` of images or chunks that are shown for the first time, again or differently.

    `made`: those of them with a committed item, which can be published at once.
    """
    execute_in(connection, update(table).values(gone=False, dirty=table.c.dirty + 1), table.c.id, ids)
    execute_in(connection, update(table).values(made=table.c.dirty), table.c.id, made)


def mark_made(
    connection: Connection, table: Table, column: Any, values: Iterable[str], *, beside: bool = False
) -> None:
    """Raise `dirty` and `made` of the images or chunks with one of these values in `column`: an item was committed.

    Rows that were never shown, and chunks without vectors, stay as they are. An item made `beside` the active space
    does not count as a result that cannot be searched yet: it raises `made` only of rows that have no other.
    """
    embedded = chunks.c.embed if table is chunks else true()
    dirty = table.c.dirty + 1
    made = case((table.c.made == 0, dirty), else_=table.c.made) if beside else dirty
    execute_in(
        connection, update(table).where(table.c.dirty > 0, embedded).values(dirty=dirty, made=made), column, values
    )


def mark_changed(connection: Connection, table: Table, ids: Collection[str]) -> None:
    """Raise `dirty` of images or chunks whose payload changed; those that were never shown stay unpublished."""
    execute_in(connection, update(table).where(table.c.dirty > 0).values(dirty=table.c.dirty + 1), table.c.id, ids)


def mark_documents(connection: Connection, which: ColumnElement[bool]) -> None:
    """Raise `dirty` of all images and chunks that these documents have: they are searched from now, or not any more, or
    under another owner.
    """
    ids = select(documents.c.id).where(which)
    placed = select(placements.c.image).where(placements.c.document.in_(ids))
    for table, of_documents in ((images, images.c.id.in_(placed)), (chunks, chunks.c.document.in_(ids))):
        connection.execute(update(table).where(of_documents, table.c.dirty > 0).values(dirty=table.c.dirty + 1))


def mark_republished(connection: Connection, table: Table, ids: Collection[str] | None = None) -> None:
    """Raise `dirty` of these (None: all) images or chunks that have something to publish, and make them due now."""
    again = update(table).where(table.c.made > 0, ~table.c.gone)
    again = again.values(dirty=table.c.dirty + 1, publish_next=None)
    if ids is None:
        connection.execute(again)
    else:
        execute_in(connection, again, table.c.id, ids)


def hide_images(connection: Connection, ids: Collection[str]) -> None:
    """Mark images that one document shows no more: changed where another placement shows them, else gone.

    An image that was never shown and is placed hidden stays as it is: it has nothing published.
    """
    placed = select(placements.c.id).where(placements.c.image == images.c.id)
    shown = placed.where(placements.c.state.in_(COUNTED)).exists()
    execute_in(connection, update(images).where(shown).values(dirty=images.c.dirty + 1), images.c.id, ids)
    unused = and_(~shown, (images.c.dirty > 0) | ~placed.exists())
    execute_in(connection, update(images).where(unused).values(gone=True, publish_next=None), images.c.id, ids)


def hide_chunks(connection: Connection, ids: Collection[str]) -> None:
    """Delete chunks that were never shown, and mark the others gone, for publishing to remove."""
    execute_in(connection, delete(chunks).where(chunks.c.dirty == 0), chunks.c.id, ids)
    execute_in(connection, update(chunks).values(gone=True, publish_next=None), chunks.c.id, ids)


def drop_gone(connection: Connection, table: Table, ids: Collection[str]) -> None:
    """Delete gone images or chunks whose objects the index has removed; a row that is shown again meanwhile stays.

    An image that is still placed hidden keeps its row, as never shown. What only deleted rows used is noted as unused.
    """
    if table is images:
        hidden = select(placements.c.id).where(placements.c.image == images.c.id).exists()
        reset = update(images).where(images.c.gone, hidden)
        reset = reset.values(**NEVER_SHOWN, gone=False, publish_lease=None, publish_until=None)
        execute_in(connection, reset, images.c.id, ids)
    keys = _keys_of_gone(connection, table, ids)
    execute_in(connection, delete(table).where(table.c.gone), table.c.id, ids)
    note_unused(connection, keys)


def _keys_of_gone(connection: Connection, table: Table, ids: Collection[str]) -> set[str]:
    """Return the keys of the contents of these rows, and of the texts that analyses made of their pictures."""
    columns = (chunks.c.text_key,) if table is chunks else (images.c.content_key, images.c.text_key, images.c.pair_key)
    keys = {key for row in select_in(connection, select(*columns).where(table.c.gone), table.c.id, ids) for key in row}
    said = select_in(connection, select(analyses.c.text_key), analyses.c.key, keys - {None})
    return (keys | {row.text_key for row in said}) - {None}


def reopen_documents_showing(connection: Connection, ids: Collection[str]) -> None:
    """Make documents that show these images wait, due now: completed ones, and those that wait for a later time."""
    later = and_(documents.c.status == DocumentStatus.WAITING, documents.c.due_at > db_now())
    showing = select(placements.c.document).where(placements.c.state.in_(COUNTED))
    reopened = or_(documents.c.status == DocumentStatus.COMPLETED, later)
    for portion in portions(sorted(ids)):
        connection.execute(
            update(documents)
            .where(documents.c.id.in_(showing.where(placements.c.image.in_(portion))), reopened)
            .values(status=DocumentStatus.WAITING, due_at=db_now(), updated_at=db_now())
        )
