"""Choose how many items are processed together: as many as fit into free memory, at most the option `batch_size`.

Memory up to 80 % of the machine's may be used, at 16 MiB an item. With none free, the size is halved, down to one.
After a batch that was too large, the size is at most half of it for the rest of the run.
"""

import threading

from swatchbook.domain.errors import Failure

MEMORY_LIMIT_PERCENT = 80
"""Use of the machine's memory above which batches wait and become smaller."""

ITEM_BYTES = 16 << 20
"""Estimated memory of one item in work: a few MB for the decoded picture, some 10 MB inside a vision network."""


def count_that_fits(free: int, each: int, most: int) -> int:
    """Return how many items of `each` bytes fit into `free` bytes: 1 to `most`."""
    return max(1, min(most, free // each))


class BatchSize:
    """The size of a run's batches, adapted to memory. Threads share it.

    After a batch that was too large, the size that worked is kept for the rest of the run: never more than that. Below
    it, free memory decides.
    """

    def __init__(self, most: int) -> None:
        self.turn = threading.Lock()
        """Held while one thread waits for memory. The others wait behind it: else each of them would halve the size."""
        self._lock = threading.Lock()
        self._kept = self._size = most
        self._too_large: Failure | None = None
        self._alone = 0

    @property
    def size(self) -> int:
        """Return the last size that was used."""
        return self._size

    def keep_half(self, count: int, failure: Failure) -> None:
        """Limit the size to half of `count` for the rest of the run: halves worked where `count` items failed."""
        with self._lock:
            self._kept = max(1, min(self._kept, count // 2))
            self._too_large = failure

    def next_size(self, free: int) -> int:
        """Return the size of the next batch: what fits into `free` bytes; with none free, half of the last size."""
        with self._lock:
            wanted = count_that_fits(free, ITEM_BYTES, self._kept) if free > 0 else max(1, self._size // 2)
            self._size = min(self._kept, wanted)
            self._alone += self._size == 1 < self._kept
            return self._size

    def warnings(self) -> tuple[str, ...]:
        """Return lines for the run's report: why its batches were small, if they were."""
        lines = list[str]()
        if self._too_large is not None:
            lines.append(f"Worked in batches of at most {self._kept}, because larger ones failed: {self._too_large}")
        if self._alone:
            lines.append(
                f"Worked one at a time because memory was near or above {MEMORY_LIMIT_PERCENT} %: {self._alone} times."
            )
        return tuple(lines)
