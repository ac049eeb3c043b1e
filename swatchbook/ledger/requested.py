"""Which items a document wants: those of what it shows, by its (role, tag) pairs. Also whom a changed item concerns."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import (
    Connection,
    Select,
    Subquery,
    and_,
    exists,
    false,
    literal,
    null,
    select,
    tuple_,
    union_all,
    update,
)

from swatchbook.analysis.judge import Verdict
from swatchbook.ledger.database import db_now, portions, upsert
from swatchbook.ledger.leases import ItemId
from swatchbook.ledger.tables import (
    chunks,
    documents,
    images,
    items,
    key_column,
    key_for_role,
    placements,
    requested,
    reviews,
    vectors,
)
from swatchbook.records import TEXT_ROLES, DocumentStatus, ItemState, PlacementState, Role

_ITEM = (
    items.c.key, items.c.role, items.c.tag, items.c.state, items.c.crashes, items.c.next_retry_at, items.c.lease,
    items.c.lease_size,
)  # fmt: skip

_IS_REQUESTED = and_(items.c.role == requested.c.role, items.c.tag == requested.c.tag)


def requested_items(document: str) -> Subquery:
    """All items that a document wants, a row for each showing.

    Columns: the item's, `listed` (what batches list it by: an image's content key, a chunk's text key), `kind` (0 for
    images, 1 for chunks) and `position` (reading order).
    """
    of_images = (
        select(literal(0).label("kind"), placements.c.ordinal.label("position"), images.c.content_key.label("listed"))
        .add_columns(*_ITEM)
        .join_from(placements, images, images.c.id == placements.c.image)
        .join(requested, and_(requested.c.document == placements.c.document, requested.c.role != Role.TEXT))
        .join(items, and_(items.c.key == key_for_role(requested.c.role), _IS_REQUESTED))
        .where(placements.c.document == document, placements.c.state == PlacementState.SHOWN)
    )
    of_chunks = (
        select(literal(1), chunks.c.ordinal, chunks.c.text_key)
        .add_columns(*_ITEM)
        .join_from(chunks, requested, and_(requested.c.document == chunks.c.document, requested.c.role == Role.TEXT))
        .join(items, and_(items.c.key == chunks.c.text_key, _IS_REQUESTED))
        .where(chunks.c.document == document, chunks.c.embed, chunks.c.gone == false())
    )
    return union_all(of_images, of_chunks).subquery("wanted")


def requested_items_of(document: str, keys: Sequence[str]) -> Subquery:
    """The items of these keys that a document wants; an image's content key brings along what is made of its text.

    Columns: the item's, and `listed`: the one of the keys that brought it. Found from the keys, however large the
    document is.
    """
    owner = select(documents.c.owner).where(documents.c.id == document).scalar_subquery()
    by_key = (
        select(items.c.key.label("listed"), *_ITEM)
        .join_from(items, requested, _IS_REQUESTED)
        .where(requested.c.document == document, items.c.key.in_(keys))
    )
    by_picture = (
        select(images.c.content_key, *_ITEM)
        .join_from(images, items, items.c.key == key_column(role))
        .join(requested, and_(_IS_REQUESTED, requested.c.role == role))
        .where(requested.c.document == document, images.c.owner == owner, images.c.content_key.in_(keys))
        for role in sorted(TEXT_ROLES)
    )
    return union_all(by_key, *by_picture).subquery("wanted")


def add_pending(connection: Connection, rows: Iterable[ItemId]) -> None:
    """Items to be made, unless they exist: then they are locked until the transaction ends, and stay as they are.

    One whose vector is there is done.
    """
    asked = sorted(set(rows))
    if not asked:
        return
    values = [{"key": key, "role": role, "tag": tag, "state": ItemState.PENDING} for key, role, tag in asked]
    new = upsert(connection, items)
    identity = (items.c.key, items.c.role, items.c.tag)
    connection.execute(new.on_conflict_do_update(index_elements=identity, set_={"key": new.excluded.key}), values)
    there = exists().where(vectors.c.key == items.c.key, vectors.c.role == items.c.role, vectors.c.tag == items.c.tag)
    for keys in portions(sorted({key for key, _, _ in asked})):
        connection.execute(
            update(items)
            .where(items.c.key.in_(keys), items.c.state == ItemState.PENDING, there)
            .values(state=ItemState.DONE)
        )


def queue_again(
    connection: Connection, document: str, states: Collection[ItemState], keys: Sequence[str] | None = None
) -> None:
    """Items in these states that the document wants (of these keys alone) are pending again, all counters at 0.

    What a person has rejected stays so. Whom it concerns is woken.
    """
    rows = requested_items(document) if keys is None else requested_items_of(document, keys)
    dismissed = exists().where(
        reviews.c.key == rows.c.key,
        reviews.c.tag == rows.c.tag,
        reviews.c.stands,
        reviews.c.verdict == Verdict.REJECTED,
        rows.c.role == Role.ANALYSIS,
    )
    settled = select(rows.c.key, rows.c.role, rows.c.tag).where(rows.c.state.in_(states), ~dismissed)
    queued = connection.execute(
        update(items)
        .where(tuple_(items.c.key, items.c.role, items.c.tag).in_(settled))
        .values(
            state=ItemState.PENDING, attempts=0, runs=0, crashes=0, failure=null(), next_retry_at=null(),
            lease_size=null(),
        )
        .returning(items.c.key)
    ).scalars()  # fmt: skip
    reopen_documents(connection, sorted(set(queued)))


def reopen_documents(connection: Connection, keys: Sequence[str]) -> None:
    """Completed documents that want a pending item of these keys are no longer complete: waiting, due now.

    To be called in the transaction that set the items pending.
    """
    pending = defaultdict[tuple[str, str], list[str]](list)
    for some in portions(keys):
        query = select(items.c.key, items.c.role, items.c.tag).where(
            items.c.key.in_(some), items.c.state == ItemState.PENDING
        )
        for key, role, tag in connection.execute(query):
            pending[role, tag].append(key)
    for (role, tag), changed in pending.items():
        asking = select(requested.c.document).where(requested.c.role == role, requested.c.tag == tag)
        for some in portions(changed):
            # the showing documents first and alone: SQLite would start from all those that ask
            showing = connection.execute(_showing(role, some)).scalars().all()
            for ids in portions(showing):
                connection.execute(
                    update(documents)
                    .where(
                        documents.c.id.in_(ids),
                        documents.c.id.in_(asking),
                        documents.c.status == DocumentStatus.COMPLETED,
                    )
                    .values(status=DocumentStatus.WAITING, due_at=db_now(), updated_at=db_now())
                )


def _showing(role: str, keys: Sequence[str]) -> Select[tuple[str]]:
    """Documents that show an image or chunk of these keys, keyed as the role is."""
    if role == Role.TEXT:
        kept = and_(chunks.c.text_key.in_(keys), chunks.c.embed, chunks.c.gone == false())
        return select(chunks.c.document).where(kept).distinct()
    return (
        select(placements.c.document)
        .join_from(images, placements, placements.c.image == images.c.id)
        .where(key_column(role).in_(keys), placements.c.state == PlacementState.SHOWN)
        .distinct()
    )
