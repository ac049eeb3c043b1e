"""Webhook deliveries: which document came of each, so that one that is sent again starts nothing."""

from sqlalchemy import delete, select

from swatchbook.ledger.database import Ledger, db_now, upsert
from swatchbook.ledger.tables import deliveries

KEPT_SECONDS = 7 * 86_400
"""How long a delivery is known: senders try again for days."""


def find(ledger: Ledger, source: str, delivery: str) -> str | None:
    """The document that a source's delivery led to, if it was taken in within seven days."""
    query = select(deliveries.c.document).where(
        deliveries.c.source == source, deliveries.c.id == delivery, deliveries.c.at > db_now() - KEPT_SECONDS
    )
    with ledger.read() as connection:
        return connection.execute(query).scalar_one_or_none()


def record(ledger: Ledger, source: str, delivery: str, document: str) -> str:
    """Note what a delivery led to; the first note stands and is returned. Those older than seven days go."""
    with ledger.write() as connection:
        connection.execute(delete(deliveries).where(deliveries.c.at <= db_now() - KEPT_SECONDS))
        connection.execute(
            upsert(connection, deliveries)
            .values(source=source, id=delivery, document=document, at=db_now())
            .on_conflict_do_nothing()
        )
        first = select(deliveries.c.document).where(deliveries.c.source == source, deliveries.c.id == delivery)
        return str(connection.execute(first).scalar_one())
