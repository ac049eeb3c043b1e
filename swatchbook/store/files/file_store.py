"""Store each file under the SHA-256 of its bytes, in a folder or in an object store (s3://…, gs://…, az://…).

Files are written atomically and never changed. `store/ledger/retention.py` deletes unused ones.

A key is `<sha256><suffix>`; equal bytes are one file. The CLI and the upload service store documents here first, so
that all later stages read from one place, on any machine. The two kinds of stores are in `file_folder.py` and
`object_store.py`.
"""

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, ClassVar

from swatchbook.domain.errors import FileMissing, InvalidReference
from swatchbook.store.files.stored_file import KEY, StoredFile
from swatchbook.store.files.upload_buffer import is_remote

_COPY_BYTES = 1 << 20
_FILE = "file://"


class Files(ABC):
    """A file store. Methods raise FileMissing, DiskFull, FilesDown, Configuration and Authentication, and
    InvalidReference for a malformed key. `is_local`: files are read where they are stored, and asking for one costs
    nothing. `at_once`: how many files to put at a time.
    """

    url: str
    is_local: ClassVar[bool]
    at_once: ClassVar[int]

    @abstractmethod
    def find(self, key: str) -> StoredFile | None:
        """Return what is stored under a key; None if nothing is."""

    @abstractmethod
    def renew_whole(self, key: str, size: int) -> bool:
        """Return whether a key is stored whole and stays for now; otherwise it must be written (again)."""

    @abstractmethod
    def write(self, key: str, pieces: Iterable[bytes], *, flush: bool = True) -> None:
        """Store the pieces under a key: all of them, or nothing if `pieces` raises or this process dies."""

    @abstractmethod
    def make_durable(self, key: str) -> None:
        """Let a stored file survive a power failure."""

    @abstractmethod
    def flush_all(self) -> None:
        """Let all stored files survive a power failure: for many small ones it is faster than to flush each."""

    @abstractmethod
    def is_whole(self, key: str) -> bool:
        """Return whether the stored bytes match the key, by reading all of them from the store."""

    @abstractmethod
    def local(self, key: str) -> AbstractContextManager[Path]:
        """Yield a path of a stored file on this machine: the file itself in a folder, else a copy."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Delete a stored file. A missing file is not an error."""

    @abstractmethod
    def keys(self) -> Iterator[str]:
        """Yield all keys, folder by folder."""

    def unfinished(self) -> Iterator[Path]:
        """Yield temporary files in a folder: of active writers, and of writers that were killed."""
        return iter(())

    def end_unfinished(self, *, older_than: float) -> int:
        """End uploads to an object store that were begun `older_than` seconds ago and not completed; count them."""
        return 0

    def copies(self) -> Iterator[Path]:
        """Yield all files of the folder of copies of an object store: copies under their keys, and what processes write
        or use now.
        """
        return iter(())

    def put_bytes(self, data: bytes, suffix: str = "") -> str:
        """Store bytes and return their key.

        If they are stored already and whole, only their modification time is renewed; a damaged file is replaced.
        """
        key = hashlib.sha256(data).hexdigest() + suffix
        if not self.renew_whole(key, len(data)):
            self.write(key, (data,))
        return key

    def put_file(self, path: Path, suffix: str | None = None, *, flush: bool = True) -> str:
        """Store a local file by streaming it, and return its key; `suffix` defaults to the file's own in lower case.

        A stored file that is damaged is replaced. After the return the file survives a power failure, so its upload may
        be acknowledged; without `flush` only after `flush_all`.
        """
        suffix = path.suffix.lower() if suffix is None else suffix
        with path.open("rb") as source:
            key = hashlib.file_digest(source, "sha256").hexdigest() + (suffix if KEY.match("0" * 64 + suffix) else "")
            if not self.renew_whole(key, os.fstat(source.fileno()).st_size):
                source.seek(0)
                self.write(key, _unchanged(source, key, path), flush=flush)
        if flush:
            self.make_durable(key)
        return key

    def renew(self, key: str) -> bool:
        """Return whether a key is stored whole, and stays for now though no row names it."""
        stored = self.find(key)
        return stored is not None and self.renew_whole(key, stored.size)

    def has(self, key: str) -> bool:
        """Return whether a key is stored."""
        return self.find(key) is not None

    def size(self, key: str) -> int:
        """Return the size of a stored file in bytes."""
        if (stored := self.find(key)) is None:
            raise FileMissing(f"The stored file {key} is missing.")
        return stored.size

    def sizes_on_disk(self, keys: Iterable[str]) -> dict[str, int]:
        """Return key -> size in bytes of files in a folder. Nothing for an object store: it would be asked for each."""
        return {key: self.size(key) for key in keys} if self.is_local else {}

    def read(self, key: str) -> bytes:
        """Return the bytes of a stored file."""
        with self.local(key) as path:
            return path.read_bytes()


def open_files(url: str | Path, copies: Path | None = None) -> Files:
    """Return the file store at a URL or in a folder.

    `copies` is the folder on this machine for copies of what is in an object store; a folder store needs none.
    """
    if is_remote(url := str(url)) and not url.startswith(_FILE):
        from swatchbook.store.files.object_store import ObjectStore  # its packages are slow to import

        return ObjectStore(url, copies)
    from swatchbook.store.files.file_folder import FileFolder

    return FileFolder(url)


def _unchanged(source: BinaryIO, key: str, path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file. Raises InvalidReference at its end if they do not match the key any more."""
    read = hashlib.sha256()
    while data := source.read(_COPY_BYTES):
        read.update(data)
        yield data
    if read.hexdigest() != key[:64]:
        raise InvalidReference(f"{path} changed while it was read.", advice="Wait until it is complete.")
