"""Move spaces into the layout of the settings without downtime: another vector index, owners in tenants or together.

Everything is written from the ledger next to what is searched, and nothing is embedded again. Searches read the new
layout from the moment in which it has every object. Killed anywhere, the same command goes on.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from swatchbook.domain.errors import Configuration, IndexDown
from swatchbook.domain.records import Record
from swatchbook.index.contract import MoveState, Space
from swatchbook.ingest.publish import publish_all
from swatchbook.resources import Resources
from swatchbook.store.ledger import publishing
from swatchbook.store.ledger.space_registry import registered

if TYPE_CHECKING:
    from swatchbook_weaviate.index import WeaviateIndex

_ROUNDS = 60
"""How often a space is compared before the move gives up: other publishers may hold rows for up to a minute."""

_PAUSE = 1.0  # seconds between two comparisons that found something missing

Progress = Callable[[int, int], None]


class SpaceMove(Record):
    """A space, and its layout before and after the move."""

    space: str
    before: str
    after: str


def plan_move(resources: Resources) -> list[SpaceMove]:
    """Return the spaces in another layout than the settings. Raises Configuration if the index has only one."""
    index = _movable(resources)
    states = [(space, index.move_state(space)) for space in _spaces(resources)]
    return [_move(space, state) for space, state in states if not state.done]


def move_spaces(resources: Resources, *, progress: Progress = lambda done, total: None) -> list[SpaceMove]:
    """Move every space that is not in the layout of the settings, and return these.

    They are moved together, because publishing writes an object into all its spaces: one that is not being moved would
    be written again where people search (`WeaviateIndex`). Until the end the index needs space for both layouts.

    Raises IndexDown if other publishers do not finish, and what publishing raises; what was written stays.
    """
    index = _movable(resources)
    states = [(space, index.move_state(space)) for space in _spaces(resources)]
    moving = [(space, state) for space, state in states if not state.done]
    for step in (index.begin_move, index.switch_move):
        for space, _ in moving:
            step(space)
        for space, _ in moving:
            _fill(resources, index, space, progress)  # also what a writer that had not seen the step wrote last
    for space, _ in moving:
        index.end_move(space)
    return [_move(space, state) for space, state in moving]


def _fill(resources: Resources, index: "WeaviateIndex", space: Space, progress: Progress) -> None:
    """Publish into the new layout until it has the objects of the old one and of the ledger, and no others."""
    before = -1
    for _ in range(_ROUNDS):
        settled = set(publishing.published_ids(resources.ledger, space))  # first: what is published now is present
        searched, present = set(resources.index.ids(space)), set(index.moved_ids(space))
        expected = set(publishing.searchable_ids(resources.ledger, space))
        missing, foreign = (expected & (settled | searched)) - present, present - expected
        progress(len(expected) - len(missing), len(expected))
        if not missing and not foreign:
            return
        if foreign:
            resources.index.delete(space, sorted(foreign))
        if len(missing) == before:  # another publisher holds them
            time.sleep(_PAUSE)
        before = len(missing)
        publishing.mark_dirty(resources.ledger, {*missing, *foreign})
        publish_all(resources, at_most=resources.settings.outage_wait_seconds)
    raise IndexDown(
        f"{space.name} does not have every object in its new layout yet.",
        advice="Searches still read the old one. `swatchbook status` shows what is not published; then run it again.",
    )


def _movable(resources: Resources) -> "WeaviateIndex":
    if resources.settings.index == "weaviate":
        from swatchbook_weaviate.index import WeaviateIndex  # imports the client, which other indexes do not need

        if isinstance(resources.index, WeaviateIndex):
            return resources.index
    raise Configuration(
        f"The index {resources.settings.index} has only one layout.", advice="Only Weaviate's spaces can be moved."
    )


def _spaces(resources: Resources) -> list[Space]:
    return [each.space for each in registered(resources.ledger) if not each.dropping]


def _move(space: Space, state: MoveState) -> SpaceMove:
    return SpaceMove(space=space.name, before=state.read, after=state.wanted)
