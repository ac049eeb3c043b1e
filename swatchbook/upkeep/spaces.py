"""Change models without downtime: list spaces, activate filled ones in one transaction, roll back, and drop old ones.

`fill_missing.py` fills spaces; docs/spaces.md explains the whole.
"""

from collections.abc import Collection, Iterable, Sequence

from swatchbook.domain.errors import Configuration, InvalidReference
from swatchbook.domain.records import Record, Role, RoleTag
from swatchbook.index.contract import MovableIndex
from swatchbook.ingest.publish import publish_all
from swatchbook.models import registry
from swatchbook.resources import Resources
from swatchbook.store.ledger import space_objects, space_registry
from swatchbook.store.ledger.space_objects import Lack
from swatchbook.store.ledger.space_registry import RegisteredSpace, same_encoder_roles

_SWITCH_TRIES = 5
"""How often `activate` publishes what is left before it gives up: ingests go on meanwhile."""


class SpaceState(Record):
    """One space of a role. `lacks`: searchable objects that could have a vector in it, and have none."""

    tag: str
    state: str  # active, filled, filling, old, dropping, not begun
    chosen: bool  # named by the settings
    dimension: int | None  # None: not begun
    objects: int
    lacks: int
    failed: int


class RoleSpaces(Record):
    """The spaces of a role, the active one first."""

    role: Role
    spaces: tuple[SpaceState, ...]


# --- list -------------------------------------------------------------------------------------------------------------


def chosen_pairs(resources: Resources, roles: Collection[Role] = ()) -> list[RoleTag]:
    """Return the (role, tag) pairs of the models in the settings, of these roles or all.

    Raises InvalidReference for a role that they do not make.
    """
    tags = registry.vector_tags(resources.settings)
    require_made(roles, tags.keys())
    return [RoleTag(role=role, tag=tags[role]) for role in Role if role in tags and (not roles or role in roles)]


def require_made(roles: Collection[Role], made: Collection[Role]) -> None:
    """Raise InvalidReference for a role that is not among those that models make."""
    if unknown := sorted(set(roles) - set(made)):
        raise InvalidReference(
            f"No chosen model makes {', '.join(unknown)}.", advice=f"Choose from {', '.join(sorted(made))}."
        )


def list_spaces(resources: Resources) -> tuple[RoleSpaces, ...]:
    """Return the spaces of each role with what they hold and lack, and those that the settings name."""
    known = {each.pair: each for each in space_registry.registered(resources.ledger)}
    chosen = chosen_pairs(resources)
    pairs = sorted({*known, *chosen}, key=lambda pair: (pair.tag not in {p.tag for p in known}, pair.tag))
    lacks = {(lack.role, lack.tag): lack for lack in space_registry.lacks(resources.ledger, pairs)}
    counts = {(each.role, each.tag): each.objects for each in space_objects.count_vectors(resources.ledger)}
    listed = []
    for role in Role:
        states = [
            _state(known.get(pair), pair, counts.get((role, pair.tag), 0), lacks.get((role, pair.tag)), pair in chosen)
            for pair in pairs
            if pair.role is role
        ]
        if states:
            listed.append(RoleSpaces(role=role, spaces=tuple(sorted(states, key=lambda s: s.state != "active"))))
    return tuple(listed)


def _state(space: RegisteredSpace | None, pair: RoleTag, objects: int, lack: Lack | None, chosen: bool) -> SpaceState:
    if space is None:
        state = "not begun"
    elif space.dropping:
        state = "dropping"
    elif space.active:
        state = "active"
    elif space.retired_at is not None:
        state = "old"
    else:
        state = "filling" if lack and lack.open else "filled"
    return SpaceState(
        tag=pair.tag,
        state=state,
        chosen=chosen,
        dimension=space.space.dimension if space else None,
        objects=objects,
        lacks=lack.open if lack else 0,
        failed=lack.failed if lack else 0,
    )


# --- switch -----------------------------------------------------------------------------------------------------------


def activate(resources: Resources, *, roles: Collection[Role] = (), accept_failed: bool = False) -> list[RoleTag]:
    """Let searches read the spaces of the models in the settings, from one moment to the next; return what changed.

    Roles that the new encoder does not make are searched no more. Raises Configuration where a space is not filled, or
    where objects of it have failed, unless `accept_failed`.
    """
    known = space_registry.registered(resources.ledger)
    active = {each.space.role: each.space.tag for each in known if each.active}
    filled = {each.pair for each in known if not each.dropping}
    pairs = [pair for pair in chosen_pairs(resources, roles) if active.get(pair.role) != pair.tag]
    pairs = [pair for pair in pairs if pair in filled or pair.role in active]
    retired = set() if roles else _replaced(resources, pairs, active)
    if not pairs:
        point_aliases(resources)
        return []
    for _ in range(_SWITCH_TRIES):
        publish_all(resources, at_most=resources.settings.outage_wait_seconds)
        lacked = space_registry.activate(resources.ledger, pairs, retired=retired, accept_failed=accept_failed)
        if not lacked:
            point_aliases(resources)
            return pairs
    raise _not_filled(lacked)


def _replaced(resources: Resources, pairs: Iterable[RoleTag], active: Collection[Role]) -> set[Role]:
    """Return the active roles of the switched encoders which the new model does not make."""
    made = registry.vector_tags(resources.settings)
    replaced = [same_encoder_roles(pair.role) for pair in pairs]
    return {role for role in active if role not in made and any(role in roles for roles in replaced)}


def _not_filled(lacked: Sequence[Lack]) -> Configuration:
    names = ", ".join(
        f"{lack.role} lacks {lack.open} objects" + (f" and {lack.failed} have failed" if lack.failed else "")
        for lack in lacked
    )
    if any(lack.open for lack in lacked):
        advice = "Run `swatchbook fill spaces` until nothing is left."
    else:
        advice = "`swatchbook spaces activate --yes` accepts that these objects are not found by the new model."
    return Configuration(f"The new spaces are not complete: {names}.", advice=advice)


def rollback(resources: Resources, *, roles: Collection[Role] = ()) -> list[RoleTag]:
    """Let searches read the spaces that the last switch has retired; return these. They were filled meanwhile, too.

    Raises Configuration where nothing was switched, or where these spaces lack objects that were added since.
    """
    which = frozenset(roles) or frozenset(Role)
    publish_all(resources, at_most=resources.settings.outage_wait_seconds)
    back = space_registry.before_switch(space_registry.registered(resources.ledger), which)
    if not back:
        raise Configuration("There is nothing to go back to.", advice="`swatchbook spaces` lists the spaces.")
    if lacked := [lack for lack in space_registry.lacks(resources.ledger, back) if lack.open]:
        failure = _not_filled(lacked)
        failure.advice = "Name their model in the settings again, and run `swatchbook fill spaces`."
        raise failure
    pairs = space_registry.rollback(resources.ledger, which)
    point_aliases(resources)
    return pairs


def droppable(resources: Resources, roles: Collection[Role] = ()) -> list[RoleTag]:
    """Return the spaces that `drop_old` would drop: neither active nor named by the settings."""
    chosen = set(chosen_pairs(resources))
    return [
        each.pair
        for each in space_registry.registered(resources.ledger)
        if (each.dropping or not (each.active or each.pair in chosen)) and (not roles or each.space.role in roles)
    ]


def drop_old(resources: Resources, *, roles: Collection[Role] = ()) -> list[RoleTag]:
    """Drop the spaces that are neither active nor named by the settings, with vectors and objects; return them.

    Killed anywhere, the next publishing, or the same command, finishes it.
    """
    old = droppable(resources, roles)
    space_registry.drop(resources.ledger, old)
    publish_all(resources, at_most=resources.settings.outage_wait_seconds)
    return old


def point_aliases(resources: Resources) -> None:
    """Let the index's public names follow the ledger, also where an earlier switch was killed before it did so."""
    if isinstance(resources.index, MovableIndex):
        for role, each in space_registry.active_spaces(resources.ledger).items():
            if resources.index.active(role) != each.space.name:
                resources.index.activate(each.space)
