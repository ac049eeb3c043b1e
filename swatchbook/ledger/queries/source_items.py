"""Count the items of a folder by state: failed, pending and complete.

An item has failed if none of its pictures could be used, or if one of its images has failed.
"""

from sqlalchemy import Select, and_, case, exists, func, or_, select

from swatchbook.ledger.database import Ledger
from swatchbook.ledger.image_states import shown_images, states_of_images
from swatchbook.ledger.tables import links, placements, source_items
from swatchbook.records import ImageState, ItemCounts, LinkKind

MAX_FAILED_IDS = 1_000
"""Failed items that a report names; `failed_ids` returns all of them."""

_COMPLETE, _FAILED, _PENDING = range(3)


def complete_items(ledger: Ledger, document: str) -> bytes:
    """Return a byte for each item of a document, by its number: 1 if it is complete, else 0.

    Bytes, because there may be 100,000 items. The numbers of later items are beyond the end.
    """
    states = _states(document, gone=True).subquery("item_states")
    complete = select(states.c.number).where(states.c.state == _COMPLETE)
    last = select(func.max(source_items.c.number)).where(source_items.c.document == document)
    with ledger.read() as connection:
        number = connection.execute(last).scalar_one()
        found = bytearray(0 if number is None else number + 1)
        for row in connection.execute(complete):
            found[row.number] = 1
    return bytes(found)


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


def _states(document: str, *, gone: bool = False) -> Select[tuple[str, int, int]]:
    """Return (item, number, state) of the items that are in their source: the worst state of their images.

    `gone`: also of the others.
    """
    images = states_of_images(shown_images(document=document)).subquery("states")
    state = case(
        (images.c.state == ImageState.COMPLETE, _COMPLETE),
        (images.c.state == ImageState.PENDING, _PENDING),
        else_=_FAILED,
    )
    states = (
        select(
            source_items.c.item,
            source_items.c.number,
            func.max(case((source_items.c.kind.is_not(None), _FAILED), else_=state)).label("state"),
        )
        .outerjoin(links, and_(links.c.target == source_items.c.product, links.c.kind == LinkKind.IMAGE_PRODUCT))
        .outerjoin(placements, placements.c.id == links.c.source)
        .outerjoin(images, images.c.image == placements.c.image)
        .where(source_items.c.document == document)
        .group_by(source_items.c.key, source_items.c.item, source_items.c.number)
    )
    return states if gone else states.where(~source_items.c.gone)
