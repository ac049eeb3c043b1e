"""Lost pictures: parts of processed pages that look like pictures, and that no placement covers."""

from sqlalchemy import Connection, select

from swatchbook.ledger.database import Ledger
from swatchbook.ledger.documents import owned_by
from swatchbook.ledger.tables import documents, pages
from swatchbook.records import LostPicture


def lost_pictures(ledger: Ledger, document: str) -> tuple[LostPicture, ...]:
    """Return the lost pictures of a document, by page."""
    with ledger.read() as connection:
        return read_lost_pictures(connection, document)


def read_lost_pictures(connection: Connection, document: str) -> tuple[LostPicture, ...]:
    """Return the lost pictures of a document within a transaction, by page."""
    query = (
        select(pages.c.lost_pictures)
        .where(pages.c.document == document, pages.c.lost_pictures.is_not(None))
        .order_by(pages.c.number)
    )
    found = connection.execute(query).scalars()
    return tuple(LostPicture.model_validate(picture) for of_page in found for picture in of_page)


def count_lost_pictures(ledger: Ledger, owner: str | None = None) -> int:
    """Return how many lost pictures the documents of an owner have, or those of all owners."""
    query = select(pages.c.lost_pictures).join(documents, documents.c.id == pages.c.document)
    query = query.where(pages.c.lost_pictures.is_not(None), *owned_by(owner))
    with ledger.read() as connection:
        return sum(len(of_page) for of_page in connection.execute(query).scalars())
