"""Which files of a folder are items, in which order, and which are refused by name."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swatchbook.domain.errors import InvalidReference
from swatchbook.ingest.sources.folder import ListedItem, list_folder, pictures_below
from swatchbook.ingest.sources.item_files import SourceNotes
from swatchbook.ingest.sources.listed import title_of
from swatchbook_base.one_line import one_line
from tests.tables import check_rows


def listed(folder: Path) -> dict[str, ListedItem]:
    items = list(list_folder(folder))
    named = {item.item: item for item in items}
    assert len(named) == len(items)
    return named


def files(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def test_pictures_of_all_subfolders_come_ordered_by_name(tmp_path: Path) -> None:
    files(tmp_path, "b.jpg", "a.PNG", "sub/deep/c.jpg", "sub/a.jpg", "notes.txt", ".hidden.jpg", ".git/d.jpg", "jpg")
    assert list(listed(tmp_path)) == ["a.PNG", "b.jpg", "sub/a.jpg", "sub/deep/c.jpg"]
    assert len([*pictures_below(tmp_path)]) == 4


def test_title_is_the_words_of_the_name() -> None:
    check_rows(__file__, "titles", title_of)


@given(st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=60))
def test_any_name_gives_a_title_of_one_line(stem: str) -> None:
    title = title_of(f"{stem}.jpg")
    assert title == one_line(title) != ""


def test_subfolders_are_categories(tmp_path: Path) -> None:
    files(tmp_path, "a.jpg", "Wood & Cork/b.jpg", "wall_tiles/dark-blue/c.jpg")
    categories = {name: item.metadata.get("category") for name, item in listed(tmp_path).items()}
    assert categories == {
        "a.jpg": None,
        "Wood & Cork/b.jpg": "Wood & Cork",
        "wall_tiles/dark-blue/c.jpg": "wall tiles > dark blue",
    }
    without = list_folder(tmp_path, categories=False)
    assert [item.metadata.keys() for item in without] == [{"url"}] * 3


def test_links_elsewhere_and_pipes_are_refused_unopened(tmp_path: Path) -> None:
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    files(tmp_path, "folder/a.jpg", "folder/sub/b.jpg", "folder/folder.jpg/a.jpg", "outside/secret.jpg")
    os.mkfifo(folder / "pipe.jpg")
    (folder / "same.jpg").symlink_to("a.jpg")
    (folder / "again").symlink_to("sub")
    (folder / "loop").symlink_to(".")
    (folder / "secret.jpg").symlink_to(outside / "secret.jpg")
    (folder / "outside").symlink_to(outside)
    (folder / "nowhere.jpg").symlink_to("missing.jpg")
    items = listed(folder)
    sound = {name for name, item in items.items() if not item.failure}
    assert sound == {"a.jpg", "same.jpg", "sub/b.jpg", "folder.jpg/a.jpg"}
    refused = {name: str(item.failure) for name, item in items.items() if item.failure}
    assert set(refused) == {"secret.jpg", "outside", "nowhere.jpg", "pipe.jpg"}
    assert "outside the folder" in refused["secret.jpg"]
    assert "outside the folder" in refused["outside"]
    assert not any(item.pictures for item in items.values() if item.failure)


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
        list(list_folder(tmp_path / "nowhere"))


def test_folder_of_views_is_one_product(tmp_path: Path) -> None:
    check_rows(__file__, "views", lambda paths: _pictures_by_item(tmp_path, paths))


def test_product_of_views_is_named_by_its_folder(tmp_path: Path) -> None:
    files(tmp_path, "sofas/blue_sofa/hero.jpg", "sofas/blue_sofa/01.jpg")
    (item,) = listed(tmp_path).values()
    place = tmp_path / "sofas" / "blue_sofa"
    assert (item.title, item.metadata) == ("blue sofa", {"category": "sofas", "url": place.as_uri()})


def test_numbered_pictures_as_one_product_are_doubted(tmp_path: Path) -> None:
    files(tmp_path, "sofa/IMG_1.jpg", "sofa/IMG_2.jpg", "oak/hero.jpg", "oak/01.jpg", "rug/IMG_3.jpg")
    doubts = list[str]()
    assert len(list(list_folder(tmp_path, notes=SourceNotes(doubts=doubts)))) == 3
    (doubt,) = doubts
    assert doubt.startswith("sofa/: its 2 pictures have numbers for names and count as one product.")


def _pictures_by_item(folder: Path, paths: Sequence[str]) -> dict[str, list[str]]:
    shutil.rmtree(folder)
    files(folder, *paths)
    return {item.item: [picture.path for picture in item.pictures] for item in list_folder(folder / "in")}
