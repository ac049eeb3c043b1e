"""Where LanceDB's tables are, and the lock of their writer: in a folder of this machine."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from swatchbook.domain.errors import IndexDown
from swatchbook.index.slim_lancedb import lancedb


@contextmanager
def hold_file(file: Path, seconds: float) -> Iterator[None]:
    """Hold the lock of a file for the block. Raises IndexDown if another process holds it for `seconds`."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(file, timeout=seconds)
    try:
        lock.acquire()
    except Timeout as waited:
        raise busy(seconds) from waited
    try:
        yield
    finally:
        lock.release()


def busy(seconds: float) -> IndexDown:
    """Return the failure of a writer that has waited for another one."""
    return IndexDown(
        f"Another process has been writing to the index for {seconds:g} s.",
        advice="Wait until that process is done: `swatchbook status` shows what is running.",
    )


class LanceFolder:
    """A place of LanceDB's tables: each in a folder `<name>.lance`, with a lock file next to it.

    `database` is what `connect` has returned; to create and drop a table needs the lock of its space.
    """

    def __init__(self, folder: Path, *, lock_seconds: float) -> None:
        self.folder = folder
        self._lock_seconds = lock_seconds

    def __str__(self) -> str:
        return str(self.folder)

    def connect(self, session: Any) -> Any:
        """Return the database."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return lancedb.connect(self.folder, session=session)

    def probe(self) -> None:
        """Write a block: nothing else shows that it can be written."""
        self.folder.mkdir(parents=True, exist_ok=True)  # it may have been deleted meanwhile
        with tempfile.TemporaryFile(dir=self.folder) as block:
            block.write(bytes(4096))
            block.flush()

    def tables(self, database: Any) -> Mapping[str, str]:
        """Return the name of each space -> the name of its table, in the order of names."""
        self.folder.mkdir(parents=True, exist_ok=True)
        folders = (path for path in self.folder.iterdir() if path.suffix == ".lance" and _manifests(path))
        return {name: name for name in sorted(path.stem for path in folders)}

    def stamp(self, database: Any, name: str) -> object | None:
        """Return a value that changes with each write to the table of a space; None if there is none."""
        table = self.folder / f"{name}.lance"
        try:
            versions = (table / "_versions").stat()
        except FileNotFoundError:
            return None
        manifests = _manifests(table)
        return (versions.st_ino, versions.st_mtime_ns, manifests) if manifests else None

    def create(self, database: Any, name: str, make: Callable[[str], Any]) -> None:
        """Make the table of a space by calling `make` with the name of a table."""
        make(name)

    def drop(self, database: Any, name: str) -> None:
        table = self.folder / f"{name}.lance"
        dropped = table.with_suffix(".dropped")
        if dropped.exists():  # left by a drop that was killed
            shutil.rmtree(dropped)
        if table.exists():
            # It is renamed first: a search that opens a half deleted table would miss results.
            table.rename(dropped)
            shutil.rmtree(dropped)

    def collect(self, database: Any) -> None:
        """Do nothing: the next drop deletes what one that was killed has left."""

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold the lock of the writer of a space. Raises IndexDown if another one holds it for too long."""
        file = self.folder / f"{name}.lock"
        with hold_file(file, self._lock_seconds):
            try:
                yield
            finally:
                if not (self.folder / f"{name}.lance").exists():  # dropped; who waits for the lock opens a new file
                    file.unlink(missing_ok=True)


def _manifests(table: Path) -> frozenset[str]:
    """Return the names of a table's versions: none while another process makes it, or if that was killed."""
    try:
        with os.scandir(table / "_versions") as files:
            return frozenset(each.name for each in files if each.name.endswith(".manifest"))
    except FileNotFoundError:
        return frozenset()
