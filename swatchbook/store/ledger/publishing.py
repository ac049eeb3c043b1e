"""Lease dirty rows to a publisher, read their payloads and vectors, and record what the index did with them.

The index takes, refuses (tried again after the pauses of `backoff.py`) or removes them. Also registers spaces. Nothing
here calls an index: `ingest/publish.py` does.

Any publisher takes any owner's rows that are due. The value of `dirty` read with the lease becomes `published`; a row
raised meanwhile is published again.

A write that its publisher has given up may still reach the index, however late: a network can hold it. The ids of such
writes are kept as `late_writes`. When no such write can be under way any more, what exists is published again, and what
was deleted meanwhile is removed from the index again.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    func,
    null,
    select,
    union_all,
    update,
)

from swatchbook.domain.backoff import pause_after
from swatchbook.domain.errors import Failure
from swatchbook.domain.records import PIXEL_ROLES, TEXT_ROLES, Record, Role, RoleTag
from swatchbook.index.contract import Payload, Space, Vector
from swatchbook.store.ledger.database import Ledger, db_now, execute_in, select_in, upsert
from swatchbook.store.ledger.dirty import (
    drop_gone,
    is_due_to_publish,
    is_searchable,
    is_unattended,
    mark_changed,
    mark_republished,
    publishable,
)
from swatchbook.store.ledger.item_tries import LEASE_SECONDS, failure_record
from swatchbook.store.ledger.payloads import chunk_payloads, image_payloads
from swatchbook.store.ledger.space_objects import objects_table, objects_with_vector
from swatchbook.store.ledger.space_registry import free_empty_roles
from swatchbook.store.ledger.stored_documents import owned_by
from swatchbook.store.ledger.tables import (
    chunks,
    contents,
    documents,
    images,
    key_column,
    late_writes,
    placements,
    reviews,
    vectors,
)

ObjectKind = Literal["image", "chunk"]

_TABLES: Mapping[ObjectKind, Table] = {"image": images, "chunk": chunks}

_PAGE = 1_000
"""Rows read at a time where there may be millions."""

LATE_SECONDS = (120.0, 1_200.0)
"""When the object of a write of unknown outcome is written or removed again: when its publisher, with its lease and its
time-outs, must have given up, and when TCP has (it sends again for a quarter of an hour).
"""


class DirtyRow(Record):
    """A leased image or chunk to publish, or to remove from the index if it is gone. `dirty`: the value read."""

    kind: ObjectKind
    id: str
    dirty: int
    gone: bool


@dataclass(frozen=True)
class Publication:
    """The published parts of a row: a payload, and its stored vectors, (d,) float32 by (role, tag).

    `reviewed`: a review may have changed or removed its text, so vectors in the index that are missing here must go.
    """

    row: DirtyRow
    payload: Payload
    vectors: Mapping[RoleTag, Vector]
    reviewed: bool = False


# --- leases -----------------------------------------------------------------------------------------------------------


def lease_dirty(ledger: Ledger, name: str, limit: int = 200) -> list[DirtyRow]:
    """Lease up to `limit` due rows that no publisher holds to `name`, for LEASE_SECONDS, and return them.

    The writes of a publisher whose lease is over, because it died or hangs, may still reach the index.
    """
    leased = list[DirtyRow]()
    with ledger.write(turn=False) as connection:
        for kind, table in _TABLES.items():
            due = connection.execute(
                select(table.c.id, table.c.publish_lease)
                .where(is_unattended(table))
                .order_by(table.c.publish_next)  # by the index of waiting rows: a planner would rather read all rows
                .limit(limit - len(leased))
                .with_for_update(skip_locked=True)
            ).all()
            _expect_late_writes(connection, [row.id for row in due if row.publish_lease is not None])
            rows = connection.execute(
                update(table)
                .where(table.c.id.in_([row.id for row in due]))
                .values(publish_lease=name, publish_until=db_now() + LEASE_SECONDS)
                .returning(table.c.id, table.c.dirty, table.c.gone)
            )
            leased += [DirtyRow(kind=kind, id=row.id, dirty=row.dirty, gone=row.gone) for row in rows]
    return leased


def by_owner(ledger: Ledger, rows: Sequence[DirtyRow]) -> dict[str | None, list[str]]:
    """Return owner -> ids of these rows; None: rows whose document is gone."""
    owners: dict[str, str] = {}
    queries = (
        (select(images.c.id, images.c.owner), images.c.id, "image"),
        (select(chunks.c.id, documents.c.owner).join(documents), chunks.c.id, "chunk"),
    )
    with ledger.read() as connection:
        for query, column, kind in queries:
            ids = [row.id for row in rows if row.kind == kind]
            owners |= {row.id: row.owner for row in select_in(connection, query, column, ids)}
    divided = dict[str | None, list[str]]()
    for row in rows:
        divided.setdefault(owners.get(row.id), []).append(row.id)
    return divided


def renew_lease(ledger: Ledger, name: str, rows: Sequence[DirtyRow]) -> int:
    """Renew the lease of `name` on its rows for LEASE_SECONDS, and return how many it still holds."""
    renewed = {"publish_until": db_now() + LEASE_SECONDS}
    with ledger.write(turn=False) as connection:
        return sum(
            connection.execute(update(table).where(_held(table, kind, name, rows)).values(renewed)).rowcount
            for kind, table in _TABLES.items()
        )


def record_publication(
    ledger: Ledger,
    name: str,
    rows: Sequence[DirtyRow],
    *,
    published: Sequence[DirtyRow],
    refused: Mapping[str, Failure],
    removed: Sequence[DirtyRow],
    unsure: Collection[str] = (),
) -> None:
    """Record what the index took, refused and removed of the rows of a lease, and free all that `name` still holds.

    A row whose lease was lost meanwhile is raised again, and removed again if it was deleted: another publisher may
    have written an older object last. A refused row keeps its failure, tries and next try. A removed row is deleted,
    unless it is shown again; a role whose last object goes is free for any model. `unsure`: ids of writes that failed
    in a way that leaves their outcome unknown.
    """
    held_ids = set[str]()
    with ledger.write() as connection:
        for kind, table in _TABLES.items():
            tries = {
                row.id: row.publish_tries
                for row in connection.execute(
                    select(table.c.id, table.c.publish_tries).where(_held(table, kind, name, rows)).with_for_update()
                )
            }
            done = [row for row in published if row.kind == kind]
            gone = [row for row in removed if row.kind == kind]
            _record_published(connection, table, [row for row in done if row.id in tries])
            _record_refused(connection, table, {i: (tries[i], f) for i, f in refused.items() if i in tries})
            drop_gone(connection, table, [row.id for row in gone if row.id in tries])
            mark_changed(connection, table, [row.id for row in (*done, *gone) if row.id not in tries])
            connection.execute(update(table).where(_held(table, kind, name, rows)).values(_FREE))
            held_ids |= tries.keys()
        _expect_late_writes(connection, unsure)
        _expect_late_writes(connection, [row.id for row in published if row.id not in held_ids], after=(0.0,))
        if removed:
            free_empty_roles(connection)


_FREE: Mapping[str, Any] = {"publish_lease": null(), "publish_until": null()}


def _held(table: Table, kind: str, name: str, rows: Sequence[DirtyRow]) -> ColumnElement[bool]:
    """Return the condition of rows that `name` still holds: by id, as a search by name reads all dirty rows."""
    return and_(table.c.id.in_([row.id for row in rows if row.kind == kind]), table.c.publish_lease == name)


def _record_published(connection: Connection, table: Table, rows: Sequence[DirtyRow]) -> None:
    if rows:
        settled = {"publish_tries": 0, "publish_failure": null(), "publish_next": null()}
        connection.execute(
            update(table)
            .where(table.c.id == bindparam("row_id"))
            .values(published=bindparam("read"), **_FREE, **settled),
            [{"row_id": row.id, "read": row.dirty} for row in rows],
        )


def _record_refused(connection: Connection, table: Table, refused: Mapping[str, tuple[int, Failure]]) -> None:
    if refused:
        pause: ColumnElement[float] = bindparam("pause", type_=table.c.publish_next.type)
        connection.execute(
            update(table)
            .where(table.c.id == bindparam("row_id"))
            .values(
                publish_tries=table.c.publish_tries + 1,
                publish_failure=bindparam("failure"),
                publish_next=db_now() + pause,
                **_FREE,
            ),
            [
                {"row_id": row, "failure": failure_record(failure), "pause": pause_after(tries + 1)}
                for row, (tries, failure) in refused.items()
            ],
        )


# --- late writes ------------------------------------------------------------------------------------------------------


def _expect_late_writes(connection: Connection, ids: Collection[str], *, after: Sequence[float] = LATE_SECONDS) -> None:
    """Have these objects written or removed again after some seconds, counted from the last call."""
    for number, seconds in enumerate(after):
        for identity in sorted(set(ids)):
            row = upsert(connection, late_writes).values(id=identity, number=number, due_at=db_now() + seconds)
            later = {"due_at": row.excluded.due_at}
            connection.execute(
                row.on_conflict_do_update(index_elements=[late_writes.c.id, late_writes.c.number], set_=later)
            )


def late_writes_due(ledger: Ledger, limit: int) -> list[str]:
    """Return the ids of up to `limit` objects that are due to be written or removed again."""
    query = select(late_writes.c.id).where(late_writes.c.due_at <= db_now()).distinct().limit(limit)
    return list(ledger.execute(query).scalars())


def deleted_ids(ledger: Ledger, ids: Collection[str]) -> list[str]:
    """Return those ids of which there is neither image nor chunk."""
    known = set[str]()
    with ledger.read() as connection:
        for table in _TABLES.values():
            known.update(row.id for row in select_in(connection, select(table.c.id), table.c.id, ids))
    return sorted(set(ids) - known)


def settle_late_writes(ledger: Ledger, ids: Collection[str]) -> None:
    """Forget the late writes that are due of these ids, and make the images and chunks among them due again.

    One that was deleted, and removed from the index just now, may have been registered and published meanwhile.
    """
    with ledger.write() as connection:
        for table in _TABLES.values():
            mark_republished(connection, table, ids)
        execute_in(connection, delete(late_writes).where(late_writes.c.due_at <= db_now()), late_writes.c.id, ids)


# --- what is published ------------------------------------------------------------------------------------------------


def publications(ledger: Ledger, rows: Sequence[DirtyRow]) -> list[Publication]:
    """Return payload and vectors of each row that is still shown, all from one snapshot of the ledger."""
    import numpy as np  # only here: reading the account must not load it

    with ledger.read() as connection:
        ids = {kind: [row.id for row in rows if row.kind == kind] for kind in _TABLES}
        payloads = image_payloads(connection, ids["image"]) | chunk_payloads(connection, ids["chunk"])
        reviewed = {row.image for row in select_in(connection, select(reviews.c.image), reviews.c.image, ids["image"])}
        vectors_by_id = dict[str, dict[RoleTag, Vector]]()
        for query, column in _VECTORS:
            for row in select_in(connection, query, column, [row.id for row in rows]):
                vector = np.frombuffer(row.data, dtype="<f4")
                vectors_by_id.setdefault(row.id, {})[RoleTag(role=Role(row.role), tag=row.tag)] = vector
    return [
        Publication(
            row=row, payload=payloads[row.id], vectors=vectors_by_id.get(row.id, {}), reviewed=row.id in reviewed
        )
        for row in rows
        if row.id in payloads
    ]


def _vectors_of(key: ColumnElement[Any], table: Table, roles: Collection[Role]) -> Select[Any]:
    return (
        select(table.c.id, vectors.c.role, vectors.c.tag, vectors.c.data)
        .join(vectors, vectors.c.key == key)
        .where(vectors.c.role.in_(roles), is_searchable(table))
    )


_VECTORS = (
    (_vectors_of(images.c.content_key, images, PIXEL_ROLES), images.c.id),
    *((_vectors_of(key_column(role), images, {role}), images.c.id) for role in sorted(TEXT_ROLES)),
    (_vectors_of(chunks.c.text_key, chunks, {Role.TEXT}), chunks.c.id),
)


# --- what is unpublished, and publishing again ------------------------------------------------------------------------


def count_unpublished(
    ledger: Ledger, document: str | None = None, *, owner: str | None = None, due: bool = False
) -> int:
    """Count the rows of a document, of an owner or of all owners that wait to be published or removed.

    `due`: only those that are due now, leased or not.
    """
    with ledger.read() as connection:
        return sum(
            connection.execute(
                select(func.count())
                .select_from(table)
                .where(
                    publishable(table), *([is_due_to_publish(table)] if due else []), *_in_scope(table, document, owner)
                )
            ).scalar_one()
            for table in _TABLES.values()
        )


def mark_dirty(ledger: Ledger, ids: Collection[str] | None = None) -> None:
    """Make these images and chunks due to be published again, or all, into an index that was rebuilt."""
    with ledger.write() as connection:
        for table in _TABLES.values():
            mark_republished(connection, table, ids)


def _in_scope(table: Table, document: str | None, owner: str | None) -> Iterator[ColumnElement[bool]]:
    yield from owned_by(owner, table)
    if document is not None:
        # not IN: SQLite would look up all images of the document, where few rows wait to be published
        placed = exists().where(placements.c.image == images.c.id, placements.c.document == document)
        yield chunks.c.document == document if table is chunks else placed


# --- for verify -------------------------------------------------------------------------------------------------------


def searchable_ids(ledger: Ledger, space: Space) -> Iterator[str]:
    """Yield the ids of shown images or chunks with a vector for this space, in bounded memory."""
    return (row.id for row in _paged(ledger, objects_with_vector(space.pair), objects_table(space.role).c.id))


def published_ids(ledger: Ledger, space: Space) -> Iterator[str]:
    """Yield those of `searchable_ids` that do not wait to be published, in bounded memory."""
    query, table = objects_with_vector(space.pair), objects_table(space.role)
    return (row.id for row in _paged(ledger, query.where(~publishable(table)), table.c.id))


def count_searchable(ledger: Ledger, space: Space) -> tuple[int, int]:
    """Return how many objects a space holds at least, without those that wait to be published, and at most."""
    query, table = objects_with_vector(space.pair), objects_table(space.role)
    with ledger.read() as connection:
        least, most = (
            connection.execute(select(func.count()).select_from(each.subquery())).scalar_one()
            for each in (query.where(~publishable(table)), query)
        )
        return least, most


def stored_files(ledger: Ledger) -> Iterator[tuple[str, int | None]]:
    """Yield key and size of the files that the ledger needs, in bounded memory. Size None: it is not known."""
    files = union_all(
        select(contents.c.file, contents.c.size).where(contents.c.file.is_not(None), contents.c.unused_since.is_(None)),
        select(documents.c.file, documents.c.size).where(documents.c.file.is_not(None)),
    ).subquery()
    query = select(files.c.file, func.max(files.c.size).label("size")).group_by(files.c.file)
    return ((row.file, row.size) for row in _paged(ledger, query, files.c.file))


def documents_needing(ledger: Ledger, files: Collection[str]) -> dict[str, list[str]]:
    """Return file -> ids of the documents that name it, as their own file, their pages or a picture that they show."""
    needing = dict[str, list[str]]()
    of_picture = (
        select(contents.c.file, placements.c.document)
        .join(images, images.c.content_key == contents.c.key)
        .join(placements, placements.c.image == images.c.id)
        .distinct()
    )
    queries = (
        (select(documents.c.file, documents.c.id), documents.c.file),
        (select(documents.c.pages_file, documents.c.id), documents.c.pages_file),
        (of_picture, contents.c.file),
    )
    with ledger.read() as connection:
        for query, column in queries:
            for file, document in select_in(connection, query, column, files):
                needing.setdefault(file, []).append(document)
    return needing


def _paged(ledger: Ledger, query: Select[Any], column: ColumnElement[str]) -> Iterator[Row[Any]]:
    """Yield the rows in the order of their first column, which is `column`, one page per transaction."""
    after = ""
    while True:
        page = ledger.execute(query.where(column > after).order_by(column).limit(_PAGE)).all()
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1][0]
