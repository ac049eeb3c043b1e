"""Which items a scraped batch lists, which pictures they have, and what is refused by name."""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import BatchMapping
from swatchbook.ingest.sources.batch import MAX_PICTURES, content_id, is_batch, list_batch
from swatchbook.ingest.sources.item_files import MAX_NAMED
from swatchbook.ingest.sources.listed import ListedItem, ListedPicture, ListedUrl

MIB = 1 << 20


def write(file: Path, *records: Any) -> Path:
    """A batch file of these items."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(record) for record in records]
    file.write_text("\n".join(lines) if file.suffix == ".jsonl" else f"[{','.join(lines)}]")
    return file


def picture(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def listed(path: Path, fields: Mapping[str, Sequence[str]] = {}, max_bytes: int = MIB) -> dict[str, ListedItem]:
    items = list(list_batch(path, BatchMapping(columns=fields), max_bytes=max_bytes))
    named = {item.item: item for item in items}
    assert len(named) == len(items)
    return named


def failures(items: Mapping[str, ListedItem]) -> dict[str, str]:
    return {name: str(item.problem) for name, item in items.items() if item.problem}


@pytest.mark.parametrize("name", ["items.json", "items.jsonl"])
def test_item_has_its_fields_and_picture(tmp_path: Path, name: str) -> None:
    picture(tmp_path, "photos/a.jpg")
    file = write(tmp_path / name, {
        "id": 4711, "title": "Linen  sofa", "price": 129.5, "currency": "EUR", "brand": "Nord", "category": "sofas",
        "size": "200 cm", "condition": "used", "url": "https://shop.example/4711", "file_path": "photos/a.jpg", "x": 1,
    })  # fmt: skip
    (item,) = listed(file).values()
    assert (item.item, item.code, item.title, item.failure) == ("4711", "4711", "Linen sofa", None)
    assert item.metadata == {
        "price": "129.50", "currency": "EUR", "brand": "Nord", "category": "sofas", "size": "200 cm",
        "condition": "used", "url": "https://shop.example/4711",
    }  # fmt: skip
    assert item.text == "Nord · sofas · 200 cm · used"
    assert [picture.path for picture in item.pictures] == ["photos/a.jpg"]


def test_names_of_windows_and_macos_are_found(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "Stühle grün.jpg")
    picture(tmp_path, f"img/{decomposed}", "img/Möbel.jpg")
    file = write(
        tmp_path / "items.jsonl",
        {"id": "nfc", "images": "img/Stühle grün.jpg"},
        {"id": "nfd", "images": unicodedata.normalize("NFD", "img/Möbel.jpg")},
        {"id": "backslash", "images": "img\\Möbel.jpg"},
        {"id": "outside", "images": "..\\Möbel.jpg"},
    )
    found = {name: [p.path for p in item.pictures] for name, item in listed(file).items()}
    assert found == {
        "nfc": [f"img/{decomposed}"], "nfd": ["img/Möbel.jpg"], "backslash": ["img/Möbel.jpg"], "outside": [],
    }  # fmt: skip


def missing(items: Mapping[str, ListedItem]) -> dict[str, list[str]]:
    return {name: [each.path for each in item.missing] for name, item in items.items() if item.missing}


def test_pictures_missing_beside_others_are_named(tmp_path: Path) -> None:
    """Not those of another alternative, and no word that only its field's name makes a picture."""
    picture(tmp_path, "sub/c.jpg")
    wrong = "ftp://shop.example/a.jpg"
    file = write(
        tmp_path / "sub" / "items.jsonl",
        {"id": "two", "images": ["c.jpg", "gone.jpg", "gone.jpg", "./c.jpg", wrong]},
        {"id": "plain", "images": ["c.jpg", "gone"]},
        {"id": "word", "image": "c.jpg", "cover": "hardback"},
        {"id": "other", "compressed_path": "small.jpg", "original_path": "c.jpg"},
        {"id": "none", "images": ["x.jpg", "y.jpg"]},
    )
    items = listed(tmp_path)
    assert missing(items) == {
        "two": ["sub/gone.jpg", wrong], "plain": ["sub/gone"], "none": ["sub/x.jpg", "sub/y.jpg"],
    }  # fmt: skip
    assert "x.jpg: The file cannot be found" in failures(items)["none"]
    assert "y.jpg: The file cannot be found" in failures(items)["none"]
    file.with_suffix(".csv").write_text("id,image,more,back\n1,c.jpg,gone.jpg,back\n2,,c.jpg,back\n")
    given = {"images": ("image", "nope"), "more_images": ("more", "back")}
    assert missing(listed(file.with_suffix(".csv"), given)) == {"1": ["gone.jpg", "back"], "2": ["back"]}


def test_embedded_pictures_are_named_and_placeholders_are_ignored(tmp_path: Path) -> None:
    picture(tmp_path, "c.jpg")
    small, large = ("data:image/gif;base64," + "R0lGODlh" * times for times in (9, 1_000))
    file = write(
        tmp_path / "items.jsonl",
        {"id": "lazy", "images": [small, "c.jpg"]},
        {"id": "lazy object", "images": [{"src": small}, {"src": "c.jpg"}]},
        {"id": "beside", "images": ["c.jpg", {"src": large}]},
        {"id": "alone", "image": large},
        {"id": "none", "image": small},
    )
    items = listed(file)
    assert [name for name, item in items.items() if [p.path for p in item.pictures] == ["c.jpg"]] == [
        "lazy", "lazy object", "beside",
    ]  # fmt: skip
    ((name,), alone) = missing(items).values()
    assert alone == [name]
    assert name.startswith("data:image/gif;base64,R0lGODlh")
    assert len(name) < 100
    assert "only files and URLs are read" in str(items["beside"].problem)
    assert "only files and URLs are read" in failures(items)["alone"]
    assert {type(items[name].missing[0].failure) for name in ("alone", "beside")} == {InvalidReference}
    assert "names no picture" in failures(items)["none"]


def test_pictures_above_the_limit_per_item_are_named(tmp_path: Path) -> None:
    urls = [f"https://cdn.example/{number}.jpg" for number in range(MAX_NAMED + 1)]
    file = write(
        tmp_path / "items.jsonl",
        {"id": "most", "images": urls[:MAX_PICTURES]},
        {"id": "more", "images": urls[: MAX_PICTURES + 2]},
        {"id": "too many", "images": urls},
    )
    items = listed(file)
    assert {name: len(item.pictures) for name, item in items.items()} == {
        "most": MAX_PICTURES, "more": MAX_PICTURES, "too many": 0,
    }  # fmt: skip
    assert missing(items) == {"more": urls[MAX_PICTURES : MAX_PICTURES + 2]}
    assert failures(items)["too many"] == "It names more than 10,000 pictures."


def test_first_field_with_pictures_gives_files_and_urls(tmp_path: Path) -> None:
    picture(tmp_path, "a.jpg", "o.jpg", "f.jpg", "1.jpg", "2.jpg")
    one, two = "https://cdn.example/1.jpg?w=900", "http://cdn.example/2"
    file = write(
        tmp_path / "items.jsonl",
        {"id": "first", "compressed_path": "missing.jpg", "original_path": "o.jpg", "file_path": "f.jpg"},
        {"id": "list", "file_path": "missing.jpg", "local_image_paths": ["1.jpg", "missing.jpg", "2.jpg", "1.jpg"]},
        {"id": "both", "images": ["a.jpg", one, one, two]},
        {"id": "urls", "file_path": "missing.jpg", "image_urls": [one, two]},
        {"id": "one", "image_url": two},
        {"id": "file", "file_path": "a.jpg", "image_url": one},
    )
    named = {name: [picture.path for picture in item.pictures] for name, item in listed(file).items()}
    assert named == {
        "first": ["o.jpg"], "list": ["1.jpg", "2.jpg"], "both": ["a.jpg", one, two], "urls": [one, two], "one": [two],
        "file": ["a.jpg"],
    }  # fmt: skip
    assert [type(picture) for picture in listed(file)["both"].pictures] == [ListedPicture, ListedUrl, ListedUrl]


def test_other_shapes_by_a_field_mapping(tmp_path: Path) -> None:
    picture(tmp_path, "a.jpg")
    file = write(tmp_path / "items.json", {"sku": "S1", "name": {"de": "Sofa"}, "media": {"main": "a.jpg"}})
    items = listed(file, {"id": ("nr", "sku"), "title": ("name.de",), "images": ("media.main",)})
    assert (items["S1"].title, len(items["S1"].pictures)) == ("Sofa", 1)
    assert listed(file, {"images": ("photo",)})["S1"].bare


def test_folder_of_batches_is_one_source(tmp_path: Path) -> None:
    picture(tmp_path, "monday/a.jpg", "b.jpg")
    write(tmp_path / "monday" / "items.jsonl", {"id": "a", "file_path": "a.jpg"})
    write(tmp_path / "tuesday.json", {"id": "b", "file_path": "b.jpg"}, {"id": "a", "file_path": "b.jpg"})
    items = listed(tmp_path)
    assert [p.path for p in items["a"].pictures] == ["monday/a.jpg"]
    assert failures(items) == {
        "a (2)": "The id a occurs once more: tuesday.json#2. Name a field whose values differ as id: --mapping."
    }
    assert is_batch(tmp_path)
    assert not is_batch(tmp_path / "monday" / "a.jpg")


def test_bad_items_are_named_and_good_ones_listed(tmp_path: Path) -> None:
    picture(tmp_path, "outside.jpg", "batch/a.jpg")
    (tmp_path / "batch" / "link").symlink_to(tmp_path)
    lines = [
        '{"id": "good", "file_path": "a.jpg"}', "not json", "[1]", '{"title": "no id"}', '{"id": "none"}',
        '{"id": "up", "file_path": "../outside.jpg"}', '{"id": "abs", "file_path": "/etc/hostname"}',
        '{"id": "link", "file_path": "link/outside.jpg"}', '{"id": "url", "images": ["ftp://shop.example/a.jpg"]}',
        '{"id": "long", "images": ["https://shop.example/%s"]}' % ("a" * 9_000),
        '{"id": "hidden", "images": ["https://shop.example/\\u202egpj.a"]}',
        '{"id": "nul", "file_path": "a\\u0000.jpg"}', '{"id": "dir", "file_path": "."}',
        '{"id": "\\ud800", "images": 5}',
        '{"id": "good", "file_path": "a.jpg"}', "",
    ]  # fmt: skip
    (tmp_path / "batch" / "items.jsonl").write_text("\n".join(lines))
    items = listed(tmp_path / "batch" / "items.jsonl")
    failed, nameless = failures(items), content_id({"title": "no id"})
    assert [name for name in items if name not in failed] == ["good"]
    assert set(failed) == {
        "items.jsonl#2", "items.jsonl#3", nameless, "none", "up", "abs", "link", "url", "long",
        "hidden", "nul", "dir", "items.jsonl#14", "good (2)",
    }  # fmt: skip
    assert {name for name, item in items.items() if item.failure} == {
        "items.jsonl#2", "items.jsonl#3", "items.jsonl#14", "good (2)",
    }  # fmt: skip
    for name in ("up", "abs", "link"):
        assert "outside the folder" in failed[name]
    assert "https" in failed["url"]
    assert "not JSON" in failed["items.jsonl#2"]
    assert "no picture" in failed["none"]


def test_json_file_that_cannot_be_read_hides_items(tmp_path: Path) -> None:
    """One that is too large names JSON Lines."""
    (tmp_path / "a.json").write_text('{"id": ')
    write(tmp_path / "b.json", {"id": "b"})
    items = listed(tmp_path)
    assert (items["a.json"].hides, items["b"].hides) == ("", None)
    assert "not JSON" in str(items["a.json"].failure)
    file = write(tmp_path / "items.json", {"id": "a" * 200})
    assert ".jsonl" in failures(listed(file, max_bytes=100))["items.json"], "it is too large"


def test_place_may_lead_into_an_allowed_folder(tmp_path: Path) -> None:
    picture(tmp_path, "img/bear.jpg", "secret/s.jpg")
    (tmp_path / "img" / "link.jpg").symlink_to(tmp_path / "secret" / "s.jpg")
    (tmp_path / "fr").mkdir()
    (tmp_path / "fr" / "in").symlink_to(tmp_path / "img")
    places = {
        "up": "../img/bear.jpg", "link": "in/bear.jpg", "out": "../secret/s.jpg", "behind": "../img/link.jpg",
        "back": "../img/../secret/s.jpg", "gone": "../img/gone.jpg",
    }  # fmt: skip
    file = write(tmp_path / "fr" / "items.jsonl", *({"id": id, "image": place} for id, place in places.items()))
    items = list(list_batch(file, BatchMapping(), max_bytes=MIB, folders=[tmp_path / "img"]))
    failed = failures({item.item: item for item in items})
    assert {item.item for item in items} - failed.keys() == {"up", "link"}
    assert {each.path for item in items for each in item.pictures} == {str(tmp_path / "img" / "bear.jpg")}
    assert all("outside the folder" in failed[id] for id in ("out", "behind", "back"))
    assert "cannot be found" in failed["gone"]


def test_empty_fields_for_pictures_are_named(tmp_path: Path) -> None:
    file = tmp_path / "items.csv"
    columns = [f"column {number}" for number in range(20)]
    file.write_text(f"id,title,{','.join(columns)},Images,Thumbnail\na,Oak{',x' * 20},,\n")
    assert failures(listed(file)) == {"a": "It names no picture: Images, Thumbnail are empty."}
    assert failures(listed(file, {"images": ("Images",)})) == {"a": "It names no picture: Images is empty."}
    file.write_text("ID,Tipo,COD,Nome,Genitore,Immagine\n1,simple,P,Vaso,,\n")
    assert failures(listed(file)) == {"1": "It names no picture: Immagine is empty."}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("end", ["c,Ches", '"c', 'c,"Chest\nof oak', "c,Chest,"])
def test_table_that_ends_within_a_row_hides_items(tmp_path: Path, end: str, encoding: str) -> None:
    """A row of a table that leaves out empty cells at its ends is whole, and so is one with a line end."""
    picture(tmp_path, "x.jpg")
    rows = "id,title,image,price\na,Oak,x.jpg,5\n\nb,Elm,x.jpg,6\n"
    file = tmp_path / "items.csv"
    file.write_bytes((rows + end).encode(encoding))
    items = listed(file)
    assert failures(items) == {"items.csv#3": "The file ends in the middle of a row. Get it once more."}
    assert items.keys() == {"a", "b", "items.csv#3"}
    assert items["items.csv#3"].hides == ""
    for whole in (f"{rows}c,Chest,x.jpg,7", f"{rows}c,Chest\n", f"{rows}d,Ash,x.jpg\nc,Chest,x.jpg"):
        file.write_bytes(whole.encode(encoding))
        assert all(item.hides is None for item in listed(file).values())
