"""A restore writes nothing before all is verified, goes on where it was stopped, and leaves what is here as it is."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from swatchbook.domain.errors import InvalidBackup, InvalidReference
from swatchbook.domain.records import DocumentStatus
from swatchbook.ingest.publish import publish_all
from swatchbook.resources import Resources
from swatchbook.store.ledger import owners, publishing, tables
from swatchbook.store.ledger.queries.account import owner_accounts
from swatchbook.store.ledger.stored_documents import get_document
from swatchbook_backup import write
from swatchbook_backup.layout import TABLES, BackupFolder
from swatchbook_backup.restore import restore
from swatchbook_backup.write import back_up
from tests.new_collection import NewCollection
from tests.store.ledger import scene
from tests.upkeep.kept_collection import begin, indexed, make, rows


@pytest.fixture
def other(new_collection: NewCollection) -> Resources:
    return new_collection()


def test_what_a_killed_publisher_holds_is_waited_for(
    resources: Resources, other: Resources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(resources, "oak", "ash")
    back_up(resources, tmp_path / "backup")
    monkeypatch.setattr(publishing, "LEASE_SECONDS", 1.0)
    held = list[publishing.DirtyRow]()

    def die_holding_rows(done: int, total: int) -> None:
        if not held:
            held.extend(publishing.lease_dirty(other.ledger, "publish:killed"))

    restore(other, tmp_path / "backup", progress=die_holding_rows)
    assert held
    assert publishing.count_unpublished(other.ledger) == 0
    assert indexed(other) == indexed(resources)


def test_documents_that_are_here_stay_and_others_come(resources: Resources, other: Resources, tmp_path: Path) -> None:
    make(resources, "oak", "ash")
    make(resources, "oak", "elm", content="supplement")
    back_up(resources, tmp_path / "backup")
    here = make(other, "oak", "birch")
    before = get_document(other.ledger, here)
    restored = restore(other, tmp_path / "backup")
    assert (restored.documents, restored.kept) == (1, 1)
    assert get_document(other.ledger, here) == before
    (account,) = owner_accounts(other.ledger)
    assert (account.documents, account.found, account.complete) == (2, 3, 3)
    assert scene.states(other.ledger, here).keys() == {scene.image("oak"), scene.image("birch")}
    assert scene.count(other.ledger, tables.images, id=scene.image("ash")) == 0, "no document here shows it"
    assert all(indexed(other).values())


def test_restored_items_need_not_be_made(resources: Resources, other: Resources, tmp_path: Path) -> None:
    make(resources, "oak", content="supplement")
    back_up(resources, tmp_path / "backup")
    run = begin(other, "oak")
    restore(other, tmp_path / "backup")
    assert scene.count(other.ledger, tables.items, key=scene.key("oak"), state="done") == 3
    assert {state.value for state in scene.states(other.ledger, run.document).values()} == {"complete"}
    (visual,) = [held for name, held in indexed(other).items() if "visual" in name.lower()]
    assert visual.keys() == {scene.image("oak")}


def test_a_document_with_open_items_waits(resources: Resources, other: Resources, tmp_path: Path) -> None:
    document = make(resources, "oak", content="supplement")
    with resources.ledger.write() as connection:  # failed for good there, so that the document is completed
        connection.execute(update(tables.items).where(tables.items.c.key == scene.key("oak")).values(state="failed"))
    back_up(resources, tmp_path / "backup")
    begin(other, "oak")
    assert restore(other, tmp_path / "backup").unfinished == 1
    assert get_document(other.ledger, document).status is DocumentStatus.WAITING


def test_the_space_searched_here_stays_active(resources: Resources, other: Resources, tmp_path: Path) -> None:
    make(resources, "oak")
    with resources.ledger.write() as connection:
        for table in (tables.requested, tables.items, tables.vectors, tables.spaces):
            connection.execute(update(table).where(table.c.role == "visual").values(tag="another@1/a"))
    back_up(resources, tmp_path / "backup")
    make(other, "ash", content="supplement")
    assert restore(other, tmp_path / "backup").unsearched == ("visual another@1/a",)
    told = other.ledger.execute(tables.spaces.select().where(tables.spaces.c.role == "visual")).all()
    assert {row.tag: row.active for row in told} == {"eye@1/a": True, "another@1/a": False}


def test_renamed_owner_is_restored_with_its_ids(resources: Resources, other: Resources, tmp_path: Path) -> None:
    document = make(resources, "oak")
    owners.rename(resources.ledger, "anna", "lena")
    back_up(resources, tmp_path / "backup")
    restore(other, tmp_path / "backup")
    content = scene.key("catalogue")
    assert owners.id_of_document(other.ledger, "lena", content) == document
    assert owners.id_of_document(other.ledger, "anna", content) != document


@pytest.mark.parametrize("here", ["lena", "anna"])
def test_restore_refuses_an_owner_of_another_collection(
    resources: Resources, other: Resources, tmp_path: Path, here: str
) -> None:
    make(resources, "oak")
    owners.rename(resources.ledger, "anna", "lena")
    publish_all(resources, at_most=0)
    back_up(resources, tmp_path / "backup")
    make(other, "ash", owner=here, content="supplement")
    before = rows(other)
    with pytest.raises(InvalidReference, match="'lena'") as refused:
        restore(other, tmp_path / "backup")
    assert rows(other) == before
    advised = {"lena": "owners rename lena NEW", "anna": "owners rename anna lena"}
    assert advised[here] in str(refused.value)
    owners.rename(other.ledger, here, {"lena": "mona", "anna": "lena"}[here])
    assert restore(other, tmp_path / "backup").documents == 1


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def stored(folder: Path, name: str) -> Path:
    return BackupFolder(folder).stored_file(f"{scene.key(name)}.png")


def link_out(folder: Path) -> None:
    outside = folder.parent / "outside"
    shutil.move(stored(folder, "oak"), outside)
    stored(folder, "oak").symlink_to(outside)


def altered(old: str, new: str) -> Callable[[Path], object]:
    """What replaces a text of the manifest by another; ID is the backup's id."""

    def alter(folder: Path) -> None:
        file = folder / "manifest.json"
        file.write_text(file.read_text().replace(old.replace("ID", BackupFolder(folder).read_manifest().id), new))

    return alter


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a link to elsewhere": link_out,
    "another format": altered('"format": 1', '"format": 2'),
    "an id that leads out": altered("ID", "../../../etc"),
    "another ledger": altered('"ledger": "00', '"ledger": "99'),
    "a table more": altered('"files": {', '"../files": {'),
}


def test_nothing_is_restored_of_a_damaged_backup(resources: Resources, other: Resources, tmp_path: Path) -> None:
    make(resources, "oak", "ash")
    back_up(resources, tmp_path / "backup")
    nothing = rows(other)
    for number, (name, damage) in enumerate(DAMAGES.items()):
        folder = tmp_path / f"{number}" / "backup"
        shutil.copytree(tmp_path / "backup", folder)
        damage(folder)
        with pytest.raises(InvalidBackup):
            restore(other, folder)
        assert rows(other) == nothing, name
        assert list(other.files.keys()) == []


def test_nothing_is_restored_if_any_file_is_altered(resources: Resources, other: Resources, tmp_path: Path) -> None:
    make(resources, "oak", "ash")
    back_up(resources, folder := tmp_path / "backup")
    nothing, altered = rows(other), list[str]()
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"):
        whole = file.read_bytes()
        for damage in (flip, cut, Path.unlink):
            damage(file)
            with pytest.raises((InvalidBackup, InvalidReference)) as refused:
                restore(other, folder)
            assert file.name == "manifest.json" or "Nothing was restored." in str(refused.value.advice), file
            file.write_bytes(whole)
        assert (rows(other), list(other.files.keys())) == (nothing, []), file
        altered.append(file.name)
    assert len(altered) == len(TABLES) + 1 + 3, "its tables, manifest, two pictures and their document"
    assert restore(other, folder).documents == 1


def test_rows_naming_forbidden_things_are_refused(
    resources: Resources, other: Resources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever makes a backup by hand can make its sums right, too."""
    make(resources, "oak")
    real, wrong = write.portable_rows, dict[str, str]()

    def rows_made_wrong(connection: Any, each: Any) -> Iterator[Any]:
        for row in real(connection, each):
            yield {**row, **wrong} if each is tables.documents else row

    monkeypatch.setattr(write, "portable_rows", rows_made_wrong)
    for number, (column, value) in enumerate((
        ("file", "../../outside.png"), ("file", "/etc/passwd"), ("owner", "../anna"), ("content", "another"),
        ("id", "x"),
    )):  # fmt: skip
        wrong.clear()
        wrong[column] = value
        back_up(resources, tmp_path / f"{number}")
        with pytest.raises(InvalidBackup):
            restore(other, tmp_path / f"{number}")
        assert scene.count(other.ledger, tables.documents) == 0
