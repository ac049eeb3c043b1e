"""Read which of a document's pages are skipped and why, and which parts of pages belong to no product."""

from sqlalchemy import Connection, select

from swatchbook.ledger.database import Ledger
from swatchbook.ledger.tables import pages
from swatchbook.records import SkippedPage, Unassigned


def skipped_pages(ledger: Ledger, document: str) -> tuple[SkippedPage, ...]:
    """Return the skipped pages of a document, each with its reason and the pictures that are seen on it, by number."""
    with ledger.read() as connection:
        return read_skipped(connection, document)


def read_skipped(connection: Connection, document: str) -> tuple[SkippedPage, ...]:
    """Return the skipped pages of a document within a transaction, by number."""
    query = (
        select(pages.c.number, pages.c.label, pages.c.reason, pages.c.pictures)
        .where(pages.c.document == document, pages.c.kind == "skipped")
        .order_by(pages.c.number)
    )
    return tuple(
        SkippedPage(page=row.number, label=row.label, reason=row.reason or "", pictures=row.pictures or ())
        for row in connection.execute(query)
    )


def read_unassigned(connection: Connection, document: str) -> tuple[Unassigned, ...]:
    """Return, by page, the parts of the document's pages that belong to no product."""
    query = select(pages.c.unassigned).where(pages.c.document == document, pages.c.unassigned.is_not(None))
    return tuple(map(Unassigned.model_validate, connection.execute(query.order_by(pages.c.number)).scalars()))
