"""Select the items that a document requests: the keys of its images and chunks × its (role, tag) pairs.

Also inserts missing items, queues failed ones again with counters at 0, and reopens completed documents that request
them. `ingest/register.py` decides which pairs are requested.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from functools import cache

from sqlalchemy import (
    ColumnElement,
    Connection,
    String,
    Subquery,
    and_,
    bindparam,
    exists,
    false,
    literal,
    null,
    select,
    tuple_,
    union_all,
    update,
)

from swatchbook.domain.records import COUNTED, TEXT_ROLES, DocumentStatus, ItemState, Role
from swatchbook.store.ledger.database import db_now, execute_in, select_in, upsert
from swatchbook.store.ledger.item_tries import ItemId
from swatchbook.store.ledger.tables import (
    chunks,
    contents,
    documents,
    images,
    items,
    key_column,
    key_for_role,
    placements,
    requested,
    vectors,
)

_ITEM = (
    items.c.key, items.c.role, items.c.tag, items.c.state, items.c.crashes, items.c.next_retry_at, items.c.lease,
    items.c.lease_size,
)  # fmt: skip

_IS_REQUESTED = and_(items.c.role == requested.c.role, items.c.tag == requested.c.tag)


def requested_items(document: str) -> Subquery:
    """Return all items that a document requests, one row for each placement or chunk.

    Columns: the item's, `listed` (its key in batches: an image's content key, a chunk's text key), `kind` (0: image,
    1: chunk), `position` (reading order) and `beside` (made for another space than the active one: space_registry.py).
    """
    of_images = (
        select(literal(0).label("kind"), placements.c.ordinal.label("position"), images.c.content_key.label("listed"))
        .add_columns(*_ITEM, requested.c.beside)
        .join_from(placements, images, images.c.id == placements.c.image)
        .join(requested, and_(requested.c.document == placements.c.document, requested.c.role != Role.TEXT))
        .join(items, and_(items.c.key == key_for_role(requested.c.role), _IS_REQUESTED))
        .where(placements.c.document == document, placements.c.state.in_(COUNTED))
    )
    of_chunks = (
        select(literal(1), chunks.c.ordinal, chunks.c.text_key)
        .add_columns(*_ITEM, requested.c.beside)
        .join_from(chunks, requested, and_(requested.c.document == chunks.c.document, requested.c.role == Role.TEXT))
        .join(items, and_(items.c.key == chunks.c.text_key, _IS_REQUESTED))
        .where(chunks.c.document == document, chunks.c.embed, chunks.c.gone == false())
    )
    return union_all(of_images, of_chunks).subquery("wanted")


@cache
def requested_of_keys() -> Subquery:
    """Return the items of some keys that a document requests; an image's content key includes the items of its text.

    Give its statements `those(document, keys)`. Columns: the item's, and `listed`: the given key that it belongs to.
    The query starts from the keys, so it is fast for large documents.
    """
    document = bindparam("document", type_=String)
    owner = select(documents.c.owner).where(documents.c.id == document).scalar_subquery()
    by_key = (
        select(items.c.key.label("listed"), *_ITEM)
        .join_from(items, requested, _IS_REQUESTED)
        .where(requested.c.document == document, _is_given(items.c.key))
    )
    by_picture = (
        select(images.c.content_key, *_ITEM)
        .join_from(images, items, items.c.key == key_column(role))
        .join(requested, and_(_IS_REQUESTED, requested.c.role == role))
        .where(requested.c.document == document, images.c.owner == owner, _is_given(images.c.content_key))
        for role in sorted(TEXT_ROLES)
    )
    return union_all(by_key, *by_picture).subquery("wanted")  # made once: SQLAlchemy takes 10 ms for it


def _is_given(column: ColumnElement[str]) -> ColumnElement[bool]:
    return column.in_(bindparam("keys", expanding=True, type_=column.type))


def those(document: str, keys: Sequence[str]) -> dict[str, object]:
    """Return the parameters of a statement with `requested_of_keys`."""
    return {"document": document, "keys": list(keys)}


def has_open_items(connection: Connection, document: str) -> bool:
    """Return whether a document requests a pending or leased item for the active spaces."""
    rows = requested_items(document)
    is_open = rows.c.state.in_((ItemState.PENDING, ItemState.LEASED))
    return connection.execute(select(rows.c.key).where(is_open, ~rows.c.beside).limit(1)).first() is not None


def add_pending(connection: Connection, rows: Iterable[ItemId]) -> None:
    """Insert pending items, or done ones where the vector is stored. Existing items are locked and stay as they are."""
    ids = sorted(set(rows))
    if not ids:
        return
    values = [{"key": key, "role": role, "tag": tag, "state": ItemState.PENDING} for key, role, tag in ids]
    new = upsert(connection, items)
    identity = (items.c.key, items.c.role, items.c.tag)
    connection.execute(new.on_conflict_do_update(index_elements=identity, set_={"key": new.excluded.key}), values)
    same = and_(vectors.c.key == items.c.key, vectors.c.role == items.c.role, vectors.c.tag == items.c.tag)
    set_done = (
        update(items).where(items.c.state == ItemState.PENDING, exists().where(same)).values(state=ItemState.DONE)
    )
    execute_in(connection, set_done, items.c.key, {key for key, _, _ in ids})


def is_sourceless(rows: Subquery) -> ColumnElement[bool]:
    """Return the condition that an item has no stored picture or text to make it from."""
    empty = exists().where(contents.c.key == rows.c.key, contents.c.file.is_(None), contents.c.text.is_(None))
    return and_(rows.c.role != Role.MULTIMODAL, empty)  # what is of picture and text has no bytes of its own


def queue_again(
    connection: Connection, document: str, states: Collection[ItemState], keys: Sequence[str] | None = None
) -> None:
    """Set the document's requested items in these states (of these keys only) pending again, with all counters at 0.

    Rejected items without a stored picture or text to make them from stay as they are. Completed documents that request
    the items are reopened.
    """
    rows = requested_items(document) if keys is None else requested_of_keys()
    hopeless = and_(rows.c.state == ItemState.REJECTED, is_sourceless(rows))
    settled = select(rows.c.key, rows.c.role, rows.c.tag).where(rows.c.state.in_(states), ~hopeless)
    queued = connection.execute(
        update(items)
        .where(tuple_(items.c.key, items.c.role, items.c.tag).in_(settled))
        .values(
            state=ItemState.PENDING, attempts=0, runs=0, crashes=0, failure=null(), next_retry_at=null(),
            lease_size=null(),
        )
        .returning(items.c.key),
        {} if keys is None else those(document, keys),
    ).scalars()  # fmt: skip
    reopen_documents(connection, sorted(set(queued)))


def reopen_documents(connection: Connection, keys: Sequence[str]) -> None:
    """Make completed documents that request a pending item of these keys wait, due now; not for items made beside.

    Call it in the transaction that set the items pending.
    """
    pending = defaultdict[tuple[str, str], list[str]](list)
    query = select(items.c.key, items.c.role, items.c.tag).where(items.c.state == ItemState.PENDING)
    for key, role, tag in select_in(connection, query, items.c.key, keys):
        pending[role, tag].append(key)
    for (role, tag), pending_keys in pending.items():
        requesting = select(requested.c.document).where(
            requested.c.role == role, requested.c.tag == tag, ~requested.c.beside
        )
        # two steps: in one query SQLite would start from all documents that request the role
        showing = _documents_showing(connection, role, pending_keys)
        completed = update(documents).where(
            documents.c.id.in_(requesting), documents.c.status == DocumentStatus.COMPLETED
        )
        waiting = completed.values(status=DocumentStatus.WAITING, due_at=db_now(), updated_at=db_now())
        execute_in(connection, waiting, documents.c.id, showing)


def _documents_showing(connection: Connection, role: str, keys: Sequence[str]) -> set[str]:
    """Return the documents that show an image or chunk with one of these keys of items of the role."""
    if role == Role.TEXT:
        kept = and_(chunks.c.embed, chunks.c.gone == false())
        query, column = select(chunks.c.document).where(kept).distinct(), chunks.c.text_key
    else:
        query = (
            select(placements.c.document)
            .join_from(images, placements, placements.c.image == images.c.id)
            .where(placements.c.state.in_(COUNTED))
            .distinct()
        )
        column = key_column(role)
    return {row.document for row in select_in(connection, query, column, keys)}
