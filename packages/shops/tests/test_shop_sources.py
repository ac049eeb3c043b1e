"""What the core reads through the package: letters, fields and mappings of batches, sidecars, tables and programs."""

import json
from pathlib import Path

import pytest

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import BatchMapping
from swatchbook.ingest.scan import is_unchanged
from swatchbook.ingest.sources.batch import is_batch
from swatchbook.ingest.sources.folder import list_folder
from swatchbook.resources import Resources
from swatchbook_shops.items.batch_mapping import read_batch_mapping
from swatchbook_tables.rows import TableMapping, TakenRow, judge_rows, letters_in_doubt
from tests.ingest.sources.pictures import draw, write
from tests.ingest.test_scan import LAMP, SOFA, batch, begin, document_of, end, folder, names, scanned

__all__ = ("folder",)


def test_doubtful_letters_and_unknown_columns_are_named(resources: Resources, folder: Path) -> None:
    (folder / "metadata.csv").write_bytes("file_name;title\noak.png;Tür\n".encode() + b"ash.png;T\xfcr\n")
    (told,) = (each for each in scanned(resources, begin(resources, folder)).doubts if "letters" in each)
    assert told.startswith("metadata.csv has letters that are in doubt in 1 line, read as cp1252. Lines to check: 3 “")
    work = begin(resources, write(folder / "items.csv", b"id,title,image,shelf\na,Oak,slate.jpg,B\n"))
    (warning,) = scanned(resources, work).doubts
    assert warning.startswith("Columns that were not understood: shelf.")


def test_changed_mapping_is_found_in_an_unchanged_batch(resources: Resources, folder: Path) -> None:
    file = batch(folder, SOFA | {"label": "Divan"}, LAMP | {"label": "Lampe"})
    work = begin(resources, file)
    scanned(resources, work)
    end(resources, work)
    work = begin(resources, file, mapping={"columns": {"title": "label"}})
    assert not is_unchanged(resources, document_of(resources, work))
    assert scanned(resources, work).read == 0
    assert names(resources, work) == ["Divan", "Lampe"]


def test_mapping_of_a_missing_field_is_refused(resources: Resources, folder: Path) -> None:
    work = begin(resources, batch(folder, SOFA, LAMP), mapping={"columns": {"images": ["photo", "file path"]}})
    with pytest.raises(InvalidReference, match=r"no item has the field .*\. Did you mean file_path\?"):
        scanned(resources, work)
    end(resources, work)
    given = {"columns": {"brand": ["maker", "brand"], "material": "stuf"}, "facts": {"care": "care"}}
    work = begin(resources, batch(folder, SOFA, LAMP | {"care": "wipe"}), mapping=given)
    (warning,) = scanned(resources, work).doubts
    assert warning.startswith("Mapping: columns.material: no item has the field stuf. There are id, title, price,")
    assert names(resources, work) == ["Linen sofa", "Brass lamp"]


def test_json_tables_describe_pictures(tmp_path: Path) -> None:
    draw(tmp_path / "sub" / "elm.jpg")
    told = {"elm.jpg": {"title": "Elm table", "price": "9,50 €"}, "oak.jpg": {"title": "Oak table"}}
    (tmp_path / "sub" / "metadata.json").write_text(json.dumps(told))
    (item,) = list_folder(tmp_path)
    assert (item.title, item.metadata["price"], item.metadata["currency"]) == ("Elm table", "9.50", "EUR")
    (tmp_path / "sub" / "metadata.json").unlink()
    (tmp_path / "metadata.json").write_text(json.dumps([{"title": "Elm table", "images": ["sub/elm.jpg"]}]))
    assert is_batch(tmp_path)
    (tmp_path / "metadata.json").write_text("{}")
    (tmp_path / "items.json").write_text("[]")
    assert is_batch(tmp_path), "JSON next to pictures"


def test_letters_of_a_table_are_read_and_told(tmp_path: Path) -> None:
    draw(tmp_path / "a.png")
    file = str(write(tmp_path / "t.csv", "nr,small,name\n1,a.png,Grüne Stühle für draußen\n".encode("cp1252")))
    mapping = TableMapping(root=tmp_path, columns={"id": "nr", "compressed_path": "small", "title": "name"})
    (row,) = judge_rows(file, mapping)
    assert isinstance(row, TakenRow)
    assert row.record["title"] == "Grüne Stühle für draußen"
    assert letters_in_doubt(file)[0].startswith("t.csv was read as cp1252")


def test_aliases_of_a_mapping_are_followed(tmp_path: Path) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_text("columns:\n  title: &t [Name]\n  brand: *t\n")
    assert read_batch_mapping(file) == BatchMapping(columns={"title": ("Name",), "brand": ("Name",)})
