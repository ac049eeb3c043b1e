"""Cache previews (rendered pages and thumbnails) in a folder of this machine, at most 1 GiB.

The least recently used are deleted first. A preview's name begins with the file-store key of its source, so that gc
finds those whose source is gone. Previews can always be made again.
"""

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

log = logging.getLogger(__name__)

MOST_BYTES = 1 << 30
_LEFT = 0.8  # share of the limit that is left after trimming, so that not every preview has to trim


class PreviewCache:
    """Previews by name, `<key of the source>-<variant>`. Threads and processes may share the folder."""

    def __init__(self, folder: Path, temporary_folder: Path, *, most_bytes: int = MOST_BYTES) -> None:
        self._folder, self._temporary_folder, self._most_bytes = folder, temporary_folder, most_bytes
        self._lock = threading.Lock()
        self._bytes: int | None = None  # as far as this process knows

    def get(self, name: str) -> bytes | None:
        """Return a preview and renew its time, or None if it is not cached."""
        path = self._folder / name
        try:
            data = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        return data

    def put(self, name: str, data: bytes) -> None:
        """Keep a preview. A failure, such as a full disk, is only logged: the preview can be made again."""
        temporary = self._temporary_folder / f"preview-{uuid4().hex}"
        try:
            for folder in (self._folder, self._temporary_folder):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._folder / name)
        except OSError as error:
            log.warning("a preview is not kept: %s", error)
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            return
        self._count(len(data))

    def paths(self) -> Iterator[Path]:
        """Yield the files of all previews."""
        return (path for path in self._folder.iterdir() if path.is_file()) if self._folder.is_dir() else iter(())

    def _count(self, size: int) -> None:
        """Count a new preview, and trim the folder if it is over its limit."""
        with self._lock:
            if self._bytes is not None and (total := self._bytes + size) <= self._most_bytes:
                self._bytes = total
                return
            self._bytes = self._trim()

    def _trim(self) -> int:
        """Delete the least recently used previews while there is more than the limit; return the bytes that are left.

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


def source_of(path: Path) -> str:
    """Return the file-store key of the document or picture that a preview was made from."""
    return path.name.partition("-")[0]
