"""Store each file under the SHA-256 of its bytes, in a folder or at an fsspec URL (s3://…).

Files are written atomically and never changed. `ledger/retention.py` deletes unused ones.

A key is `<sha256><suffix>`; equal bytes are one file. The CLI and the upload service store documents here first, so
that all later stages read from one place, on any machine.
"""

import ctypes
import hashlib
import logging
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from swatchbook.errors import DiskFull, Failure, FileMissing, FilesDown, InvalidReference, as_failure, reason_of

log = logging.getLogger(__name__)

KEY = re.compile(r"^[0-9a-f]{64}(\.[a-z0-9]{1,8})?$")
_COPY_BYTES = 1 << 20
_TEMPORARY_PREFIX = ".writing-"
_ADVICE = "Set SWATCHBOOK_HOME to a folder that you may write to, or SWATCHBOOK_FILES_URL to a file store that answers."


class Files:
    """The file store. Its methods raise FileMissing, DiskFull, FilesDown, and InvalidReference for a malformed key."""

    def __init__(self, url: str) -> None:
        import fsspec  # slow to import, and `status` needs no file

        self.url = url
        self._fs: Any
        self._fs, root = fsspec.core.url_to_fs(url)
        self._root: str = root.rstrip("/")
        self._local = self._fs.protocol == "file" or "file" in self._fs.protocol
        self.at_once = 1 if self._local else 4
        """How many files to put at a time: a folder takes them no faster from several threads."""
        self._synced = set[Path]()  # subfolders whose names survive a power failure

    def put_bytes(self, data: bytes, suffix: str = "") -> str:
        """Store bytes and return their key.

        If they are stored already and whole, only their modification time is renewed; a damaged file is replaced.
        """
        key = hashlib.sha256(data).hexdigest() + suffix
        if not self._refresh(key, len(data)):
            with self._writing(key) as file:
                file.write(data)
        return key

    def put_file(self, path: Path, suffix: str | None = None, *, flush: bool = True) -> str:
        """Store a local file by streaming it, and return its key; `suffix` defaults to the file's own in lower case.

        A stored file that is damaged is replaced. After the return the file survives a power failure, so its upload may
        be acknowledged; without `flush` only after `flush_all`.
        """
        suffix = path.suffix.lower() if suffix is None else suffix
        with path.open("rb") as source:
            key = hashlib.file_digest(source, "sha256").hexdigest() + (suffix if KEY.match("0" * 64 + suffix) else "")
            if not self._refresh(key, os.fstat(source.fileno()).st_size):
                source.seek(0)
                with self._writing(key, flush=flush) as file:
                    written = hashlib.sha256()
                    while data := source.read(_COPY_BYTES):
                        file.write(data)
                        written.update(data)
                    if written.hexdigest() != key[:64]:
                        raise InvalidReference(
                            f"{path} changed while it was read.", advice="Wait until it is complete."
                        )
        if self._local and flush:
            stored = Path(self._path(key))
            folder = stored.parent
            _sync(stored)  # also if another process has just stored the file
            _sync(folder)
            if folder not in self._synced:
                _sync(folder.parent)
                self._synced.add(folder)
        return key

    def flush_all(self) -> None:
        """Let all stored files survive a power failure: for many small ones it is faster than to flush each."""
        if not self._local or not Path(self._root).exists():
            return
        handle = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if ctypes.CDLL(None, use_errno=True).syncfs(handle):
                error = OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
                raise self._write_failure(error) from error
        finally:
            os.close(handle)

    def _refresh(self, key: str, size: int) -> bool:
        """Return whether a key is stored whole, and renew its modification time, so that it is not collected as unused.

        In a folder the bytes are compared with their key. Object stores check what they are sent; they are asked for
        the size only, and keep the time.
        """
        try:
            if self._local:
                os.utime(self._path(key))
        except FileNotFoundError:
            return False
        except OSError as error:  # the file belongs to another user: its time stays
            log.debug("the time of %s could not be renewed: %s", key, error)
        return self.has(key) and self.size(key) == size and (not self._local or self.is_whole(key))

    def _down(self, error: OSError) -> FilesDown:
        return FilesDown(f"The file store {self.url} does not answer: {reason_of(error)}.", advice=_ADVICE)

    def is_whole(self, key: str) -> bool:
        """Return whether the bytes of a stored file match its key, by reading all of them."""
        with self.local(key) as path, path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == key[:64]

    def has(self, key: str) -> bool:
        """Return whether a key is stored."""
        try:
            return bool(self._fs.exists(self._path(key)))
        except OSError as error:
            raise self._down(error) from error

    def size(self, key: str) -> int:
        """Return the size of a stored file in bytes."""
        try:
            return int(self._fs.size(self._path(key)))
        except FileNotFoundError as error:
            raise FileMissing(f"The stored file {key} is missing.") from error

    def sizes_on_disk(self, keys: Iterable[str]) -> dict[str, int]:
        """Return key -> size in bytes of files in a folder. Nothing for an object store: it would be asked for each."""
        return {key: self.size(key) for key in keys} if self._local else {}

    def read(self, key: str) -> bytes:
        """Return the bytes of a stored file."""
        with self.local(key) as path:
            return path.read_bytes()

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """Yield a local path of a stored file: the file itself in a local store, else a temporary copy."""
        stored = self._path(key)
        if self._local:
            path = Path(stored)
            if not path.exists():
                raise FileMissing(f"The stored file {key} is missing.", advice="Ingest its document again.")
            yield path
            return
        with tempfile.TemporaryDirectory(prefix="swatchbook-") as folder:
            path = Path(folder) / key
            try:
                self._fs.get_file(stored, str(path))
            except FileNotFoundError as error:
                raise FileMissing(f"The stored file {key} is missing.") from error
            except OSError as error:
                raise self._down(error) from error
            yield path

    def delete(self, key: str) -> None:
        """Delete a stored file. A missing file is not an error."""
        try:
            self._fs.rm_file(self._path(key))
        except FileNotFoundError:
            return

    def modified(self, key: str) -> float:
        """Return the modification time of a stored file, in Unix seconds."""
        try:
            return float(self._fs.modified(self._path(key)).timestamp())
        except FileNotFoundError as error:
            raise FileMissing(f"The stored file {key} is missing.") from error

    def unfinished(self) -> Iterator[Path]:
        """Yield the temporary files of a local store: of active writers, and of writers that were killed."""
        return Path(self._root).glob(f"*/{_TEMPORARY_PREFIX}*") if self._local else iter(())

    def keys(self) -> Iterator[str]:
        """Yield all keys, folder by folder."""
        if not self._fs.exists(self._root):
            return
        for folder in self._fs.ls(self._root, detail=False):
            for path in self._fs.ls(folder, detail=False):
                name = str(path).rsplit("/", 1)[-1]
                if KEY.match(name):
                    yield name

    def _path(self, key: str) -> str:
        if not KEY.match(key):
            raise InvalidReference(f"{key!r} is not a key of the file store.")
        return f"{self._root}/{key[:2]}/{key}"

    @contextmanager
    def _writing(self, key: str, *, flush: bool = True) -> Iterator[BinaryIO]:
        """Write to a temporary file, flush it to disk and rename it, so that no reader sees an incomplete file."""
        path = self._path(key)
        try:
            if not self._local:
                with self._fs.open(path, "wb") as file:  # object stores publish on close
                    yield file
                return
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            temporary = Path(path).with_name(f"{_TEMPORARY_PREFIX}{uuid4().hex}")
            try:
                with temporary.open("xb") as file:  # not mkstemp: the umask decides whether other users may read it
                    yield file
                    if flush:
                        file.flush()
                        os.fsync(file.fileno())
                temporary.replace(path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        except PermissionError as error:
            raise FilesDown(f"The file store {self.url} is not writable.", advice=_ADVICE) from error
        except OSError as error:
            raise self._write_failure(error) from error

    def _write_failure(self, error: OSError) -> Failure:
        failure = as_failure(error)
        return failure if isinstance(failure, DiskFull) else self._down(error)


def _sync(path: Path) -> None:
    """Flush a file or folder to disk: fsync of a file does not cover its name."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
