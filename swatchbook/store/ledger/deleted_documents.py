"""Remember documents that were deleted for good, until what is shown of them in Prefect is deleted, too."""

from collections.abc import Collection

from sqlalchemy import Connection, select, true, update

from swatchbook.store.ledger.database import Ledger, db_now, execute_in, upsert
from swatchbook.store.ledger.tables import deleted_documents, documents, trash

_AT_ONCE = 500


def remember_deleted(connection: Connection, document: str) -> None:
    """Remember a document that is deleted in this transaction, unless it is in the trash."""
    if connection.execute(select(trash.c.document).where(trash.c.document == document)).first() is None:
        values = {"at": db_now(), "cleared": False}
        row = upsert(connection, deleted_documents).values(document=document, **values)
        connection.execute(row.on_conflict_do_update(index_elements=[deleted_documents.c.document], set_=values))


def list_deleted(ledger: Ledger, *, again: bool = False) -> list[str]:
    """Return deleted documents that are not here again, of which something may be left in Prefect.

    `again`: also those that were cleared, since a run that was ending may have left something afterwards.
    """
    here = select(documents.c.id).where(documents.c.id == deleted_documents.c.document)
    query = select(deleted_documents.c.document).where(
        ~here.exists(), true() if again else ~deleted_documents.c.cleared
    )
    return list(ledger.execute(query.order_by(deleted_documents.c.at).limit(_AT_ONCE)).scalars())


def mark_cleared(ledger: Ledger, ids: Collection[str]) -> None:
    """Record that nothing of these deleted documents is left in Prefect; an hour later they are forgotten."""
    with ledger.write() as connection:
        execute_in(connection, update(deleted_documents).values(cleared=True), deleted_documents.c.document, ids)
