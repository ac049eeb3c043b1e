"""Count the items of a folder: failed ones (no picture of theirs could be used, or an image of theirs is not complete),
pending and complete ones.
"""

from collections.abc import Collection

from sqlalchemy import Select, and_, case, exists, func, or_, select

from swatchbook.ledger.database import Ledger, portions, select_in
from swatchbook.ledger.image_states import shown_images, states_of_images
from swatchbook.ledger.tables import links, placements, source_items
from swatchbook.records import ImageState, ItemCounts, LinkKind

MAX_FAILED_IDS = 1_000
"""Failed items that a report names; `failed_ids` returns all of them."""

_COMPLETE, _FAILED, _PENDING = range(3)


def complete_products(ledger: Ledger, document: str, ids: Collection[str]) -> set[str]:
    """Return those of a document's products that have images, all of them complete."""
    places = (
        select(links.c.target, placements.c.image)
        .join_from(links, placements, placements.c.id == links.c.source)
        .where(links.c.document == document, links.c.kind == LinkKind.IMAGE_PRODUCT)
    )
    with ledger.read() as connection:
        shown = [(row.target, row.image) for row in select_in(connection, places, links.c.target, ids)]
        incomplete = set[str]()
        for portion in portions(sorted({image for _, image in shown})):
            states = states_of_images(shown_images(document=document, only=portion))
            incomplete |= {image for image, state in connection.execute(states) if state != ImageState.COMPLETE}
    return {product for product, _ in shown} - {product for product, image in shown if image in incomplete}


def count_items(ledger: Ledger, document: str, *, skipped: int | None = None, all_complete: bool = False) -> ItemCounts:
    """Count the items of a document by state. `skipped`: complete ones that needed nothing; None: none of them did.

    `all_complete`: all images of the document are known to be complete: of 100,000, looking again takes seconds.
    """
    states = (_states_without_images(document) if all_complete else _states(document)).subquery("item_states")
    gone = select(func.count()).where(source_items.c.document == document, source_items.c.gone)
    with ledger.read() as connection:
        by_state = dict(
            connection.execute(select(states.c.state, func.count()).group_by(states.c.state)).tuples().all()
        )
        left = connection.execute(gone).scalar_one()
    complete = by_state.get(_COMPLETE, 0)
    skipped = complete if skipped is None else min(skipped, complete)
    return ItemCounts(
        total_items=sum(by_state.values()),
        processed_items=complete - skipped,
        skipped_items=skipped,
        failed_items=by_state.get(_FAILED, 0),
        pending_items=by_state.get(_PENDING, 0),
        left_items=left,
        failed_ids=tuple(failed_ids(ledger, document, MAX_FAILED_IDS)) if by_state.get(_FAILED) else (),
    )


def failed_ids(ledger: Ledger, document: str, limit: int | None = None) -> list[str]:
    """Return the items of a document that failed, in the order of the source."""
    states = _states(document).subquery("item_states")
    query = select(states.c.item).where(states.c.state == _FAILED).order_by(states.c.number).limit(limit)
    with ledger.read() as connection:
        return list(connection.execute(query).scalars())


def _states_without_images(document: str) -> Select[tuple[int]]:
    """Return the state of each item that is in its source, where every image is complete: all without images failed."""
    shows = exists().where(links.c.target == source_items.c.product, links.c.kind == LinkKind.IMAGE_PRODUCT)
    state = case((or_(source_items.c.kind.is_not(None), ~shows), _FAILED), else_=_COMPLETE).label("state")
    return select(state).where(source_items.c.document == document, ~source_items.c.gone)


def _states(document: str) -> Select[tuple[str, int, int]]:
    """Return (item, number, state) of the items that are in their source: the worst state of their images."""
    images = states_of_images(shown_images(document=document)).subquery("states")
    state = case(
        (images.c.state == ImageState.COMPLETE, _COMPLETE),
        (images.c.state == ImageState.PENDING, _PENDING),
        else_=_FAILED,
    )
    return (
        select(
            source_items.c.item,
            source_items.c.number,
            func.max(case((source_items.c.kind.is_not(None), _FAILED), else_=state)).label("state"),
        )
        .outerjoin(links, and_(links.c.target == source_items.c.product, links.c.kind == LinkKind.IMAGE_PRODUCT))
        .outerjoin(placements, placements.c.id == links.c.source)
        .outerjoin(images, images.c.image == placements.c.image)
        .where(source_items.c.document == document, ~source_items.c.gone)
        .group_by(source_items.c.key, source_items.c.item, source_items.c.number)
    )
