"""Files next to pictures that say what these show: which are read, and which pictures they are of."""

import json
from pathlib import Path

import pytest

from swatchbook.sources import sidecar
from swatchbook.sources.batch import is_batch
from swatchbook.sources.folder import ListedItem, list_briefly, list_folder
from swatchbook.sources.listed import ListedPicture

SUFFIXES = ("jpg", "png")


def listed(folder: Path) -> dict[str, ListedItem]:
    return {item.item: item for item in list_folder(folder, SUFFIXES)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("oak.jpg", "ash.png", "sub/elm.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


@pytest.mark.parametrize("name", ["oak.jpg.json", "oak.json"])
def test_sidecar_of_one_picture_names_it(folder: Path, name: str) -> None:
    told = {"title": "Oak chair", "price": "12.50", "currency": "EUR", "brand": "Nord", "sku": "O-1"}
    (folder / name).write_text(json.dumps(told))
    assert not is_batch(folder, SUFFIXES)
    items = listed(folder)
    assert (items["oak.jpg"].title, items["oak.jpg"].code) == ("Oak chair", "O-1")
    assert {"brand": "Nord", "currency": "EUR"}.items() <= items["oak.jpg"].metadata.items()
    assert items["oak.jpg"].metadata["price"].startswith("12.5")
    assert (items["ash.png"].title, items["ash.png"].metadata.keys()) == ("ash", {"url"})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("metadata.csv", "file_name,title,category\noak.jpg,Oak chair,Chairs\nsub/elm.jpg,Elm table,Tables\n"),
        ("sidecar.csv", "filename;title;category\noak.jpg;Oak chair;Chairs\nsub/elm.jpg;Elm table;Tables\n"),
        ("metadata.tsv", "file_name\ttitle\tcategory\noak.jpg\tOak chair\tChairs\nsub/elm.jpg\tElm table\tTables\n"),
        ("sidecar.json", json.dumps([
            {"file": "oak.jpg", "title": "Oak chair", "category": "Chairs"},
            {"file": "sub/elm.jpg", "title": "Elm table", "category": "Tables"},
        ])),
        ("metadata.jsonl", '{"file_name": "oak.jpg", "title": "Oak chair", "category": "Chairs"}\n'
                           '{"file_name": "sub/elm.jpg", "title": "Elm table", "category": "Tables"}\n'),
        ("metadata.json", json.dumps({
            "oak.jpg": {"title": "Oak chair", "category": "Chairs"},
            "sub/elm.jpg": {"title": "Elm table", "category": "Tables"},
        })),
    ],
)  # fmt: skip
def test_table_names_the_pictures_of_its_folder_and_below(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    assert not is_batch(folder, SUFFIXES)
    items = listed(folder)
    assert {name: item.title for name, item in items.items()} == {
        "oak.jpg": "Oak chair", "ash.png": "ash", "sub/elm.jpg": "Elm table",
    }  # fmt: skip
    assert items["sub/elm.jpg"].metadata["category"] == "Tables", "not the subfolder"


@pytest.mark.parametrize(
    ("name", "text", "described"),
    [
        ("metadata.csv", '"file_name";title\nsub/elm.jpg;Elm table\n', True),
        ("Metadata.JSONL", '{"title": "Elm table", "file_name": "sub/elm.jpg"}\n', True),
        ("metadata.csv", "file_name,title,image\na.jpg,Elm table,sub/elm.jpg\n", False),
        ("metadata.json", '[{"title": "Elm table", "images": ["sub/elm.jpg"]}]', False),
        ("products.csv", "file_name,title\nsub/elm.jpg,Elm table\n", False),
    ],
)
def test_table_above_folders_of_pictures_is_known_by_its_columns(
    tmp_path: Path, name: str, text: str, described: bool
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "elm.jpg").write_bytes(b"x")
    (tmp_path / name).write_text(text)
    assert is_batch(tmp_path, SUFFIXES) is not described
    assert (listed(tmp_path)["sub/elm.jpg"].title == "Elm table") is described


def test_sidecar_that_cannot_be_read_is_named_and_its_picture_taken(folder: Path, tmp_path: Path) -> None:
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
    (found,) = [item for item in list_folder(folder, SUFFIXES, max_bytes=1_000) if item.failure]
    assert found.item == "oak.json"
    monkeypatch.setattr(sidecar, "MOST_ROWS", 1)
    (folder / "metadata.csv").write_text("file_name,title\noak.jpg,Oak\nash.png,Ash\n")
    assert "rows" in str(listed(folder)["metadata.csv"].failure)


def test_only_pictures_with_a_sidecar_are_listed_whole(folder: Path) -> None:
    (folder / "oak.json").write_text('{"title": "Oak chair"}')
    found = list(list_briefly(folder, SUFFIXES))
    assert [type(each) for each in found] == [ListedPicture, ListedItem, ListedPicture]


def test_other_json_next_to_pictures_is_a_batch(folder: Path) -> None:
    (folder / "oak.json").write_text("{}")
    (folder / "items.json").write_text("[]")
    assert is_batch(folder, SUFFIXES)
