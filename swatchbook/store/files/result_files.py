"""The cached results of pure stages: in a folder of this machine, or in the object store that has the stored files.

There, every machine uses them. A result is one object under its name, and can be made again.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from swatchbook.domain.errors import Failure
from swatchbook.domain.settings import Settings
from swatchbook.store.files.object_store import open_file_system, store_failure, time_of
from swatchbook.store.files.upload_buffer import is_remote


class ResultFile(NamedTuple):
    """A cached result: its name, its size in bytes, and when it was written, in Unix seconds."""

    name: str
    size: int
    written: float


class ResultFiles:
    """Cached results by name. Methods raise FilesDown, Authentication and Configuration for an object store."""

    def __init__(self, settings: Settings) -> None:
        self._place = settings.results
        self._system: Any = None

    def read(self, name: str) -> bytes:
        """Return a result. Raises FileNotFoundError if there is none."""
        if not is_remote(self._place):
            return (Path(self._place) / name).read_bytes()
        system, root = self._open()
        try:
            data: bytes = system.cat_file(f"{root}/{name}")
        except (Failure, FileNotFoundError):
            raise
        except Exception as error:
            raise self._failure(error) from error
        return data

    def has(self, name: str) -> bool:
        """Return whether there is a result of this name."""
        if not is_remote(self._place):
            return (Path(self._place) / name).exists()
        return any(each.name == name for each in self._list(name))

    def listed(self) -> Iterator[ResultFile]:
        """Yield all results."""
        if is_remote(self._place):
            yield from self._list("")
            return
        folder = Path(self._place)
        for path in folder.iterdir() if folder.is_dir() else ():
            try:
                stat = path.stat()
            except FileNotFoundError:
                continue
            if path.is_file():
                yield ResultFile(path.name, stat.st_size, stat.st_mtime)

    def delete(self, name: str) -> None:
        """Delete a result. A missing one is not an error. Raises OSError for one of another user."""
        if not is_remote(self._place):
            (Path(self._place) / name).unlink(missing_ok=True)
            return
        system, root = self._open()
        try:
            system.rm_file(f"{root}/{name}")
        except FileNotFoundError:
            return
        except Exception as error:
            raise self._failure(error) from error

    def _list(self, name: str) -> list[ResultFile]:
        """Return the results, or the one of this name."""
        system, root = self._open()
        try:
            found = [system.info(f"{root}/{name}")] if name else system.ls(root, detail=True)
        except FileNotFoundError:
            return []
        except Exception as error:
            raise self._failure(error) from error
        return [
            ResultFile(each["name"].rpartition("/")[2], int(each["size"] or 0), time_of(each))
            for each in found
            if each["type"] == "file"
        ]

    def _open(self) -> tuple[Any, str]:
        if self._system is None:
            self._system = open_file_system(self._place, "SWATCHBOOK_FILES_URL")
        system, root = self._system
        return system, root

    def _failure(self, error: Exception) -> Failure:
        return store_failure(error, f"The file store {self._place}", advice="Check SWATCHBOOK_FILES_URL.")
