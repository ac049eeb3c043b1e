"""Put a document's report together: account, failures, costs (from `store/ledger/calls.py`), seconds of each stage.

Its fields are declared in `domain/records/reports.py`. Failures are those of images that are not complete, of pages and
chunks, and of objects that the index refused.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, exists, func, or_, select

from swatchbook.domain.records import FailureRecord, ImageState, ItemState, LostState, RunReport, stage_reached
from swatchbook.store.ledger.calls import spending
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.dirty import unpublished_rows
from swatchbook.store.ledger.image_states import (
    chunk_items,
    first_placements,
    image_item_failure,
    image_item_state,
    image_items,
    waits_for_publishing,
)
from swatchbook.store.ledger.page_findings import list_look_at, list_lost_pictures, read_unassigned, skipped_pages
from swatchbook.store.ledger.picture_reviews import count_images_to_review
from swatchbook.store.ledger.queries.account import account
from swatchbook.store.ledger.queries.stage_times import stage_timings
from swatchbook.store.ledger.source_items import MAX_PICTURES
from swatchbook.store.ledger.stored_documents import get_document
from swatchbook.store.ledger.tables import chunks, images, items, pages, placements, products, requested, source_items


def document_report(ledger: Ledger, document: str, run: str | None = None) -> RunReport:
    """Return the account as a report, with the seconds of `run`.

    Without a run, seconds, memory and warnings are those of the last run.
    """
    stored = get_document(ledger, document)
    counts = account(ledger, document=document)
    with ledger.read() as connection:
        product_count = _count(connection, products, document)
        unassigned = read_unassigned(connection, document)
        doubts = list_look_at(connection, document)
        chunk_count = _count(connection, chunks, document, ~chunks.c.gone)
        skipped = skipped_pages(connection, document)
    seconds = {each.stage.value: round(each.seconds, 3) for each in stage_timings(ledger, run)}
    spent = spending(ledger, document)
    last = stored.report if run is None else None
    return RunReport(
        document_id=document,
        name=stored.name,
        owner=stored.owner,
        run=run or (last.run if last else None),
        generation=stored.generation,
        status=stored.status,
        stage=stage_reached(stored.stage, stored.status, counts.pending),
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
        **({name: getattr(last, name) for name in _OF_LAST} if last else {"seconds": seconds}),
    )


_OF_LAST = (
    "total_seconds", "seconds", "confidence_score", "sure", "peak_memory_mb", "doubts", "warnings", "items", "edition",
)  # fmt: skip
"""Fields of the report of the last run that the ledger has nowhere else."""


def _count(connection: Connection, table: Any, document: str, *where: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(table).where(table.c.document == document, *where)
    return connection.execute(query).scalar_one()


# --- failures ---------------------------------------------------------------------------------------------------------


def failures(ledger: Ledger, document: str, limit: int | None = None) -> list[FailureRecord]:
    """Return the failures of every image that is not complete, in reading order; of at most `limit` images."""
    with ledger.read() as connection:
        by_image = groupby(connection.execute(_incomplete(document)), key=lambda row: row.image)
        return [failure for _, rows in islice(by_image, limit) for failure in _failures_of(list(rows))]


def _incomplete(document: str) -> Select[Any]:
    """Return the items of shown images that are not done or not published, in reading order."""
    shown = first_placements(document)
    where = placements.alias("where")
    unpublished_result = waits_for_publishing(images, image_item_state)
    return (
        select(
            images.c.id.label("image"),
            shown.c.index,
            where.c.page,
            where.c.path,
            source_items.c.item,
            requested.c.role,
            image_item_state.label("state"),
            image_item_failure.label("failure"),
            items.c.attempts,
            items.c.next_retry_at,
            images.c.publish_failure,
            images.c.publish_tries,
            images.c.publish_next,
        )
        .select_from(image_items(shown))
        .join(where, and_(where.c.document == document, where.c.ordinal == shown.c.ordinal))
        .outerjoin(
            source_items,
            and_(source_items.c.document == document, source_items.c.number == where.c.ordinal // MAX_PICTURES),
        )
        .where(requested.c.role.is_not(None), or_(image_item_state != ItemState.DONE, unpublished_result))
        .order_by(shown.c.index, requested.c.role)
    )


def _failures_of(rows: Sequence[Row[Any]]) -> Iterator[FailureRecord]:
    """Yield one image's failures: each failed item, else that it is pending; and that it is not published yet."""
    place = {
        "image_id": rows[0].image,
        "index": rows[0].index,
        "path": rows[0].path,
        "item": None if rows[0].item == rows[0].path else rows[0].item,
        "page_number": rows[0].page or None,
    }
    failed = [row for row in rows if row.failure]
    for row in failed:
        yield _of_item(row, **place)
    if not failed and any(row.state != ItemState.DONE for row in rows):
        yield FailureRecord(**place, kind="pending", error="Not made yet.")
    if any(row.state == ItemState.DONE for row in rows):
        yield _of_index(rows[0], **place)


def _of_item(row: Row[Any], **place: Any) -> FailureRecord:
    return FailureRecord(
        **place,
        role=row.role,
        kind=row.failure["kind"],
        error=row.failure["message"],
        attempts=row.attempts,
        next_retry_at=row.next_retry_at,
    )


def _of_index(row: Row[Any], **place: Any) -> FailureRecord:
    """Return that an image or chunk was refused, or is not published yet."""
    refused = row.publish_failure or {"kind": "unpublished", "message": "Made, not searchable yet."}
    return FailureRecord(
        **place,
        subject="index",
        kind=refused["kind"],
        error=refused["message"],
        attempts=row.publish_tries,
        next_retry_at=row.publish_next,
    )


def other_failures(ledger: Ledger, document: str) -> list[FailureRecord]:
    """Return the failures of pages, items and chunks, and what the index refused of complete images and of chunks."""
    lost = select(pages).where(pages.c.document == document, pages.c.failure_kind.is_not(None))
    bare = select(source_items).where(
        source_items.c.document == document, source_items.c.kind.is_not(None), ~source_items.c.gone
    )
    with ledger.read() as connection:
        return [
            *(
                FailureRecord(subject="page", page_number=row.number, kind=row.failure_kind, error=row.reason or "")
                for row in connection.execute(lost.order_by(pages.c.number))
            ),
            *(
                FailureRecord(subject="item", path=row.item, kind=row.kind, error=row.message or "")
                for row in connection.execute(bare.order_by(source_items.c.number))
            ),
            *_chunk_failures(connection, document),
            *_refusals(connection, document),
        ]


def _chunk_failures(connection: Connection, document: str) -> Iterator[FailureRecord]:
    failed = (
        select(chunks.c.record, requested.c.role, items.c.failure, items.c.attempts, items.c.next_retry_at)
        .select_from(chunk_items(document=document))
        .where(items.c.state != ItemState.DONE, items.c.failure.is_not(None))
        .order_by(chunks.c.ordinal)
    )
    for row in connection.execute(failed):
        if row.failure:  # JSON's null is not SQL's
            yield _of_item(row, subject="chunk", page_number=min(row.record["pages"], default=None))


def _refusals(connection: Connection, document: str) -> Iterator[FailureRecord]:
    """Yield what the index refused of complete images (a changed payload) and of chunks."""
    placed = exists().where(placements.c.image == images.c.id, placements.c.document == document)
    refused_images = and_(placed, images.c.published >= images.c.made)
    for table, where in ((images, refused_images), (chunks, chunks.c.document == document)):
        refused = select(table).where(unpublished_rows(table), where, table.c.publish_failure.is_not(None))
        for row in connection.execute(refused.order_by(table.c.id)):
            if row.publish_failure:
                yield _of_index(row, image_id=row.id if table is images else None)
