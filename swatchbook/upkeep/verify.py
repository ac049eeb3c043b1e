"""Ledger and index held against each other; and the index made anew from the ledger."""

from collections.abc import Callable

from swatchbook.ledger import publishing
from swatchbook.pipeline.publish import publish_all
from swatchbook.records import Record
from swatchbook.resources import Resources


class SpaceCheck(Record):
    """One space: what it should hold and does not, and what it holds and should not."""

    space: str
    expected: int
    missing: int
    foreign: int


class Verification(Record):
    """`sound` when nothing is missing, foreign or lost. `repaired` when that was mended just now."""

    spaces: tuple[SpaceCheck, ...]
    lost_files: tuple[str, ...]
    unpublished: int
    repaired: bool = False

    @property
    def sound(self) -> bool:
        return not self.lost_files and not self.unpublished and not any(s.missing or s.foreign for s in self.spaces)


def verify(resources: Resources, *, repair: bool = False) -> Verification:
    """Compare every space with the ledger, and the ledger's files with the store.

    With `repair`, missing objects are published again and foreign ones dropped; lost files can only be named. Nothing
    that is published meanwhile is lost by it.
    """
    checks = []
    for space, _ in publishing.spaces(resources.ledger):
        resources.index.ensure(space)
        present = set(resources.index.ids(space))  # first: what is published in between would else look foreign
        expected = set(publishing.searchable_ids(resources.ledger, space))
        missing, foreign = expected - present, present - expected
        checks.append(SpaceCheck(space=space.name, expected=len(expected), missing=len(missing), foreign=len(foreign)))
        if repair:
            resources.index.delete(space, sorted(foreign))
            publishing.mark_dirty(
                resources.ledger, missing | foreign
            )  # foreign ones as well: one may be shown again by now
    if repair:
        publish_all(resources, at_most=resources.settings.outage_wait_seconds)
    lost = tuple(key for key in publishing.stored_files(resources.ledger) if not resources.files.has(key))
    return Verification(
        spaces=tuple(checks),
        lost_files=lost,
        unpublished=publishing.count_unpublished(resources.ledger),
        repaired=repair,
    )


def rebuild(resources: Resources, *, progress: Callable[[int, int], None] = lambda done, total: None) -> int:
    """Drop every space and publish it anew from the ledger, without a forward pass. Returns the rows published.

    Killed on the way, it leaves every row waiting to be published, and is simply run again.
    """
    publishing.mark_all_dirty(
        resources.ledger
    )  # before the first drop, or a kill would leave an empty index called whole
    for space, active in publishing.spaces(resources.ledger):
        resources.index.drop(space)
        resources.index.ensure(space)
        if active:
            resources.index.activate(space)
    publishing.mark_all_dirty(
        resources.ledger
    )  # again: some may have been published into a space that was then dropped
    total = publishing.count_unpublished(resources.ledger)

    def tell() -> None:
        progress(total - publishing.count_unpublished(resources.ledger), total)

    return publish_all(resources, at_most=resources.settings.outage_wait_seconds, alive=tell).published
