"""Which images and chunks are shown, and that their changes are published: the writers of `dirty`.

`dirty` is raised by whatever changes what is published, `made` follows it when something new waits to be published,
`gone` marks what nothing shows any more until publishing has removed it.
"""

from collections.abc import Collection

from sqlalchemy import Connection, Table, and_, delete, or_, select, update

from swatchbook.ledger.database import db_now, portions
from swatchbook.ledger.tables import chunks, documents, images, placements
from swatchbook.records import DocumentStatus, PlacementState


def mark_shown(connection: Connection, table: Table, ids: Collection[str], *, made: Collection[str]) -> None:
    """These images or chunks are shown, for the first time, again or otherwise: raise `dirty`.

    Of those in `made` something is made already, which waits to be published.
    """
    for portion in portions(sorted(ids)):
        shown = update(table).where(table.c.id.in_(portion))
        connection.execute(shown.values(gone=False, dirty=table.c.dirty + 1))
    for portion in portions(sorted(made)):
        connection.execute(update(table).where(table.c.id.in_(portion)).values(made=table.c.dirty))


def mark_changed(connection: Connection, table: Table, ids: Collection[str]) -> None:
    """Raise `dirty` of images or chunks whose payload changed; those that were never shown stay unpublished."""
    for portion in portions(sorted(ids)):
        connection.execute(
            update(table).where(table.c.id.in_(portion), table.c.dirty > 0).values(dirty=table.c.dirty + 1)
        )


def hide_images(connection: Connection, ids: Collection[str]) -> None:
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


def hide_chunks(connection: Connection, ids: Collection[str]) -> None:
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
