"""What waits to be published, who is publishing it, and what came of it. Nothing here talks to an index.

Any publisher takes any row whose time has come, whoever's it is. A row's `dirty` as read when leased becomes its
`published`; what was raised meanwhile is published again.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    bindparam,
    exists,
    func,
    null,
    or_,
    select,
    union,
    update,
)

from swatchbook.errors import Configuration, Failure
from swatchbook.index.base import Payload, Space, Vector
from swatchbook.ledger.database import Ledger, db_now, portions, upsert
from swatchbook.ledger.leases import LEASE_SECONDS, failure_record, pause_after
from swatchbook.ledger.payloads import chunk_payloads, image_payloads
from swatchbook.ledger.states import publishable, unpublished_rows
from swatchbook.ledger.tables import chunks, contents, documents, images, key_column, placements, reviews, vectors
from swatchbook.ledger.tables import spaces as spaces_table
from swatchbook.records import PIXEL_ROLES, TEXT_ROLES, Record, Role, RoleTag

ObjectKind = Literal["image", "chunk"]

_TABLES: Mapping[ObjectKind, Table] = {"image": images, "chunk": chunks}

_PAGE = 1_000
"""Rows read at a time where there may be very many."""


class Dirty(Record):
    """A leased row: an image or chunk to publish, or to remove where it is gone. `dirty` is the value read."""

    kind: ObjectKind
    id: str
    dirty: int
    gone: bool


@dataclass(frozen=True)
class Publication:
    """All that is published of a row: one payload, and each vector that there is, float32 by (role, tag).

    `reviewed`: what is said of it may be other than it was, or nothing, so that what there is no vector of now goes.
    """

    row: Dirty
    payload: Payload
    vectors: Mapping[RoleTag, Vector]
    reviewed: bool = False


# --- leases -----------------------------------------------------------------------------------------------------------


def lease_dirty(ledger: Ledger, name: str, limit: int = 200) -> list[Dirty]:
    """Up to `limit` rows whose time has come and that nobody publishes, leased to `name` for a minute."""
    leased = list[Dirty]()
    with ledger.write(turn=False) as connection:
        for kind, table in _TABLES.items():
            due = (
                connection.execute(
                    select(table.c.id)
                    .where(
                        publishable(table),
                        _has_come(table),
                        or_(table.c.publish_lease.is_(None), table.c.publish_until <= db_now()),
                    )
                    .limit(limit - len(leased))
                    .with_for_update(skip_locked=True)
                )
                .scalars()
                .all()
            )
            rows = connection.execute(
                update(table)
                .where(table.c.id.in_(due))
                .values(publish_lease=name, publish_until=db_now() + LEASE_SECONDS)
                .returning(table.c.id, table.c.dirty, table.c.gone)
            )
            leased += [Dirty(kind=kind, id=row.id, dirty=row.dirty, gone=row.gone) for row in rows]
    return leased


def record_publication(
    ledger: Ledger,
    name: str,
    *,
    published: Sequence[Dirty],
    refused: Mapping[str, Failure],
    removed: Sequence[Dirty],
) -> None:
    """Record what came of a round, and free all that `name` still holds.

    A row whose lease was lost meanwhile is raised again: another publisher's older object may have come last. A refused
    one keeps failure, tries and next try. A removed one goes, unless something shows it again.
    """
    with ledger.write() as connection:
        for kind, table in _TABLES.items():
            tries = {
                row.id: row.publish_tries
                for row in connection.execute(
                    select(table.c.id, table.c.publish_tries).where(_held(table, name)).with_for_update()
                )
            }
            done = [row for row in published if row.kind == kind]
            gone = [row for row in removed if row.kind == kind]
            _record_published(connection, table, [row for row in done if row.id in tries])
            _record_refused(connection, table, {i: (tries[i], f) for i, f in refused.items() if i in tries})
            _record_removed(connection, table, [row.id for row in gone if row.id in tries])
            _raise_again(connection, table, [row.id for row in (*done, *gone) if row.id not in tries])
            connection.execute(update(table).where(_held(table, name)).values(_FREE))


_FREE: Mapping[str, Any] = {"publish_lease": null(), "publish_until": null()}


def _held(table: Table, name: str) -> ColumnElement[bool]:
    return and_(unpublished_rows(table), table.c.publish_lease == name)


def _record_published(connection: Connection, table: Table, rows: Sequence[Dirty]) -> None:
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


def _record_removed(connection: Connection, table: Table, ids: Sequence[str]) -> None:
    """Gone rows go. An image that still stands hidden somewhere keeps its row, as never shown."""
    for portion in portions(ids):
        gone = and_(table.c.id.in_(portion), table.c.gone)
        if table is images:
            placed = select(placements.c.id).where(placements.c.image == images.c.id).exists()
            never_shown = {"gone": False, "dirty": 0, "made": 0, "published": 0, **_FREE}
            connection.execute(update(images).where(gone, placed).values(never_shown))
        connection.execute(table.delete().where(gone))


def _raise_again(connection: Connection, table: Table, ids: Sequence[str]) -> None:
    for portion in portions(ids):
        connection.execute(update(table).where(table.c.id.in_(portion)).values(dirty=table.c.dirty + 1))


# --- what is published ------------------------------------------------------------------------------------------------


def publications(ledger: Ledger, rows: Sequence[Dirty]) -> list[Publication]:
    """Payload and vectors of each row that still shows something, all read in one state of the ledger."""
    import numpy as np  # only here: the account is read without it

    with ledger.read() as connection:
        ids = {kind: [row.id for row in rows if row.kind == kind] for kind in _TABLES}
        payloads = image_payloads(connection, ids["image"]) | chunk_payloads(connection, ids["chunk"])
        reviewed = set[str]()
        for portion in portions(ids["image"]):
            known = exists().where(reviews.c.key == images.c.content_key)
            reviewed |= set(connection.execute(select(images.c.id).where(images.c.id.in_(portion), known)).scalars())
        found = dict[str, dict[RoleTag, Vector]]()
        for query, column in _VECTORS:
            for portion in portions([row.id for row in rows]):
                for row in connection.execute(query.where(column.in_(portion))):
                    vector = np.frombuffer(row.data, dtype="<f4")
                    found.setdefault(row.id, {})[RoleTag(role=Role(row.role), tag=row.tag)] = vector
    return [
        Publication(row=row, payload=payloads[row.id], vectors=found.get(row.id, {}), reviewed=row.id in reviewed)
        for row in rows
        if row.id in payloads
    ]


def _is_searchable(table: Table) -> ColumnElement[bool]:
    """What is shown and has vectors of its own: a section may say the same as the one chunk that is cut from it."""
    return and_(~table.c.gone, table.c.dirty > 0, *([chunks.c.embed] if table is chunks else []))


def _vectors_of(key: ColumnElement[Any], table: Table, roles: Collection[Role]) -> Select[Any]:
    return (
        select(table.c.id, vectors.c.role, vectors.c.tag, vectors.c.data)
        .join(vectors, vectors.c.key == key)
        .where(vectors.c.role.in_(roles), _is_searchable(table))
    )


_VECTORS = (
    (_vectors_of(images.c.content_key, images, PIXEL_ROLES), images.c.id),
    *((_vectors_of(key_column(role), images, {role}), images.c.id) for role in sorted(TEXT_ROLES)),
    (_vectors_of(chunks.c.text_key, chunks, {Role.TEXT}), chunks.c.id),
)


# --- spaces -----------------------------------------------------------------------------------------------------------


def spaces(ledger: Ledger) -> list[tuple[Space, bool]]:
    """Every space with whether it is its role's active one, oldest first."""
    with ledger.read() as connection:
        rows = connection.execute(select(spaces_table).order_by(spaces_table.c.created_at, spaces_table.c.role))
        return [(Space(role=Role(r.role), tag=r.tag, dimension=r.dimension), r.active) for r in rows]


def add_space(ledger: Ledger, space: Space) -> bool:
    """Remember a space; whether it is active, as a role's first one is at once.

    Raises Configuration where it is known with another dimension.
    """
    of_role = spaces_table.c.role == space.role
    with ledger.write() as connection:
        first = connection.execute(select(func.count()).select_from(spaces_table).where(of_role)).scalar_one() == 0
        row = {"role": space.role, "tag": space.tag, "dimension": space.dimension, "active": first}
        connection.execute(upsert(connection, spaces_table).values(**row, created_at=db_now()).on_conflict_do_nothing())
        known = connection.execute(select(spaces_table).where(of_role, spaces_table.c.tag == space.tag)).one()
    if known.dimension != space.dimension:
        raise Configuration(
            f"{space.tag} made {space.role} vectors of {known.dimension} numbers before and {space.dimension} now.",
            advice="A changed model needs a changed tag.",
        )
    return bool(known.active)


# --- how far it is, and doing it again --------------------------------------------------------------------------------


def unpublished(ledger: Ledger, document: str | None = None, *, owner: str | None = None) -> int:
    """Rows of a document, of an owner or of the whole ledger that wait to be published or removed."""
    with ledger.read() as connection:
        return sum(
            connection.execute(
                select(func.count()).select_from(table).where(publishable(table), *_in_scope(table, document, owner))
            ).scalar_one()
            for table in _TABLES.values()
        )


def awaited(ledger: Ledger, document: str) -> int:
    """Rows of a document that are due to be published now, whether or not somebody is at it."""
    with ledger.read() as connection:
        return sum(
            connection.execute(
                select(func.count())
                .select_from(table)
                .where(publishable(table), _has_come(table), *_in_scope(table, document, None))
            ).scalar_one()
            for table in _TABLES.values()
        )


def _has_come(table: Table) -> ColumnElement[bool]:
    """Whether a row's time has come; a refused one has a next try."""
    return or_(table.c.publish_next.is_(None), table.c.publish_next <= db_now())


def mark_dirty(ledger: Ledger, ids: Collection[str]) -> None:
    """Let these images and chunks be published again, now."""
    with ledger.write() as connection:
        for table in _TABLES.values():
            for portion in portions(sorted(ids)):
                connection.execute(_published_again(table).where(table.c.id.in_(portion)))


def mark_all_dirty(ledger: Ledger) -> None:
    """Let everything be published again: the index was rebuilt."""
    with ledger.write() as connection:
        for table in _TABLES.values():
            connection.execute(_published_again(table))


def _published_again(table: Table) -> Any:
    again = {"dirty": table.c.dirty + 1, "publish_next": null()}
    return update(table).where(table.c.made > 0, ~table.c.gone).values(again)


def _in_scope(table: Table, document: str | None, owner: str | None) -> Iterator[ColumnElement[bool]]:
    if document is not None:
        placed = select(placements.c.image).where(placements.c.document == document)
        yield chunks.c.document == document if table is chunks else images.c.id.in_(placed)
    if owner is not None:
        owned = select(documents.c.id).where(documents.c.owner == owner)
        yield chunks.c.document.in_(owned) if table is chunks else images.c.owner == owner


# --- for verify -------------------------------------------------------------------------------------------------------


def searchable_ids(ledger: Ledger, space: Space) -> Iterator[str]:
    """Ids of the images or chunks that have a vector for this space and are shown, in bounded memory."""
    table = chunks if space.role is Role.TEXT else images
    key = chunks.c.text_key if table is chunks else key_column(space.role)
    query = (
        select(table.c.id)
        .join(vectors, vectors.c.key == key)
        .where(vectors.c.role == space.role, vectors.c.tag == space.tag, _is_searchable(table))
    )
    return _paged(ledger, query, table.c.id)


def stored_files(ledger: Ledger) -> Iterator[str]:
    """Keys of the file store that the ledger stands on, in bounded memory."""
    files = union(
        select(contents.c.file).where(contents.c.file.is_not(None), contents.c.unused_since.is_(None)),
        select(documents.c.file).where(documents.c.file.is_not(None)),
    ).subquery()
    return _paged(ledger, select(files.c.file), files.c.file)


def _paged(ledger: Ledger, query: Select[Any], column: ColumnElement[str]) -> Iterator[str]:
    """A column's values in order, a page a transaction."""
    after = ""
    while True:
        with ledger.read() as connection:
            page = connection.execute(query.where(column > after).order_by(column).limit(_PAGE)).scalars().all()
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1]
