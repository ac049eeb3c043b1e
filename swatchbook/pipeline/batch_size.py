"""How many items a run makes together: as many as fit into memory, and never more than its batch size."""

import threading

from swatchbook.errors import Failure

ITEM_BYTES = 16 << 20
"""What one item may take while it is made, an estimate: a decoded picture has a few MB, and what a vision network
holds of it is of the order of 10 MB.
"""


def how_many(free: int, each: int, most: int) -> int:
    """How many items of `each` bytes fit into `free` bytes: 1 to `most`."""
    return max(1, min(most, free // each))


class Fit:
    """What a run has learnt about the size of its batches. Threads share it.

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
        """Items made together at last."""
        return self._size

    def keep_half(self, count: int, failure: Failure) -> None:
        """`count` items together failed, and their halves did not: never so many again in this run."""
        with self._lock:
            self._kept = max(1, min(self._kept, count // 2))
            self._too_large = failure

    def settle(self, free: int) -> int:
        """The size of the next batch: what fits into `free` bytes; where there are none, half of the last size."""
        with self._lock:
            wanted = how_many(free, ITEM_BYTES, self._kept) if free > 0 else max(1, self._size // 2)
            self._size = min(self._kept, wanted)
            self._alone += self._size == 1 < self._kept
            return self._size

    def warnings(self, percent: int) -> tuple[str, ...]:
        """What the report has to say; `percent` is the use of memory above which it is short."""
        said = list[str]()
        if self._too_large is not None:
            said.append(f"Worked in batches of at most {self._kept}, because larger ones failed: {self._too_large}")
        if self._alone:
            said.append(f"Worked one at a time because memory was near or above {percent} %: {self._alone} times.")
        return tuple(said)
