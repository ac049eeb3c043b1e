"""Pages that a stage lost in part, and when those whose loss may pass are tried again."""

from collections.abc import Iterable

from sqlalchemy import func, select, update

from swatchbook.ledger.database import Ledger
from swatchbook.ledger.runs import Run, require_live
from swatchbook.ledger.tables import pages, runs
from swatchbook.records import LostPage

PAUSE = 900.0  # seconds
MOST_AGAIN = 3
"""Times that a generation comes back for its lost pages: then they stay named as failures."""


def save_lost_tables(ledger: Ledger, run: Run, lost: Iterable[LostPage]) -> None:
    """Pages whose tables were lost keep their kind and say why. After `save_pages`. Raises RunRevoked."""
    with ledger.write() as connection:
        require_live(connection, run)
        for page in lost:
            connection.execute(
                update(pages)
                .where(pages.c.document == run.document, pages.c.number == page.page)
                .values(reason=page.message, failure_kind=page.kind)
            )


def next_try(ledger: Ledger, run: Run) -> float | None:
    """When pages that this run lost are tried again, Unix seconds; None once enough runs have tried."""
    ended = select(func.count()).where(
        runs.c.document == run.document, runs.c.generation == run.generation, runs.c.state == "ended"
    )
    with ledger.read() as connection:
        tried = connection.execute(ended).scalar_one()
    return ledger.now() + PAUSE if tried < MOST_AGAIN else None
