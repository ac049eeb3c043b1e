"""The one shape of items that the core reads by itself: what is taken, and how anything else is refused."""

import json
from pathlib import Path

import pytest

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import NO_MAPPING, BatchMapping
from swatchbook.ingest.sources.item_files import FileRecord, ReadRecord
from swatchbook.ingest.sources.plain_items import PlainItems
from tests.tables import rows_of

PLAIN = PlainItems()
CHAIR = {"id": 7, "name": "Chair", "code": "C-7", "price": 82.5, "pictures": ["a.jpg", "b.jpg"],
         "captions": ["front", ""], "metadata": {"price": "€ 82.50 per m2", "finish": "matt"}}  # fmt: skip
RED = {"id": "v1", "parent": 7, "name": "Red", "code": "C-7R", "options": [["Colour", "Red"]],
       "metadata": {"size": "L", "price": "€ 90", "color": "red"}}  # fmt: skip


def records(file: Path, text: str) -> list[FileRecord]:
    file.write_text(text, encoding="utf-8")
    return list(PLAIN.settle(lambda: PLAIN.read(file, 1 << 20), NO_MAPPING))


def read(file: Path, text: str) -> list[ReadRecord]:
    return [PLAIN.read_record(found.record) for found in records(file, text)]


def test_lines_of_an_export_are_products_with_variants(tmp_path: Path) -> None:
    lines = "\n".join(map(json.dumps, ({**CHAIR, "variants": ["Red"]}, RED, {"id": 8, "title": "Lamp"})))
    chair, lamp = read(tmp_path / "items.jsonl", lines)
    assert (chair.id, chair.title, chair.code) == ("7", "Chair", "C-7")
    assert chair.metadata == {"price": "€ 82.50 per m2", "finish": "matt"}
    ((front, back),) = chair.pictures
    assert (front.places, front.caption, back.caption) == (("a.jpg",), "front", None)
    (red,) = chair.variants
    assert (red.name, red.code, red.size, red.price) == ("Red", "C-7R", "L", "€ 90")
    assert (red.options, red.facts) == ((("Colour", "Red"),), (("color", "red"),))
    assert (lamp.id, lamp.variants) == ("8", ())


def test_cells_of_an_export_are_read(tmp_path: Path) -> None:
    head = "id,name,pictures,metadata.finish,parent\n"
    (chair,) = read(tmp_path / "items.csv", f"\ufeff{head}7,'=Chair,a.jpg|b.jpg,matt,\nv1,Red,,,7\n")
    assert (chair.title, chair.metadata) == ("=Chair", {"finish": "matt"})
    assert [each.places for each in chair.pictures[0]] == [("a.jpg",), ("b.jpg",)]
    assert [variant.name for variant in chair.variants] == ["Red"]


def test_other_record_is_refused_with_the_package() -> None:
    for record, words in rows_of(__file__, "refused"):
        with pytest.raises(Exception, match=f"{words}.*pip install swatchbook-shops"):
            PLAIN.read_record(record)


def test_other_files_are_not_taken(tmp_path: Path) -> None:
    for text in ("Handle,Title\n", "id,title,shelf\n", '[{"id": 1, "title": "A"}]', "[1]", "", "\xff"):
        (tmp_path / "items.csv").write_text(text, encoding="latin-1")
        assert PLAIN.kind_of(tmp_path / "items.csv") is None, text


def test_row_that_is_cut_fails(tmp_path: Path) -> None:
    _, cut = records(tmp_path / "items.csv", "id,title,images\n1,A,a.jpg\n2,B")
    assert "cells" in str(cut.record)


def test_mapping_is_refused() -> None:
    with pytest.raises(InvalidReference, match="pip install swatchbook-shops"):
        PLAIN.read_record({"id": 1, "title": "A"}, BatchMapping(columns={"title": ("name",)}))
