"""The rows of a table: which are taken, from each format, and what a given vector may look like."""

import base64
import csv
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow.parquet import write_table

from swatchbook.domain.errors import Configuration, Failure, InvalidModelOutput, InvalidReference, UnreadableDocument
from swatchbook_tables.rows import LeftRow, TableMapping, TakenRow, judge_rows, read_mapping, read_vector
from tests.ingest.sources.pictures import draw, write
from tests.tables import rows_of

Row = Mapping[str, Any]

COLUMNS = "id: nr, user: who, status: state, compressed_path: small, original_path: big, title: name, vector: emb"
NAMES = ("nr", "who", "state", "small", "big", "name", "emb")
ROWS: Sequence[Row] = [
    dict(zip(NAMES, (*row, None), strict=True))
    for row in (
        (1, "anna", "completed", "a.png", None, "Oak"),
        (2, "bob", "Completed", "gone.png", "sub/b.png", "Slate"),
        (3, "anna", "pending", "a.png", None, None),
        (4, "anna", "completed", "../out.png", None, None),
        (5, "a/b", "completed", "a.png", None, None),
        (None, "anna", "completed", "a.png", None, None),
        (7, "anna", "completed", "link.png", None, None),
        (8, "anna", "completed", None, None, None),
    )
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A root with two pictures and a link out of it, beside a picture that is not in it; the mapping m.yaml."""
    draw(tmp_path / "root" / "a.png", 1)
    draw(tmp_path / "root" / "sub" / "b.png", 2)
    draw(tmp_path / "out.png", 3)
    (tmp_path / "root" / "link.png").symlink_to(tmp_path / "out.png")
    (tmp_path / "m.yaml").write_text(
        f"root: root\ncolumns: {{{COLUMNS}}}\nmodel: any\nquery: SELECT * FROM pictures ORDER BY rowid\n"
    )
    return tmp_path


def as_csv(file: Path) -> str:
    with file.with_suffix(".csv").open("w", newline="") as opened:
        rows = csv.DictWriter(opened, list(ROWS[0]))
        rows.writeheader()
        rows.writerows(ROWS)
    return str(file.with_suffix(".csv"))


def as_jsonl(file: Path) -> str:
    return str(write(file.with_suffix(".jsonl"), "\n".join(map(json.dumps, ROWS)).encode()))


def as_parquet(file: Path) -> str:
    write_table(pa.Table.from_pylist(list(ROWS)), file.with_suffix(".parquet"))
    return str(file.with_suffix(".parquet"))


def as_sql(file: Path) -> str:
    with sqlite3.connect(file.with_suffix(".sqlite")) as database:
        database.execute("CREATE TABLE pictures (nr INTEGER, who, state, small, big, name, emb)")
        database.executemany("INSERT INTO pictures VALUES (:nr, :who, :state, :small, :big, :name, :emb)", ROWS)
    database.close()
    return "env:SHOP_DATABASE"


@pytest.mark.parametrize("write_rows", [as_csv, as_jsonl, as_parquet, as_sql])
def test_all_formats_are_alike(
    folder: Path, monkeypatch: pytest.MonkeyPatch, write_rows: Callable[[Path], str]
) -> None:
    monkeypatch.setenv("SHOP_DATABASE", f"sqlite:///{folder / 't.sqlite'}")
    rows = list(judge_rows(write_rows(folder / "t"), read_mapping(folder / "m.yaml")))
    taken = {row.item: row for row in rows if isinstance(row, TakenRow)}
    assert {item: row.owner for item, row in taken.items()} == {"1": "anna", "2": "bob"}
    assert taken["2"].record["title"] == "Slate"
    left = {row.item: (row.reason, row.open) for row in rows if isinstance(row, LeftRow)}
    assert left.keys() == {"3", "4", "5", "row 6", "7", "8"}
    assert left["3"] == ("Its status is pending.", True)
    assert [item for item, (_, is_open) in left.items() if is_open] == ["3"]
    for item, words in (
        ("4", "outside"), ("5", "not a valid name"), ("row 6", "no id"), ("7", "outside"), ("8", "no picture"),
    ):  # fmt: skip
        assert words in left[item][0], item


def test_invalid_line_is_named_by_its_place(folder: Path) -> None:
    good = {"nr": 1, "who": "anna", "state": "completed", "small": "a.png"}
    file = write(folder / "t.jsonl", b'{"nr": 9,\n[1]\n' + json.dumps(good).encode())
    rows = list(judge_rows(str(file), read_mapping(folder / "m.yaml")))
    assert [row.item for row in rows] == ["row 1", "row 2", "1"]
    assert isinstance(rows[2], TakenRow)


UNIT = np.array([0.6, 0.8, 0.0], np.float32)


def test_vector_is_taken_bit_for_bit() -> None:
    as_base64 = base64.b64encode(UNIT.tobytes()).decode()
    for given in (UNIT.tolist(), json.dumps(UNIT.tolist()), as_base64, UNIT.tobytes()):
        assert read_vector(given, 3).tobytes() == UNIT.tobytes()
    assert np.allclose(read_vector([3, 4, 0], 3), UNIT), "one of another length is normalised"


def test_vector_that_cannot_be_used_is_refused() -> None:
    unusable: list[tuple[Any, str]] = [
        ([1, 0], "2 numbers, not 3"), ("[1, 0, NaN]", "NaN"), ([1e300, 0, 0], "infinite"), ([0, 0, 0], "zero"),
        ([10**400, 0, 0], "infinite"), ("[1, 0", "not JSON"), ("no base64!", "neither JSON nor base64"),
        (b"12345", "5 bytes"), ([[1, 0, 0]], "neither a list of numbers"), (["1", "0", "0"], "a list of numbers"),
    ]  # fmt: skip
    for given, reason in unusable:
        with pytest.raises(InvalidModelOutput, match=reason):
            read_vector(given, 3)


def test_mapping_that_cannot_be_used_is_refused(folder: Path) -> None:
    for text, words in rows_of(__file__, "mappings"):
        write(folder / "m.yaml", text.encode())
        with pytest.raises(InvalidReference, match=words):
            read_mapping(folder / "m.yaml")


def test_unreadable_source_says_what_to_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mapping = TableMapping(
        root=folder, columns={"id": "nr", "file_path": "small"}, query="SELECT nr, small FROM no_such_table"
    )
    monkeypatch.delenv("SHOP_DATABASE", raising=False)
    limit = csv.field_size_limit(1_000)
    sources: list[tuple[str, type[Failure], str]] = [
        (str(folder / "none.csv"), InvalidReference, "no such file"),
        (str(write(folder / "t.txt", b"x")), InvalidReference, "neither .csv"),
        (
            str(write(folder / "a.csv", b"nr,path\n1,a.png\n")),
            InvalidReference,
            "has no column small. It has: nr, path",
        ),
        (str(write(folder / "b.csv", b"nr,small\n1," + b"x" * 2_000)), UnreadableDocument, "line"),
        (str(write(folder / "c.parquet", b"no parquet")), UnreadableDocument, "c.parquet"),
        ("env:SHOP_DATABASE", Configuration, "SHOP_DATABASE is not set"),
    ]
    for source, kind, words in sources:
        with pytest.raises(kind, match=words):
            list(judge_rows(source, mapping))
    csv.field_size_limit(limit)
    monkeypatch.setenv("SHOP_DATABASE", f"sqlite:///{folder / 'empty.sqlite'}")
    with pytest.raises(UnreadableDocument, match="unable to open"):
        list(judge_rows("env:SHOP_DATABASE", mapping))
    assert not (folder / "empty.sqlite").exists(), "a database is only read, and none is made"
    (folder / "empty.sqlite").touch()
    with pytest.raises(UnreadableDocument, match="no such table"):
        list(judge_rows("env:SHOP_DATABASE", mapping))


def test_password_of_a_database_is_never_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mapping = TableMapping(root=folder, columns={"id": "nr", "file_path": "small"}, query="SELECT 1")
    for url in ("nothing://me:s3cret@host/db", "postgresql://me:s3cret@127.0.0.1:1/db"):
        monkeypatch.setenv("SHOP_DATABASE", url)
        with pytest.raises(Failure) as raised:
            list(judge_rows("env:SHOP_DATABASE", mapping))
        assert "s3cret" not in f"{raised.value} {raised.value.message} {raised.value.advice}"
