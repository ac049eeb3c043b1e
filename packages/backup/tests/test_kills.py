"""`swatchbook upkeep backup` and `restore`, killed (SIGKILL) at one step of their work after the other, and run again:
the end is that of a run without a kill, and a folder with half a backup is never restored as if it were whole.
"""

from pathlib import Path

import pytest

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import DocumentStatus
from swatchbook.resources import Resources
from swatchbook.store.ledger.publishing import count_unpublished
from swatchbook.store.ledger.stored_documents import all_documents
from swatchbook.upkeep.reports.collection_state import collect_statistics
from swatchbook.upkeep.verify import verify
from swatchbook_backup.layout import BackupFolder
from swatchbook_backup.restore import restore
from swatchbook_backup.write import back_up
from tests.command import run
from tests.dying import kills
from tests.fixtures import SOAK
from tests.new_collection import NewCollection, environment_of
from tests.upkeep.kept_collection import files, indexed, make, rows

pytestmark = pytest.mark.stack

CLOSER = 10 if SOAK else 1
"""So many times as many kills in a soak."""


def entries(folder: Path) -> set[str]:
    """Everything in a folder with a backup, without the backup's id."""
    identity = BackupFolder(folder).read_manifest().id
    return {str(path.relative_to(folder)).replace(identity, "ID") for path in folder.rglob("*")}


@pytest.mark.gate
def test_after_a_killed_backup_the_next_is_whole(
    collection: Resources, new_collection: NewCollection, tmp_path: Path
) -> None:
    folder, other = tmp_path / "backup", new_collection()
    nothing, killed = rows(other), list[bool]()
    for _ in kills(["upkeep", "backup", str(folder)], collection, tmp_path, 20 // CLOSER):
        killed.append((folder / "manifest.json").exists())
        if not killed[-1]:
            with pytest.raises(InvalidReference, match=r"holds no finished backup|There is no folder"):
                restore(other, folder)
            assert rows(other) == nothing
    assert killed.count(False) > 3
    back_up(collection, tmp_path / "undisturbed")
    assert entries(folder) == entries(tmp_path / "undisturbed")
    restore(other, folder)
    assert rows(other) == rows(collection)
    assert files(other) == files(collection)


def test_earlier_backup_stays_until_the_later_is_whole(
    resources: Resources, new_collection: NewCollection, tmp_path: Path
) -> None:
    folder, found = tmp_path / "backup", list[bool]()
    make(resources, "oak")
    back_up(resources, folder)
    earlier = rows(resources)
    make(resources, "ash", content="supplement")
    for _ in kills(["upkeep", "backup", str(folder)], resources, tmp_path, 25 // CLOSER):
        other = new_collection()
        restore(other, folder)
        found.append(rows(other) == earlier)
        assert found[-1] or rows(other) == rows(resources)
    assert found.count(True) > 1
    back_up(resources, tmp_path / "undisturbed")
    assert entries(folder) == entries(tmp_path / "undisturbed")


@pytest.mark.parametrize(("ledger", "index"), [("sqlite", "lance"), ("postgresql", "weaviate")])
def test_a_killed_restore_can_be_finished(
    collection: Resources, new_collection: NewCollection, tmp_path: Path, ledger: str, index: str
) -> None:
    back_up(collection, tmp_path / "backup")
    other, killed = new_collection(ledger, index), list[DocumentStatus]()
    for _ in kills(["upkeep", "restore", str(tmp_path / "backup")], other, tmp_path, 10 // CLOSER):
        killed += [document.status for document in all_documents(other.ledger, None)]
        assert set(killed) <= {DocumentStatus.CANCELLED, DocumentStatus.COMPLETED}, "nothing works on half a document"
    assert DocumentStatus.CANCELLED in killed
    assert rows(other) == rows(collection)
    assert files(other) == files(collection)
    assert indexed(other) == indexed(collection)
    assert count_unpublished(other.ledger) == 0
    assert verify(other, deep=True).sound
    if index == "lance":  # the other one rounds
        assert collect_statistics(other, "anna") == collect_statistics(collection, "anna")
    assert "kept as they were" in run("upkeep", "restore", str(tmp_path / "backup"), **environment_of(other))
    assert rows(other) == rows(collection)
