"""Child processes that read PDFs and pictures go on from test to test: their start takes longer than most requests."""

import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from swatchbook_base import child_process
from swatchbook_base.child_process import PASSED_ON, Child, _Process

MODULES = {
    "swatchbook_catalogue.pdf.mupdf_document",
    "swatchbook_catalogue.pdf.pdfium_document",
    "swatchbook.models.images.decode",
}
MOST_BYTES = 2 << 30
"""Address space of a child that is kept: one that has loaded many models would lack memory for the next test's."""


class KeptChildren:
    """Children that nobody uses now, by all that decides how one starts. Doubles of tests are never kept."""

    def __init__(self) -> None:
        self.keeps = True
        self.readers = set[int]()
        """Process ids of all that read PDFs."""
        self._idle = defaultdict[object, list[_Process]](list)
        self._ways = dict[_Process, object]()
        self._close = Child.close

    def start(self, module: str, memory_mb: int) -> _Process:
        """Return an idle child, or a new one."""
        way = module, memory_mb, tuple(sys.path), tuple(os.environ.get(name) for name in PASSED_ON)
        while self.keeps and self._idle[way]:
            process = self._idle[way].pop()
            if process._popen.poll() is None:
                return process
            process.end()
        process = _Process(module, memory_mb)
        if module in MODULES:
            self._ways[process] = way
            self.readers |= {process.pid} if "pdf" in module else set()
        return process

    def close(self, child: Child) -> None:
        """Keep the child's process if it is idle and small, else end it."""
        if self.keeps and child._process in self._ways and child._lock.acquire(blocking=False):
            try:
                process = child._process
                if process and process._popen.poll() is None and address_space(process.pid) < MOST_BYTES:
                    self._idle[self._ways[process]].append(process)
                    child._process = None
            finally:
                child._lock.release()
        self._close(child)

    def end_idle(self) -> None:
        for idle in self._idle.values():
            while idle:
                idle.pop().end()


def address_space(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def kept_children() -> Iterator[KeptChildren]:
    """Keep the children of this process until the block ends."""
    kept = KeptChildren()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(child_process, "_Process", kept.start)
        patch.setattr(Child, "close", lambda child: kept.close(child))
        yield kept
    kept.end_idle()
