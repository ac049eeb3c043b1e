"""Put a document's report together: account, failures, costs (from `ledger/calls.py`), seconds of each stage. Its
fields are declared in `records/reports.py`.
"""

from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from swatchbook.ledger.calls import spending
from swatchbook.ledger.database import Ledger
from swatchbook.ledger.documents import get_document
from swatchbook.ledger.queries.account import account
from swatchbook.ledger.queries.failures import failures, other_failures
from swatchbook.ledger.queries.look_at import read_look_at
from swatchbook.ledger.queries.lost_pictures import list_lost_pictures
from swatchbook.ledger.queries.pages import read_unassigned, skipped_pages
from swatchbook.ledger.queries.reviews import count_images_to_review
from swatchbook.ledger.tables import chunks, products, timings
from swatchbook.records import ImageState, LostState, RunReport


def document_report(ledger: Ledger, document: str, run: str | None = None) -> RunReport:
    """Return the account as a report, with the seconds of `run`.

    Without a run, seconds, memory and warnings are those of the last run.
    """
    stored = get_document(ledger, document)
    counts = account(ledger, document=document)
    with ledger.read() as connection:
        seconds = {
            row.stage: round(row.seconds, 3)
            for row in connection.execute(
                select(timings).where(timings.c.document == document, timings.c.run == run).order_by(timings.c.at)
            )
        }
        product_count = _count(connection, products, document)
        unassigned = read_unassigned(connection, document)
        doubts = read_look_at(connection, document)
        chunk_count = _count(connection, chunks, document, ~chunks.c.gone)
    spent = spending(ledger, document)
    skipped = skipped_pages(ledger, document)
    last = stored.report if run is None else None
    return RunReport(
        document_id=document,
        name=stored.name,
        owner=stored.owner,
        run=run or (last.run if last else None),
        generation=stored.generation,
        status=stored.status,
        stage=stored.stage,
        message=stored.message,
        products_discovered=product_count,
        chunks_created=chunk_count,
        **{f"images_{name}": getattr(counts, name) for name in ("found", *(state.value for state in ImageState))},
        images_to_review=count_images_to_review(ledger, document=document),
        placements_hidden=counts.placements_hidden,
        placements_decorative=counts.placements_decorative,
        pages_skipped=counts.pages_skipped,
        pictures_skipped=sum(len(page.pictures) for page in skipped),
        skipped=skipped,
        lost_pictures=list_lost_pictures(ledger, document, LostState.SEEN),
        unassigned=unassigned,
        look_at=doubts,
        failed_images=tuple(failures(ledger, document)) if counts.complete < counts.found else (),
        other_failures=tuple(other_failures(ledger, document)),
        cost_usd=None if any(each.unpriced for each in spent) else sum(each.cost_usd for each in spent),
        spent=tuple(spent),
        seconds=last.seconds if last else seconds,
        confidence_score=last.confidence_score if last else None,
        peak_memory_mb=last.peak_memory_mb if last else None,
        warnings=last.warnings if last else (),
        items=last.items if last else None,
        edition=last.edition if last else None,
    )


def _count(connection: Connection, table: Any, document: str, *where: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(table).where(table.c.document == document, *where)
    return connection.execute(query).scalar_one()
