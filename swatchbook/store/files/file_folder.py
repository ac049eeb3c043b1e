"""The file store in a folder: each file is written under a temporary name, flushed to disk and renamed."""

import ctypes
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from swatchbook.domain.errors import DiskFull, Failure, FileMissing, FilesDown, as_failure, reason_of
from swatchbook.store.files.file_store import Files
from swatchbook.store.files.stored_file import ADVICE, KEY, StoredFile, is_whole, place_of

log = logging.getLogger(__name__)

_TEMPORARY_PREFIX = ".writing-"


class FileFolder(Files):
    """A file store in a folder, which a URL of `file://` names, too."""

    is_local = True
    at_once = 1  # a folder takes files no faster from several threads

    def __init__(self, url: str) -> None:
        self.url, self._root = url, Path(url.removeprefix("file://"))
        self._synced = set[Path]()  # subfolders whose names survive a power failure

    def find(self, key: str) -> StoredFile | None:
        try:
            stat = self._path(key).stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._down(error) from error
        return StoredFile(size=stat.st_size, modified=stat.st_mtime)

    def renew_whole(self, key: str, size: int) -> bool:
        """Return whether a key is stored whole, and renew its time, so that it is not collected as unused."""
        path = self._path(key)
        try:
            os.utime(path)
        except FileNotFoundError:
            return False
        except OSError as error:  # the file belongs to another user: its time stays
            log.debug("the time of %s could not be renewed: %s", key, error)
        return (stored := self.find(key)) is not None and stored.size == size and is_whole(path, key)

    def write(self, key: str, pieces: Iterable[bytes], *, flush: bool = True) -> None:
        """Store the pieces under a key, so that no reader sees an incomplete file."""
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f"{_TEMPORARY_PREFIX}{uuid4().hex}")
            try:
                with temporary.open("xb") as file:  # not mkstemp: the umask decides whether other users may read it
                    file.writelines(pieces)
                    if flush:
                        file.flush()
                        os.fsync(file.fileno())
                temporary.replace(path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        except PermissionError as error:
            raise FilesDown(f"The file store {self._root} is not writable.", advice=ADVICE) from error
        except OSError as error:
            raise self._write_failure(error) from error

    def make_durable(self, key: str) -> None:
        """Let a stored file survive a power failure, also if another process has just stored it."""
        stored = self._path(key)
        _sync(stored)
        _sync(stored.parent)
        if stored.parent not in self._synced:
            _sync(stored.parent.parent)
            self._synced.add(stored.parent)

    def flush_all(self) -> None:
        if not self._root.exists():
            return
        handle = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if ctypes.CDLL(None, use_errno=True).syncfs(handle):
                error = OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
                raise self._write_failure(error) from error
        finally:
            os.close(handle)

    def is_whole(self, key: str) -> bool:
        with self.local(key) as path:
            return is_whole(path, key)

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        path = self._path(key)
        if not path.exists():
            raise FileMissing(f"The stored file {key} is missing.", advice="Ingest its document again.")
        yield path

    def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def keys(self) -> Iterator[str]:
        for folder in self._root.iterdir() if self._root.exists() else ():
            for path in folder.iterdir() if folder.is_dir() else ():
                if KEY.match(path.name):
                    yield path.name

    def unfinished(self) -> Iterator[Path]:
        return self._root.glob(f"*/{_TEMPORARY_PREFIX}*")

    def _path(self, key: str) -> Path:
        return self._root / place_of(key)

    def _write_failure(self, error: OSError) -> Failure:
        failure = as_failure(error)
        return failure if isinstance(failure, DiskFull) else self._down(error)

    def _down(self, error: OSError) -> FilesDown:
        return FilesDown(f"The file store {self._root} does not answer: {reason_of(error)}.", advice=ADVICE)


def _sync(path: Path) -> None:
    """Flush a file or folder to disk: fsync of a file does not cover its name."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
