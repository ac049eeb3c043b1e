"""Make a backup of a running collection: all rows from one snapshot of the ledger, then the stored files that they
name. A later backup into the same folder writes all rows again and copies only new files; until it is finished, the
folder holds the earlier one. Then what only that had is removed. How a folder is laid out: `layout.py`.

Nothing of the settings is in a backup, so no keys and passwords are. The index is not either: it is published from the
ledger.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from filelock import FileLock, Timeout
from sqlalchemy import select
from ulid import ULID

from swatchbook.domain.errors import DiskFull, FileMissing, InvalidReference, as_failure, reason_of
from swatchbook.domain.extras import installed_version
from swatchbook.domain.records import Record
from swatchbook.ingest.hold_files import holding_files
from swatchbook.resources import Resources
from swatchbook.store.files.file_store import Files, open_files
from swatchbook.store.ledger import migrations
from swatchbook.store.ledger.database import db_now
from swatchbook.store.ledger.portable_rows import (
    PORTABLE,
    count_portable,
    portable_columns,
    portable_files,
    portable_rows,
)
from swatchbook_backup.layout import (
    FILE_COLUMNS,
    FILES,
    TABLES,
    BackupFolder,
    Manifest,
    TableFile,
    read_rows,
    write_rows,
)

_EVERY = 200  # rows between two reports of the progress

Progress = Callable[[int, int], None]
"""Is called with how much is done, and how much there is."""


class BackedUp(Record):
    """What a backup holds. `copied`: files that the folder did not have; `missing`: files that the file store lacks."""

    folder: str
    documents: int
    images: int
    vectors: int
    rows: int
    files: int
    copied: int
    bytes: int
    missing: tuple[str, ...]


def back_up(resources: Resources, path: Path, *, progress: Progress = lambda done, total: None) -> BackedUp:
    """Write a backup into a folder that is empty or holds one, and return what it holds.

    Raises InvalidReference for another folder, or while another backup is written there; DiskFull, LedgerDown and
    FilesDown, after which it can be run again.
    """
    folder = BackupFolder(path)
    folder.require_ours()
    try:
        folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)  # texts and pictures are private
        with FileLock(folder.lock_file, timeout=0), holding_files(resources.ledger):
            return _write(resources, folder, progress)
    except Timeout as error:
        raise InvalidReference(f"Another process is writing a backup to {folder.path}.") from error
    except OSError as error:
        if isinstance(as_failure(error), DiskFull):
            raise DiskFull("The disk of the backup is full.", advice="Free some space, and run it again.") from error
        raise InvalidReference(
            f"{folder.path} cannot be written: {reason_of(error)}.", advice="Check the folder."
        ) from error


def _write(resources: Resources, folder: BackupFolder, progress: Progress) -> BackedUp:
    identity, counter = str(ULID()), _Counter(progress)
    rows = folder.rows / identity
    rows.mkdir(mode=0o700, parents=True)
    counts = dict[str, int]()
    with TemporaryFile("w+", dir=rows) as names:
        with resources.ledger.read() as connection:
            counter.total = count_portable(connection)
            at = connection.execute(select(db_now())).scalar_one()
            for table in PORTABLE:
                found = counter.over(portable_rows(connection, table))
                counts[table.name] = write_rows(folder.table_file(identity, table.name), portable_columns(table), found)
            for key in portable_files(connection):
                names.write(key + "\n")
                counter.total += 1
        store = _Copies(resources.files, open_files(str(folder.files)))
        listed = counter.over(store.copy(names))
        counts[FILES] = write_rows(folder.table_file(identity, FILES), FILE_COLUMNS, listed)
    tables = {name: _describe(folder.table_file(identity, name), counts[name]) for name in TABLES}
    _sync(rows)
    _sync(folder.rows)
    manifest = Manifest(id=identity, swatchbook=installed_version(), ledger=migrations.HEAD, at=at, tables=tables)
    draft = rows / folder.manifest_file.name  # if it is left there, it goes with these rows
    draft.write_text(manifest.model_dump_json(indent=1))
    _sync(draft)
    draft.replace(folder.manifest_file)
    _sync(folder.path)
    _remove_others(folder, identity)
    return BackedUp(
        folder=str(folder.path),
        documents=counts["documents"],
        images=counts["images"],
        vectors=counts["vectors"],
        rows=sum(counts[table.name] for table in PORTABLE),
        files=counts[FILES] - len(store.missing),
        copied=store.copied,
        bytes=store.bytes + sum(table.size for table in tables.values()),
        missing=tuple(store.missing),
    )


class _Counter:
    """Counts what passes through it, and reports that now and then."""

    def __init__(self, progress: Progress) -> None:
        self.total = self._done = 0
        self._progress = progress

    def over(self, values: Iterator[Any]) -> Iterator[Any]:
        for value in values:
            yield value
            self._done += 1
            if self._done % _EVERY == 0:
                self._progress(self._done, self.total)
        self._progress(self._done, self.total)


class _Copies:
    """Copies stored files into a backup."""

    def __init__(self, source: Files, target: Files) -> None:
        self._source, self._target = source, target
        self.copied = self.bytes = 0
        self.missing = list[str]()
        for left in target.unfinished():  # of a backup that was killed
            left.unlink()

    def copy(self, names: IO[str]) -> Iterator[dict[str, Any]]:
        """Copy the files with these keys, one a line, that are not there yet; yield key and size of each."""
        names.seek(0)
        for line in names:
            key = line.rstrip("\n")
            size = self._copy_one(key)
            if size is None:
                self.missing.append(key)
            yield {"key": key, "size": size}
            self.bytes += size or 0

    def _copy_one(self, key: str) -> int | None:
        """Return the size of a file that the backup has now; None where it is missing or damaged in the file store.

        A file of an earlier backup is there whole: it got its name after all of its bytes.
        """
        if not self._target.has(key):
            try:
                with self._source.local(key) as path:
                    stored = self._target.put_file(path, key[64:])
            except FileMissing:
                return None
            if stored != key:
                self._target.delete(stored)
                return None
            self.copied += 1
        return self._target.size(key)


def _describe(path: Path, rows: int) -> TableFile:
    """Return the description of a file for the manifest, and flush the file to disk."""
    _sync(path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return TableFile(rows=rows, size=path.stat().st_size, sha256=digest)


def _remove_others(folder: BackupFolder, identity: str) -> None:
    """Remove the rows of other backups, and stored files that this one does not name."""
    for rows in list(folder.rows.iterdir()):  # of an earlier backup, or of one that was interrupted
        if rows.name != identity and rows.is_dir():
            shutil.rmtree(rows)
    listed = (row["key"] for part in read_rows(folder.table_file(identity, FILES), FILE_COLUMNS) for row in part)
    named = set[str]()
    for prefix, keys in groupby(listed, key=lambda key: str(key)[:2]):  # they are in order
        _keep_only(folder.files / prefix, set(keys))
        named.add(prefix)
    for left in folder.files.iterdir() if folder.files.is_dir() else ():
        if left.name not in named:
            _keep_only(left, set())


def _keep_only(folder: Path, names: set[str]) -> None:
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name not in names:
            path.unlink()


def _sync(path: Path) -> None:
    """Flush the bytes of a file, or the names in a folder, to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
