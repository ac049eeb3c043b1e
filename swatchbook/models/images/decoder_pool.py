"""Decode untrusted picture files in child processes, at most 20 s for a picture, with a second try after a crash.

`swatchbook_base/image_limits.py` has the limits of size, `decode.py` formats and conversion.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from queue import LifoQueue
from typing import NamedTuple, Self, TypeVar

import numpy as np

from swatchbook.domain.errors import KINDS, CrashedWorker, Failure, ProviderTimeout, TooSlow, Unexpected
from swatchbook.domain.settings import Settings
from swatchbook_base.arrays import Pixels
from swatchbook_base.child_process import TRIES, Child, Frame
from swatchbook_base.image_limits import ImageLimits

Decoded = Pixels | Failure

_HEADER_ONLY = 0  # the side for which a child reads only the header
REQUESTS_PER_CHILD = 2  # requests to each child for a batch: other batches keep it busy at the end of this one
DECODE_SECONDS = 20.0  # for one picture; the largest allowed takes a few seconds: a slower child hangs
T = TypeVar("T")


class Header(NamedTuple):
    """The header of a picture: width and height in pixels when upright, Pillow's mode and format.

    `lacks_end`: the file is a JPEG that lacks its last bytes, and no row.
    """

    width: int
    height: int
    mode: str
    format: str
    lacks_end: bool = False


class Decoders:
    """A pool of `settings.decoder_processes` children, each started when first needed, and again after a crash.
    Thread-safe.

    `seconds` is the longest time for one picture.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        module: str = "swatchbook.models.images.decode",
        seconds: float = DECODE_SECONDS,
    ) -> None:
        self._limits = ImageLimits.of(settings)
        self._seconds = seconds
        self._children = [Child(module, memory_mb=settings.child_memory_mb) for _ in range(settings.decoder_processes)]
        self._idle: LifoQueue[Child] = LifoQueue()  # the last one used goes first: the others need not be started
        for child in self._children:
            self._idle.put(child)
        self._threads = ThreadPoolExecutor(len(self._children), thread_name_prefix="decode")

    def decode(self, paths: Sequence[Path], side: int) -> list[Decoded]:
        """Return (h, w, 3) uint8 pixels with longest side at most `side`, or a failure, for each path in order.

        Failures are TooLarge, UnreadableImage, FileMissing, CrashedWorker (two children crashed on the picture) and
        ProviderTimeout (longer than `seconds`). A failure of one picture does not affect the others. All children work
        in parallel.

        Raises Configuration if a child does not start.
        """
        return self._ask_all(paths, side, _decoded)

    def headers(self, paths: Sequence[Path]) -> list[Header | Failure]:
        """Return the header of each picture in order, without decoding it, or the failures that `decode` returns."""
        return self._ask_all(paths, _HEADER_ONLY, lambda frame: Header(**frame[0]))

    def _ask_all(self, paths: Sequence[Path], side: int, read: Callable[[Frame], T]) -> list[T | Failure]:
        paths = [path.absolute() for path in paths]  # the children stay in the folder that they were started in
        size = max(1, len(paths) // (REQUESTS_PER_CHILD * len(self._children)))
        portions = [paths[n : n + size] for n in range(0, len(paths), size)]
        return list(chain.from_iterable(self._threads.map(lambda portion: self._ask(portion, side, read), portions)))

    def _ask(self, paths: Sequence[Path], side: int, read: Callable[[Frame], T]) -> list[T | Failure]:
        child = self._idle.get()
        try:
            decoded: list[T | Failure] = []
            crashes: Counter[int] = Counter()  # index in `paths` -> number of crashes
            while len(decoded) < len(paths):
                decoded.extend(self._stream_until_crash(child, paths[len(decoded) :], side, read))
                if isinstance(decoded[-1], CrashedWorker):
                    last = len(decoded) - 1
                    crashes[last] += 1
                    if crashes[last] < TRIES:
                        decoded.pop()
            return decoded
        finally:
            self._idle.put(child)

    def _stream_until_crash(
        self, child: Child, paths: Sequence[Path], side: int, read: Callable[[Frame], T]
    ) -> Iterator[T | Failure]:
        """Decode paths until the child crashes or hangs; the last result is then the failure of that picture."""
        request = {"paths": [str(path) for path in paths], "side": side, "limits": self._limits}
        try:
            for frame in child.stream(request, seconds=self._seconds):
                yield _failure(frame) or read(frame)
        except CrashedWorker as crash:
            yield CrashedWorker(f"Decoding it ended its process. {crash.message}")
        except (ProviderTimeout, TooSlow):
            yield ProviderTimeout(f"Decoding it took longer than {self._seconds:g} s.")

    def close(self) -> None:
        """Stop the children, even in the middle of a picture."""
        for child in self._children:
            child.close()
        self._threads.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _failure(frame: Frame) -> Failure | None:
    header, _ = frame
    if "failure" not in header:
        return None
    return KINDS.get(header["failure"], Unexpected)(header["message"], advice=header["advice"])


def _decoded(frame: Frame) -> Pixels:
    header, pixels = frame
    return np.frombuffer(pixels, np.uint8).reshape(header["height"], header["width"], 3)
