"""Each format gives back what was written, and no text of a catalogue becomes a formula."""

import csv
import io
import json
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from swatchbook.domain.csv_cells import protect_cell, unprotected
from swatchbook.domain.errors import TooLarge
from swatchbook.upkeep.export import formats
from swatchbook.upkeep.export.formats import FIELDS, Format, write_products
from swatchbook.upkeep.export.product_rows import ProductRow

FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")
FORMULAS = (
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", '=HYPERLINK("http://evil.example")',
    "a;=1+1", "a\t=1+1", "-1;-1+1;b",
)  # fmt: skip


def row(name: str = "Oak", **metadata: str) -> ProductRow:
    return ProductRow(
        id="p1", document_id="d1", document="a.pdf", owner="anna", name=name, category="Wood", code="007",
        variants=("Oiled", "Raw"), pages=(3, 4), grain="product", parent=None, family=None, confidence=0.9, price=82.5,
        price_to=None, pictures=("i1.jpg", "i2.png"), metadata=metadata,
    )  # fmt: skip


def written(tmp_path: Path, form: Format, *rows: ProductRow) -> bytes:
    out = io.BytesIO()
    assert write_products(iter(rows), form, out, temporary_folder=tmp_path / "tmp").products == len(rows)
    assert list(tmp_path.rglob("*/*")) == []
    return out.getvalue()


def cells(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


def sheet(data: bytes) -> tuple[list[dict[str, str]], str]:
    """Rows of an XLSX as column letters -> text, and the XML of the sheet."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        xml = book.read("xl/worksheets/sheet1.xml").decode()
    space = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    rows = [
        {cell.attrib["r"].rstrip("0123456789"): "".join(cell.itertext()) for cell in found.iterfind("x:c", space)}
        for found in ElementTree.fromstring(xml).iterfind(".//x:row", space)
    ]
    return rows, xml


def test_metadata_columns_of_csv_come_most_frequent_first(tmp_path: Path) -> None:
    head, first, second = cells(
        written(tmp_path, Format.CSV, row(size="60", finish="x"), row('Ash; "grey", new\nline', size="80", price="€ 9"))
    )
    assert head == [*FIELDS, "metadata.size", "metadata.finish", "metadata.price"]
    shown = dict(zip(head, first, strict=True))
    assert (shown["name"], shown["code"], shown["variants"], shown["pages"]) == ("Oak", "007", "Oiled|Raw", "3|4")
    assert (shown["price"], shown["pictures"], shown["parent"]) == ("82.5", "i1.jpg|i2.png", "")
    assert (shown["metadata.finish"], shown["metadata.price"]) == ("x", "")
    assert second[head.index("name")] == 'Ash; "grey", new\nline'


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_in_a_catalogue_is_only_text(tmp_path: Path, text: str) -> None:
    hostile = row(text, **{text: text})
    data = written(tmp_path, Format.CSV, hostile)
    for line in cells(data):
        apart = [part for cell in line for part in re.split("[;\t]", cell.removeprefix("'\t")) if part != "-1"]
        assert not any(part.startswith(FORMULA_STARTS) for part in apart)
    assert text in map(unprotected, cells(data)[1])
    assert ";" not in re.sub('".*?"', "", data.decode(), flags=re.DOTALL), "a cell with one is quoted"
    rows, xml = sheet(written(tmp_path, Format.XLSX, hostile))
    assert "<f>" not in xml
    assert "hyperlink" not in xml
    assert len(rows) == 2
    assert json.loads(written(tmp_path, Format.JSONL, hostile))["name"] == text


@given(st.text())
def test_no_formula_is_left_and_nothing_is_lost(text: str) -> None:
    protected = str(protect_cell(text))
    assert not protected.startswith(FORMULA_STARTS) or re.fullmatch(
        r"[+-][0-9.,|%+ -]+;?", re.split("(?<=[;\t])", text)[0]
    )
    assert unprotected(protected) == unprotected(text)
    assert protect_cell(protected) == protected


def test_numbers_are_left_alone() -> None:
    numbers = (-1.5, None, "1-2", "-1", "-12.50", "+1", "+1.0", "-1.234,50", "-,5", "+10%")
    lists = ("+1.0, +2.0, -1.5", "+1,5|+2", "-1.0 | 0 | +1.0", "+1 -1", "+1,+2", "-5%; +5%", "+49 170 1234567")
    for cell in (*numbers, *lists):
        assert protect_cell(cell) == cell


HOSTILE = (
    "-1+1", "+1-1", "--1", "+-1", "-1\n", "+", "-", "+%", "-1e5", "-0x1", "-١", "＋1", "+A1", "+1, A1", "+1*2", "+1/2",
    "+1^9", "+1:2", "+1!1", "+(1)", "+1 (2)", "+[1]", "+{1}", "+1&2", '+"1"', "+'1'", "+$1", "+1 €", "+MONO", "-1.5 D",
    "+1|cmd", "+cmd|' /C calc'!A0", "+1, =1", "+1 @1", "+1 |  | +2", "+1,", "+1.", "+1..2", "+1  +2", "+1,\t+2", "+1\r",
    "-1, +HYPERLINK(1)", "+1%%", "+1 + 1", "=1", "=-1", "@1",
)  # fmt: skip


@pytest.mark.parametrize("cell", HOSTILE)
def test_what_is_more_than_numbers_is_guarded(cell: str) -> None:
    assert protect_cell(cell) == f"'{cell}"
    assert protect_cell(f"a;{cell}") == f"a;'{cell}"


def test_a_long_false_list_is_refused_at_once() -> None:
    assert str(protect_cell("+1" + ",1 -1|2" * 50_000 + "x")).startswith("'")


def test_json_lines_keep_lists_and_metadata(tmp_path: Path) -> None:
    rows = row(size="60", größe="ä\u2028b"), row("Ash")
    lines = written(tmp_path, Format.JSONL, *rows).split(b"\n")
    assert lines.pop() == b""
    assert [ProductRow.model_validate_json(line) for line in lines] == list(rows)


def test_excel_gets_both_numbers_and_texts_as_such(tmp_path: Path) -> None:
    data = written(tmp_path, Format.XLSX, row("Oak\x01 & <b>", size="007", long="x" * 40_000))
    (head, first), xml = sheet(data)
    assert list(head.values()) == [*FIELDS, "metadata.long", "metadata.size"]
    shown = {name: first.get(column, "") for column, name in head.items()}
    assert (shown["name"], shown["metadata.size"], shown["price"]) == ("Oak_x0001_ & <b>", "007", "82.5")
    assert (len(shown["metadata.long"]), shown["metadata.long"][-1]) == (32_767, "…")
    assert xml.count('t="inlineStr"') + xml.count('t="s"') == len(head) + len(first) - 2  # confidence, price


def test_more_than_excel_can_hold_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "_EXCEL_ROWS", 2)
    written(tmp_path, Format.XLSX, row())
    with pytest.raises(TooLarge, match="Excel"):
        written(tmp_path, Format.XLSX, row(), row())


def test_parquet_has_types_and_several_groups_of_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "_PARQUET_ROWS", 2)
    rows = row(size="60"), row("=1+1"), row("Elm", price="€ 9")
    table = parquet.read_table(io.BytesIO(written(tmp_path, Format.PARQUET, *rows)))
    found = table.to_pylist()
    assert [each["name"] for each in found] == ["Oak", "=1+1", "Elm"]
    assert (found[0]["pages"], found[0]["pictures"], found[0]["price"]) == ([3, 4], ["i1.jpg", "i2.png"], 82.5)
    assert [each["metadata.size"] for each in found] == ["60", None, None]
    ranged = row().model_copy(update={"price": 12.0, "price_to": 18.0})
    table = parquet.read_table(io.BytesIO(written(tmp_path, Format.PARQUET, ranged, row())))
    assert [(each["price"], each["price_to"]) for each in table.to_pylist()] == [(12.0, 18.0), (82.5, None)]


@pytest.mark.parametrize("form", Format)
def test_nothing_to_export_is_an_empty_table(tmp_path: Path, form: Format) -> None:
    data = written(tmp_path, form)
    if form is Format.CSV:
        assert cells(data) == [list(FIELDS)]
    if form is Format.XLSX:
        assert len(sheet(data)[0]) == 1
    if form is Format.PARQUET:
        assert parquet.read_table(io.BytesIO(data)).num_rows == 0
