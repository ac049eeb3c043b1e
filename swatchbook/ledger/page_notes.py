"""Save what stages 2 and 7 say of pages beside their kind: what belongs to no product, the texts that were nearly
names, and whether a page needs a vision model or a person. Reading: `queries/page_notes.py`.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import and_, update

from swatchbook.ledger.database import Ledger
from swatchbook.ledger.runs import Run, require_live
from swatchbook.ledger.tables import pages
from swatchbook.records import Discovery, Unassigned


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
