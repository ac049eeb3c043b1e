"""Read lost pictures (parts of pages that look like pictures and that no placement covers) and decisions on them."""

from sqlalchemy import Connection, func, select

from swatchbook.ledger.database import Ledger
from swatchbook.ledger.documents import owned_by
from swatchbook.ledger.tables import documents, lost_pictures
from swatchbook.records import LostPicture, LostState


def list_lost_pictures(ledger: Ledger, document: str, state: LostState | None = None) -> tuple[LostPicture, ...]:
    """Return the lost pictures of a document, by page and number; only those in a state if it is given."""
    with ledger.read() as connection:
        return tuple(each for each in read_lost_pictures(connection, document) if state in (None, each.state))


def read_lost_pictures(connection: Connection, document: str) -> tuple[LostPicture, ...]:
    """Return all lost pictures of a document within a transaction, by page and number."""
    query = (
        select(*(lost_pictures.c[name] for name in ("page", "number", "bbox", "share", "state", "phash")))
        .where(lost_pictures.c.document == document)
        .order_by(lost_pictures.c.page, lost_pictures.c.number)
    )
    return tuple(LostPicture.model_validate(dict(row._mapping)) for row in connection.execute(query))


def count_lost_pictures(ledger: Ledger, owner: str | None = None) -> int:
    """Return how many pictures were seen and not taken in the documents of an owner, or of all owners."""
    query = (
        select(func.count())
        .select_from(lost_pictures)
        .join(documents, documents.c.id == lost_pictures.c.document)
        .where(lost_pictures.c.state == LostState.SEEN, *owned_by(owner))
    )
    with ledger.read() as connection:
        return connection.execute(query).scalar_one()
