"""The file store in an object store (s3://…, gs://…, az://…), through fsspec, with copies on this machine.

- An object is there whole or not at all: large ones are sent in parts that the store puts together at the end.
- Credentials are those of the environment, or of the profile or machine, as the store's own programs find them.
- What is read is copied into a folder of this machine, which keeps at most COPIES_BYTES.
- An object cannot be given a new time: one that is stored again after RENEW_SECONDS is sent again, so that it is not
  collected as unused.
"""

import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec

from swatchbook.domain.errors import (
    Authentication,
    Configuration,
    DiskFull,
    Failure,
    FileMissing,
    FilesDown,
    as_failure,
    reason_of,
)
from swatchbook.domain.extras import extra_of_url, is_installed, require_extra
from swatchbook.store.files.bounded_folder import BoundedFolder
from swatchbook.store.files.file_store import Files
from swatchbook.store.files.stored_file import ADVICE, KEY, StoredFile, is_whole, place_of

COPIES_BYTES = 4 << 30
"""The most bytes of copies on this machine."""

RENEW_SECONDS = 1_800.0
"""The age from which an object is sent again when it is stored again: half of `retention.UNUSED_SECONDS`."""

_OPTIONS: dict[str, dict[str, Any]] = {
    "s3": {"config_kwargs": {"connect_timeout": 10, "read_timeout": 60}},
    "azure": {"anon": False},  # else its package looks for no identity of this machine
}
"""Extra -> what its file system is opened with."""

_TIMES = ("LastModified", "mtime", "last_modified", "created")
"""Where the file systems have the time of an object."""

_REFUSALS = frozenset(
    {
        "azure.core.exceptions.ClientAuthenticationError",
        "botocore.exceptions.CredentialRetrievalError",
        "botocore.exceptions.NoCredentialsError",
        "botocore.exceptions.PartialCredentialsError",
        "botocore.exceptions.ProfileNotFound",
        "botocore.exceptions.SSOError",
        "botocore.exceptions.TokenRetrievalError",
        "google.auth.exceptions.GoogleAuthError",
    }
)
"""Classes of errors of missing or wrong credentials. Only the packages of one store may be installed."""

_FOLDER = re.compile(r"^[0-9a-f]{2}$")


def open_file_system(url: str, setting: str) -> tuple[Any, str]:
    """Return the file system of a URL, and the path in it. `setting` is named in what it raises.

    Raises MissingExtra, and Configuration for an unknown protocol.
    """
    protocol = url.partition("://")[0]
    extra = extra_of_url(url)
    if extra is not None:
        require_extra(extra, f"{setting} with {protocol}://")
    try:
        system, root = fsspec.core.url_to_fs(url, **options_of(url))
    except (ImportError, ValueError) as error:
        raise Configuration(
            f"{setting} cannot be opened: its protocol, {protocol}://, is unknown.", advice="Correct it."
        ) from error
    return system, root.rstrip("/")


def options_of(url: str) -> dict[str, Any]:
    """Return what the file system of a URL is opened with. It keeps no listings: other processes write, too."""
    return {"use_listings_cache": False, "skip_instance_cache": True, **_OPTIONS.get(extra_of_url(url) or "", {})}


class ObjectStore(Files):
    """A file store at an fsspec URL."""

    is_local = False
    at_once = 4

    def __init__(self, url: str, copies: Path | None) -> None:
        self.url = url
        with self._answering():
            self._fs, self._root = open_file_system(url, "SWATCHBOOK_FILES_URL")
        self._own = None if copies else tempfile.TemporaryDirectory(prefix="swatchbook-")  # deleted with this object
        self._copies = BoundedFolder(copies or Path(self._own.name if self._own else ""), most_bytes=COPIES_BYTES)

    def find(self, key: str) -> StoredFile | None:
        path = self._path(key)
        with self._answering():
            try:
                info = self._fs.info(path)
            except FileNotFoundError:
                return None
        return StoredFile(size=int(info["size"] or 0), modified=time_of(info)) if info["type"] == "file" else None

    def renew_whole(self, key: str, size: int) -> bool:
        """Return whether a key is stored, and young enough not to be collected before the ledger names it.

        Object stores check what they are sent, so only the size is compared.
        """
        stored = self.find(key)
        return stored is not None and stored.size == size and time.time() - stored.modified < RENEW_SECONDS

    def write(self, key: str, pieces: Iterable[bytes], *, flush: bool = True) -> None:
        """Store the pieces under a key, and keep a copy of them: a later stage reads it."""
        path = self._path(key)
        with self._incoming() as temporary:
            with temporary.open("xb") as file:
                file.writelines(pieces)
            with self._answering(write=True):
                self._fs.put_file(str(temporary), path)
            self._keep(temporary, key)

    def make_durable(self, key: str) -> None:
        """Do nothing: an object store has answered once an object is safe."""

    def flush_all(self) -> None:
        """Do nothing: an object store has answered once an object is safe."""

    def is_whole(self, key: str) -> bool:
        path = self._path(key)
        with self._answering(), self._missing_as_failure(key), self._fs.open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == key[:64]

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """Yield a path of a copy of an object. It stays until the end of the block, whatever is trimmed meanwhile."""
        used = self._copies.folder / f".using-{uuid4().hex}-{key}"
        copy = self._copies.folder / Path(self._path(key)).name
        try:
            try:
                os.utime(copy)
                _link(copy, used)
            except OSError:  # there is none, or it has just been trimmed
                with self._incoming() as temporary:
                    self._fetch(key, temporary)
                    _link(temporary, used)
                    self._keep(temporary, key)
            yield used
        finally:
            used.unlink(missing_ok=True)

    def delete(self, key: str) -> None:
        """Delete an object and its copy. A missing one is not an error."""
        path = self._path(key)
        with self._answering(), suppress(FileNotFoundError):
            self._fs.rm_file(path)
        (self._copies.folder / key).unlink(missing_ok=True)

    def keys(self) -> Iterator[str]:
        for folder in self._list(self._root):
            if _FOLDER.match(_name(folder)):
                yield from (name for name in map(_name, self._list(folder)) if KEY.match(name))

    def end_unfinished(self, *, older_than: float) -> int:
        """End uploads in parts that were begun `older_than` seconds ago; return their number. Google and Azure do so
        by themselves within a week.
        """
        if not hasattr(self._fs, "list_multipart_uploads"):
            return 0
        bucket, prefix, _ = self._fs.split_path(self._root)
        begun_before = time.time() - older_than
        with self._answering():
            old = [
                upload
                for upload in self._fs.list_multipart_uploads(bucket)
                if upload["Key"].startswith(prefix) and upload["Initiated"].timestamp() < begun_before
            ]
            for upload in old:
                with suppress(FileNotFoundError):  # it was completed meanwhile
                    self._fs.abort_mpu(bucket, upload["Key"], upload["UploadId"])
        return len(old)

    def copies(self) -> Iterator[Path]:
        return self._copies.folder.iterdir() if self._copies.folder.is_dir() else iter(())

    def _fetch(self, key: str, into: Path) -> None:
        """Copy an object to a file. Raises FileMissing if it is missing, or its bytes are not those of the key."""
        with self._answering(), self._missing_as_failure(key):
            self._fs.get_file(self._path(key), str(into))
        if not is_whole(into, key):
            raise FileMissing(f"The stored file {key} is damaged.", advice="Ingest its document again.")

    @contextmanager
    def _incoming(self) -> Iterator[Path]:
        """Yield a path for a new copy, which is deleted after the block unless it was kept. Raises DiskFull."""
        temporary = self._copies.folder / f".writing-{uuid4().hex}"
        try:
            self._copies.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            yield temporary
        except OSError as error:
            raise self._failure(error) from error
        finally:
            temporary.unlink(missing_ok=True)

    def _keep(self, temporary: Path, key: str) -> None:
        size = temporary.stat().st_size
        temporary.replace(self._copies.folder / key)
        self._copies.count(size)

    def _list(self, folder: str) -> list[str]:
        with self._answering():
            try:
                return list(self._fs.ls(folder, detail=False))
            except FileNotFoundError:
                return []

    def _path(self, key: str) -> str:
        return f"{self._root}/{place_of(key)}"

    @contextmanager
    def _missing_as_failure(self, key: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise FileMissing(f"The stored file {key} is missing.", advice="Ingest its document again.") from error

    @contextmanager
    def _answering(self, *, write: bool = False) -> Iterator[None]:
        """Raise the errors of the store's package, of which each has its own classes, as Failures."""
        try:
            yield
        except (Failure, FileNotFoundError) as error:
            if write and isinstance(error, FileNotFoundError):
                raise Configuration(
                    f"The bucket of the file store {self.url} does not exist.",
                    advice="Create it, or correct SWATCHBOOK_FILES_URL.",
                ) from error
            raise
        except Exception as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> Failure:
        return store_failure(error, f"The file store {self.url}", advice=ADVICE)


def store_failure(error: Exception, named: str, *, advice: str) -> Failure:
    """Return the Failure for an error of a file system. `named`: what it is about; `advice`: if it does not answer."""
    if isinstance(failure := as_failure(error), DiskFull):
        return failure
    if is_refusal(error):
        return Authentication(
            f"{named} refuses the credentials of this process.",
            advice="Check the credentials in the environment, and what they allow for the bucket.",
        )
    return FilesDown(f"{named} does not answer: {reason_of(error)}.", advice=advice)


def has_conditional_writes(url: str) -> bool | None:
    """Return whether a server of S3 refuses to write an object that is there (`If-None-Match: *`).

    It writes a small object below the URL, and deletes it. None for other stores, and without the extra s3. Raises
    Authentication, FilesDown.
    """
    if extra_of_url(url) != "s3" or not is_installed("s3"):
        return None
    try:
        system, root = open_file_system(url, "The object store")
        bucket, key, _ = system.split_path(f"{root}/.probe-{uuid4().hex}")
        system.call_s3("put_object", Bucket=bucket, Key=key, Body=b"", IfNoneMatch="*")
        try:
            system.call_s3("put_object", Bucket=bucket, Key=key, Body=b"", IfNoneMatch="*")
        except Exception as error:  # s3fs makes an OSError of the refusal
            if not _is_status(error, 412):
                raise
            return True
        finally:
            system.call_s3("delete_object", Bucket=bucket, Key=key)
    except Exception as error:
        raise store_failure(error, url, advice="Try again later.") from error
    return False


def _is_status(error: BaseException, status: int) -> bool:
    """Return whether an error of S3, or its cause, has this HTTP status."""
    cause: BaseException | None = error
    while cause is not None:
        answer = getattr(cause, "response", None)
        if isinstance(answer, dict) and answer.get("ResponseMetadata", {}).get("HTTPStatusCode") == status:
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def is_refusal(error: BaseException) -> bool:
    """Return whether an error of a file system says that credentials are missing, wrong or not sufficient."""
    return isinstance(error, PermissionError) or any(
        f"{each.__module__}.{each.__qualname__}" in _REFUSALS for each in type(error).__mro__
    )


def _link(file: Path, to: Path) -> None:
    """Give a file a second name, or copy it where the disk has no such names."""
    try:
        os.link(file, to)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(file, to)


def _name(path: str) -> str:
    return path.rstrip("/").rsplit("/", 1)[-1]


def time_of(info: dict[str, Any]) -> float:
    """Return the time of an object in Unix seconds; 0 if its store does not tell."""
    found = next((info[name] for name in _TIMES if info.get(name) is not None), 0.0)
    return found.timestamp() if isinstance(found, datetime) else float(found)
