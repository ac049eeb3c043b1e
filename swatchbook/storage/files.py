"""Content-addressed files in a folder or at an fsspec URL (s3://…): written once, whole or not at all, never changed.

A key is `<sha256><suffix>`; equal bytes are one file. The CLI and the upload service put the bytes here first, so that
everything behind them reads from one place, on any machine.
"""

import hashlib
import logging
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from swatchbook.errors import DiskFull, FileMissing, FilesDown, InvalidReference, as_failure

log = logging.getLogger(__name__)

KEY = re.compile(r"^[0-9a-f]{64}(\.[a-z0-9]{1,8})?$")
_COPY_BYTES = 1 << 20
_BESIDE = ".writing-"


class Files:
    """The file store. Raises FileMissing, DiskFull, FilesDown, and InvalidReference for what is no key."""

    def __init__(self, url: str) -> None:
        import fsspec  # a tenth of what `status` takes, which opens no file

        self.url = url
        self._fs: Any
        self._fs, root = fsspec.core.url_to_fs(url)
        self._root: str = root.rstrip("/")
        self._local = self._fs.protocol == "file" or "file" in self._fs.protocol

    def put_bytes(self, data: bytes, suffix: str = "") -> str:
        """Store bytes; returns their key. Storing what is there already writes nothing, but counts as written now."""
        key = hashlib.sha256(data).hexdigest() + suffix
        if not self._refresh(key):
            with self._writing(key) as file:
                file.write(data)
        return key

    def put_file(self, path: Path, suffix: str | None = None) -> str:
        """Store a local file by streaming it; `suffix` defaults to the file's own, in lower case.

        When it returns, the file outlives a power cut: whoever sent it may be told so.
        """
        suffix = path.suffix.lower() if suffix is None else suffix
        with path.open("rb") as source:
            key = hashlib.file_digest(source, "sha256").hexdigest() + (suffix if KEY.match("0" * 64 + suffix) else "")
            if not self._refresh(key):
                source.seek(0)
                with self._writing(key) as file:
                    written = hashlib.sha256()
                    while some := source.read(_COPY_BYTES):
                        file.write(some)
                        written.update(some)
                    if written.hexdigest() != key[:64]:
                        raise InvalidReference(f"{path} changed while it was read.", advice="Wait until it is whole.")
        if self._local:
            folder = Path(self._path(key)).parent
            for named in (folder, folder.parent):  # also where another has just put it
                _keep_names(named)
        return key

    def _refresh(self, key: str) -> bool:
        """Whether it is there; then nobody takes it for a leftover of long ago. Object stores keep their dates."""
        try:
            if self._local:
                os.utime(self._path(key))
        except FileNotFoundError:
            return False
        except OSError as error:  # of somebody else's: then its date stays
            log.debug("%s keeps its date: %s", key, error)
        return self.has(key)

    def has(self, key: str) -> bool:
        try:
            return bool(self._fs.exists(self._path(key)))
        except OSError as error:
            raise FilesDown(f"The file store {self.url} does not answer: {error}") from error

    def size(self, key: str) -> int:
        """Bytes of a stored file."""
        try:
            return int(self._fs.size(self._path(key)))
        except FileNotFoundError as error:
            raise FileMissing(f"The stored file {key} is missing.") from error

    def read(self, key: str) -> bytes:
        with self.local(key) as path:
            return path.read_bytes()

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """A local path to read from: the file itself in a folder, else a temporary copy."""
        where = self._path(key)
        if self._local:
            path = Path(where)
            if not path.exists():
                raise FileMissing(f"The stored file {key} is missing.", advice="Ingest its document again.")
            yield path
            return
        with tempfile.TemporaryDirectory(prefix="swatchbook-") as folder:
            path = Path(folder) / key
            try:
                self._fs.get_file(where, str(path))
            except FileNotFoundError as error:
                raise FileMissing(f"The stored file {key} is missing.") from error
            except OSError as error:
                raise FilesDown(f"The file store {self.url} does not answer: {error}") from error
            yield path

    def delete(self, key: str) -> None:
        """Remove a file; a missing one is no error."""
        try:
            self._fs.rm_file(self._path(key))
        except FileNotFoundError:
            return

    def modified(self, key: str) -> float:
        """When a stored file was written, Unix seconds."""
        try:
            return float(self._fs.modified(self._path(key)).timestamp())
        except FileNotFoundError as error:
            raise FileMissing(f"The stored file {key} is missing.") from error

    def unfinished(self) -> Iterator[Path]:
        """What writers have begun beside the files of a local store; left behind only by those that were killed."""
        return Path(self._root).glob(f"*/{_BESIDE}*") if self._local else iter(())

    def keys(self) -> Iterator[str]:
        """All keys, folder by folder."""
        if not self._fs.exists(self._root):
            return
        for folder in self._fs.ls(self._root, detail=False):
            for path in self._fs.ls(folder, detail=False):
                name = str(path).rsplit("/", 1)[-1]
                if KEY.match(name):
                    yield name

    def _path(self, key: str) -> str:
        if not KEY.match(key):
            raise InvalidReference(f"{key!r} is no key of the file store.")
        return f"{self._root}/{key[:2]}/{key}"

    @contextmanager
    def _writing(self, key: str) -> Iterator[BinaryIO]:
        """Write beside, flush to the disk, then rename: a reader or a crash never meets half a file."""
        path = self._path(key)
        try:
            if not self._local:
                with self._fs.open(path, "wb") as file:  # object stores publish on close
                    yield file
                return
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            beside = Path(path).with_name(f"{_BESIDE}{uuid4().hex}")
            try:
                with beside.open("xb") as file:  # not mkstemp: by the umask, shards of another user may read it
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                beside.replace(path)
            except BaseException:
                beside.unlink(missing_ok=True)
                raise
        except PermissionError as error:
            raise FilesDown(
                f"No right to write to the file store {self.url}.", advice="Check SWATCHBOOK_HOME and its owner."
            ) from error
        except OSError as error:
            failure = as_failure(error)
            if isinstance(failure, DiskFull):
                raise failure from error
            raise FilesDown(f"The file store {self.url} does not answer: {error}") from error


def _keep_names(folder: Path) -> None:
    """Flush a folder to the disk: a file's own fsync does not cover its name."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
