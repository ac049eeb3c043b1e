"""Recognise the kind of a batch file by its content, and read its records one by one.

Kinds are JSON, JSON lines, CSV and TSV in any encoding and with any delimiter, XML feeds, and Excel. In exports of
Shopify and WooCommerce, several rows are one item: the variants and further pictures of a product. Only a JSON file is
in memory as a whole.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count, islice, pairwise, starmap
from pathlib import Path
from typing import Any, Literal
from zipfile import BadZipFile, ZipFile

from swatchbook.domain.errors import Failure, FileMissing, TooLarge, UnreadableDocument, reason_of
from swatchbook.ingest.sources.item_files import FileRecord, is_empty, plain_cell
from swatchbook.ingest.sources.unknown_file import describe_unknown
from swatchbook_shops.items.batch_fields import has_item_fields
from swatchbook_shops.items.batch_rows import products_of_rows
from swatchbook_shops.items.batch_xml import read_xml
from swatchbook_shops.items.text_file import head_of, open_utf8

Format = Literal["JSON", "JSON lines", "CSV", "XML", "Excel"]

SUFFIX_OF: Mapping[Format, str] = {
    "JSON": ".json", "JSON lines": ".jsonl", "CSV": ".csv", "XML": ".xml", "Excel": ".xlsx",
}  # fmt: skip
SURE_SUFFIXES = (".json", ".jsonl", ".ndjson", ".jl")
"""Those of JSON: such a file is read as items though its content does not look so."""

SUFFIXES = (*SURE_SUFFIXES, ".csv", ".tsv", ".xml", ".xlsx")
"""The suffixes of batch files in a folder; a file that a person names may have any, or none."""

_HEAD = 1 << 16  # bytes by which a file's kind is recognised
_MAX_CELL = 1 << 22  # characters
_LINE_END = 16  # bytes at the end of a file, in which its last line end is looked for
_HEAD_ROWS = 20  # first rows, one of which must have the names of columns
_MAX_COLUMNS = 2_000
_MOST_TIMES_LARGER = 20  # the factor by which an Excel file may grow when it is unpacked
_DELIMITERS = ",;\t|"
_LISTS = ("items", "products", "results", "data", "hits", "records", "entries", "offers", "itemListElement", "@graph")
_WRAPPERS = ("node", "_source", "item", "product", "document", "fields", "attributes", "data", "raw")
_MOST_DEPTH = 5  # levels of objects around the list of items
_FIELDS_OF_ITEM = 2
"""The fewest kinds of fields (title, price …) of a record that is taken for an item."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The kind of a file. `delimiter`, `quoting` and `escape` are for CSV."""

    format: Format
    delimiter: str = ","
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL
    escape: str | None = None


def kind_of_file(file: Path) -> Kind | None:
    """Return the kind of a file by its content, None if it has no items. Raises OSError."""
    with file.open("rb") as opened:
        if opened.read(4) == b"PK\x03\x04":
            return Kind("Excel") if _is_excel(file) else None
    if (table := head_of(file, _HEAD)) is None:
        return None
    text, is_whole = table.lstrip(" \t\r\n"), file.stat().st_size < _HEAD
    if text[:1] in ("{", "["):
        return Kind(_json_format(text, is_whole=is_whole))
    if text[:1] == "<":
        return None if re.match(r"(?is)<!doctype\s+html|<html", text) else Kind("XML")
    return _csv_kind(table, is_whole=is_whole)


def read_records(file: Path, max_bytes: int) -> Iterator[FileRecord]:
    """Yield the records of a batch file.

    Raises FileMissing, TooLarge, UnreadableDocument and UnsupportedFormat for problems of the whole file.
    """
    try:
        kind = kind_of_file(file) or _by_suffix(file)
        if kind.format == "JSON lines":
            yield from starmap(FileRecord, _json_lines(file, max_bytes))
        elif kind.format == "JSON":
            yield from starmap(FileRecord, enumerate(_json(file, max_bytes), 1))
        elif kind.format == "XML":
            yield from starmap(FileRecord, enumerate(map(unwrap, read_xml(file)), 1))
        else:
            is_cut, place = kind.format == "CSV" and _ends_in_row(file, kind), 0
            rows, own_names = products_of_rows(lambda: _rows(file, kind, max_bytes, is_cut=is_cut))
            for place, row in enumerate(rows, 1):
                yield FileRecord(place, row, of_table=True, own_names=own_names)
            if is_cut:
                cut = UnreadableDocument("The file ends in the middle of a row.", advice="Get it once more.")
                yield FileRecord(place + 1, cut, of_table=True)
    except OSError as error:
        raise FileMissing(f"The file cannot be opened: {reason_of(error)}.") from error


def _by_suffix(file: Path) -> Kind:
    """Return the kind of a file by its name, so that the reason why it cannot be read fits this kind."""
    suffix = file.suffix.lower()
    if suffix not in SURE_SUFFIXES:
        raise describe_unknown(file)
    return Kind("JSON" if suffix == ".json" else "JSON lines")


# --- texts ------------------------------------------------------------------------------------------------------------


def _json_format(text: str, *, is_whole: bool) -> Format:
    """Return whether a text that begins as JSON is one value, or one on each line."""
    first, line_end, rest = text.partition("\n")
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        # The first line is cut off or broken: the next ones show whether each is an object.
        lines = [line.strip() for line in rest.split("\n")[: None if is_whole else -1] if line.strip()]
        return "JSON lines" if len(lines) > 1 and first.startswith("{") and all(map(_is_object, lines[:5])) else "JSON"
    if (line_end and rest.strip()) or (first.startswith("{") and not is_whole and not line_end):
        return "JSON lines"
    return "JSON"


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _csv_kind(text: str, *, is_whole: bool) -> Kind | None:
    """Return the kind of a table: the delimiter by which the head has most known names and the rows its width.

    Quotes are RFC 4180's, or have a backslash in front, where the whole text is written so; else those by which the
    rows fit best.
    """
    lines = text.splitlines(keepends=True)
    if not is_whole:
        lines = lines[:-1]
    if lines and (named := re.fullmatch(r"sep=(.)\s*", lines[0])):
        lines, delimiters = lines[1:], named[1]
    else:
        delimiters = _DELIMITERS
    text = "".join(lines)
    best: tuple[float, Kind | None] = (0.0, None)
    for delimiter in delimiters:
        quoted = [Kind("CSV", delimiter, escape=escape) for escape in _ESCAPES]
        kinds = [kind for kind in quoted if _is_well_quoted(text, kind, is_whole=is_whole)][:1]
        for kind in kinds or [*quoted, Kind("CSV", delimiter, csv.QUOTE_NONE)]:
            try:
                rows = [row for row in islice(_csv_rows(io.StringIO(text, newline=""), kind), 200) if any(row)]
            except csv.Error:
                continue
            fit = _fit(rows, kind)
            if fit > best[0]:
                best = fit, kind
    return best[1]


_ESCAPES = (None, "\\")
"""The signs in front of a quote within a quoted cell; None: the quote is written twice, as RFC 4180 says."""


def _is_well_quoted(text: str, kind: Kind, *, is_whole: bool) -> bool:
    """Return whether each quote of a text begins or ends a cell, or is escaped in one. Its last cell may be cut off."""
    within = r'"(?:[^"\\]|\\.)*+' if kind.escape else r'"(?:[^"]|"")*+'
    delimiter = re.escape(kind.delimiter)
    cell = rf'(?:{within}"|[^"\r\n{delimiter}]*+)'
    last = cell if is_whole else f"(?:{cell}|{within})"
    return re.fullmatch(rf"(?s)(?:{cell}(?:{delimiter}|\r\n?|\n))*+{last}", text) is not None


def _fit(rows: Sequence[Sequence[str]], kind: Kind) -> float:
    """Return how well rows fit a table: its head has names of an item's fields, each row as many cells as the head.

    A head with quotes around its names is not one of a table without quotes.
    """
    head = _head_of(rows)
    if head is None or len(rows[head]) < 2:
        return 0.0
    if kind.quoting == csv.QUOTE_NONE and any(cell.startswith('"') for cell in rows[head]):
        return 0.0
    width, below = len(rows[head]), rows[head + 1 :]
    same = sum(len(row) == width for row in below) / len(below) if below else 0.5
    fields = has_item_fields(dict.fromkeys(rows[head]))
    are_names = all(cell.strip() and len(cell) < 60 and not cell.strip()[0].isdigit() for cell in rows[head])
    if fields < _FIELDS_OF_ITEM and (width < 3 or same < 0.9 or len(below) < 2 or not are_names):
        return 0.0
    return (fields + 1) * (1 + same) + min(width, 100) / 1_000


def _head_of(rows: Sequence[Sequence[Any]]) -> int | None:
    """Return the index of the row with the names of the columns: the one with most names of an item's fields."""
    best, found = -1, None
    for place, row in enumerate(rows[:_HEAD_ROWS]):
        names = [str(cell).strip() for cell in row if not is_empty(cell)]
        fields = has_item_fields(dict.fromkeys(names)) if len(names) > 1 else -1
        if fields > best:
            best, found = fields, place
    return found


# --- JSON -------------------------------------------------------------------------------------------------------------


def _json_lines(file: Path, max_bytes: int) -> Iterator[tuple[int, Any]]:
    with open_utf8(file) as lines:
        for place in count(1):
            line = lines.readline(max_bytes)
            if not line:
                return
            if line.strip():
                record = _parsed(line)
                yield place, unwrap(record) if isinstance(record, dict) else record


def _json(file: Path, max_bytes: int) -> Iterator[Any]:
    _check_size(file, max_bytes)
    with open_utf8(file) as opened:
        content = _parsed(opened.read())
    if isinstance(content, Failure):
        raise content
    yield from map(unwrap, records_in(content))


def _check_size(file: Path, max_bytes: int) -> None:
    if file.stat().st_size > max_bytes:
        raise TooLarge(
            f"The file has more than {max_bytes >> 20} MiB.",
            advice="Write JSON lines (.jsonl), which are read one by one, or raise SWATCHBOOK_MAX_DOCUMENT_MB.",
        )


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return UnreadableDocument("It is not JSON.", advice="Check how it was written.")


def records_in(content: Any) -> list[Any]:
    """Return the items in a JSON value: the parts of a list, or the list in an object that looks most like items.

    An object that looks like an item itself is one. Objects by their ids, and columns with a value for each row (as
    pandas writes them), are items, too.
    """
    if isinstance(content, list):
        return content
    if not isinstance(content, dict):
        return [content]
    if columns := _columns_of(content):
        return columns
    own = _score(content)
    best: tuple[float, list[Any]] = (own + 0.5 if own >= _FIELDS_OF_ITEM else 0.0, [content])
    parts = [("", found, 0) for found in _objects_by_id(content)]
    parts += [(name, found, depth) for name, value in content.items() for found, depth in _lists_in(value, 1)]
    for name, found, depth in parts:
        if found:
            scores = [_score(unwrap(each)) for each in found[:20]]
            likeness = sum(scores) / len(scores) + (0.5 if name in _LISTS else 0) + (len(found) > 1) - depth / 10
            # A list within an item, such as its variants or pictures, is no list of items.
            is_part = (own >= 3 and name not in _LISTS) or (own >= 4 and name in ("offers", "data"))
            if sum(scores) / len(scores) >= _FIELDS_OF_ITEM and likeness > best[0] and not is_part:
                best = likeness, found
    if (
        best[0] == 0
        and (named := next((content[n] for n in _LISTS if isinstance(content.get(n), list)), None)) is not None
    ):
        return list(named)
    return _only_products(best[1])


def _only_products(records: list[Any]) -> list[Any]:
    """Return only the products of schema.org's objects, if there are some, because pages also describe their shop."""
    products = [each for each in records if isinstance(each, dict) and "Product" in str(each.get("@type", ""))]
    return products or records


def _lists_in(value: Any, depth: int) -> Iterator[tuple[list[Any], int]]:
    """Yield (list of objects, depth) for the lists in a value, and for objects whose values are similar objects."""
    if depth > _MOST_DEPTH:
        return
    if isinstance(value, list):
        if value and all(isinstance(each, dict) for each in value[:20]):
            yield value, depth
        return
    if isinstance(value, dict):
        yield from ((found, depth) for found in _objects_by_id(value))
        for each in value.values():
            yield from _lists_in(each, depth + 1)


def _objects_by_id(value: Mapping[str, Any]) -> list[list[Any]]:
    """Return the list of the objects that an object has by their ids, if it has nothing else."""
    if len(value) < 2 or not all(isinstance(each, dict) for each in value.values()):
        return []
    return [[{"id": key, **each} for key, each in value.items()]]


def _columns_of(content: Mapping[str, Any]) -> list[Any]:
    """Return the records of columns that each have a value for every row, as pandas writes them."""
    columns = list(content.values())
    if _score(content) < _FIELDS_OF_ITEM or not all(isinstance(each, dict) for each in columns):
        return []
    if any(each.keys() != columns[0].keys() for each in columns) or not all(str(key).isdecimal() for key in columns[0]):
        return []
    return [{name: column[row] for name, column in content.items()} for row in columns[0]]


def unwrap(record: Any) -> Any:
    """Return the item in a record that only wraps it, such as `{"node": {…}}`, with the fields around it."""
    if not isinstance(record, dict):
        return record
    own = _score(record)
    for name in _WRAPPERS:
        inner = record.get(name)
        if isinstance(inner, dict) and _score(inner) > own:
            return {**{key: value for key, value in record.items() if key != name}, **inner}
    return record


def _score(record: Any) -> int:
    return has_item_fields(record) if isinstance(record, dict) else 0


# --- tables -----------------------------------------------------------------------------------------------------------


def _rows(file: Path, kind: Kind, max_bytes: int, *, is_cut: bool) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a table by the names of its columns; a name that occurs twice has a list of both values.

    `is_cut`: the last row is left out.
    """
    rows = _excel_rows(file, max_bytes) if kind.format == "Excel" else _text_rows(file, kind)
    first = list(islice(rows, _HEAD_ROWS))
    head = _head_of(first)
    if head is None:
        raise UnreadableDocument("It has no row with the names of its columns.", advice="Write them in its first row.")
    names = [plain_cell(cell) for cell in first[head]][:_MAX_COLUMNS]
    names = [str(name).strip() if not is_empty(name) else f"column {place}" for place, name in enumerate(names, 1)]
    below = chain(first[head + 1 :], rows)
    for row in (row for row, _ in pairwise(below)) if is_cut else below:
        record = dict[str, Any]()
        for name, cell in zip(names, row, strict=False):
            value = plain_cell(cell)
            if is_empty(value):
                record.setdefault(name, None)
            elif is_empty(record.get(name)):
                record[name] = value
            else:
                record[name] = [*(record[name] if isinstance(record[name], list) else [record[name]]), value]
        if not all(map(is_empty, record.values())):
            yield record


def _ends_in_row(file: Path, kind: Kind) -> bool:
    """Return whether a text ends without a line end, in a row with fewer cells than the head and every other row."""
    with file.open("rb") as opened:
        opened.seek(max(0, file.stat().st_size - _LINE_END))
        if opened.read().strip(b"\0 \t").endswith((b"\n", b"\r")):
            return False
    try:
        rows = _text_rows(file, kind)
        first = list(islice(rows, _HEAD_ROWS))
        if (head := _head_of(first)) is None:
            return False
        fewest = last = len(first[head])
        for row in filter(None, chain(first[head + 1 :], rows)):  # an empty line has no cells
            fewest, last = min(fewest, last), len(row)
        return last < fewest
    except UnreadableDocument:  # `_rows` raises it, too, after the rows that can be read
        return False


def _text_rows(file: Path, kind: Kind) -> Iterator[list[str]]:
    try:
        with io.TextIOWrapper(open_utf8(file), "utf-8", newline="") as opened:
            first = opened.readline()
            yield from _csv_rows(chain(() if first.startswith("sep=") else (first,), opened), kind)
    except csv.Error as error:
        raise UnreadableDocument(
            "It is not CSV: a cell has more than 4 MiB, or a quote is not closed.", advice="Check how it was written."
        ) from error


def _csv_rows(lines: Iterable[str], kind: Kind) -> Iterator[list[str]]:
    csv.field_size_limit(_MAX_CELL)  # it applies to this process; the default refuses longer descriptions
    return csv.reader(
        lines, delimiter=kind.delimiter, quoting=kind.quoting, escapechar=kind.escape, doublequote=kind.escape is None
    )


def _is_excel(file: Path) -> bool:
    try:
        with ZipFile(file) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (BadZipFile, OSError, NotImplementedError):  # the last: opening it needs a newer version of zip
        return False


def _excel_rows(file: Path, max_bytes: int) -> Iterator[Sequence[Any]]:
    """Yield the rows of the sheet whose head looks most like items."""
    from openpyxl import load_workbook  # it imports much, which no other file needs

    _check_size(file, max_bytes)
    try:
        with ZipFile(file) as archive:
            if sum(each.file_size for each in archive.infolist()) > max(max_bytes, _MOST_TIMES_LARGER << 20):
                raise TooLarge(
                    "The file has too many MiB when it is unpacked.",
                    advice="Save it as CSV, or raise SWATCHBOOK_MAX_DOCUMENT_MB.",
                )
        workbook = load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except TooLarge:
        raise
    except Exception as error:  # for a damaged file openpyxl raises many kinds, KeyError and others
        raise UnreadableDocument("It is no Excel file, or is damaged.", advice="Save it again, or as CSV.") from error
    try:
        best: tuple[int, Any] = (-1, None)
        for sheet in workbook.worksheets:
            sheet.reset_dimensions()  # those that other programs write are often wrong
            rows = [list(row) for row in sheet.iter_rows(max_row=_HEAD_ROWS, values_only=True)]
            place = _head_of(rows)
            fields = has_item_fields(dict.fromkeys(map(str, rows[place]))) if place is not None else -1
            if fields > best[0]:
                best = fields, sheet
        if best[1] is not None:
            yield from best[1].iter_rows(values_only=True)
    finally:
        workbook.close()
