"""What belongs to no product, and which pages need a vision model or a person, of a document."""

from sqlalchemy import Connection, select

from swatchbook.ledger.tables import pages
from swatchbook.records import Unassigned


def read_unassigned(connection: Connection, document: str) -> tuple[Unassigned, ...]:
    """Return what of the document's pages belongs to no product, by page."""
    query = select(pages.c.unassigned).where(pages.c.document == document, pages.c.unassigned.is_not(None))
    return tuple(map(Unassigned.model_validate, connection.execute(query.order_by(pages.c.number)).scalars()))


def read_unsure_pages(connection: Connection, document: str) -> tuple[int, ...]:
    """Return the numbers of the pages that look like products, and on which the layout does not tell which."""
    query = select(pages.c.number).where(pages.c.document == document, pages.c.unsure).order_by(pages.c.number)
    return tuple(connection.execute(query).scalars())
