"""A child process of a reader that reads file after file in tests: starting one takes longer than reading most."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from swatchbook.pdf import reader
from swatchbook.runtime.child_process import Child


class Kept(Child):
    """The real child, which goes on from one file to the next."""

    def __init__(self, module: str) -> None:
        super().__init__(module, memory_mb=1024)
        self.pids: set[int] = set()

    def __exit__(self, *_: object) -> None:
        if self.pid:
            self.pids.add(self.pid)


@contextmanager
def kept_child(module: str) -> Iterator[Kept]:
    """Let the reader use one child of this module until the block ends."""
    kept = Kept(module)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "Child", lambda *_, **__: kept)
        yield kept
    kept.close()
