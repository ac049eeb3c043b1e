"""Register spaces in the ledger, and change in one transaction which of them searches read: activate, roll back, drop.

Also marks the requested pairs that are made *beside* the active space, and stores the similarity of an owner's objects
to unrelated questions. `space_objects.py` counts what a space holds and lacks.

A role's first space is active at once, unless other roles of its encoder are searched by another model. Later
ones become active only by `activate`, in one transaction.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, null, select, update

from swatchbook.domain.errors import Configuration
from swatchbook.domain.records import Record, Role, RoleTag
from swatchbook.index.contract import Space
from swatchbook.store.ledger.database import Ledger, Source, db_now, upsert
from swatchbook.store.ledger.space_objects import Lack, lack_of, objects_with_vector
from swatchbook.store.ledger.tables import items, requested, vectors
from swatchbook.store.ledger.tables import spaces as table

TEXT_ENCODER_ROLES = frozenset({Role.UNDERSTANDING, Role.TEXT})
"""Roles whose vectors the text encoder makes; the image encoder makes all others. Each is replaced as a whole."""


class RegisteredSpace(Record):
    """A space that the ledger knows. `model`: the settings that name its model; None: not recorded.

    Of a space that is being dropped, only its objects in the index are left to be deleted.
    """

    space: Space
    active: bool
    dropping: bool
    model: dict[str, Any] | None = None
    activated_at: float | None = None
    retired_at: float | None = None

    @property
    def pair(self) -> RoleTag:
        return self.space.pair


def same_encoder_roles(role: Role) -> frozenset[Role]:
    """Return the vector roles that one model makes: those of the text encoder, or those of the image encoder."""
    return TEXT_ENCODER_ROLES if role in TEXT_ENCODER_ROLES else frozenset(Role) - TEXT_ENCODER_ROLES - {Role.ANALYSIS}


# --- which there are --------------------------------------------------------------------------------------------------


def registered(source: Source) -> list[RegisteredSpace]:
    """Return every space, oldest first."""
    columns = [column for column in table.columns if column is not table.c.backgrounds]  # which may be large
    rows = source.execute(select(*columns).order_by(table.c.created_at, table.c.role, table.c.tag))
    return [
        RegisteredSpace(
            space=Space(role=Role(row.role), tag=row.tag, dimension=row.dimension),
            **{name: row._mapping[name] for name in ("active", "dropping", "model", "activated_at", "retired_at")},
        )
        for row in rows
    ]


def active_spaces(ledger: Ledger) -> dict[Role, RegisteredSpace]:
    """Return role -> the space that searches read."""
    return {each.space.role: each for each in registered(ledger) if each.active}


def add_space(ledger: Ledger, space: Space, model: Mapping[str, Any] | None = None) -> RegisteredSpace:
    """Register a space with the settings that name its model, and return it as it is registered.

    A role's first space is active at once, unless a role of the same encoder is searched by another model: the roles
    of a new model become active together. Raises Configuration if it is registered with another dimension.
    """
    with ledger.write() as connection:
        known = registered(connection)
        others = [each for each in known if each.active and each.space.role in same_encoder_roles(space.role)]
        is_first = all(each.space.role is not space.role for each in known)
        same_model = all(model is None or each.model in (None, model) for each in others)
        row = {"role": space.role, "tag": space.tag, "dimension": space.dimension, "active": is_first and same_model}
        row |= {"model": None if model is None else dict(model), "activated_at": db_now() if row["active"] else None}
        connection.execute(upsert(connection, table).values(**row, created_at=db_now()).on_conflict_do_nothing())
        found = next(each for each in registered(connection) if each.pair == space.pair)
        if found.active:
            set_beside(connection, requested.c.role == space.role)
    if found.space.dimension != space.dimension:
        raise Configuration(
            f"{space.tag} returns {space.role} vectors of {space.dimension} numbers, before {found.space.dimension}.",
            advice="A changed model needs a changed tag.",
        )
    return found


def require_same_dimensions(connection: Connection, found: Iterable[Space]) -> None:
    """Raise Configuration for a space that is registered with another dimension."""
    known = {each.pair: each.space for each in registered(connection)}
    for space in found:
        here = known.get(space.pair, space)
        if here.dimension != space.dimension:
            raise Configuration(
                f"{space.tag} has {space.role} vectors of {space.dimension} numbers there, of {here.dimension} here.",
                advice="A changed model needs a changed tag.",
            )


def adopt_spaces(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Register spaces of another ledger, rows of `spaces`, as they are there; known ones stay as they are.

    A role that is searched here, or of whose encoder another model is searched, stays so: its space is not active.
    """
    active = [each for each in registered(connection) if each.active]
    for row in rows:
        role = Role(row["role"])
        others = [each for each in active if each.space.role in same_encoder_roles(role)]
        same_model = all(None in (row["model"], each.model) or row["model"] == each.model for each in others)
        takes_over = row["active"] and same_model and all(each.space.role is not role for each in others)
        values = {**row, "active": takes_over, "model": null() if row["model"] is None else row["model"]}
        connection.execute(upsert(connection, table).values(values).on_conflict_do_nothing())


# --- requests beside the active space ---------------------------------------------------------------------------------


def set_beside(connection: Connection, which: ColumnElement[bool]) -> None:
    """Mark those of these requests that are for another space than the active one, if their document requests both."""
    also = requested.alias("also")
    other = exists().where(
        table.c.role == requested.c.role,
        table.c.active,
        table.c.tag != requested.c.tag,
        also.c.document == requested.c.document,
        also.c.role == table.c.role,
        also.c.tag == table.c.tag,
    )
    searched = select(table.c.role).where(table.c.active)  # vectors of other roles that a fill has added stay beside
    connection.execute(update(requested).where(which, requested.c.role.in_(searched)).values(beside=other))


def request_beside(connection: Connection, document: str, generation: str, pairs: Iterable[RoleTag]) -> None:
    """Add pairs to those that a document requests; the account does not count them before `count_made`."""
    new_row = {"document": document, "generation": generation, "beside": True}
    rows = [{**new_row, "role": pair.role, "tag": pair.tag} for pair in pairs]
    known = {
        (row.role, row.tag)
        for row in connection.execute(select(requested.c.role, requested.c.tag).where(requested.c.document == document))
    }
    new = [row for row in rows if (row["role"], row["tag"]) not in known]
    if new:
        connection.execute(upsert(connection, requested).on_conflict_do_nothing(), new)


def still_registered(source: Source, pairs: Iterable[RoleTag]) -> list[RoleTag]:
    """Return those of the pairs whose space exists and is not being dropped."""
    known = {each.pair for each in registered(source) if not each.dropping}
    return [pair for pair in pairs if pair in known]


def active_tags(connection: Connection) -> dict[str, str]:
    """Return role -> tag of the active spaces."""
    return {row.role: row.tag for row in connection.execute(select(table.c.role, table.c.tag).where(table.c.active))}


# --- switching --------------------------------------------------------------------------------------------------------


def activate(
    ledger: Ledger, pairs: Collection[RoleTag], *, retired: Collection[Role] = (), accept_failed: bool = False
) -> list[Lack]:
    """Make these spaces the active ones of their roles, all in one transaction; nothing reads `retired` roles after it.

    Returns what they lack, and then nothing has changed: objects that can be made or published, or that have failed
    unless `accept_failed`. Raises Configuration for a space that does not exist.
    """
    with ledger.write() as connection:
        known = {each.pair: each for each in registered(connection) if not each.dropping}
        if missing := [pair for pair in pairs if pair not in known]:
            raise Configuration(
                f"There is no space of {missing[0].tag} for {missing[0].role}.",
                advice="Fill it with `swatchbook fill spaces`.",
            )
        active = active_tags(connection)
        lacked = [lack for pair in pairs if (lack := lack_of(connection, pair, active)) is not None]
        if any(lack.open or (lack.failed and not accept_failed) for lack in lacked):
            return lacked
        switched = [pair for pair in pairs if active.get(pair.role) != pair.tag]
        off = {pair.role for pair in switched} | (set(retired) & active.keys())
        now = connection.execute(select(db_now())).scalar_one()
        _switch(connection, switched, off, now)
    return []


def rollback(ledger: Ledger, roles: Collection[Role]) -> list[RoleTag]:
    """Undo the last switch of these roles in one transaction, and return the pairs that are active again."""
    with ledger.write() as connection:
        known = registered(connection)
        back = before_switch(known, roles)
        times = {each.retired_at for each in known if each.pair in back}
        undone = {each.space.role for each in known if each.active and each.activated_at in times} & {*roles}
        if back:
            now = connection.execute(select(db_now())).scalar_one()
            _switch(connection, back, undone | {pair.role for pair in back}, now)
        return back


def before_switch(known: Iterable[RegisteredSpace], roles: Collection[Role]) -> list[RoleTag]:
    """Return the pairs that `rollback` would make active again."""
    retired = [each for each in known if each.space.role in roles and not each.active and not each.dropping]
    last = max((each.retired_at for each in retired if each.retired_at is not None), default=None)
    return [each.pair for each in retired if last is not None and each.retired_at == last]


def _switch(connection: Connection, on: Collection[RoleTag], off: Collection[Role], now: float) -> None:
    """Retire the active spaces of the roles `off`, then activate the spaces `on`; both get the same time."""
    was_active = and_(table.c.role.in_(sorted(off)), table.c.active)
    connection.execute(update(table).where(was_active).values(active=False, retired_at=now))
    for pair in on:
        this = and_(table.c.role == pair.role, table.c.tag == pair.tag)
        connection.execute(update(table).where(this).values(active=True, activated_at=now))
    set_beside(connection, requested.c.role.in_(sorted({*off, *(pair.role for pair in on)})))


# --- dropping ---------------------------------------------------------------------------------------------------------


def drop(ledger: Ledger, pairs: Collection[RoleTag]) -> None:
    """Delete the rows of spaces that are not active: what requests them, their items, their vectors.

    One transaction; the spaces are then `dropping` until `finish_drop` has deleted their objects. Paid answers stay,
    so that the model is never paid for the same text twice.
    """
    with ledger.write() as connection:
        active = active_tags(connection)
        for pair in pairs:
            if active.get(pair.role) == pair.tag:
                continue
            for rows in (requested, items, vectors):
                connection.execute(delete(rows).where(rows.c.role == pair.role, rows.c.tag == pair.tag))
            this = and_(table.c.role == pair.role, table.c.tag == pair.tag)
            connection.execute(update(table).where(this).values(dropping=True))


def finish_drop(ledger: Ledger, space: Space, drop_objects: Callable[[], None]) -> None:
    """Call `drop_objects` and forget the space; do nothing where another process has done so.

    Both in one transaction: a space of the same name that is filled again meanwhile must not lose its objects.
    """
    this = and_(table.c.role == space.role, table.c.tag == space.tag, table.c.dropping)
    with ledger.write() as connection:
        if connection.execute(select(table.c.role).where(this).with_for_update()).first() is not None:
            drop_objects()
            connection.execute(delete(table).where(this))


def free_empty_roles(connection: Connection) -> None:
    """Drop the spaces of roles whose last object is gone, so that any model's space can be their first again."""
    by_role = defaultdict[str, list[str]](list)
    for row in connection.execute(select(table.c.role, table.c.tag).where(~table.c.dropping)):
        by_role[row.role].append(row.tag)
    for role, tags in by_role.items():
        held = (objects_with_vector(RoleTag(role=Role(role), tag=tag)).limit(1) for tag in tags)
        if not any(connection.execute(query).first() for query in held):
            connection.execute(update(table).where(table.c.role == role).values(active=False, dropping=True))


def lacks(ledger: Ledger, pairs: Iterable[RoleTag]) -> list[Lack]:
    """Return what each of these spaces lacks, if anything."""
    with ledger.read() as connection:
        active = active_tags(connection)
        return [lack for pair in pairs if (lack := lack_of(connection, pair, active)) is not None]


# --- similarity to unrelated questions --------------------------------------------------------------------------------


_ALL = ""
"""Stands for all owners: no name of an owner is empty."""


def find_background(ledger: Ledger, pair: RoleTag, owner: str | None) -> Mapping[str, float] | None:
    """Return `mean`, `deviation` and the number of `objects` of an owner or of all; None if it is not estimated."""
    kept = select(table.c.backgrounds[owner or _ALL]).where(table.c.role == pair.role, table.c.tag == pair.tag)
    found: Mapping[str, float] | None = ledger.execute(kept).scalar_one_or_none()
    return found


def keep_background(ledger: Ledger, pair: RoleTag, owner: str | None, estimated: Mapping[str, float]) -> None:
    """Keep these three for the searches to come."""
    this = and_(table.c.role == pair.role, table.c.tag == pair.tag)
    with ledger.write() as connection:
        kept = connection.execute(select(table.c.backgrounds).where(this).with_for_update()).scalar_one_or_none()
        values = {**(kept or {}), owner or _ALL: dict(estimated)}
        connection.execute(update(table).where(this).values(backgrounds=values))
