"""Recognise repeated webhooks: a delivery id seen in the last seven days starts nothing and gets the same document.

`interface/service/webhooks.py` receives and checks webhooks.
"""

from sqlalchemy import delete, select

from swatchbook.ledger.database import Ledger, db_now, upsert
from swatchbook.ledger.tables import deliveries

KEPT_SECONDS = 7 * 86_400
"""How long deliveries are remembered: senders retry for days."""


def find(ledger: Ledger, source: str, delivery: str) -> str | None:
    """Return the document that a delivery of the last seven days led to; None for an unknown delivery."""
    query = select(deliveries.c.document).where(
        deliveries.c.source == source, deliveries.c.id == delivery, deliveries.c.at > db_now() - KEPT_SECONDS
    )
    with ledger.read() as connection:
        return connection.execute(query).scalar_one_or_none()


def record(ledger: Ledger, source: str, delivery: str, document: str) -> str:
    """Record the document that a delivery led to, and return it; of a repeated delivery the first one counts.

    Deliveries older than seven days are deleted.
    """
    with ledger.write() as connection:
        connection.execute(delete(deliveries).where(deliveries.c.at <= db_now() - KEPT_SECONDS))
        connection.execute(
            upsert(connection, deliveries)
            .values(source=source, id=delivery, document=document, at=db_now())
            .on_conflict_do_nothing()
        )
        first = select(deliveries.c.document).where(deliveries.c.source == source, deliveries.c.id == delivery)
        return str(connection.execute(first).scalar_one())
