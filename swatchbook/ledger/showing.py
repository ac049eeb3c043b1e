"""Writing rows in bulk, and what showing or no longer showing an image or chunk means for publishing.

`dirty` is raised by whatever changes what is published, `made` follows it when something new waits to be published,
`gone` marks what nothing shows any more until publishing has removed it.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Table, and_, bindparam, delete, or_, select, update

from swatchbook.ledger.database import db_now, portions, upsert
from swatchbook.ledger.tables import chunks, documents, images, placements
from swatchbook.records import DocumentStatus, PlacementState

Values = dict[str, Any]


def put(connection: Connection, table: Table, rows: Sequence[Values], *, new: Mapping[str, Any] | None = None) -> None:
    """Insert rows, or replace the columns given of those that are there; `new` is for those inserted only."""
    if not rows:
        return
    insert = upsert(connection, table)
    keys = {column.name for column in table.primary_key}
    given = {name: insert.excluded[name] for name in rows[0] if name not in keys}
    first = dict(new or {})
    connection.execute(
        insert.on_conflict_do_update(index_elements=sorted(keys), set_=given),
        [row | first for row in rows],
    )


def put_new(connection: Connection, table: Table, rows: Sequence[Values]) -> None:
    """Insert rows whose key is not there yet."""
    if rows:
        connection.execute(upsert(connection, table).on_conflict_do_nothing(), rows)


def remove(connection: Connection, table: Table, keys: Collection[Any]) -> None:
    """Delete rows by primary key: values where it is one column, tuples in its order where it is more."""
    columns = list(table.primary_key)
    names = [f"key_{n}" for n in range(len(columns))]
    found = and_(*(column == bindparam(name) for column, name in zip(columns, names, strict=True)))
    rows = [dict(zip(names, (key if len(columns) > 1 else (key,)), strict=True)) for key in sorted(keys)]
    if rows:
        connection.execute(delete(table).where(found), rows)


def show(connection: Connection, table: Table, ids: Collection[str], *, made: Collection[str]) -> None:
    """These images or chunks are shown, for the first time, again or otherwise: raise `dirty`.

    Of those in `made` something is made already, which waits to be published.
    """
    for portion in portions(sorted(ids)):
        shown = update(table).where(table.c.id.in_(portion))
        connection.execute(shown.values(gone=False, dirty=table.c.dirty + 1))
    for portion in portions(sorted(made)):
        connection.execute(update(table).where(table.c.id.in_(portion)).values(made=table.c.dirty))


def touch(connection: Connection, table: Table, ids: Collection[str]) -> None:
    """Raise `dirty` of images or chunks whose payload changed; those that were never shown stay unpublished."""
    for portion in portions(sorted(ids)):
        connection.execute(
            update(table).where(table.c.id.in_(portion), table.c.dirty > 0).values(dirty=table.c.dirty + 1)
        )


def unshow_images(connection: Connection, ids: Collection[str]) -> None:
    """A document shows these no more: what another placement shows has a changed payload, the rest is gone.

    An image that stands hidden somewhere and was never shown stays as it is: it has nothing published.
    """
    placed = select(placements.c.id).where(placements.c.image == images.c.id)
    shown = placed.where(placements.c.state == PlacementState.SHOWN).exists()
    for portion in portions(sorted(ids)):
        these = images.c.id.in_(portion)
        connection.execute(update(images).where(these, shown).values(dirty=images.c.dirty + 1))
        unused = and_(these, ~shown, (images.c.dirty > 0) | ~placed.exists())
        connection.execute(update(images).where(unused).values(gone=True, publish_next=None))


def unshow_chunks(connection: Connection, ids: Collection[str]) -> None:
    """What was never to be embedded goes at once; the rest is marked for publishing to remove."""
    for portion in portions(sorted(ids)):
        connection.execute(delete(chunks).where(chunks.c.id.in_(portion), chunks.c.dirty == 0))
        connection.execute(update(chunks).where(chunks.c.id.in_(portion)).values(gone=True, publish_next=None))


def reopen_documents_showing(connection: Connection, ids: Collection[str]) -> None:
    """Completed documents that show these images have something to make or publish again: waiting, due now.

    So are those that wait for a later time.
    """
    later = and_(documents.c.status == DocumentStatus.WAITING, documents.c.due_at > db_now())
    for portion in portions(sorted(ids)):
        showing = select(placements.c.document).where(
            placements.c.image.in_(portion), placements.c.state == PlacementState.SHOWN
        )
        connection.execute(
            update(documents)
            .where(documents.c.id.in_(showing), or_(documents.c.status == DocumentStatus.COMPLETED, later))
            .values(status=DocumentStatus.WAITING, due_at=db_now(), updated_at=db_now())
        )


def by_id(connection: Connection, table: Table, ids: Collection[str]) -> dict[str, Row[Any]]:
    """id -> row of images or chunks, locked against other writers."""
    return {
        row.id: row
        for portion in portions(sorted(ids))
        for row in connection.execute(select(table).where(table.c.id.in_(portion)).with_for_update())
    }
