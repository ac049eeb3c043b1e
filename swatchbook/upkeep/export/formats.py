"""The formats of an export: CSV, JSON lines, XLSX (Excel) and Parquet, one row for each
product and for each of its variants; those of shops, and those of plugins, are made of the same rows.

In JSON lines and Parquet, lists stay lists. In CSV and XLSX their values stand in one cell with `|` between them.
Except in JSON lines, each kind of metadata is a column `metadata.<name>`, the most frequent first.

In CSV, what a spreadsheet would take for a formula gets an apostrophe in front (`domain/csv_cells.py`). Programs that
read CSV should remove it, or read JSON lines. In XLSX and Parquet texts are typed as texts and stay as they are.
"""

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, groupby, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, NamedTuple

from swatchbook.domain.csv_cells import Cell, csv_line, protect_cell
from swatchbook.domain.did_you_mean import nearest
from swatchbook.domain.errors import Configuration, InvalidReference, TooLarge
from swatchbook.domain.plugins import Kind, find, installed
from swatchbook.domain.records import Record
from swatchbook.upkeep.export.product_rows import ProductRow
from swatchbook.upkeep.export.shop_mapping import OWN_NAMES, ShopMapping, ShopOptions, names_in_braces

if TYPE_CHECKING:
    import pyarrow as pa

_NO_COLUMNS = ("metadata", "options", "captions", "variant_pictures")
FIELDS = tuple(name for name in ProductRow.model_fields if name not in _NO_COLUMNS)
METADATA = "metadata."
"""Prefix of the columns of metadata, so that none has the name of a field."""

_BETWEEN = "|"
_EXCEL_ROWS, _EXCEL_COLUMNS, _EXCEL_CHARACTERS = 1_048_576, 16_384, 32_767
_PARQUET_ROWS = 1_000  # written together
MOST_SKIPPED = 1_000  # products that are named


class Format(StrEnum):
    """A built-in format, named as the suffix of its files."""

    CSV = "csv"
    JSONL = "jsonl"
    XLSX = "xlsx"
    PARQUET = "parquet"


@dataclass(frozen=True)
class Exporter:
    """A format: `write` writes rows, `label` is its name for people, `suffix` that of its files.

    `is_text`: it may be written to a terminal or pipe. `fetches`: what becomes of pictures without an address, such as
    "{} left out: the shop needs their addresses.", for a shop that fetches them; `address_columns`: the columns in
    which a mapping may give addresses; `finds_by_name`: it also finds them by their file names. `unpriced`: as what a
    product without a price is written, such as "a draft".
    """

    write: "Callable[[Rows, BinaryIO], None]"
    label: str
    suffix: str
    is_text: bool = True
    fetches: str = ""
    address_columns: frozenset[str] = frozenset()
    finds_by_name: bool = False
    unpriced: str = ""

    def __call__(self, rows: "Rows", out: BinaryIO) -> None:
        self.write(rows, out)


def exporter(form: str) -> Exporter:
    """Return the format of this name; one of a plugin that is a function has its name as label, and no suffix.

    Raises Configuration for a name that none has, and for a plugin that cannot be imported.
    """
    found = find(Kind.EXPORTER, form).load()
    return found if isinstance(found, Exporter) else Exporter(found, form, "txt", is_text=False)


def formats() -> dict[str, Exporter]:
    """Return name -> format of all that can be chosen: the built-in ones, then those of packages by their names."""
    names = (*Format, *(plugin.name for plugin in installed(Kind.EXPORTER)))
    return {name: found for name in names if (found := _usable(name))}


def _usable(form: str) -> Exporter | None:
    try:
        return exporter(form)
    except Configuration:
        return None


class Skipped(Record):
    """A product, or a variant of one, that an export leaves out, or takes off sale. `reason` is a clause: "price is not
    known".
    """

    id: str
    name: str
    reason: str


class Changes(Record):
    """How many records of a shop's file are other than in an earlier file; others are left out.

    `elsewhere`: records of the earlier file that are of documents outside this export.
    """

    new: int
    changed: int
    gone: int
    unchanged: int
    elsewhere: int = 0


class OutsideExport(NamedTuple):
    """What is not gone though an export lacks it: the rows of other documents, `elsewhere`, and what documents that are
    `unfinished`, by name, may still have.
    """

    elsewhere: Iterable[ProductRow] = ()
    unfinished: tuple[str, ...] = ()


class Written(Record):
    """What was written: rows by grain, without those that were skipped, of which the first 1,000 are named.

    `unpriced`: products that are in the file, but not on sale, as a price of them is not known.
    """

    products: int
    variants: int  # and parts
    skipped: int = 0
    skipped_products: tuple[Skipped, ...] = ()
    unpriced: int = 0
    unpriced_products: tuple[Skipped, ...] = ()
    changes: Changes | None = None
    unknown_names: Mapping[str, str | None] = {}  # in braces of a mapping, that no product has -> the nearest known
    prices_without_currency: int = 0  # which the format cannot hold


def shop_options(
    form: str,
    mapping: ShopMapping | None,
    pictures_url: str | None,
    since: str | Path | None = None,
    *,
    accept_gone: bool = False,
) -> ShopOptions:
    """Return what an export is given with the products: nothing, unless its format is one of shops, or a plugin's.

    Raises InvalidReference for what the format does not take, and for an address that no picture can be at.
    """
    given = {"mapping": mapping, "pictures_url": pictures_url, "since": since}
    if form in set(Format) and (named := [name for name, value in given.items() if value is not None]):
        raise InvalidReference(f"{form} does not take {', '.join(named)}.", advice=_CHOOSE)
    if pictures_url is not None:
        from swatchbook.models.providers.endpoint import is_valid_url  # imports httpx: few exports have an address

        if not is_valid_url(pictures_url):
            raise InvalidReference("The address of the pictures is not that of a folder.", advice="Give one: https://…")
    return ShopOptions(
        mapping=(mapping or ShopMapping()).for_format(form),
        pictures_url=pictures_url,
        since=None if since is None else Path(since),
        accept_gone=accept_gone,
    )


_CHOOSE = "Choose the format of a shop: `--format shopify`, in Python `format='shopify'`. docs/shops.md has all."


def write_products(
    rows: Iterable[ProductRow],
    form: str,
    out: BinaryIO,
    *,
    temporary_folder: Path,
    options: ShopOptions = ShopOptions(),  # noqa: B008 — immutable
    outside: OutsideExport = OutsideExport(),  # noqa: B008 — immutable
) -> Written:
    """Write products to a binary file, which must be seekable for XLSX and Parquet, and return what was written.

    The rows are read once, and wait in a temporary file until the columns are known. `form`: a Format, or the name of a
    format of shops or of a plugin; `options` are for these. `outside`: for a comparison with an earlier file.
    Raises TooLarge for more than Excel can hold, Configuration and
    PluginFailed for a plugin, InvalidReference for a mapping or an earlier file that does not fit.
    """
    plugin = find(Kind.EXPORTER, form)
    write = plugin.load()
    with Rows(rows, temporary_folder, options, outside) as spooled, plugin.named():
        write(spooled, out)
        return spooled.written()


class Rows:
    """Rows of products in a temporary file, to be read as often as wanted; `columns`: the names of their cells.

    `options`: what the export was given; `outside`: for a comparison with its `since`. What writes them may `skip`
    products, set `changes`, and count `prices_without_currency`.
    """

    def __init__(
        self,
        rows: Iterable[ProductRow],
        folder: Path,
        options: ShopOptions = ShopOptions(),  # noqa: B008 — immutable
        outside: OutsideExport = OutsideExport(),  # noqa: B008 — immutable
    ) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder, self.options, self.outside = folder, options, outside
        self.changes: Changes | None = None
        self.prices_without_currency = 0
        self._skipped, self._grains = list[Skipped](), Counter[bool]()
        self._skipped_count = 0
        self._unpriced, self._unpriced_count = list[Skipped](), 0
        self._documents = list[int]()  # where the rows of each begin in the file
        self._file: IO[str] = tempfile.TemporaryFile("w+", encoding="utf-8", dir=folder)  # noqa: SIM115 — `__exit__`
        names = Counter[str]()
        document = ""
        for row in rows:
            if row.document_id != document:
                document = row.document_id
                self._documents.append(self._file.tell())
            self._file.write(row.model_dump_json() + "\n")
            names.update(row.metadata.keys())
            self._grains[row.parent is None] += 1
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

    @property
    def count(self) -> int:
        return self._grains.total()

    def groups(self) -> Iterator[list[ProductRow]]:
        """Yield the row of each product with those of its variants."""
        return grouped(self)

    def groups_newest_first(self) -> Iterator[list[ProductRow]]:
        """Yield the same with the documents in the opposite order: they came oldest first. Nothing else may be read."""
        for begin in reversed(self._documents):
            self._file.seek(begin)
            rows = map(ProductRow.model_validate_json, self._file)
            _, of_document = next(groupby(rows, key=lambda row: row.document_id))
            yield from grouped(of_document)

    def skip(self, rows: Sequence[ProductRow], reason: str, *, name: str = "") -> None:
        """Leave out the first of these rows for a reason, and with it the others, its variants."""
        for row in rows:
            self._grains[row.parent is None] -= 1
        self.name_skipped(Skipped(id=rows[0].id, name=name or rows[0].name, reason=reason))

    def name_skipped(self, product: Skipped) -> None:
        """Name something that is left out."""
        self._skipped_count += 1
        if len(self._skipped) < MOST_SKIPPED:
            self._skipped.append(product)

    def name_unpriced(self, product: Skipped) -> None:
        """Name a product that is written, but not on sale, as a price of it is not known."""
        self._unpriced_count += 1
        if len(self._unpriced) < MOST_SKIPPED:
            self._unpriced.append(product)

    def written(self) -> Written:
        """Return what was written of them, once that is done."""
        known = OWN_NAMES.union(self.metadata, (METADATA + name for name in self.metadata))
        named = names_in_braces(self.options.mapping) if self.count + self._skipped_count else ()
        return Written(
            products=self._grains[True],
            variants=self._grains[False],
            skipped=self._skipped_count,
            skipped_products=tuple(self._skipped),
            unpriced=self._unpriced_count,
            unpriced_products=tuple(self._unpriced),
            changes=self.changes,
            unknown_names={name: nearest(name, known) for name in named if name not in known},
            prices_without_currency=self.prices_without_currency,
        )

    def cells(self) -> Iterator[list[Cell]]:
        """Yield the cells of each row; lists as one text."""
        for row in self:
            yield [_cell(getattr(row, name)) for name in FIELDS] + [row.metadata.get(name) for name in self.metadata]


def grouped(rows: Iterable[ProductRow]) -> Iterator[list[ProductRow]]:
    """Yield the row of each product with those of its variants."""
    group = list[ProductRow]()
    for row in rows:
        if row.parent is None and group:
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def _cell(value: Any) -> Cell:
    return _BETWEEN.join(map(str, value)) if isinstance(value, tuple) else value


def write_jsonl(rows: Rows, out: BinaryIO) -> None:
    """Write an object of JSON for each row."""
    for row in rows:
        out.write(json.dumps(row.model_dump(mode="json"), ensure_ascii=False).encode() + b"\n")


def write_csv(rows: Rows, out: BinaryIO) -> None:
    """Write CSV with a line of columns; no cell is a formula."""
    for cells in chain([rows.columns], rows.cells()):
        out.write(csv_line(map(protect_cell, cells)).encode())


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
    from pyarrow.parquet import ParquetWriter

    schema = parquet_schema(rows)
    with ParquetWriter(out, schema) as writer:
        for table in parquet_tables(rows, schema):
            writer.write_table(table)


def parquet_schema(rows: Rows) -> "pa.Schema":
    """Return the types of the columns: lists stay lists, and all but numbers are texts."""
    import pyarrow as pa

    special = {
        "confidence": pa.float64(),
        "price": pa.float64(),
        "price_to": pa.float64(),
        "pages": pa.list_(pa.int32()),
    }
    lists = dict.fromkeys(("variants", "pictures"), pa.list_(pa.string()))
    types = [(special | lists).get(name, pa.string()) for name in rows.columns]
    return pa.schema(list(zip(rows.columns, types, strict=True)))


def parquet_tables(rows: Rows, schema: "pa.Schema") -> "Iterator[pa.Table]":
    """Yield the rows as tables of at most 1,000 rows."""
    import pyarrow as pa

    left = iter(rows)
    while portion := list(islice(left, _PARQUET_ROWS)):
        values = [
            {name: getattr(row, name) for name in FIELDS}
            | {METADATA + name: row.metadata.get(name) for name in rows.metadata}
            for row in portion
        ]
        yield pa.Table.from_pylist(values, schema=schema)


CSV = Exporter(write_csv, "CSV", "csv")
JSONL = Exporter(write_jsonl, "JSON lines", "jsonl")
XLSX = Exporter(write_xlsx, "Excel", "xlsx", is_text=False)
PARQUET = Exporter(write_parquet, "Parquet", "parquet", is_text=False)
