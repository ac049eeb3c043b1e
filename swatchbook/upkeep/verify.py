"""Compare index, file store and ledger (`verify`), publish again what is missing and delete what is foreign
(`--repair`), and rebuild the index from the ledger (`rebuild-index`).
"""

from collections.abc import Callable

from swatchbook.ledger import publishing
from swatchbook.ledger.spaces import registered
from swatchbook.pipeline.publish import publish_all
from swatchbook.records import Record
from swatchbook.resources import Resources


class SpaceCheck(Record):
    """Result for one space: how many objects the ledger expects, how many are missing, and how many are foreign."""

    space: str
    expected: int
    missing: int
    foreign: int  # in the index, but not expected


class Verification(Record):
    """Result of `verify`. With `repaired`, differences between ledger and index have been repaired."""

    spaces: tuple[SpaceCheck, ...]
    lost_files: tuple[str, ...]
    unpublished: int
    repaired: bool = False

    @property
    def sound(self) -> bool:
        """Return whether nothing is missing, foreign, lost or unpublished."""
        return not self.lost_files and not self.unpublished and not any(s.missing or s.foreign for s in self.spaces)


def verify(resources: Resources, *, repair: bool = False) -> Verification:
    """Compare each space of the index with the ledger, and the ledger's files with the file store.

    With `repair`, publish missing objects again and delete foreign ones; lost files are only listed. Objects that are
    published at the same time are not lost.
    """
    checks = []
    for space in [each.space for each in registered(resources.ledger) if not each.dropping]:
        resources.index.ensure(space)
        present = set(resources.index.ids(space))  # read first, or objects published in between would look foreign
        expected = set(publishing.searchable_ids(resources.ledger, space))
        missing, foreign = expected - present, present - expected
        checks.append(SpaceCheck(space=space.name, expected=len(expected), missing=len(missing), foreign=len(foreign)))
        if repair:
            resources.index.delete(space, sorted(foreign))
            # foreign ones as well: one may have become searchable again since they were read
            publishing.mark_dirty(resources.ledger, missing | foreign)
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
    """Drop every space and publish all rows again from the ledger, without computing any vector.

    Returns the number of published rows. If it is killed, all rows stay dirty, and it can be run again.
    """
    publishing.mark_all_dirty(resources.ledger)  # before the first drop: a kill must not leave rows marked as published
    for each in registered(resources.ledger):
        resources.index.drop(each.space)
        if not each.dropping:
            resources.index.ensure(each.space)
        if each.active:
            resources.index.activate(each.space)
    publishing.mark_all_dirty(resources.ledger)  # again: rows may have been published into a space before its drop
    total = publishing.count_unpublished(resources.ledger)

    def report() -> None:
        progress(total - publishing.count_unpublished(resources.ledger), total)

    return publish_all(resources, at_most=resources.settings.outage_wait_seconds, alive=report).published
