"""The formats of an export: CSV, JSON lines, XLSX (Excel) and Parquet, one row for each
product and for each of its variants; and those of plugins, which write the same rows.

In JSON lines and Parquet, lists stay lists. In CSV and XLSX their values stand in one cell with `|` between them.
Except in JSON lines, each kind of metadata is a column `metadata.<name>`, the most frequent first.

A spreadsheet takes a CSV cell that begins with = + - @ for a formula, and catalogues come from strangers. Such cells
(also those that begin with a tab, a line break, or the full-width forms of the four) get an apostrophe in front, which
makes them texts. Programs that read CSV should remove it, or read JSON lines. In XLSX and Parquet texts are typed as
texts and stay as they are.
"""

import csv
import io
import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import IO, Any, BinaryIO

from swatchbook.errors import TooLarge
from swatchbook.export.product_rows import ProductRow
from swatchbook.extras import require_extra
from swatchbook.plugins import Kind, find

Cell = str | float | None

FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")
"""With one of these a cell of CSV begins a formula, in some spreadsheet or other."""

FIELDS = tuple(name for name in ProductRow.model_fields if name != "metadata")
METADATA = "metadata."
"""Prefix of the columns of metadata, so that none has the name of a field."""

_BETWEEN = "|"
_EXCEL_ROWS, _EXCEL_COLUMNS, _EXCEL_CHARACTERS = 1_048_576, 16_384, 32_767
_PARQUET_ROWS = 1_000  # written together


class Format(StrEnum):
    """A built-in format, named as the suffix of its files."""

    CSV = "csv"
    JSONL = "jsonl"
    XLSX = "xlsx"
    PARQUET = "parquet"

    @property
    def is_text(self) -> bool:
        """Return whether it may be written to a terminal or pipe."""
        return self in (Format.CSV, Format.JSONL)


def write_products(rows: Iterable[ProductRow], form: str, out: BinaryIO, *, temporary_folder: Path) -> int:
    """Write products to a binary file, which must be seekable for XLSX and Parquet, and return how many they are.

    The rows are read once, and wait in a temporary file until the columns are known. `form`: a Format, or the name of a
    plugin. Raises TooLarge for more than Excel can hold, MissingExtra without what writes XLSX, Configuration and
    PluginFailed for a plugin.
    """
    if form == Format.XLSX:
        require_extra("excel", "An export as xlsx")
    plugin = find(Kind.EXPORTER, form)
    write = plugin.load()
    with Rows(rows, temporary_folder) as spooled, plugin.named():
        write(spooled, out)
        return spooled.count


def protect_cell(cell: Cell) -> Cell:
    """Return a cell of CSV; a text that a spreadsheet would take for a formula gets an apostrophe in front."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell


class Rows:
    """Rows of products in a temporary file, to be read as often as wanted; `columns`: the names of their cells."""

    def __init__(self, rows: Iterable[ProductRow], folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file: IO[str] = tempfile.TemporaryFile("w+", encoding="utf-8", dir=folder)  # noqa: SIM115 — `__exit__`
        self.count = 0
        names = Counter[str]()
        for row in rows:
            self._file.write(row.model_dump_json() + "\n")
            names.update(row.metadata.keys())
            self.count += 1
        self.metadata = tuple(name for name, _ in sorted(names.items(), key=lambda item: (-item[1], item[0])))

    def __enter__(self) -> "Rows":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    @property
    def columns(self) -> tuple[str, ...]:
        return (*FIELDS, *(METADATA + name for name in self.metadata))

    def __iter__(self) -> Iterator[ProductRow]:
        self._file.seek(0)
        return map(ProductRow.model_validate_json, self._file)

    def cells(self) -> Iterator[list[Cell]]:
        """Yield the cells of each row; lists as one text."""
        for row in self:
            yield [_cell(getattr(row, name)) for name in FIELDS] + [row.metadata.get(name) for name in self.metadata]


def _cell(value: Any) -> Cell:
    return _BETWEEN.join(map(str, value)) if isinstance(value, tuple) else value


def write_jsonl(rows: Rows, out: BinaryIO) -> None:
    """Write an object of JSON for each row."""
    for row in rows:
        out.write(json.dumps(row.model_dump(mode="json"), ensure_ascii=False).encode() + b"\n")


def write_csv(rows: Rows, out: BinaryIO) -> None:
    """Write CSV with a line of columns; no cell is a formula."""
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(map(protect_cell, rows.columns))
    writer.writerows(map(protect_cell, cells) for cells in rows.cells())
    text.detach()


def write_xlsx(rows: Rows, out: BinaryIO) -> None:
    """Write a workbook of Excel with a sheet `products`. Raises TooLarge."""
    import xlsxwriter

    if rows.count >= _EXCEL_ROWS or len(rows.columns) > _EXCEL_COLUMNS:
        raise TooLarge(
            f"Excel cannot hold {rows.count} products with {len(rows.columns)} columns.", advice="Export as csv."
        )
    with xlsxwriter.Workbook(out, {"constant_memory": True}) as book:
        sheet = book.add_worksheet("products")
        sheet.freeze_panes(1, 0)
        _write_xlsx_row(sheet, 0, rows.columns)
        for number, cells in enumerate(rows.cells(), start=1):
            _write_xlsx_row(sheet, number, cells)


def _write_xlsx_row(sheet: Any, number: int, cells: Sequence[Cell]) -> None:
    """Write a row; texts are written as texts, never as formulas, links or numbers."""
    for column, cell in enumerate(cells):
        if isinstance(cell, str):
            fits = len(cell) <= _EXCEL_CHARACTERS
            sheet.write_string(number, column, cell if fits else cell[: _EXCEL_CHARACTERS - 1] + "…")
        elif cell is not None:
            sheet.write_number(number, column, cell)


def write_parquet(rows: Rows, out: BinaryIO) -> None:
    """Write a table of Parquet, 1,000 rows in a group."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    special = {"confidence": pa.float64(), "price": pa.float64(), "pages": pa.list_(pa.int32())}
    lists = dict.fromkeys(("variants", "pictures"), pa.list_(pa.string()))
    types = [(special | lists).get(name, pa.string()) for name in rows.columns]
    schema = pa.schema(list(zip(rows.columns, types, strict=True)))
    left = iter(rows)
    with ParquetWriter(out, schema) as writer:
        while portion := list(islice(left, _PARQUET_ROWS)):
            values = [
                {name: getattr(row, name) for name in FIELDS}
                | {METADATA + name: row.metadata.get(name) for name in rows.metadata}
                for row in portion
            ]
            writer.write_table(pa.Table.from_pylist(values, schema=schema))
