"""The cached results of pure stages: in a folder of this machine, or in the object store that has the stored files.

There, every machine uses them. A result is one object under its name, and can be made again.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
        self._system: tuple[Any, str] | None = None

    def read(self, name: str) -> bytes:
        """Return a result. Raises FileNotFoundError if there is none."""
        with self._opened() as (system, root):
            data: bytes = system.cat_file(f"{root}/{name}")
            return data

    def has(self, name: str) -> bool:
        """Return whether there is a result of this name."""
        return bool(self._list(name))

    def listed(self) -> list[ResultFile]:
        """Return all results."""
        return self._list("")

    def delete(self, name: str) -> None:
        """Delete a result. A missing one is not an error. Raises OSError for one of another user."""
        with suppress(FileNotFoundError), self._opened() as (system, root):
            system.rm_file(f"{root}/{name}")

    def _list(self, name: str) -> list[ResultFile]:
        """Return the results, or the one of this name."""
        found = list[dict[str, Any]]()
        with suppress(FileNotFoundError), self._opened() as (system, root):
            found = [system.info(f"{root}/{name}")] if name else system.ls(root, detail=True)
        return [
            ResultFile(each["name"].rpartition("/")[2], int(each["size"] or 0), time_of(each))
            for each in found
            if each["type"] == "file"
        ]

    @contextmanager
    def _opened(self) -> Iterator[tuple[Any, str]]:
        """Yield the file system and the path in it. Errors of an object store's package are raised as Failures."""
        if self._system is None:
            self._system = open_file_system(self._place, "SWATCHBOOK_FILES_URL")
        try:
            yield self._system
        except Exception as error:
            if isinstance(error, Failure | FileNotFoundError) or not is_remote(self._place):
                raise
            advice = "Check SWATCHBOOK_FILES_URL."
            raise store_failure(error, f"The file store {self._place}", advice=advice) from error
