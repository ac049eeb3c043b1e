"""Which items a document wants: those of what it shows, by its (role, tag) pairs. Also whom a changed item concerns."""

from collections.abc import Sequence

from sqlalchemy import Connection, Subquery, and_, false, literal, or_, select, union_all, update

from swatchbook.ledger.database import db_now, portions
from swatchbook.ledger.tables import chunks, documents, images, items, placements, wants
from swatchbook.records import DocumentStatus, ItemState, PlacementState, Role

_IMAGE, _CHUNK = 0, 1

_ITEM = tuple(
    items.c[name]
    for name in (
        "key", "role", "tag", "state", "attempts", "runs", "crashes", "next_retry_at", "lease", "lease_size"
    )
)  # fmt: skip


def wanted(document: str | None = None, keys: Sequence[str] | None = None) -> Subquery:
    """Items wanted by a document (by any, for None), of these keys only if given: one row a showing of each.

    Columns: document, the item's, `listed` (what batches list it by: an image's content key, a chunk's text key),
    `kind` and `position` (reading order). An understanding item is found by its image's content key and its text key.
    """
    listed_by_pixels = images.c.content_key
    pixels = select(
        placements.c.document, literal(_IMAGE).label("kind"), placements.c.ordinal.label("position"),
        listed_by_pixels.label("listed"), *_ITEM,
    ).join_from(placements, images, images.c.id == placements.c.image).join(
        wants, and_(wants.c.document == placements.c.document, wants.c.role.not_in((Role.UNDERSTANDING, Role.TEXT)))
    ).join(
        items, and_(items.c.key == images.c.content_key, items.c.role == wants.c.role, items.c.tag == wants.c.tag)
    ).where(placements.c.state == PlacementState.SHOWN)  # fmt: skip
    prose = select(
        placements.c.document, literal(_IMAGE), placements.c.ordinal, listed_by_pixels, *_ITEM
    ).join_from(placements, images, images.c.id == placements.c.image).join(
        wants, and_(wants.c.document == placements.c.document, wants.c.role == Role.UNDERSTANDING)
    ).join(
        items, and_(items.c.key == images.c.text_key, items.c.role == wants.c.role, items.c.tag == wants.c.tag)
    ).where(placements.c.state == PlacementState.SHOWN)  # fmt: skip
    text = select(
        chunks.c.document, literal(_CHUNK), chunks.c.ordinal, chunks.c.text_key, *_ITEM
    ).join_from(
        chunks, wants, and_(wants.c.document == chunks.c.document, wants.c.role == Role.TEXT)
    ).join(
        items, and_(items.c.key == chunks.c.text_key, items.c.role == wants.c.role, items.c.tag == wants.c.tag)
    ).where(chunks.c.embed, chunks.c.gone == false())  # fmt: skip
    if document is not None:
        pixels = pixels.where(placements.c.document == document)
        prose = prose.where(placements.c.document == document)
        text = text.where(chunks.c.document == document)
    if keys is not None:
        pixels = pixels.where(images.c.content_key.in_(keys))
        prose = prose.where(or_(images.c.content_key.in_(keys), images.c.text_key.in_(keys)))
        text = text.where(chunks.c.text_key.in_(keys))
    return union_all(pixels, prose, text).subquery("wanted")


def wake(connection: Connection, keys: Sequence[str]) -> None:
    """Completed documents that want a pending item of these keys are no longer complete: waiting, due now.

    To be called in the transaction that set the items pending.
    """
    for some in portions(keys, 300):  # each stands in the query four times
        rows = wanted(keys=some)
        connection.execute(
            update(documents)
            .where(
                documents.c.status == DocumentStatus.COMPLETED,
                documents.c.id.in_(select(rows.c.document).where(rows.c.state == ItemState.PENDING)),
            )
            .values(status=DocumentStatus.WAITING, due_at=db_now(), updated_at=db_now())
        )
