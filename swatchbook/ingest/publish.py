"""Publish dirty rows of the ledger to the index, 500 at a time; nothing else writes objects to the index.

Also creates spaces, and waits while the index is down (1 s, doubling, at most 30 s). What is dirty:
`store/ledger/dirty.py`.

Every dirty row that is due is published, whichever document or owner it belongs to. A resumed run, a second owner with
the same picture, a changed caption, a rebuilt index and a deleted document all need nothing else.
"""

import logging
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial

from ulid import ULID

from swatchbook.domain.backoff import pause_after
from swatchbook.domain.errors import SHARED_POLICIES, Configuration, Failure, IndexDown, Policy
from swatchbook.domain.records import TEXT_ROLES, Record, RoleTag
from swatchbook.domain.tracing import span
from swatchbook.index.contract import WRITE_SECONDS, GrowingIndex, IndexObject, MovableIndex, Space
from swatchbook.ingest.bisect import bisect
from swatchbook.resources import Resources
from swatchbook.store.ledger import publishing, runs
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.document_editions import supersede
from swatchbook.store.ledger.item_tries import LEASE_SECONDS
from swatchbook.store.ledger.publishing import DirtyRow, Publication
from swatchbook.store.ledger.runs import Run
from swatchbook.store.ledger.space_registry import add_space, finish_drop, registered

log = logging.getLogger(__name__)

ROWS = 500
"""Rows published together: large enough for the index's batches, small enough to be done within a lease."""

_RENEW_SECONDS = LEASE_SECONDS - WRITE_SECONDS - 10.0
"""Age of a lease from which it is renewed before the next write, so that it outlives that write."""

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0  # seconds to wait for an index that is down
_SOON_SECONDS = 20.0  # seconds that a person waits until what they changed is published
_HELD_PAUSE = 0.5  # seconds between looks at rows that another publisher has leased; its lease ends by itself


class Lease:
    """A publisher's lease on its rows. It is renewed before a write that it might not outlive."""

    def __init__(self, ledger: Ledger, name: str) -> None:
        self._ledger, self._name = ledger, name
        self._since = time.monotonic()  # before the rows are leased: the ledger counts from a later moment
        self.rows = publishing.lease_dirty(ledger, name, limit=ROWS)

    def hold(self) -> None:
        """Renew the lease if it is older than _RENEW_SECONDS. Raises IndexDown if another publisher took rows."""
        now = time.monotonic()
        if now - self._since < _RENEW_SECONDS:
            return
        if publishing.renew_lease(self._ledger, self._name, self.rows) < len(self.rows):
            raise IndexDown("The index took longer than a publisher's lease; another publisher continues.")
        self._since = now


class Published(Record):
    """The result of one or more rounds, in rows."""

    published: int
    removed: int
    refused: int

    @property
    def rows(self) -> int:
        return self.published + self.removed + self.refused

    def __add__(self, other: "Published") -> "Published":
        return Published(
            published=self.published + other.published,
            removed=self.removed + other.removed,
            refused=self.refused + other.refused,
        )


_NOTHING = Published(published=0, removed=0, refused=0)


def publish_round(resources: Resources) -> Published:
    """Publish up to `ROWS` dirty rows. Zero rows in the result mean that nothing is due.

    An object that the index refuses does not stop the others; its failure is recorded on its row. Raises IndexDown,
    Authentication, Configuration, DiskFull, LedgerDown; the rows then stay dirty.
    """
    name = f"publish:{ULID()}"
    lease = Lease(resources.ledger, name)
    with span("publish", rows=len(lease.rows)) if lease.rows else nullcontext() as traced:
        done = _publish_rows(resources, name, lease)
        if traced:
            traced.note(removed=done.removed, refused=done.refused)
    return done


def _publish_rows(resources: Resources, name: str, lease: Lease) -> Published:
    rows = lease.rows
    shown, gone = [row for row in rows if not row.gone], [row for row in rows if row.gone]
    published, removed = list[DirtyRow](), list[DirtyRow]()
    refused = dict[str, Failure]()
    unsure = [row.id for row in rows]
    try:
        spaces = _spaces(resources)
        publications = publishing.publications(resources.ledger, shown)
        for space, objects in _objects(resources, publications, spaces).items():
            with _unless_dropped(resources, space):
                outcomes = bisect(_upserting(resources, space, lease), objects)
                _collect_refused(refused, [each.id for each in objects], outcomes)
        for space, ids in _withdrawn(publications, spaces.values()).items():
            _collect_refused(refused, ids, bisect(_deleting(resources, space, lease), ids))
        for owner, ids in publishing.by_owner(resources.ledger, gone).items():
            for space in spaces.values():
                _collect_refused(refused, ids, bisect(_deleting(resources, space, lease, owner), ids))
        published = [row for row in shown if row.id not in refused]
        removed = [row for row in gone if row.id not in refused]
        unsure.clear()
    except Failure as failure:
        if not isinstance(failure, IndexDown):
            unsure.clear()
        raise
    finally:  # also after an error, so that the leases are free at once and refusals are recorded
        if rows:
            publishing.record_publication(
                resources.ledger, name, rows, published=published, refused=refused, removed=removed, unsure=unsure
            )
    return Published(published=len(published), removed=len(removed), refused=len(refused))


def _objects(
    resources: Resources, publications: Sequence[Publication], spaces: dict[RoleTag, Space]
) -> Mapping[Space, list[IndexObject]]:
    """Return space → the objects to write. A space that does not exist yet is created and added to `spaces`."""
    objects = defaultdict[Space, list[IndexObject]](list)
    for publication in publications:
        for pair, vector in publication.vectors.items():
            space = spaces.get(pair) or _create_space(resources, pair, len(vector), spaces)
            objects[space].append(IndexObject(publication.row.id, vector, publication.payload))
    return objects


def _withdrawn(publications: Sequence[Publication], spaces: Iterable[Space]) -> Mapping[Space, list[str]]:
    """Return space → ids of reviewed images whose text vector was withdrawn, but which the space may still hold."""
    reviewed = [each for each in publications if each.reviewed]
    withdrawn = dict[Space, list[str]]()
    for space in spaces:
        pair = space.pair
        if space.role in TEXT_ROLES and (ids := [each.row.id for each in reviewed if pair not in each.vectors]):
            withdrawn[space] = ids
    return withdrawn


def _upserting(
    resources: Resources, space: Space, lease: Lease
) -> Callable[[Sequence[IndexObject]], list[Failure | None]]:
    def upsert(objects: Sequence[IndexObject]) -> list[Failure | None]:
        lease.hold()
        failures = resources.index.upsert(space, objects)
        return [failures.get(each.id) for each in objects]

    return upsert


def _deleting(
    resources: Resources, space: Space, lease: Lease, owner: str | None = None
) -> Callable[[Sequence[str]], list[Failure | None]]:
    """Return what deletes objects; where their owner is known, only its tenant is asked."""

    def delete(ids: Sequence[str]) -> list[Failure | None]:
        lease.hold()
        if owner is not None and isinstance(resources.index, MovableIndex):
            resources.index.delete_owned(space, ids, owner)
        else:
            resources.index.delete(space, ids)
        return [None] * len(ids)

    return delete


def _collect_refused(refused: dict[str, Failure], ids: Sequence[str], outcomes: Sequence[Failure | None]) -> None:
    """Add the failures of single objects to `refused`. Raises a failure that concerns all of them."""
    for row, failure in zip(ids, outcomes, strict=True):
        if failure is not None and failure.policy in SHARED_POLICIES:
            raise failure
        if failure is not None:
            refused[row] = failure


def _create_space(resources: Resources, pair: RoleTag, dimension: int, spaces: dict[RoleTag, Space]) -> Space:
    """Create a space in the index and record it. A role's first space is active at once
    (store/ledger/space_registry.py)."""
    space = Space(role=pair.role, tag=pair.tag, dimension=dimension)
    resources.index.ensure(space)
    found = add_space(resources.ledger, space, resources.model_record(pair))
    if found.active and isinstance(resources.index, MovableIndex):
        resources.index.activate(space)
    spaces[pair] = space
    return space


def _spaces(resources: Resources) -> dict[RoleTag, Space]:
    """Return the spaces to publish into. Those that are being dropped lose their objects first."""
    known = dict[RoleTag, Space]()
    for each in registered(resources.ledger):
        if each.dropping:
            finish_drop(resources.ledger, each.space, partial(resources.index.drop, each.space))
        else:
            known[each.pair] = each.space
    return known


@contextmanager
def _unless_dropped(resources: Resources, space: Space) -> Iterator[None]:
    """Ignore that a space is missing in the index where it was dropped since this round began."""
    try:
        yield
    except Configuration:
        if any(each.space == space and not each.dropping for each in registered(resources.ledger)):
            raise


def publish_document(resources: Resources, document: str, *, at_most: float, alive: Callable[[], None]) -> Published:
    """Publish as `publish_all` does until nothing of this document is due, also waiting for other publishers."""
    done = _NOTHING
    while True:
        done += publish_all(resources, at_most=at_most, alive=alive, waits=alive)
        if not publishing.count_unpublished(resources.ledger, document, due=True):
            return done
        time.sleep(_HELD_PAUSE)


def publish_whole(resources: Resources, run: Run) -> Published:
    """Publish the document of a run until nothing of it is due; an older edition's products then leave the search."""
    supersede(resources.ledger, run.document)
    patience = resources.settings.outage_wait_seconds
    alive = partial(runs.record_alive, resources.ledger, run)
    published = publish_document(resources, run.document, at_most=patience, alive=alive)
    build_due(resources)
    return published


def build_due(resources: Resources) -> None:
    """Build the vector indexes that are due. A failure is logged: all is searchable without, and it is tried again."""
    if isinstance(resources.index, GrowingIndex):
        try:
            resources.index.build_due()
        except Failure as failure:
            log.warning("a vector index is not built yet: %s", failure)


def publish_meanwhile(resources: Resources, run: Run) -> Published:
    """Publish all that is due next to the computation of a run's items, waiting for the index during an outage.

    It shows that the run is alive only while it waits: otherwise it would hide a computation that hangs.
    """
    alive, waits = (partial(sign, resources.ledger, run) for sign in (runs.record_heartbeat, runs.record_alive))
    return publish_all(resources, at_most=resources.settings.outage_wait_seconds, alive=alive, waits=waits)


def publish_soon(resources: Resources, document: str) -> bool:
    """Publish for at most 20 s until nothing of the document is due; return whether that is so.

    What a person has changed is recorded: what is not published by then is published as usual.
    """
    end = time.monotonic() + _SOON_SECONDS
    try:
        while publishing.count_unpublished(resources.ledger, document, due=True):
            if time.monotonic() > end or not publish_round(resources).rows:
                return False
    except Failure as failure:
        log.warning("the change is recorded, but not published yet: %s", failure)
        return False
    return True


def publish_all(
    resources: Resources,
    *,
    at_most: float,
    alive: Callable[[], None] = lambda: None,
    waits: Callable[[], None] = lambda: None,
    until: float = math.inf,
) -> Published:
    """Publish all that is due, waiting up to `at_most` seconds for an index that is down, with growing pauses.

    What becomes due during the last round is left for the next time. It also ends when other runs add rows faster than
    it publishes; they publish too; and after `until`, a time of the monotonic clock. `alive` is called before each
    round and at the end, `waits` before each pause; both may raise RunRevoked. Raises the outage's failure when it
    lasts longer.
    """
    total = _NOTHING
    settle_late_writes(resources)
    most = 2 * publishing.count_unpublished(resources.ledger) + ROWS
    failures, waited = 0, 0.0
    while total.rows < most:
        alive()
        try:
            done = publish_round(resources)
        except Failure as failure:
            if failure.policy is not Policy.OUTAGE or waited >= at_most:
                raise
            log.warning("publishing waits: %s (%.0f s so far)", failure, waited)
            waits()
            failures += 1
            pause = min(pause_after(failures, first=_FIRST_PAUSE, longest=_LONGEST_PAUSE), max(1.0, at_most - waited))
            time.sleep(pause)
            waited += pause
            continue
        failures, waited = 0, 0.0
        total += done
        # fewer are all that was due when the round began: what came meanwhile fills a later one
        if done.rows < ROWS or time.monotonic() > until:
            alive()
            break
    return total


def settle_late_writes(resources: Resources) -> None:
    """Write or remove again what a publisher that died, hung or gave up may have written late.

    Raises IndexDown, Authentication, Configuration, DiskFull, LedgerDown; what is left is due the next time.
    """
    while ids := publishing.late_writes_due(resources.ledger, ROWS):
        deleted = publishing.deleted_ids(resources.ledger, ids)
        for space in _spaces(resources).values():
            resources.index.delete(space, deleted)
        publishing.settle_late_writes(resources.ledger, ids)
