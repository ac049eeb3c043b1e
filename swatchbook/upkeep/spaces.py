"""A change of model without downtime: fill the new model's spaces beside the ones that searches read, activate them in
one transaction, go back, and drop the old ones. docs/spaces.md explains it.
"""

from collections.abc import Callable, Collection, Iterable, Sequence

from ulid import ULID

from swatchbook.errors import Configuration, InvalidReference
from swatchbook.ledger import missing_vectors, spaces
from swatchbook.ledger.documents import Document
from swatchbook.ledger.spaces import Lack, RegisteredSpace, same_encoder_roles
from swatchbook.models import registry
from swatchbook.pipeline.publish import publish_all
from swatchbook.providers.costs import tokens_at_most, usd
from swatchbook.providers.prices import model_price
from swatchbook.records import Record, Role, RoleTag
from swatchbook.resources import Resources
from swatchbook.settings import Settings
from swatchbook.upkeep.make_missing import DocumentFill, make_beside

_SWITCH_TRIES = 5
"""Times that what is not published yet is published before `activate` gives up: ingests go on meanwhile."""


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


class FillPlan(Record):
    """What `fill` or a backfill would make for one space. Calls to providers, tokens and cost are upper bounds.

    `usd` None: the price is not known.
    """

    role: Role
    tag: str
    objects: int
    calls: int = 0
    tokens: int
    usd: float | None


class Filled(Record):
    """Result of a fill: items made, what its calls cost, and what the spaces still lack.

    `busy`: why documents were left out: they were deleted meanwhile, or another process fills them.
    """

    documents: int
    made: int
    failures: tuple[str, ...]
    cost_usd: float | None  # None: the price of a call is not known
    lacks: tuple[Lack, ...]
    busy: tuple[str, ...] = ()


# --- list -------------------------------------------------------------------------------------------------------------


def chosen_pairs(resources: Resources, roles: Collection[Role] = ()) -> list[RoleTag]:
    """Return the (role, tag) pairs of the models in the settings, of these roles or all.

    Raises InvalidReference for a role that they do not make.
    """
    tags = registry.vector_tags(resources.settings)
    if unknown := [role for role in roles if role not in tags]:
        raise InvalidReference(
            f"No chosen model makes {', '.join(sorted(unknown))}.", advice=f"Choose from {', '.join(sorted(tags))}."
        )
    return [RoleTag(role=role, tag=tags[role]) for role in Role if role in tags and (not roles or role in roles)]


def list_spaces(resources: Resources) -> tuple[RoleSpaces, ...]:
    """Return the spaces of each role with what they hold and lack, and those that the settings name."""
    known = {each.pair: each for each in spaces.registered(resources.ledger)}
    chosen = chosen_pairs(resources)
    pairs = sorted({*known, *chosen}, key=lambda pair: (pair.tag not in {p.tag for p in known}, pair.tag))
    lacks = {(lack.role, lack.tag): lack for lack in spaces.lacks(resources.ledger, pairs)}
    counts = {(each.role, each.tag): each.objects for each in spaces.count_vectors(resources.ledger)}
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


# --- fill -------------------------------------------------------------------------------------------------------------


def plan_fill(resources: Resources, roles: Collection[Role] = ()) -> tuple[FillPlan, ...]:
    """Return what a fill would make now, by role, and what it may cost; no provider is asked."""
    settings = resources.settings
    plans = []
    for lack in spaces.lacks(resources.ledger, chosen_pairs(resources, roles)):
        pair, texts = RoleTag(role=lack.role, tag=lack.tag), list[int]()
        if pair.role in spaces.TEXT_ENCODER_ROLES and not settings.has_local_text_encoder:
            texts = [tokens_at_most(text) for text in missing_vectors.texts_to_make(resources.ledger, pair)]
        plans.append(plan_vectors(settings, pair, lack.open, texts))
    return tuple(plans)


def plan_vectors(settings: Settings, pair: RoleTag, objects: int, texts: Sequence[int]) -> FillPlan:
    """Return the plan for the vectors of a pair. `settings` name its model; `texts`: the most tokens of each text."""
    cost: float | None = 0.0
    if pair.role in spaces.TEXT_ENCODER_ROLES and not settings.has_local_text_encoder:
        cost = usd(model_price(settings, "text"), sum(texts), 0)
    else:
        texts = ()
    return FillPlan(role=pair.role, tag=pair.tag, objects=objects, calls=len(texts), tokens=sum(texts), usd=cost)


def documents_to_fill(resources: Resources, roles: Collection[Role] = ()) -> list[str]:
    """Return the ids of the documents with objects that the spaces of the models in the settings lack."""
    return missing_vectors.documents_to_fill(resources.ledger, _pairs_to_fill(resources, roles))


def _pairs_to_fill(resources: Resources, roles: Collection[Role]) -> list[RoleTag]:
    """Return the chosen pairs of roles that have other spaces, too: what ingests have yet to make is not for a fill."""
    known = spaces.registered(resources.ledger)
    searched = {each.pair for each in known if each.active}
    mixed = {each.space.role for each in known if not each.active}
    return [pair for pair in chosen_pairs(resources, roles) if pair not in searched or pair.role in mixed]


def fill(
    resources: Resources,
    *,
    roles: Collection[Role] = (),
    max_usd: float | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Filled:
    """Fill the spaces of the models in the settings with what they lack, document by document, and publish it.

    Searches stay on the active spaces. What is committed is never made or paid for again, so a fill that was killed
    goes on where it was. Failures that can be tried again are, with the pauses of the settings. `max_usd`: what the
    calls of this fill may cost together. Raises failures that concern all items, such as BudgetExceeded.
    """
    fill_id, waiting = str(ULID()), documents_to_fill(resources, roles)
    total = sum(lack.open for lack in spaces.lacks(resources.ledger, chosen_pairs(resources, roles)))
    results = list[DocumentFill]()
    for document in waiting:
        before = sum(each.made for each in results)

        def advance(made: int, before: int = before) -> None:
            progress(min(before + made, total), total)

        results.append(fill_document(resources, document, fill=fill_id, roles=roles, max_usd=max_usd, advance=advance))
    return finish_fill(resources, fill_id, results, roles)


def finish_fill(
    resources: Resources, fill: str, results: Sequence[DocumentFill], roles: Collection[Role] = ()
) -> Filled:
    """Publish what is not published yet, and return the result of the whole fill."""
    publish_all(resources, at_most=resources.settings.outage_wait_seconds)
    _point_aliases(resources)
    return Filled(
        documents=sum(1 for each in results if not each.busy),
        made=sum(each.made for each in results),
        failures=tuple(failure for each in results for failure in each.failures),
        cost_usd=missing_vectors.spent(resources.ledger, fill),
        lacks=tuple(spaces.lacks(resources.ledger, chosen_pairs(resources, roles))),
        busy=tuple(each.busy for each in results if each.busy),
    )


def fill_document(
    resources: Resources,
    document: str,
    *,
    fill: str,
    roles: Collection[Role] = (),
    max_usd: float | None = None,
    flow_run: str | None = None,
    advance: Callable[[int], None] = lambda made: None,
) -> DocumentFill:
    """Make and publish what the spaces lack of a document. `fill` names the whole fill, `max_usd` is its budget.

    Raises failures that concern all items.
    """

    def pairs_of(stored: Document) -> list[RoleTag]:
        return missing_vectors.asked_for(stored.options.roles, _pairs_to_fill(resources, roles))

    return make_beside(resources, document, pairs_of, fill=fill, max_usd=max_usd, flow_run=flow_run, advance=advance)


# --- switch -----------------------------------------------------------------------------------------------------------


def activate(resources: Resources, *, roles: Collection[Role] = (), accept_failed: bool = False) -> list[RoleTag]:
    """Let searches read the spaces of the models in the settings, from one moment to the next; return what changed.

    Roles that the new encoder does not make are searched no more. Raises Configuration where a space is not filled, or
    where objects of it have failed, unless `accept_failed`.
    """
    known = spaces.registered(resources.ledger)
    active = {each.space.role: each.space.tag for each in known if each.active}
    filled = {each.pair for each in known if not each.dropping}
    pairs = [pair for pair in chosen_pairs(resources, roles) if active.get(pair.role) != pair.tag]
    pairs = [pair for pair in pairs if pair in filled or pair.role in active]
    retired = set() if roles else _replaced(resources, pairs, active)
    if not pairs:
        _point_aliases(resources)
        return []
    for _ in range(_SWITCH_TRIES):
        publish_all(resources, at_most=resources.settings.outage_wait_seconds)
        lacked = spaces.activate(resources.ledger, pairs, retired=retired, accept_failed=accept_failed)
        if not lacked:
            _point_aliases(resources)
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
        advice = "Run `swatchbook spaces fill` until nothing is left."
    else:
        advice = "`swatchbook spaces activate --yes` accepts that these objects are not found by the new model."
    return Configuration(f"The new spaces are not complete: {names}.", advice=advice)


def rollback(resources: Resources, *, roles: Collection[Role] = ()) -> list[RoleTag]:
    """Let searches read the spaces that the last switch has retired; return these. They were filled meanwhile, too.

    Raises Configuration where nothing was switched, or where these spaces lack objects that were added since.
    """
    which = frozenset(roles) or frozenset(Role)
    publish_all(resources, at_most=resources.settings.outage_wait_seconds)
    back = spaces.before_switch(resources.ledger, which)
    if not back:
        raise Configuration("There is nothing to go back to.", advice="`swatchbook spaces` lists the spaces.")
    if lacked := [lack for lack in spaces.lacks(resources.ledger, back) if lack.open]:
        failure = _not_filled(lacked)
        failure.advice = "Name their model in the settings again, and run `swatchbook spaces fill`."
        raise failure
    pairs = spaces.rollback(resources.ledger, which)
    _point_aliases(resources)
    return pairs


def droppable(resources: Resources, roles: Collection[Role] = ()) -> list[RoleTag]:
    """Return the spaces that `drop_old` would drop: neither active nor named by the settings."""
    chosen = set(chosen_pairs(resources))
    return [
        each.pair
        for each in spaces.registered(resources.ledger)
        if (each.dropping or not (each.active or each.pair in chosen)) and (not roles or each.space.role in roles)
    ]


def drop_old(resources: Resources, *, roles: Collection[Role] = ()) -> list[RoleTag]:
    """Drop the spaces that are neither active nor named by the settings, with vectors and objects; return them.

    Killed anywhere, the next publishing, or the same command, finishes it.
    """
    old = droppable(resources, roles)
    spaces.drop(resources.ledger, old)
    publish_all(resources, at_most=resources.settings.outage_wait_seconds)
    return old


def _point_aliases(resources: Resources) -> None:
    """Let the index's public names follow the ledger, also where an earlier switch was killed before it did so."""
    for role, each in spaces.active_spaces(resources.ledger).items():
        if resources.index.active(role) != each.space.name:
            resources.index.activate(each.space)
