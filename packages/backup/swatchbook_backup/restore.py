"""Restore a backup into a new collection, or merge it into one; with any ledger and index. All of it is verified before
anything is written. A restore that was interrupted is run again and goes on; nothing is embedded or paid for again, as
the index is published from the restored vectors.

What is here wins (`backup_rows.py`). Files come before the rows that name them, what documents share before the
documents, and their parts before they are given a status, so nothing works on what is only half there.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Table

from swatchbook.domain.errors import InvalidBackup
from swatchbook.domain.records import Record, Role, document_id, is_owner
from swatchbook.index.contract import Space
from swatchbook.ingest.delete import delete
from swatchbook.ingest.hold_files import holding_files
from swatchbook.ingest.publish import publish_all, publish_document
from swatchbook.resources import Resources
from swatchbook.store.ledger import migrations
from swatchbook.store.ledger.owners import adopt_seeds, require_same_seeds
from swatchbook.store.ledger.portable_rows import PART_TABLES, PORTABLE, SHARED_TABLES, portable_columns
from swatchbook.store.ledger.publishing import count_unpublished
from swatchbook.store.ledger.restored_rows import add_images
from swatchbook.store.ledger.space_registry import adopt_spaces, registered, require_same_dimensions
from swatchbook.store.ledger.stored_documents import read_document
from swatchbook.store.ledger.tables import contents, documents, images, owner_seeds, spaces
from swatchbook.upkeep.spaces import point_aliases
from swatchbook_backup import backup_rows
from swatchbook_backup.layout import FILE_COLUMNS, FILES, BackupFolder, Manifest, count_rows, read_rows

Progress = Callable[[int, int], None]


class Restored(Record):
    """What a restore did. `documents`: restored now; `kept`: were here, and stayed as they are; `unfinished`: of those
    that are here now, how many are neither completed nor cancelled; `missing`: files that the backup lacks;
    `unsearched`: roles and tags with vectors of the backup that no search here reads.
    """

    folder: str
    documents: int
    kept: int
    unfinished: int
    published: int
    missing: tuple[str, ...]
    unsearched: tuple[str, ...]


def restore(resources: Resources, path: Path, *, progress: Progress = lambda done, total: None) -> Restored:
    """Restore the backup in a folder, and publish it.

    Raises InvalidReference for a folder without a finished backup and for an owner that is another collection here;
    InvalidBackup for one that is damaged or of another version; Configuration for a space of another dimension: in all
    of these nothing is written. Raises IndexDown, LedgerDown, FilesDown, DiskFull: then run it again.
    """
    folder = BackupFolder(path)
    manifest = folder.read_manifest()
    if manifest.ledger != migrations.HEAD:
        raise InvalidBackup(
            f"The backup was made by Swatchbook {manifest.swatchbook} from a ledger of revision {manifest.ledger}, "
            f"here it is {migrations.HEAD}.",
            advice="Restore it with the version that made it; a newer version then migrates the ledger.",
        )
    with holding_files(resources.ledger):
        return _Restore(resources, folder, manifest, progress).run()


class _Restore:
    """One restore."""

    def __init__(self, resources: Resources, folder: BackupFolder, manifest: Manifest, progress: Progress) -> None:
        self._resources, self._ledger = resources, resources.ledger
        self._folder, self._manifest = folder, manifest
        self._progress = progress
        self._done, self._total = 0, manifest.rows + manifest.tables["documents"].rows
        self._missing = set[str]()

    def run(self) -> Restored:
        """Verify, write and publish."""
        for name, table in self._manifest.tables.items():
            file = self._folder.table_file(self._manifest.id, name)
            self._folder.check(file, size=table.size, sha256=table.sha256)
        self._verify_files()
        self._verify_shapes()
        owners, found = self._verify_documents(), list(self._all_rows(spaces))
        with self._ledger.read() as connection:
            require_same_seeds(connection, owners)
            require_same_dimensions(connection, map(_space, found))
        self._delete_half_done()
        self._write_shared()
        self._write_spaces(found)
        restored = self._write_documents(owners)
        published = self._publish()
        ids = (row["id"] for row in self._all_rows(documents))
        active = {each.pair for each in registered(self._ledger) if each.active}
        return Restored(
            folder=str(self._folder.path),
            documents=restored,
            kept=self._manifest.tables["documents"].rows - restored,
            unfinished=backup_rows.count_unfinished(self._ledger, list(ids)),
            published=published,
            missing=tuple(sorted(self._missing)),
            unsearched=tuple(
                f"{row['role']} {row['tag']}"
                for row in found
                if row["active"] and (row["role"], row["tag"]) not in {(each.role, each.tag) for each in active}
            ),
        )

    # --- before anything is written -----------------------------------------------------------------------------------

    def _verify_files(self) -> None:
        """Raise InvalidBackup unless each stored file has its bytes."""
        for portion in read_rows(self._folder.table_file(self._manifest.id, FILES), FILE_COLUMNS):
            for row in portion:
                if row["key"] is None:
                    raise InvalidBackup("The backup names a file without a key.")
                file = self._folder.stored_file(row["key"])
                if row["size"] is None:
                    self._missing.add(row["key"])
                else:
                    self._folder.check(file, size=row["size"], sha256=row["key"][:64])
            self._report(len(portion))

    def _verify_shapes(self) -> None:
        """Raise InvalidBackup unless the tables have the columns and the number of rows that they must have."""
        for table in PORTABLE:
            file = self._folder.table_file(self._manifest.id, table.name)
            if count_rows(file, portable_columns(table)) != self._manifest.tables[table.name].rows:
                raise InvalidBackup(f"{file} does not have the rows that the manifest says.")
        for row in self._all_rows(contents):
            self._stored_files(row)

    def _verify_documents(self) -> dict[str, str]:
        """Return owner -> seed of the documents. Raises InvalidBackup for a document that cannot be one."""
        seeds = {row["owner"]: row["seed"] for row in self._all_rows(owner_seeds)}
        owners = dict[str, str]()
        for row in self._all_rows(documents):
            try:
                document = read_document({**row, "run": None, "deaths": 0})
            except (ValidationError, AttributeError) as error:
                raise InvalidBackup(f"The backup has a document that cannot be read: {row['id']}.") from error
            owner = document.owner
            if not is_owner(owner):
                raise InvalidBackup(f"The backup has a document whose owner has no valid name: {document.id}.")
            self._stored_files(row)
            owners[owner] = seeds.get(owner, owner)
            if document.id != document_id(owners[owner], document.content):
                raise InvalidBackup(f"The document {document.id} has an id that is not its own.")
        return owners

    # --- writing ------------------------------------------------------------------------------------------------------

    def _delete_half_done(self) -> None:
        """Delete documents of this backup that a restore of another one has left unfinished."""
        ids = {row["id"] for row in self._all_rows(documents)}
        for document in backup_rows.left_by_others(self._ledger, ids, self._manifest.id):
            delete(self._resources, document)

    def _write_shared(self) -> None:
        below = self._resources.settings.review.below
        for table in SHARED_TABLES:
            for portion in self._portions(table):
                if table is contents:
                    self._put_files(portion)
                backup_rows.insert_shared(self._ledger, table, portion, review_below=below)

    def _write_spaces(self, found: list[Mapping[str, Any]]) -> None:
        """Register the spaces of the backup; the index has them before anything is published into them."""
        for row in found:
            self._resources.index.ensure(_space(row))
        with self._ledger.write() as connection:
            adopt_spaces(connection, found)
        point_aliases(self._resources)

    def _write_documents(self, owners: Mapping[str, str]) -> int:
        """Write documents, images and their parts, and return how many documents were restored."""
        identity = self._manifest.id
        with self._ledger.write() as connection:
            adopt_seeds(connection, owners, list(self._all_rows(owner_seeds)))
        for portion in self._portions(documents):
            self._put_files(portion)
            backup_rows.insert_documents(self._ledger, portion, identity)
        for portion in self._portions(images):
            with self._ledger.write() as connection:
                add_images(connection, portion)
        for table in PART_TABLES:
            for portion in self._portions(table):
                backup_rows.insert_parts(self._ledger, table, portion, identity)
        backup_rows.drop_unplaced_images(self._ledger)
        restored = 0
        for portion in self._portions(documents):
            restored += sum(backup_rows.finish_document(self._ledger, row, identity) for row in portion)
        return restored

    def _put_files(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Store the files that these rows name, if the backup has them."""
        for key in {key for row in rows for key in self._stored_files(row)} - self._missing:
            file = self._folder.stored_file(key)
            if not file.is_file() or self._resources.files.put_file(file, key[64:]) != key:
                raise InvalidBackup(f"{file} changed while it was restored.", advice="Run it again.")

    def _publish(self) -> int:
        """Publish what waits, and return how many images and chunks that are."""
        before = self._done
        waiting = count_unpublished(self._ledger)
        self._total += waiting

        def report() -> None:
            self._done = before + waiting - count_unpublished(self._ledger)
            self._report(0)

        seconds = self._resources.settings.outage_wait_seconds
        done = publish_all(self._resources, at_most=seconds, alive=report)
        for row in self._all_rows(documents):
            # a restore that was killed holds them for up to a minute
            if count_unpublished(self._ledger, row["id"], due=True):
                done += publish_document(self._resources, row["id"], at_most=seconds, alive=report)
        return done.published

    # --- reading ------------------------------------------------------------------------------------------------------

    def _portions(self, table: Table) -> Iterator[list[dict[str, Any]]]:
        file = self._folder.table_file(self._manifest.id, table.name)
        for portion in read_rows(file, portable_columns(table)):
            yield portion
            self._report(len(portion))

    def _all_rows(self, table: Table) -> Iterator[Mapping[str, Any]]:
        file = self._folder.table_file(self._manifest.id, table.name)
        for portion in read_rows(file, portable_columns(table)):
            yield from portion

    def _stored_files(self, row: Mapping[str, Any]) -> set[str]:
        """Return the keys of the files that a row names. Raises InvalidBackup for what is no key."""
        keys = {row[name] for name in ("file", "pages_file") if row.get(name) is not None}
        for key in keys:
            self._folder.stored_file(key)
        return keys

    def _report(self, rows: int) -> None:
        self._done += rows
        self._progress(min(self._done, self._total), self._total)


def _space(row: Mapping[str, Any]) -> Space:
    try:
        return Space(role=Role(row["role"]), tag=row["tag"], dimension=row["dimension"])
    except (ValueError, ValidationError) as error:
        raise InvalidBackup(f"The backup has a space that cannot be one: {row['role']} {row['tag']}.") from error
