"""Count the searchable images and chunks that a space holds, lacks or has stale; read samples, hashes and vectors.

Samples are always the same ones: ids are hashes, so the first ones by id are as good as random.
"""

from collections.abc import Collection, Mapping

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, exists, false, func, or_, select

from swatchbook.domain.records import PIXEL_ROLES, ItemState, Record, Role, RoleTag
from swatchbook.store.ledger.database import Ledger, db_now, select_in
from swatchbook.store.ledger.dirty import is_searchable
from swatchbook.store.ledger.image_states import is_open, next_try_of
from swatchbook.store.ledger.stored_documents import owned_by
from swatchbook.store.ledger.tables import (
    chunks,
    contents,
    documents,
    images,
    items,
    key_column,
    placements,
    requested,
    vectors,
)
from swatchbook_base.arrays import Vectors


class Lack(Record):
    """Counts of searchable objects that a space lacks: `open` ones can be made, `failed` ones have failed.

    `waiting` of the open ones can be made only later: their last try failed, their process died, or another process
    holds them. The first of them can be at `next_try`, in Unix seconds.
    """

    role: Role
    tag: str
    open: int
    failed: int
    waiting: int = 0
    next_try: float | None = None


class SpaceCount(Record):
    """The number of objects of a space's role that have a vector in it, or will have it once they are published."""

    role: Role
    tag: str
    objects: int


# --- what a space holds and lacks -------------------------------------------------------------------------------------


def objects_table(role: Role) -> Table:
    """Return the table of a role's objects."""
    return chunks if role is Role.TEXT else images


def object_key(role: Role) -> ColumnElement[str]:
    """Return the column with the key of an object's item of this role."""
    return chunks.c.text_key if role is Role.TEXT else key_column(role)


def objects_with_vector(pair: RoleTag) -> Select[tuple[str]]:
    """Return the ids of searchable objects with a vector of this pair."""
    rows = objects_table(pair.role)
    return (
        select(rows.c.id)
        .join(vectors, vectors.c.key == object_key(pair.role))
        .where(vectors.c.role == pair.role, vectors.c.tag == pair.tag, is_searchable(rows))
    )


def lacking(pair: RoleTag, active: Mapping[str, str]) -> ColumnElement[bool]:
    """Return the condition of searchable objects that lack a vector of this pair, though they could have it.

    Their document requests the role, and they have a vector of another tag. For a role that nothing searches yet, they
    have a visual vector of an active space, and the options of their document do not leave the role out.

    `active`: role -> tag of the active spaces. Objects that an ingest is about to make lack nothing yet.
    """
    rows, key = objects_table(pair.role), object_key(pair.role)
    requesting = select(requested.c.document).where(requested.c.role == pair.role)
    has = exists().where(vectors.c.key == key, vectors.c.role == pair.role, vectors.c.tag == pair.tag)
    other = exists().where(vectors.c.key == key, vectors.c.role == pair.role, vectors.c.tag != pair.tag)
    if pair.role not in active and rows is images:
        searched = [and_(vectors.c.role == r, vectors.c.tag == active[r]) for r in sorted(PIXEL_ROLES) if r in active]
        other = exists().where(vectors.c.key == images.c.content_key, or_(false(), *searched))
        requesting = (
            select(requested.c.document)
            .join(documents, documents.c.id == requested.c.document)
            .where(requested.c.role.in_(sorted(PIXEL_ROLES)), _asks_for(pair.role))
        )
    if rows is chunks:
        shown = chunks.c.document.in_(requesting)
    else:
        shown = images.c.id.in_(select(placements.c.image).where(placements.c.document.in_(requesting)))
    return and_(is_searchable(rows), key.is_not(None), shown, other, ~has)


def _asks_for(role: Role) -> ColumnElement[bool]:
    """Return the condition of documents whose options name this role, or one made from it, or none, which means all."""
    named = func.coalesce(documents.c.options["roles"].as_string(), "[]")
    asking = {role, Role.MULTIMODAL} if role is Role.VISUAL else {role}
    return or_(named == "[]", *(named.contains(f'"{each}"') for each in sorted(asking)))


def settled(pair: RoleTag) -> ColumnElement[bool]:
    """Return the condition of objects whose item of this pair has failed for good."""
    return exists().where(is_item_of(pair), items.c.state.in_((ItemState.FAILED, ItemState.REJECTED)))


def waits(pair: RoleTag) -> ColumnElement[bool]:
    """Return the condition of objects whose item of this pair cannot be claimed yet."""
    return exists().where(is_item_of(pair), is_waiting)


def is_item_of(pair: RoleTag) -> ColumnElement[bool]:
    """Return the condition of the item of this pair that belongs to an object."""
    return and_(items.c.key == object_key(pair.role), items.c.role == pair.role, items.c.tag == pair.tag)


next_try = next_try_of(items)

is_waiting: ColumnElement[bool] = and_(is_open(items.c.state), next_try > db_now())
"""The condition of items that are open, and that no run may claim before their next try or the end of their lease."""


def lack_of(connection: Connection, pair: RoleTag, active: Mapping[str, str]) -> Lack | None:
    """Return what a space lacks; None if nothing.

    Objects whose last change is not published yet count, too: the space may not hold them.
    """
    rows = objects_table(pair.role)

    def count(*where: ColumnElement[bool]) -> int:
        return connection.execute(select(func.count()).select_from(rows).where(*where)).scalar_one()

    missing, failed = count(lacking(pair, active)), count(lacking(pair, active), settled(pair))
    behind = (is_searchable(rows), rows.c.published > 0, rows.c.dirty > rows.c.published)
    refused = count(*behind, rows.c.publish_failure.is_not(None))
    unpublished = count(*behind) - refused
    if not (missing or unpublished or refused):
        return None
    waits = [
        connection.execute(query).one()
        for query in (
            select(func.count(rows.c.id), func.min(next_try))
            .join_from(rows, items, is_item_of(pair))
            .where(lacking(pair, active), is_waiting),
            select(func.count(), func.min(rows.c.publish_next)).where(
                *behind, rows.c.publish_failure.is_(None), rows.c.publish_next > db_now()
            ),
        )
    ]
    return Lack(
        role=pair.role,
        tag=pair.tag,
        open=missing - failed + unpublished,
        failed=failed + refused,
        waiting=sum(count for count, _ in waits),
        next_try=min((moment for _, moment in waits if moment is not None), default=None),
    )


def count_vectors(ledger: Ledger, owner: str | None = None) -> list[SpaceCount]:
    """Return how many searchable objects have a vector, by (role, tag); of an owner, or of all owners."""
    with ledger.read() as connection:
        counted = [
            select(vectors.c.role, vectors.c.tag, func.count().label("objects"))
            .join_from(rows, vectors, vectors.c.key == object_key(role))
            .where(vectors.c.role == role, is_searchable(rows), *owned_by(owner, rows))
            .group_by(vectors.c.role, vectors.c.tag)
            .order_by(vectors.c.tag)
            for role in Role
            if role is not Role.ANALYSIS
            for rows in (objects_table(role),)
        ]
        rows_of = [row for query in counted for row in connection.execute(query).mappings()]
        return [SpaceCount.model_validate(dict(row)) for row in rows_of]


def count_without(ledger: Ledger, tags: Mapping[Role, str], owner: str | None) -> dict[Role, int]:
    """Return role -> number of searchable objects that have a vector, but none of this tag, where there are any."""
    counts = dict[Role, int]()
    with ledger.read() as connection:
        for role, tag in tags.items():
            if role is Role.ANALYSIS:
                continue
            rows, key = objects_table(role), object_key(role)
            other = exists().where(vectors.c.key == key, vectors.c.role == role, vectors.c.tag != tag)
            chosen = exists().where(vectors.c.key == key, vectors.c.role == role, vectors.c.tag == tag)
            query = select(func.count()).select_from(rows).where(is_searchable(rows), other, ~chosen)
            if count := connection.execute(query.where(*owned_by(owner, rows))).scalar_one():
                counts[role] = count
    return counts


# --- samples, hashes and vectors --------------------------------------------------------------------------------------


def sample_objects(ledger: Ledger, pair: RoleTag, count: int, owner: str | None = None) -> list[str]:
    """Return the ids of up to `count` searchable objects with a vector of this pair, of an owner or of all owners."""
    rows = objects_table(pair.role)
    query = objects_with_vector(pair).where(*owned_by(owner, rows)).order_by(rows.c.id)
    return list(ledger.execute(query.limit(count)).scalars())


class HashedImage(Record):
    """A searchable image whose picture has a hash. `phash`: 64 bits; sizes are pixels."""

    id: str
    owner: str
    content_key: str
    phash: int
    width: int
    height: int


def hashed_images(ledger: Ledger, *, owner: str | None = None, ids: Collection[str] | None = None) -> list[HashedImage]:
    """Return the images of an owner, or of all owners, that have a hash; `ids`: only these. Ordered by id."""
    query = (
        select(images.c.id, images.c.owner, images.c.content_key, contents.c.phash, contents.c.width, contents.c.height)
        .join_from(images, contents, contents.c.key == images.c.content_key)
        .where(is_searchable(images), contents.c.phash.is_not(None), contents.c.width > 0, contents.c.height > 0)
        .where(*owned_by(owner, images))
    )
    with ledger.read() as connection:
        rows = connection.execute(query) if ids is None else select_in(connection, query, images.c.id, ids)
        found = [HashedImage(**{**row._mapping, "phash": int(row.phash, 16)}) for row in rows]
    return sorted(found, key=lambda image: image.id)


def vectors_of(ledger: Ledger, role: Role, tag: str, keys: Collection[str]) -> dict[str, Vectors]:
    """Return content key -> vector (dimension,) float32 of this role, of those that have one of this tag."""
    import numpy as np  # commands that only list need none

    query = select(vectors.c.key, vectors.c.data).where(and_(vectors.c.role == role, vectors.c.tag == tag))
    rows = select_in(ledger, query, vectors.c.key, keys)
    return {row.key: np.frombuffer(row.data, "<f4") for row in rows}


def object_vectors(ledger: Ledger, pair: RoleTag, owner: str | None = None) -> tuple[list[str], Vectors]:
    """Return the ids of the searchable objects with a vector of this pair, sorted, and their vectors: a row for each.

    Float32; (0, 0) without any. All are in memory at once.
    """
    import numpy as np

    query = objects_with_vector(pair).add_columns(vectors.c.data)
    query = query.where(*owned_by(owner, objects_table(pair.role))).order_by(objects_table(pair.role).c.id)
    rows = ledger.execute(query).all()
    data = b"".join(row.data for row in rows)
    return [row.id for row in rows], np.frombuffer(data, "<f4").astype(np.float32).reshape(len(rows), -1 if rows else 0)
