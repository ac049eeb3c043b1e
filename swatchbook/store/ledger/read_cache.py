"""Cache what searches read of the ledger until something is committed to it.

At most `MOST_VALUES` values are kept; then all are dropped.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final, TypeVar

from swatchbook.store.ledger.database import Ledger

MOST_VALUES: Final = 80_000
"""The most values that are kept, each of about 1 KB: what searches read of 10,000 images."""

T = TypeVar("T")


class ReadCache:
    """Keep what was read of one revision of a ledger. Thread-safe. Callers must not change a value.

    A value is never older than the revision: a search that began at it sees what was committed before.
    """

    def __init__(self, ledger: Ledger, revision: Hashable) -> None:
        self.ledger, self.revision = ledger, revision
        self._once = dict[Hashable, Any]()
        self._each = defaultdict[Hashable, dict[str, Any]](dict)

    @property
    def is_full(self) -> bool:
        return len(self._once) + sum(map(len, list(self._each.values()))) > MOST_VALUES

    def once(self, read: Callable[[], T], *key: Hashable) -> T:
        """Return what `read` returned when it was first called for this key."""
        if key not in self._once:
            self._once[key] = read()
        value: T = self._once[key]
        return value

    def each(self, read: Callable[..., Mapping[str, T]], ids: Sequence[str], *arguments: Hashable) -> dict[str, T]:
        """Return `read(ledger, *arguments, ids)`, id -> value, of which only the ids that are new are read.

        What it returns for an id must not depend on the other ids.
        """
        known = self._each[read, arguments]
        if new := [id for id in dict.fromkeys(ids) if id not in known]:
            found = read(self.ledger, *arguments, new)
            known.update((id, found.get(id)) for id in new)
        return {id: value for id in ids if (value := known[id]) is not None}
