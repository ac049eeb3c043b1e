"""A backup is of one moment, says when it is whole, has no secrets, and copies no file twice."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import DocumentStatus
from swatchbook.domain.setting_values import ApiKey
from swatchbook.domain.settings import Settings
from swatchbook.ingest.delete import delete
from swatchbook.resources import Resources, open_resources
from swatchbook.store.ledger import claims, tables
from swatchbook.store.ledger.portable_rows import PORTABLE, portable_columns
from swatchbook.store.ledger.stored_documents import all_documents
from swatchbook_backup.layout import BackupFolder, read_rows
from swatchbook_backup.restore import restore
from swatchbook_backup.write import back_up
from tests.new_collection import NewCollection
from tests.store.ledger import scene
from tests.upkeep.kept_collection import begin, make, rows


def test_only_new_files_are_copied(resources: Resources, tmp_path: Path) -> None:
    make(resources, "oak", "ash")
    supplement = make(resources, "elm", content="supplement")
    folder = tmp_path / "backup"
    assert back_up(resources, folder).copied == 5
    stored = {path.name: path.stat().st_mtime_ns for path in (folder / "files").rglob("*.*")}
    make(resources, "birch", "oak", content="third")
    again = back_up(resources, folder)
    assert (again.copied, again.files) == (2, 7)
    later = {path.name: path.stat().st_mtime_ns for path in (folder / "files").rglob("*.*")}
    assert stored.items() <= later.items()
    delete(resources, supplement)
    assert back_up(resources, folder).files == 5
    assert not list((folder / "files").rglob(f"{scene.key('supplement')}*"))


def test_rows_are_of_one_moment(resources: Resources, new_collection: NewCollection, tmp_path: Path) -> None:
    make(resources, "oak")
    before, added = rows(resources), list[str]()

    def add_a_document(done: int, total: int) -> None:
        if not added:
            added.append(make(resources, "oak", "ash", content="meanwhile"))

    back_up(resources, tmp_path / "backup", progress=add_a_document)
    other = new_collection()
    restore(other, tmp_path / "backup")
    assert rows(other) == before
    assert added


def test_backup_has_open_work_without_runs_or_leases(
    resources: Resources, new_collection: NewCollection, tmp_path: Path
) -> None:
    run = begin(resources, "oak", "ash")
    (batch, *_) = claims.cut_batches(resources.ledger, run, 20)
    assert claims.claim(resources.ledger, run, batch.members).items
    deleted = begin(resources, "elm", content="deleted")
    scene.mark_deleting(resources.ledger, deleted.document)
    back_up(resources, tmp_path / "backup")
    other = new_collection()
    restored = restore(other, tmp_path / "backup")
    assert (restored.documents, restored.unfinished) == (1, 1)
    (document,) = all_documents(other.ledger, None)
    assert (document.status, document.run, document.due_at) == (DocumentStatus.QUEUED, None, None)
    assert scene.count(other.ledger, tables.runs) == 0
    assert scene.count(other.ledger, tables.items, state="pending", lease=None) == scene.count(
        other.ledger, tables.items
    )
    again = scene.begin_again(other.ledger, document)
    scene.make_all(other.ledger, again)
    assert {state.value for state in scene.states(other.ledger, document.id).values()} <= {"complete", "pending"}


def test_lost_files_are_named_and_earlier_copies_stay(
    resources: Resources, new_collection: NewCollection, tmp_path: Path
) -> None:
    make(resources, "oak", "ash")
    store, keys = Path(resources.files.url), {name: f"{scene.key(name)}.png" for name in ("oak", "ash")}
    (store / keys["oak"][:2] / keys["oak"]).unlink()
    (store / keys["ash"][:2] / keys["ash"]).write_bytes(b"something else")
    written = back_up(resources, tmp_path / "backup")
    assert set(written.missing) == set(keys.values())
    other = new_collection()
    assert set(restore(other, tmp_path / "backup").missing) == set(keys.values())
    assert [key for key in keys.values() if other.files.has(key)] == []
    resources.files.put_bytes(b"oak", ".png")
    assert back_up(resources, tmp_path / "backup").missing == (keys["ash"],)
    resources.files.delete(keys["oak"])
    assert back_up(resources, tmp_path / "backup").missing == (keys["ash"],)


def test_other_folders_and_files_are_refused(resources: Resources, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "oak.jpg").touch()
    with pytest.raises(InvalidReference, match=r"oak\.jpg"):
        back_up(resources, tmp_path / "photos")
    with pytest.raises(InvalidReference, match="not a folder"):
        back_up(resources, tmp_path / "photos" / "oak.jpg")
    with pytest.raises(InvalidReference, match="no folder"):
        restore(resources, tmp_path / "nowhere")


def test_no_secret_is_in_a_backup(home: Path, tmp_path: Path) -> None:
    secrets = {part: f"secret-of-{part}" for part in ("text", "llm", "vision")}
    key = ApiKey(name="all", key=SecretStr("secret-of-callers-0123456789"), owners=("*",))
    settings = Settings(home=home, api_keys=(key,), **{part: {"api_key": key} for part, key in secrets.items()})
    with open_resources(settings) as resources:
        make(resources, "oak")
        back_up(resources, tmp_path / "backup")
    manifest = BackupFolder(tmp_path / "backup").read_manifest()
    told = (tmp_path / "backup" / "manifest.json").read_text()
    for table in PORTABLE:
        file = BackupFolder(tmp_path / "backup").table_file(manifest.id, table.name)
        told += repr(list(read_rows(file, portable_columns(table))))
    assert "Product of catalogue" in told
    assert "secret-of" not in told


def test_every_portable_table_is_in_a_backup() -> None:
    left_out = {
        "runs", "late_writes", "notices",
        "inbox", "rounds",
        "product_codes",  # follows from the products
        "trash", "trash_rows", "trash_keys",  # what is deleted stays deleted
    }  # fmt: skip
    assert {table.name for table in PORTABLE} == tables.metadata.tables.keys() - left_out
