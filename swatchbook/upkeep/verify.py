"""Compare index, file store and ledger (`verify`), repair differences, and rebuild the index (`rebuild-index`).

A repair (`--repair`, and every hour) publishes missing objects again and deletes foreign ones. Documents with damaged
files are queued. `--repair` also rebuilds spaces whose files are damaged.
"""

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, NamedTuple

from swatchbook.domain.errors import FileMissing, IndexDamaged
from swatchbook.domain.records import Record, Role
from swatchbook.index.contract import CheckedIndex, MovableIndex, Space
from swatchbook.ingest.publish import publish_all
from swatchbook.resources import Resources
from swatchbook.store.ledger import document_commands, publishing, source_items
from swatchbook.store.ledger.database import portions
from swatchbook.store.ledger.space_registry import registered
from swatchbook.store.ledger.stored_documents import get_document
from swatchbook.upkeep.spaces import point_aliases

log = logging.getLogger(__name__)

SMALL_SPACE = 50_000
"""Objects up to which `repair_index` compares all ids of a space; of a larger one, only if the counts differ."""


COMPARE_SECONDS = 3_600.0
"""Seconds after which the loop compares the index with the ledger again."""


class SpaceCheck(Record):
    """Result for one space: how many objects the ledger expects, how many are missing, and how many are foreign."""

    space: str
    expected: int
    missing: int
    foreign: int  # in the index, but not expected
    damaged: bool = False  # its files cannot be read: all that is expected counts as missing


class Damage(Record):
    """A stored file that was cut short or changed. `documents`: names of those that need it."""

    file: str
    documents: tuple[str, ...]
    upload_again: bool  # it is the file of a document; other files are made from that file again


class Verification(Record):
    """Result of `verify`. With `repaired`, differences between ledger and index have been repaired.

    `queued`: documents whose next run stores missing and damaged files again.
    """

    spaces: tuple[SpaceCheck, ...]
    lost_files: tuple[str, ...]
    damaged_files: tuple[Damage, ...] = ()
    unpublished: int
    repaired: bool = False
    queued: int = 0

    @property
    def sound(self) -> bool:
        """Return whether nothing is missing, foreign, lost, damaged or unpublished."""
        return not self.problems

    @property
    def problems(self) -> tuple[str, ...]:
        """Return what is wrong, such as "3 missing objects"."""
        counts = {
            "damaged spaces": sum(each.damaged for each in self.spaces),
            "missing objects": sum(each.missing for each in self.spaces),
            "foreign objects": sum(each.foreign for each in self.spaces),
            "missing files": len(self.lost_files),
            "damaged files": len(self.damaged_files),
            "changes not searchable yet": self.unpublished,
        }
        return tuple(f"{count} {what}" for what, count in counts.items() if count)


def verify(resources: Resources, *, repair: bool = False, deep: bool = False) -> Verification:
    """Compare each space of the index with the ledger, and the ledger's files with the file store.

    What the vector index has lost counts as missing, although its object is there. Raises Configuration if the
    database finds that the ledger is damaged: nothing can be compared with it, or repaired from it.

    Files are compared by size; with `deep` by their bytes, and objects of LanceDB by what they hold. With `repair`,
    publish missing objects again, delete foreign ones, and queue the documents whose pages or pictures are lost or
    damaged; the file of a document itself can only be uploaded again. Objects that are published at the same time are
    not lost, and those that wait to be published are not missing.
    """
    resources.ledger.check(deep=deep)
    checks = []
    for each in [each for each in registered(resources.ledger) if not each.dropping]:
        space = each.space
        found = _examine(resources, space, deep=deep)
        if damaged := found is None:
            expected = set(publishing.searchable_ids(resources.ledger, space))
            found = _Differences(len(expected), expected, set(), set())
        checks.append(
            SpaceCheck(
                space=space.name,
                expected=found.expected,
                missing=len(found.missing),
                foreign=len(found.foreign),
                damaged=damaged,
            )
        )
        if repair:
            if damaged:
                # Marked first: a kill in between leaves all that the damaged space had to be published again.
                publishing.mark_dirty(resources.ledger, found.missing)
                resources.index.drop(each.space)
                resources.index.ensure(each.space)
            _repair(resources, space, found)
    gone, changed = _check_files(resources, deep=deep)
    queued = _make_again(resources, gone, changed) if repair else 0
    if repair:
        publish_all(resources, at_most=resources.settings.outage_wait_seconds)
    return Verification(
        spaces=tuple(checks),
        lost_files=tuple(gone),
        damaged_files=tuple(changed),
        unpublished=publishing.count_unpublished(resources.ledger),
        repaired=repair,
        queued=queued,
    )


def repair_index(resources: Resources) -> int:
    """Repair spaces that differ from the ledger, as the loop does every hour. Return the number of differences.

    What waits to be published is left to publishing. Raises IndexDown, Authentication, Configuration, DiskFull and
    LedgerDown.
    """
    differences = 0
    for space in [each.space for each in registered(resources.ledger) if not each.dropping]:
        resources.index.ensure(space)
        least, most = publishing.count_searchable(resources.ledger, space)
        if max(most, count := resources.index.count(space)) > SMALL_SPACE and least <= count <= most:
            continue
        lost = partial(_lost, resources, space) if count <= SMALL_SPACE else set[str]
        found = _compare(resources, space, lost=lost)
        _repair(resources, space, found)
        differences += len(found.missing) + len(found.foreign)
    if differences:
        publish_all(resources, at_most=0.0)
    return differences


class _Differences(NamedTuple):
    """Ids of one space. `lost`: in the index, but without what its searches need. `expected`: a number."""

    expected: int
    missing: set[str]
    foreign: set[str]
    lost: set[str]


def _compare(resources: Resources, space: Space, *, lost: Callable[[], set[str]]) -> _Differences:
    """Compare a space with the ledger. What is published meanwhile is neither missing nor foreign."""
    settled = set(publishing.published_ids(resources.ledger, space))  # first: what is published now is present
    present = set(resources.index.ids(space))  # before what is expected, or what is published now would look foreign
    expected = set(publishing.searchable_ids(resources.ledger, space))
    gone = lost()
    return _Differences(len(expected), (settled & expected) - (present - gone), present - expected, gone)


def _lost(resources: Resources, space: Space, *, graphs: bool = False) -> set[str]:
    """Return the objects that a killed server has left without their vectors."""
    index = resources.index
    return {*index.lost_vectors(space, graphs=graphs)} if isinstance(index, MovableIndex) else set()


def _examine(resources: Resources, space: Space, *, deep: bool) -> _Differences | None:
    """Compare a space with the ledger, and create it if it is missing. Return None if its files are damaged."""
    index = resources.index
    try:
        index.ensure(space)
        if not isinstance(index, CheckedIndex):
            return _compare(resources, space, lost=partial(_lost, resources, space, graphs=True))
        index.check(space)
        return _compare(resources, space, lost=partial(_changed, resources, space) if deep else set[str])
    except IndexDamaged as failure:
        log.warning("the space %s is damaged", space.name, exc_info=failure)
        return None


def _changed(resources: Resources, space: Space) -> set[str]:
    """Return the published objects that are in the index unlike in the ledger. Raises IndexDamaged."""
    kind: Literal["image", "chunk"] = "chunk" if space.role is Role.TEXT else "image"
    pair = space.pair
    changed = set[str]()
    for ids in portions(publishing.published_ids(resources.ledger, space)):
        rows = [publishing.DirtyRow(kind=kind, id=each, dirty=0, gone=False) for each in ids]
        here = resources.index.fetch(space, ids)
        for each in publishing.publications(resources.ledger, rows):
            found, vector = here.get(each.row.id), each.vectors.get(pair)
            payload = each.payload.model_copy(update={"parts": ()})  # the index has none
            if found is None or vector is None:
                continue
            if found.vector.tobytes() != vector.tobytes() or found.payload != payload:
                changed.add(each.row.id)
    return changed


class IndexWatch:
    """Compares the index with the ledger for the loop: at first, every hour, and when the index's server has restarted.

    A server that was killed may have lost what it took in last.
    """

    def __init__(self) -> None:
        self._start: str | None = None
        self._compared: float | None = None

    def repair(self, resources: Resources) -> int:
        """Repair the spaces if it is time to; return the number of differences.

        Raises what `repair_index` raises; the next call then tries again.
        """
        start = resources.index.last_start() if isinstance(resources.index, MovableIndex) else None
        now = time.monotonic()
        if self._compared is not None and start == self._start and now - self._compared < COMPARE_SECONDS:
            return 0
        differences = repair_index(resources)
        self._start, self._compared = start, now
        return differences


def _repair(resources: Resources, space: Space, found: _Differences) -> None:
    """Delete foreign objects; publish the missing ones again, and those that became searchable since they were read."""
    if foreign := found.foreign | found.lost:
        resources.index.delete(space, sorted(foreign))
    publishing.mark_dirty(resources.ledger, found.missing | foreign)


def _check_files(resources: Resources, *, deep: bool) -> tuple[list[str], list[Damage]]:
    """Return the keys of missing files, and the damaged files."""
    lost, damaged = list[str](), list[str]()
    for key, size in publishing.stored_files(resources.ledger):
        try:
            if size not in (None, resources.files.size(key)) or (deep and not resources.files.is_whole(key)):
                damaged.append(key)
        except FileMissing:
            lost.append(key)
    if lost:  # not those that were deleted meanwhile
        needed = {key for key, _ in publishing.stored_files(resources.ledger)}
        lost = [key for key in lost if key in needed]
    needing = publishing.documents_needing(resources.ledger, damaged)
    documents = {each: get_document(resources.ledger, each) for ids in needing.values() for each in ids}
    return lost, [
        Damage(
            file=key,
            documents=tuple(sorted({documents[each].name for each in needing.get(key, ())})),
            upload_again=any(documents[each].file == key for each in needing.get(key, ())),
        )
        for key in damaged
    ]


def _make_again(resources: Resources, lost: Sequence[str], damaged: Sequence[Damage]) -> int:
    """Queue the documents whose pages or pictures are lost or damaged; return their number.

    A damaged file is deleted first, since a cached result is used as long as its files exist.
    """
    derived = [damage.file for damage in damaged if not damage.upload_again]
    for file in derived:
        resources.files.delete(file)
    needing = publishing.documents_needing(resources.ledger, [*lost, *derived])
    documents = {
        each for file, ids in needing.items() for each in ids if get_document(resources.ledger, each).file != file
    }
    for document in documents:
        source_items.forget_stamps(resources.ledger, document)
        document_commands.regenerate(resources.ledger, document)
    return len(documents)


def rebuild(resources: Resources, *, progress: Callable[[int, int], None] = lambda done, total: None) -> int:
    """Drop every space and publish all rows again from the ledger, without computing any vector.

    Returns the number of published rows. If it is killed, all rows stay dirty, and it can be run again.
    """
    publishing.mark_dirty(resources.ledger)  # before the first drop: a kill must not leave rows marked as published
    for each in registered(resources.ledger):
        resources.index.drop(each.space)
        if not each.dropping:
            resources.index.ensure(each.space)
    point_aliases(resources)
    publishing.mark_dirty(resources.ledger)  # again: rows may have been published into a space before its drop
    total = publishing.count_unpublished(resources.ledger)

    def report() -> None:
        progress(total - publishing.count_unpublished(resources.ledger), total)

    return publish_all(resources, at_most=resources.settings.outage_wait_seconds, alive=report).published
