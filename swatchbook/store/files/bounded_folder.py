"""Keep a folder of files that can be made again below a number of bytes: the least recently used are deleted first."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_LEFT = 0.8  # share of the limit that is left after trimming, so that not every new file has to trim


class BoundedFolder:
    """A folder that several threads and processes may share. Files whose names begin with a dot are left alone.

    Who uses a file renews its time.
    """

    def __init__(self, folder: Path, *, most_bytes: int) -> None:
        self.folder, self._most_bytes = folder, most_bytes
        self._lock = threading.Lock()
        self._bytes: int | None = None  # as far as this process knows

    def paths(self) -> Iterator[Path]:
        """Yield the files."""
        found = self.folder.iterdir() if self.folder.is_dir() else iter(())
        return (path for path in found if not path.name.startswith(".") and path.is_file())

    def count(self, size: int) -> None:
        """Count a new file of `size` bytes, and trim the folder if it is over its limit."""
        with self._lock:
            if self._bytes is not None and (total := self._bytes + size) <= self._most_bytes:
                self._bytes = total
                return
            self._bytes = self._trim()

    def _trim(self) -> int:
        """Delete the least recently used files while there is more than the limit; return the bytes that are left.

        Deletes down to a share of the limit.
        """
        found: list[tuple[float, int, Path]] = []
        for path in self.paths():
            with suppress(OSError):  # another process deleted it
                stat = path.stat()
                found.append((stat.st_mtime, stat.st_size, path))
        total = sum(size for _, size, _ in found)
        if total <= self._most_bytes:
            return total
        for _, size, path in sorted(found):
            if total <= self._most_bytes * _LEFT:
                break
            with suppress(OSError):
                path.unlink(missing_ok=True)
                total -= size
        return total
