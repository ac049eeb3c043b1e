"""The account: how many images were found and in which state each is. It always closes.

images found = complete + partial + failed + rejected + pending, for any document, owner or all owners.
"""

from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select

from swatchbook.ledger.calls import spending
from swatchbook.ledger.database import Ledger
from swatchbook.ledger.documents import get_document, owned_by
from swatchbook.ledger.image_states import (
    chunk_item_state,
    chunk_items,
    chunk_next_try,
    image_item_state,
    image_items,
    image_next_try,
    is_open,
    next_publish_of,
    shown_images,
    shows_analysis,
    states_of_images,
    waits_for_publishing,
)
from swatchbook.ledger.publishing import count_unpublished
from swatchbook.ledger.queries.failures import failures, other_failures
from swatchbook.ledger.queries.reviews import count_images_to_review
from swatchbook.ledger.tables import chunks, documents, images, pages, placements, requested, timings
from swatchbook.ledger.tables import products as products_table
from swatchbook.records import DocumentStatus, ImageState, ItemState, PlacementState, Record, Role, RunReport


class Account(Record):
    """Counts of images: found = complete + partial + failed + rejected + pending."""

    found: int = 0
    complete: int = 0
    partial: int = 0
    failed: int = 0
    rejected: int = 0
    pending: int = 0
    placements_hidden: int = 0
    placements_decorative: int = 0
    pages_skipped: int = 0


class RoleCoverage(Record):
    """Counts of the items of a (role, tag), in images that request it."""

    role: Role
    tag: str
    wanted: int
    done: int
    failed: int
    rejected: int
    pending: int


class Coverage(Record):
    """How much of a collection has vectors; an image with at least one counts."""

    total_images: int
    with_embeddings: int
    without_embeddings: int
    coverage_percentage: float
    unpublished: int
    roles: tuple[RoleCoverage, ...]
    documents: dict[str, int]  # by status


def account(ledger: Ledger, *, document: str | None = None, owner: str | None = None) -> Account:
    """Return the account of a document, of an owner or of all owners. An image counts once."""
    states = states_of_images(shown_images(document=document, owner=owner)).subquery("states")
    with ledger.read() as connection:
        counted = dict(connection.execute(select(states.c.state, func.count()).group_by(states.c.state)).tuples().all())
        hidden = _counts(connection, placements, placements.c.state, document, owner)
        by_kind = _counts(connection, pages, pages.c.kind, document, owner)
    return Account(
        found=sum(counted.values()),
        **{state.value: counted.get(state.value, 0) for state in ImageState},
        placements_hidden=hidden.get(PlacementState.HIDDEN.value, 0),
        placements_decorative=hidden.get(PlacementState.DECORATIVE.value, 0),
        pages_skipped=by_kind.get("skipped", 0),
    )


def _counts(
    connection: Connection, table: Any, column: ColumnElement[str], document: str | None, owner: str | None
) -> dict[str, int]:
    query = select(column, func.count()).group_by(column)
    if document is not None:
        query = query.where(table.c.document == document)
    if owner is not None:
        query = query.where(table.c.document.in_(select(documents.c.id).where(documents.c.owner == owner)))
    return dict(connection.execute(query).tuples().all())


def next_status(ledger: Ledger, document: str) -> tuple[DocumentStatus, float | None]:
    """Return `completed` if every item is settled and published, else `waiting` and the time of its next try."""
    of_images, of_chunks = image_items(shown_images(document=document)), chunk_items(document=document)
    is_requested = requested.c.role.is_not(None)
    next_tries = [
        select(func.min(image_next_try)).select_from(of_images).where(is_requested, is_open(image_item_state)),
        select(func.min(next_publish_of(images)))
        .select_from(of_images)
        .where(is_requested, waits_for_publishing(images, image_item_state)),
        select(func.min(chunk_next_try)).select_from(of_chunks).where(is_open(chunk_item_state)),
        select(func.min(next_publish_of(chunks)))
        .select_from(of_chunks)
        .where(waits_for_publishing(chunks, chunk_item_state)),
    ]
    with ledger.read() as connection:
        times = [time for query in next_tries if (time := connection.execute(query).scalar_one()) is not None]
    return (DocumentStatus.WAITING, min(times)) if times else (DocumentStatus.COMPLETED, None)


def document_report(ledger: Ledger, document: str, run: str | None = None) -> RunReport:
    """Return the account as a report. Seconds are those of `run`; without one, they, memory and warnings are the last
    run's.
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
        product_count = _count(connection, products_table, document)
        chunk_count = _count(connection, chunks, document, ~chunks.c.gone)
    spent = spending(ledger, document)
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
        failed_images=tuple(failures(ledger, document)) if counts.complete < counts.found else (),
        other_failures=tuple(other_failures(ledger, document)),
        cost_usd=sum(each.cost_usd for each in spent),
        spent=tuple(spent),
        seconds=last.seconds if last else seconds,
        confidence_score=last.confidence_score if last else None,
        peak_memory_mb=last.peak_memory_mb if last else None,
        warnings=last.warnings if last else (),
    )


def _count(connection: Connection, table: Any, document: str, *where: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(table).where(table.c.document == document, *where)
    return connection.execute(query).scalar_one()


def coverage(ledger: Ledger, owner: str | None = None) -> Coverage:
    """Return how much of the collection of an owner, or of all owners, has vectors, by (role, tag)."""
    shown = image_items(shown_images(owner=owner))
    embedded = and_(image_item_state == ItemState.DONE, requested.c.role != Role.ANALYSIS, ~shows_analysis)
    with ledger.read() as connection:
        total = connection.execute(select(func.count(images.c.id.distinct())).select_from(shown)).scalar_one()
        with_vectors = connection.execute(
            select(func.count(images.c.id.distinct())).select_from(shown).where(embedded)
        ).scalar_one()
        by_role = dict[tuple[str, str], dict[str, int]]()
        for role, tag, state, count in connection.execute(
            select(requested.c.role, requested.c.tag, image_item_state, func.count(images.c.id.distinct()))
            .select_from(shown)
            .where(requested.c.role.is_not(None))
            .group_by(requested.c.role, requested.c.tag, image_item_state)
            .order_by(requested.c.role, requested.c.tag)
        ):
            by_role.setdefault((role, tag), {})[state] = count
        statuses = select(documents.c.status, func.count()).where(*owned_by(owner)).group_by(documents.c.status)
        by_status = dict(connection.execute(statuses).tuples().all())
    return Coverage(
        total_images=total,
        with_embeddings=with_vectors,
        without_embeddings=total - with_vectors,
        coverage_percentage=round(100 * with_vectors / total, 2) if total else 100.0,
        unpublished=count_unpublished(ledger, owner=owner),
        roles=tuple(_role_coverage(role, tag, states) for (role, tag), states in by_role.items()),
        documents=by_status,
    )


def _role_coverage(role: str, tag: str, states: dict[str, int]) -> RoleCoverage:
    still_open = states.get(ItemState.PENDING.value, 0) + states.get(ItemState.LEASED.value, 0)
    settled = {
        state.value: states.get(state.value, 0) for state in (ItemState.DONE, ItemState.FAILED, ItemState.REJECTED)
    }
    return RoleCoverage(role=Role(role), tag=tag, wanted=sum(states.values()), **settled, pending=still_open)
