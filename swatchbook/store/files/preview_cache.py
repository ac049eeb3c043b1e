"""Cache previews (rendered pages and thumbnails) in a folder of this machine, at most 1 GiB.

The least recently used are deleted first. A preview's name begins with the file-store key of its source, so that gc
finds those whose source is gone. Previews can always be made again.
"""

import logging
import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from swatchbook.store.files.bounded_folder import BoundedFolder

log = logging.getLogger(__name__)

MOST_BYTES = 1 << 30


class PreviewCache(BoundedFolder):
    """Previews by name, `<key of the source>-<variant>`. Threads and processes may share the folder."""

    def __init__(self, folder: Path, temporary_folder: Path, *, most_bytes: int = MOST_BYTES) -> None:
        super().__init__(folder, most_bytes=most_bytes)
        self._temporary_folder = temporary_folder

    def get(self, name: str) -> bytes | None:
        """Return a preview and renew its time, or None if it is not cached."""
        path = self.folder / name
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
            for folder in (self.folder, self._temporary_folder):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.folder / name)
        except OSError as error:
            log.warning("a preview is not kept: %s", error)
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            return
        self.count(len(data))


def source_of(path: Path) -> str:
    """Return the file-store key of the document or picture that a preview was made from."""
    return path.name.partition("-")[0]
