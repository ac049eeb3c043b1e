"""Pages of which a stage lost a part: the reason, and when losses whose cause may be temporary are tried again:
after 15 minutes, in at most three runs.
"""

from collections.abc import Iterable

from sqlalchemy import func, select, update

from swatchbook.ledger.database import Ledger
from swatchbook.ledger.runs import Run, require_live
from swatchbook.ledger.tables import pages, runs
from swatchbook.records import FailedPage

RETRY_PAUSE_SECONDS = 900.0
MAX_RETRIES = 3
"""Runs of a generation that try its failed pages; after these the failures stay."""


def save_page_failures(ledger: Ledger, run: Run, lost: Iterable[FailedPage]) -> None:
    """Record why pages lost a part (their tables, a model's answer); the pages keep their kind.

    Call it after `save_pages`. Raises RunRevoked.
    """
    by_page = dict[int, list[FailedPage]]()
    for page in lost:
        by_page.setdefault(page.page, []).append(page)
    with ledger.write() as connection:
        require_live(connection, run)
        for number, parts in by_page.items():
            reason = " ".join(dict.fromkeys(part.message for part in parts))
            connection.execute(
                update(pages)
                .where(pages.c.document == run.document, pages.c.number == number)
                .values(reason=reason, failure_kind=parts[0].kind)
            )


def next_try(ledger: Ledger, run: Run) -> float | None:
    """Return when this run's failed pages are tried again, in Unix seconds; None after MAX_RETRIES runs."""
    ended = select(func.count()).where(
        runs.c.document == run.document, runs.c.generation == run.generation, runs.c.state == "ended"
    )
    with ledger.read() as connection:
        tried = connection.execute(ended).scalar_one()
    return ledger.now() + RETRY_PAUSE_SECONDS if tried < MAX_RETRIES else None
