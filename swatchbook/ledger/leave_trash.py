"""Restore a document from the trash, in one transaction.

Its rows come back, and what it shows must be published again from the vectors that were kept. Its runs and timings of
flow runs do not come back.
"""

from typing import Any

from sqlalchemy import select, update

from swatchbook.errors import InvalidReference
from swatchbook.ledger.database import Ledger, db_now
from swatchbook.ledger.documents import Document, load_document
from swatchbook.ledger.editions import rejoin_chain
from swatchbook.ledger.restored_rows import add_images, add_parts, add_rows, show_again, status_again, with_nulls
from swatchbook.ledger.tables import documents, metadata, trash
from swatchbook.ledger.trash import forget_trashed, kept_rows
from swatchbook.records import DocumentStatus


def restore_trashed(ledger: Ledger, document: str) -> Document:
    """Restore a document with all that it had when it was deleted, and return it.

    What ran then is queued. Raises InvalidReference if it is not in the trash, or in the collection again.
    """
    with ledger.write() as connection:
        kept = connection.execute(select(trash).where(trash.c.document == document).with_for_update()).one_or_none()
        if kept is None:
            raise InvalidReference(
                f"Document {document} is not in the trash.", advice="`swatchbook trash` lists what is in it."
            )
        here = connection.execute(select(documents.c.status).where(documents.c.id == document)).scalar_one_or_none()
        if here not in (None, DocumentStatus.DELETING):
            raise InvalidReference(f"{kept.name} is in the collection again, as {document[:8]}.")
        row = dict[str, Any]()
        for name, rows in kept_rows(connection, document):
            if name == "documents":
                (row,) = rows
                row |= {"owner": kept.owner, "edition_of": None, "superseded_by": None}  # renamed since, perhaps
                if here is None:
                    add_rows(connection, documents, [row])
                else:  # the index still holds some of it
                    table = with_nulls(documents)
                    again = update(table).where(table.c.id == document)
                    connection.execute(again.values({name: value for name, value in row.items() if name != "id"}))
            elif name == "images":
                add_images(connection, [{**each, "owner": kept.owner} for each in rows])
            else:
                add_parts(connection, metadata.tables[name], rows)
        show_again(connection, document)
        status = status_again(connection, row)
        values = {**status, "run": None, "updated_at": db_now(), "commanded_at": db_now()}
        connection.execute(update(documents).where(documents.c.id == document).values(values))
        rejoin_chain(connection, document, older=kept.older, newer=kept.newer)
        forget_trashed(connection, document)
        return load_document(connection, document)
