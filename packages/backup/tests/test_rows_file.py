"""Rows as Parquet: the same after reading, in small portions, and nothing of another shape is read."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import JSON, BigInteger, Boolean, Column, Double, LargeBinary, Text

from swatchbook.domain.errors import InvalidBackup
from swatchbook_backup.layout import count_rows, read_rows, write_rows

COLUMNS = [
    Column("text", Text), Column("json", JSON), Column("data", LargeBinary), Column("number", BigInteger),
    Column("share", Double), Column("is_so", Boolean),
]  # fmt: skip

FULL = {
    "text": "Über 60 × 120 cm \N{EXTRATERRESTRIAL ALIEN}\0", "json": {"a": [1, 2.5, None, "\ud800", {}], "b": 2**70},
    "data": bytes(range(256)), "number": -(2**63), "share": 0.1 + 0.2, "is_so": True,
}  # fmt: skip
EMPTY = dict.fromkeys(FULL)


@pytest.mark.parametrize("written", [[], [FULL], [EMPTY], [FULL, EMPTY, FULL | {"json": []}, EMPTY | {"text": ""}]])
def test_rows_are_the_same_after_reading(tmp_path: Path, written: list[dict[str, Any]]) -> None:
    file = tmp_path / "rows.parquet"
    assert write_rows(file, COLUMNS, written) == len(written) == count_rows(file, COLUMNS)
    assert [row for portion in read_rows(file, COLUMNS) for row in portion] == written


def test_what_backup_has_not_written_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    texts_only = [Column("text", Text)]
    pq.write_table(pa.table({"text": ["oak"] * 10}), file)  # with a dictionary, which may stand for any memory
    with pytest.raises(InvalidBackup):
        count_rows(file, texts_only)
    pq.write_table(pa.table({"text": ["oak"] * 2_000}), file, use_dictionary=False)
    with pytest.raises(InvalidBackup):
        next(read_rows(file, texts_only))
    pq.write_table(pa.table({"text": ["oak"]}), file, use_dictionary=False)
    assert list(read_rows(file, texts_only)) == [[{"text": "oak"}]]
    with pytest.raises(InvalidBackup):
        count_rows(file, [Column("text", LargeBinary)])
    file.write_bytes(b"PAR1 and nothing")
    with pytest.raises(InvalidBackup):
        count_rows(file, texts_only)
