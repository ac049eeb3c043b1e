"""Save what stages find about pages: failures, parts that belong to no product, rejected names, and doubtful pages.

Failures that may be temporary are tried again after 15 minutes, in at most three runs. `queries/pages.py` reads them.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import and_, func, select, update

from swatchbook.ledger.database import Ledger
from swatchbook.ledger.runs import Run, require_live
from swatchbook.ledger.tables import pages, runs
from swatchbook.records import Discovery, FailedPage, Unassigned

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


def save_page_notes(ledger: Ledger, run: Run, discovery: Discovery, unassigned: Iterable[Unassigned]) -> None:
    """Save the notes of a document's pages instead of earlier ones. Raises RunRevoked."""
    notes: dict[int, dict[str, Any]] = defaultdict(lambda: {"unassigned": None, "rejected": None, "unsure": False})
    for left in unassigned:
        notes[left.page]["unassigned"] = left.model_dump(mode="json")
    for evidence in discovery.rejected:
        if evidence.page is not None:
            notes[evidence.page]["rejected"] = [
                *(notes[evidence.page]["rejected"] or ()), evidence.model_dump(mode="json")
            ]  # fmt: skip
    for number in discovery.unsure:
        notes[number]["unsure"] = True
    with ledger.write() as connection:
        require_live(connection, run)
        nothing = {"unassigned": None, "rejected": None, "unsure": False}
        connection.execute(update(pages).where(pages.c.document == run.document).values(nothing))
        for number, values in notes.items():
            here = and_(pages.c.document == run.document, pages.c.number == number)
            connection.execute(update(pages).where(here).values(values))


def next_try_of_failed_pages(ledger: Ledger, run: Run) -> float | None:
    """Return when this run's failed pages are tried again, in Unix seconds; None after MAX_RETRIES runs."""
    ended = select(func.count()).where(
        runs.c.document == run.document, runs.c.generation == run.generation, runs.c.state == "ended"
    )
    with ledger.read() as connection:
        tried = connection.execute(ended).scalar_one()
    return ledger.now() + RETRY_PAUSE_SECONDS if tried < MAX_RETRIES else None
