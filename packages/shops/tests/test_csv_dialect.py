"""How the delimiter and the quotes of a table are told: cells come back as they were written."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swatchbook_shops.items.batch_file import read_records
from tests.tables import check_rows

MIB = 1 << 20
CELLS = st.text("a1 ,;\t|\"'\n\\é", max_size=6).map(lambda text: f"x{text}x")
"""Cells with every delimiter, quotes and line ends. They are not empty, and no spaces are at their ends."""


def records(file: Path, text: str) -> list[Any]:
    file.write_text(text, newline="")
    return [found.record for found in read_records(file, MIB)]


def table(rows: list[list[str]], delimiter: str, quoting: int) -> str:
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter, quoting=quoting).writerows(rows)  # type: ignore[arg-type]
    return written.getvalue()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@given(
    rows=st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=5),
    label=CELLS,
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_written_table_is_read_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, delimiter: str, quoting: int, rows: list[list[str]], label: str
) -> None:
    head = ["id", "title", f"EAN{delimiter} GTIN{delimiter} UPC", label, "price", "image"]
    rows = [[str(place), *row, "9.50", f"{place}.jpg"] for place, row in enumerate(rows)]
    file = tmp_path_factory.mktemp("table") / "items.csv"
    found = records(file, table([head, *rows], delimiter, quoting))
    assert found == [dict(zip(head, row, strict=True)) for row in rows]


def test_quotes_are_read_by_the_whole_text(tmp_path: Path) -> None:
    def titles(text: str) -> list[str]:
        found = records(tmp_path / "items.csv", text)
        return [next(value for name, value in record.items() if "title" in name) for record in found]

    check_rows(__file__, "titles", titles)


def test_head_of_large_table_may_end_within_quotes(tmp_path: Path) -> None:
    rows = [[str(place), f"Oak, {place}\n" + "b" * 3_000, "9,50"] for place in range(50)]
    found = records(tmp_path / "items.csv", table([["id", "title, GTIN, UPC", "price"], *rows], ",", csv.QUOTE_MINIMAL))
    assert len(found) == 50
    assert found[49] == dict(zip(["id", "title, GTIN, UPC", "price"], rows[49], strict=True))
