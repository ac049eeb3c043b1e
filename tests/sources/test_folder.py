"""Which files of a folder are items, in which order, and which are refused by name."""

import os
from pathlib import Path

import pytest

from swatchbook.errors import InvalidReference
from swatchbook.sources.folder import ListedItem, count_pictures, list_folder

SUFFIXES = ("jpg", "png")


def listed(folder: Path) -> dict[str, ListedItem]:
    items = list(list_folder(folder, SUFFIXES))
    named = {item.item: item for item in items}
    assert len(named) == len(items)
    return named


def files(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def test_pictures_of_all_subfolders_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    files(tmp_path, "b.jpg", "a.PNG", "sub/deep/c.jpg", "sub/a.jpg", "notes.txt", ".hidden.jpg", ".git/d.jpg", "jpg")
    assert list(listed(tmp_path)) == ["a.PNG", "b.jpg", "sub/a.jpg", "sub/deep/c.jpg"]
    assert count_pictures(tmp_path, SUFFIXES) == 4


def test_item_is_named_after_its_file(tmp_path: Path) -> None:
    files(tmp_path, "sub/oak floor.jpg")
    (item,) = listed(tmp_path).values()
    (picture,) = item.pictures
    assert (item.item, item.title) == ("sub/oak floor.jpg", "oak floor.jpg")
    assert item.metadata == {"price": "0", "url": (tmp_path / "sub" / "oak floor.jpg").as_uri()}
    assert (picture.path, picture.file) == (item.item, str(tmp_path / "sub" / "oak floor.jpg"))
    assert (picture.size, picture.inode) == (1, Path(picture.file).stat().st_ino)


def test_links_are_followed_only_within_the_folder(tmp_path: Path) -> None:
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    files(tmp_path, "folder/a.jpg", "folder/sub/b.jpg", "outside/secret.jpg")
    (folder / "same.jpg").symlink_to("a.jpg")
    (folder / "again").symlink_to("sub")
    (folder / "loop").symlink_to(".")
    (folder / "secret.jpg").symlink_to(outside / "secret.jpg")
    (folder / "outside").symlink_to(outside)
    (folder / "nowhere.jpg").symlink_to("missing.jpg")
    items = listed(folder)
    assert {name for name, item in items.items() if not item.failure} == {"a.jpg", "same.jpg", "sub/b.jpg"}
    refused = {name: str(item.failure) for name, item in items.items() if item.failure}
    assert set(refused) == {"secret.jpg", "outside", "nowhere.jpg"}
    assert "outside the folder" in refused["secret.jpg"]
    assert "outside the folder" in refused["outside"]
    assert not any(item.pictures for item in items.values() if item.failure)


def test_what_is_no_file_is_refused_without_being_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    files(tmp_path, "folder.jpg/a.jpg")
    items = listed(tmp_path)
    assert {name: bool(item.failure) for name, item in items.items()} == {"pipe.jpg": True, "folder.jpg/a.jpg": False}


def test_odd_names_stay_different_and_can_be_stored(tmp_path: Path) -> None:
    names = [b"caf\xe9.jpg", b"caf\xea.jpg", "café.jpg".encode(), b"line\nbreak.jpg", b" .jpg", b"%2e.jpg"]
    for name in names:
        Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name))).write_bytes(b"x")  # noqa: PTH118
    items = listed(tmp_path)
    assert len(items) == len(names)
    for item in items.values():
        item.item.encode()
        item.title.encode()
        assert "\n" not in item.title
        assert Path(item.pictures[0].file).exists()


def test_missing_folder_is_fatal(tmp_path: Path) -> None:
    with pytest.raises(InvalidReference, match="cannot be read"):
        list(list_folder(tmp_path / "nowhere", SUFFIXES))
