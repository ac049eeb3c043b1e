"""Owners as Weaviate tenants: which ones a request is for, searching several and merging, and letting idle ones rest.

The server creates a tenant on its first write, and activates one on its next use. An inactive tenant is on disk only.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any, NamedTuple, TypeAlias

from weaviate.classes.tenants import TenantActivityStatus
from weaviate.collections import Collection as WeaviateCollection

from swatchbook.index.contract import IndexObject, Match, Where
from swatchbook_weaviate.schema import Layout, tenant_name

AnyCollection: TypeAlias = WeaviateCollection[Any, Any]

SeedOf = Callable[[str], str]
"""Returns the seed of an owner's ids, which stays the same when the owner is renamed (`store/ledger/owners.py`)."""

IDLE_SECONDS = 900.0
"""The time without a search or write after which `rest` deactivates a tenant."""

ASKED_AT_ONCE = 8
"""The tenants that one search asks at the same time."""

NAMED_AT_ONCE = 100
"""The most tenants in one request by name."""


def itself(owner: str) -> str:
    """Return the owner as its own seed: it was never renamed."""
    return owner


def best_of(found: Iterable[Match], k: int, key: Callable[[Match], float]) -> list[Match]:
    """Return the k best matches of all tenants, each id once, the one with the lowest key first."""
    best = dict[str, Match]()
    for match in sorted(found, key=key):
        best.setdefault(match.id, match)
    return list(best.values())[:k]


class Place(NamedTuple):
    """A collection of a space, in one layout."""

    layout: Layout
    collection: AnyCollection


class Tenants:
    """The tenants that requests are for, and when this process has used each. Thread-safe.

    A collection without tenants is its own only part.
    """

    def __init__(self, seed_of: SeedOf) -> None:
        self._seed_of = seed_of
        self._used = dict[tuple[str, str], float]()  # (collection, tenant) -> monotonic seconds, or when first seen
        self._lock = Lock()
        self._askers: ThreadPoolExecutor | None = None

    def divide(
        self, place: Place, objects: Sequence[IndexObject]
    ) -> Iterator[tuple[AnyCollection, Sequence[IndexObject]]]:
        """Yield each part to write with the objects that belong there."""
        if not place.layout.tenants:
            yield place.collection, objects
            return
        by_owner = defaultdict[str, list[IndexObject]](list)
        for each in objects:
            by_owner[each.payload.owner].append(each)
        for owner, own in by_owner.items():
            yield self._part(place.collection, tenant_name(self._seed_of(owner))), own

    def of(self, place: Place, owners: Sequence[str]) -> list[AnyCollection]:
        """Return the parts of these owners that exist."""
        if not place.layout.tenants:
            return [place.collection]
        names = [tenant_name(self._seed_of(owner)) for owner in dict.fromkeys(owners)]
        found = list[AnyCollection]()
        for start in range(0, len(names), NAMED_AT_ONCE):
            some = names[start : start + NAMED_AT_ONCE]
            present = place.collection.tenants.get_by_names(some)
            found += [self._part(place.collection, name) for name in some if name in present]
        return found

    def all(self, place: Place) -> Iterator[AnyCollection]:
        """Yield every part, the last used first. Tenants that were inactive are so again afterwards."""
        if not place.layout.tenants:
            yield place.collection
            return
        tenants, name = place.collection.tenants, place.collection.name
        found, begun = tenants.get(), time.monotonic()
        for each in sorted(found, key=lambda tenant: -self._used.get((name, tenant), 0.0)):
            yield place.collection.with_tenant(each)
            was_active = found[each].activity_status is TenantActivityStatus.ACTIVE
            if not was_active and self._used.get((name, each), 0.0) < begun:
                tenants.deactivate([each])

    def ask(self, place: Place, where: Where | None, query: Callable[[AnyCollection], Any]) -> list[Any]:
        """Return the objects that a query finds in the parts of the owners that are searched, or in all."""
        if where and where.whose:
            parts = self.of(place, where.whose)
        elif place.layout.tenants:
            parts = [self._part(place.collection, name) for name in place.collection.tenants.get()]
        else:
            parts = [place.collection]
        if len(parts) < 2:
            return [each for part in parts for each in query(part).objects]
        return [each for found in self._pool().map(query, parts) for each in found.objects]

    def drop_unused(self, collections: Iterable[AnyCollection], owners: Callable[[], Collection[str]]) -> int:
        """Delete the tenants of all but these owners, which are read last; return the number of tenants."""
        present = [(collection, list(collection.tenants.get())) for collection in collections]
        kept = {tenant_name(self._seed_of(owner)) for owner in owners()} if present else set()
        unused = [(collection, [name for name in names if name not in kept]) for collection, names in present]
        for collection, names in unused:
            if names:
                collection.tenants.remove(names)
        return sum(len(names) for _, names in unused)

    def rest(self, collections: Iterable[AnyCollection]) -> int:
        """Deactivate the active tenants that were neither used nor first seen in the last IDLE_SECONDS; count them."""
        count, now = 0, time.monotonic()
        for collection in collections:
            active = [
                name
                for name, tenant in collection.tenants.get().items()
                if tenant.activity_status is TenantActivityStatus.ACTIVE
            ]
            with self._lock:
                idle = [n for n in active if now - self._used.setdefault((collection.name, n), now) >= IDLE_SECONDS]
            if idle:
                collection.tenants.deactivate(idle)
            for name in idle:
                self._used.pop((collection.name, name), None)
            count += len(idle)
        return count

    def close(self) -> None:
        """End the threads that ask several tenants; they start again when needed."""
        with self._lock:
            if self._askers is not None:
                self._askers.shutdown()
            self._askers = None

    def _part(self, collection: AnyCollection, tenant: str) -> AnyCollection:
        with self._lock:
            self._used[collection.name, tenant] = time.monotonic()
        return collection.with_tenant(tenant)

    def _pool(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._askers is None:
                self._askers = ThreadPoolExecutor(ASKED_AT_ONCE, thread_name_prefix="tenant")
            return self._askers
