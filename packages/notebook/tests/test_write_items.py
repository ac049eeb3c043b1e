"""Items of a program become a batch that `list_batch` reads: what their pictures may be, and what stays as it was."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from swatchbook.domain.errors import FileMissing, InvalidReference
from swatchbook.domain.records import NO_MAPPING
from swatchbook.ingest.sources.batch import list_batch
from swatchbook.ingest.sources.listed import ListedItem
from swatchbook_notebook.write_items import FILE, PICTURES, write_items
from tests.ingest.sources.pictures import draw
from tests.pdf.making import png


def listed(folder: Path) -> dict[str, ListedItem]:
    return {item.item: item for item in list_batch(folder, NO_MAPPING, max_bytes=1 << 20)}


def test_pictures_are_paths_bytes_and_images(tmp_path: Path) -> None:
    oak, image = draw(tmp_path / "elsewhere" / "oak.PNG", 1), Image.new("RGB", (30, 20), "red")
    items: list[dict[str, Any]] = [
        {"id": "path", "images": oak}, {"id": "text", "images": [str(oak)]}, {"id": 3, "images": png(image)},
        {"id": "two", "images": [image, oak]}, {"id": "cmyk", "images": Image.new("CMYK", (30, 20))},
    ]  # fmt: skip
    assert write_items(items, tmp_path / "shop") == ["path", "text", "3", "two", "cmyk"]
    found = listed(tmp_path / "shop")
    assert {name: item.failure for name, item in found.items()} == dict.fromkeys(found)
    assert found["path"].pictures == found["text"].pictures
    assert Path(found["path"].pictures[0].file).read_bytes() == oak.read_bytes()
    assert len(found["two"].pictures) == 2
    for name in ("3", "two", "cmyk"):
        with Image.open(found[name].pictures[0].file) as picture:
            assert picture.size == (30, 20)


def test_item_replaces_only_the_one_with_its_id(tmp_path: Path) -> None:
    red, blue = (Image.new("RGB", (9, 9), name) for name in ("red", "blue"))
    write_items([{"id": "a", "price": 1, "images": red}, {"id": "b", "images": red}], tmp_path)
    before = {file: file.stat() for file in (tmp_path / PICTURES).iterdir()}
    write_items(iter([{"id": "a", "price": 2, "images": red}, {"id": "c", "images": blue}]), tmp_path)
    found = listed(tmp_path)
    assert sorted(found) == ["a", "b", "c"]
    assert found["a"].metadata["price"] == "2"
    assert len(list((tmp_path / PICTURES).iterdir())) == 2
    assert {file: file.stat() for file in before} == before, "an equal picture is not written again"


def test_other_metadata_becomes_text_and_nan_is_omitted(tmp_path: Path) -> None:
    write_items(
        [{"id": "a", "price": Decimal("9.50"), "brand": float("nan"), "description": date(2024, 5, 1)}], tmp_path
    )
    assert listed(tmp_path)["a"].metadata == {"price": "9.50", "description": "2024-05-01"}


def test_missing_picture_is_left_to_the_ingest(tmp_path: Path) -> None:
    write_items([{"id": "a", "images": tmp_path / "gone.png"}, {"id": "b"}], tmp_path / "shop")
    failure = listed(tmp_path / "shop")["a"].missing[0].failure
    assert isinstance(failure, FileMissing)
    assert listed(tmp_path / "shop")["b"].bare is not None


def test_url_stays_a_url(tmp_path: Path) -> None:
    write_items([{"id": "a", "images": "https://shop.example/a.png"}], tmp_path)
    assert json.loads((tmp_path / FILE).read_text())["images"] == ["https://shop.example/a.png"]


def test_error_in_an_item_leaves_the_batch_unchanged(tmp_path: Path) -> None:
    write_items([{"id": "a", "price": 1}], tmp_path)
    before = sorted(tmp_path.iterdir()), (tmp_path / FILE).read_text()
    wrong: dict[str, Any] = {
        "Item 2 has no id, url or sku": {"title": "no id"},
        "Item 2 is no dict": "a",
        "A picture cannot be a int": {"id": "b", "images": 5},
        "Item 2 cannot be written as JSON": {"id": "b", "size": [float("inf")]},
    }
    for said, item in wrong.items():
        with pytest.raises(InvalidReference) as raised:
            write_items([{"id": "a", "price": 2}, item], tmp_path)
        assert said in str(raised.value)
        assert (sorted(tmp_path.iterdir()), (tmp_path / FILE).read_text()) == before


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    def broken() -> Iterator[dict[str, Any]]:
        yield {"id": "a"}
        raise ConnectionError("the shop is away")

    with pytest.raises(ConnectionError, match="the shop is away"):
        write_items(broken(), tmp_path)
    assert not (tmp_path / FILE).exists()
    (tmp_path / "shop").write_text("")
    with pytest.raises(InvalidReference, match=r"shop: .*Name a folder"):
        write_items([{"id": "a"}], tmp_path / "shop")
