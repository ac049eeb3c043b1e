"""Files next to pictures that say what these show: which are read, and which pictures they are of."""

import json
import unicodedata
from pathlib import Path

import pytest

from swatchbook.ingest.sources import sidecar
from swatchbook.ingest.sources.batch import is_batch
from swatchbook.ingest.sources.folder import ListedItem, list_briefly, list_folder
from swatchbook.ingest.sources.item_files import SourceNotes
from swatchbook.ingest.sources.listed import ListedPicture
from tests.ingest.sources.pictures import draw
from tests.tables import check_rows, rows_of


def listed(folder: Path) -> dict[str, ListedItem]:
    return {item.item: item for item in list_folder(folder)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("oak.jpg", "ash.png", "sub/elm.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


@pytest.mark.parametrize("name", ["oak.jpg.json", "oak.json"])
def test_sidecar_of_one_picture_names_it(folder: Path, name: str) -> None:
    told = {"title": "Oak chair", "price": "12.50", "currency": "EUR", "brand": "Nord", "code": "O-1"}
    (folder / name).write_text(json.dumps(told))
    assert not is_batch(folder)
    items = listed(folder)
    assert (items["oak.jpg"].title, items["oak.jpg"].code) == ("Oak chair", "O-1")
    assert {"brand": "Nord", "currency": "EUR"}.items() <= items["oak.jpg"].metadata.items()
    assert items["oak.jpg"].metadata["price"].startswith("12.5")
    assert (items["ash.png"].title, items["ash.png"].metadata.keys()) == ("ash", {"url"})


def test_table_names_pictures_of_its_folder_and_below(folder: Path) -> None:
    for name, text in rows_of(__file__, "tables_of_a_folder"):
        (folder / name).write_text(text)
        assert not is_batch(folder), name
        items = listed(folder)
        titles = {name: item.title for name, item in items.items()}
        assert titles == {"oak.jpg": "Oak chair", "ash.png": "ash", "sub/elm.jpg": "Elm table"}, name
        assert items["sub/elm.jpg"].metadata["category"] == "Tables", "not the subfolder"
        (folder / name).unlink()


def test_table_names_pictures_as_macos_writes_them(tmp_path: Path) -> None:
    draw(tmp_path / unicodedata.normalize("NFD", "Möbel.png"))
    (tmp_path / "metadata.csv").write_text("file_name,title\nMöbel.png,Tisch\n")
    absent = dict[str, list[str]]()
    assert [item.title for item in list_folder(tmp_path, notes=SourceNotes(absent=absent))] == ["Tisch"]
    assert absent == {}


def test_table_above_folders_is_known_by_its_columns(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "elm.jpg").write_bytes(b"x")

    def is_described(name: str, text: str) -> bool:
        (tmp_path / name).write_text(text)
        batch, title = is_batch(tmp_path), listed(tmp_path)["sub/elm.jpg"].title
        (tmp_path / name).unlink()
        assert batch is not (title == "Elm table")
        return not batch

    check_rows(__file__, "tables_above_folders", is_described)


def test_unreadable_sidecar_is_named_and_its_picture_taken(folder: Path, tmp_path: Path) -> None:
    (folder / "oak.json").write_text("{not json")
    (folder / "sidecar.csv").write_text("title,price\nOak,5\n")
    items = listed(folder)
    assert {name for name, item in items.items() if item.failure} == {"oak.json", "sidecar.csv"}
    assert items["oak.jpg"].title == "oak"


def test_sidecar_out_of_the_folder_is_not_read(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.json"
    secret.write_text('{"title": "Secret"}')
    (folder / "oak.json").symlink_to(secret)
    items = listed(folder)
    assert items["oak.jpg"].title == "oak"
    assert "outside the folder" in str(items["oak.json"].failure)


def test_large_sidecars_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "oak.json").write_text(json.dumps({"title": "x" * 2_000}))
    (found,) = [item for item in list_folder(folder, max_bytes=1_000) if item.failure]
    assert found.item == "oak.json"
    monkeypatch.setattr(sidecar, "MOST_ROWS", 1)
    (folder / "metadata.csv").write_text("file_name,title\noak.jpg,Oak\nash.png,Ash\n")
    assert "rows" in str(listed(folder)["metadata.csv"].failure)


def test_only_pictures_with_a_sidecar_are_listed_whole(folder: Path) -> None:
    (folder / "oak.json").write_text('{"title": "Oak chair"}')
    found = list(list_briefly(folder))
    assert [type(each) for each in found] == [ListedPicture, ListedItem, ListedPicture]
