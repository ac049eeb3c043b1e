"""One child process of a reader serves file after file: starting one takes longer than reading most files."""

import os
import sys
from collections.abc import Iterator

import pytest

from swatchbook.pdf import reader
from swatchbook.runtime.child_process import PASSED_ON, Child


class Kept(Child):
    """The real child, which goes on from one file to the next unless its use failed."""

    pids: set[int]

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self.pids |= {self.pid} if self.pid else set()
        if kind:
            self.close()


@pytest.fixture(scope="session")
def kept_children() -> Iterator[dict[object, Kept]]:
    """The children that are kept, by all that decides how one starts."""
    kept = dict[object, Kept]()
    yield kept
    for child in kept.values():
        child.close()


@pytest.fixture(autouse=True)
def keep_children(kept_children: dict[object, Kept], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the reader use a kept child of its own modules. Doubles, and children short of memory, are new ones."""

    def child(module: str, *, memory_mb: int) -> Child:
        if module.startswith("tests.") or memory_mb < 1_024:
            return Child(module, memory_mb=memory_mb)
        start = module, memory_mb, tuple(sys.path), tuple(os.environ.get(name) for name in PASSED_ON)
        if start not in kept_children:
            kept_children[start] = Kept(module, memory_mb=memory_mb)
            kept_children[start].pids = set()
        return kept_children[start]

    monkeypatch.setattr(reader, "Child", child)
