"""Files of strangers to pixels, in children that may crash, hang or run out of memory without harm."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Self

import numpy as np

from swatchbook.arrays import Pixels
from swatchbook.errors import KINDS, CrashedWorker, Failure, ProviderTimeout, Unexpected
from swatchbook.images.limits import ImageLimits
from swatchbook.runtime.child import TRIES, Child, Frame
from swatchbook.settings import Settings

Decoded = Pixels | Failure

HANDS = 4  # requests a child for a batch: enough that no child waits long for the other

DECODE_SECONDS = 20.0
"""That one picture may take. The largest that is taken needs a few; longer means that its child hangs."""


class Decoders:
    """`settings.decoders` children, each started when first needed and anew after a death. Threads may share it.

    `seconds`: longest time for one picture.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        module: str = "swatchbook.images.decode_child",
        seconds: float = DECODE_SECONDS,
    ) -> None:
        self._limits = ImageLimits.of(settings)
        self._seconds = seconds
        self._children = [Child(module, memory_mb=settings.child_memory_mb) for _ in range(settings.decoders)]
        self._idle: SimpleQueue[Child] = SimpleQueue()
        for child in self._children:
            self._idle.put(child)
        self._threads = ThreadPoolExecutor(settings.decoders, thread_name_prefix="decode")

    def decode(self, paths: Sequence[Path], side: int) -> list[Decoded]:
        """Pixels with longest side at most `side`, or why there are none, in the order of the paths.

        Failures are TooLarge, UnreadableImage, FileMissing, CrashedWorker (its child died, and the fresh one that
        tried it again too), ProviderTimeout (longer than `seconds`); each concerns its own picture alone. All
        children work at once.

        Raises Configuration where a child does not start: that is no picture's fault.
        """
        size = max(1, len(paths) // (HANDS * len(self._children)))
        hands = [paths[n : n + size] for n in range(0, len(paths), size)]
        return list(chain.from_iterable(self._threads.map(lambda hand: self._decode(hand, side), hands)))

    def _decode(self, paths: Sequence[Path], side: int) -> list[Decoded]:
        child = self._idle.get()
        try:
            done: list[Decoded] = []
            deaths: Counter[int] = Counter()  # by place in `paths`
            while len(done) < len(paths):
                done.extend(self._until_death(child, paths[len(done) :], side))
                if isinstance(done[-1], CrashedWorker):
                    last = len(done) - 1
                    deaths[last] += 1
                    if deaths[last] < TRIES:
                        done.pop()
            return done
        finally:
            self._idle.put(child)

    def _until_death(self, child: Child, paths: Sequence[Path], side: int) -> Iterator[Decoded]:
        """What one life of a child makes of the paths. If it ends early, the last one is the picture that ended it."""
        request = {"paths": [str(path) for path in paths], "side": side, "limits": self._limits}
        try:
            for frame in child.stream(request, seconds=self._seconds):
                yield _decoded(frame)
        except CrashedWorker as death:
            yield CrashedWorker(f"Decoding it ended its process. {death.message}")
        except ProviderTimeout:
            yield ProviderTimeout(f"Decoding it took longer than {self._seconds:g} s.")

    def close(self) -> None:
        """End the children, whatever they are at."""
        for child in self._children:
            child.close()
        self._threads.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _decoded(frame: Frame) -> Decoded:
    header, pixels = frame
    if "failure" in header:
        return KINDS.get(header["failure"], Unexpected)(header["message"], advice=header["advice"])
    return np.frombuffer(pixels, np.uint8).reshape(header["height"], header["width"], 3)
