"""Where the files of a folder from a browser are kept, and which are refused."""

from pathlib import Path

import pytest

from swatchbook.domain.errors import Failure
from swatchbook.ingest.sources.dropped import root_of
from swatchbook_web.sent_files import MOST_PARTS, dropped_folder, keep_dropped, list_sent, sent_folder, take_in

SUFFIXES = frozenset({"png"})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sent"
    path.write_bytes(b"new")
    return path


def test_a_sent_folder_moves_to_what_is_there(file: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    sent, folder = sent_folder(home, "id", "tiles"), dropped_folder(home, "id", "tiles")
    keep_dropped(file, sent, "sub/a.png", SUFFIXES)
    assert list(list_sent(home)) == [("id", sent)]
    for path in (folder / "sub" / "a.png", folder / "b.png"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"old")
    take_in(sent, folder)
    assert [(folder / name).read_bytes() for name in ("sub/a.png", "b.png")] == [b"new", b"old"]
    assert list(list_sent(home)) == []


def test_a_file_with_the_name_of_a_folder_stays(file: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    sent, folder = sent_folder(home, "id", "tiles"), dropped_folder(home, "id", "tiles")
    keep_dropped(file, sent, "a.png", SUFFIXES)
    (folder / "a.png").mkdir(parents=True)
    with pytest.raises(Failure, match="same name"):
        take_in(sent, folder)
    assert (sent / "a.png").exists()


def test_a_file_replaces_the_one_of_its_path(file: Path, tmp_path: Path) -> None:
    folder = dropped_folder(tmp_path, "id", "tiles")
    kept = folder / "sub" / "a.PNG"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"old")
    keep_dropped(file, folder, "sub/a.PNG", SUFFIXES)
    assert kept.read_bytes() == b"new"
    assert not file.exists()
    assert root_of(tmp_path, str(kept)) == tmp_path.resolve() / "dropped" / "id"
    assert root_of(tmp_path, str(tmp_path / "elsewhere")) is None
    file.write_bytes(b"second")
    with pytest.raises(Failure, match="same name"):
        keep_dropped(file, folder, "sub/a.PNG/b.png", SUFFIXES)


def test_no_path_leads_elsewhere(file: Path, tmp_path: Path) -> None:
    outside = ["", "/etc/a.png", "../a.png", "sub/../../a.png", "sub//a.png", ".hidden/a.png", "a\\b.png", "a\0.png"]
    others = ["a\n.png", "a.exe", "a.pdf", "png", "x" * 201 + ".png", "d/" * MOST_PARTS + "a.png"]
    for path in (*outside, *others):
        with pytest.raises(Failure):
            keep_dropped(file, dropped_folder(tmp_path, "id", "tiles"), path, SUFFIXES)
        assert file.exists()
    assert list(tmp_path.rglob("*.png")) == []
    for name in ("", "..", ".", "a/b", "a\\b", "\0", ".git"):
        with pytest.raises(Failure):
            dropped_folder(tmp_path, "id", name)
