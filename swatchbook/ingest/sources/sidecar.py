"""Read sidecars: files next to pictures that describe these.

A sidecar belongs to one picture by its name (`oak.jpg.json`, `oak.json`), or is a table of the pictures in its folder
and below (`metadata.csv`, `sidecar.json` …), each row of which names a file. A table may have 100,000 rows, a file the
size of a document. `batch_record.py` reads the fields.
"""

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from swatchbook.domain.errors import Failure, InvalidReference, TooLarge, UnreadableDocument, reason_of
from swatchbook.domain.records import Variant
from swatchbook.ingest.sources.field_words import LOCAL_PATHS, flat, is_picture_field
from swatchbook.ingest.sources.item_files import any_shape, plain_cell

TABLES = ("metadata", "sidecar")
"""The names of tables, without their suffix."""

MOST_ROWS = 100_000
"""The most rows of a table: all of them are in memory while its folder is read."""

FIRST_IN_TEXT = ("brand", "category", "size", "condition", "material", "color")
NOT_IN_TEXT = (
    "price", "currency", "url", "description", "short_description", "handle", "status", "shop_attributes", "shop_id",
    "stock", "backorders", "visibility", "item_id", "sku",
)  # fmt: skip
"""Keyword search reads all metadata but these in addition to the title, then the descriptions: a vector is made of the
beginning of a long text only.
"""

_VARIANTS_IN_TEXT = 50

_CSV = (".csv", ".tsv")
_OF_TABLES = (".json", ".jsonl", *_CSV)
_HEAD = 1 << 16  # bytes by which the columns of a table are known


@dataclass(frozen=True, slots=True)
class SidecarData:
    """The data of a sidecar about a picture."""

    title: str | None
    code: str | None
    metadata: Mapping[str, str]


def may_be_sidecar(name: str) -> bool:
    """Return whether a file may be a sidecar by its name alone."""
    return is_table(name) or _split(name)[1] == ".json"


def sidecars_among(folder: Path, names: Iterable[str], pictures: Collection[str]) -> list[str]:
    """Return the names of files that are sidecars of these pictures in the same folder, in order.

    Without any picture in it, a table is one by its columns: its pictures are in subfolders.
    """
    described = {*pictures, *(each.rpartition(".")[0] for each in pictures)}
    return sorted(
        each
        for each in names
        if (is_table(each) and (pictures or ((folder / each).is_file() and _names_files(folder / each))))
        or _is_of(each, described)
    )


def _names_files(table: Path) -> bool:
    """Return whether a table has a column `file_name`, and none in which an item has its pictures, by its beginning."""
    try:
        with any_shape().open_text(table) as opened:
            head = opened.read(_HEAD).decode(errors="ignore")
    except OSError:  # it is named as failed where all of it is read
        return False
    is_csv = table.suffix.lower() in _CSV
    names = re.split(r"[,;\t|]", head.partition("\n")[0]) if is_csv else re.findall(r'"([^"]*)"\s*:', head)
    fields = {name.strip(' "\r') for name in names}
    return any(flat(name) == "filename" for name in fields) and not any(
        is_picture_field(name) or flat(name) in LOCAL_PATHS for name in fields
    )


def is_table(name: str) -> bool:
    """Return whether a file is a table of pictures, by its name."""
    stem, suffix = _split(name)
    return suffix in _OF_TABLES and stem.lower() in TABLES


def read_sidecar(file: Path, max_bytes: int) -> SidecarData:
    """Return the data of one picture's sidecar. Raises Failure if it cannot be read."""
    _check_size(file, max_bytes)
    record = next((found.record for found in any_shape().read(file, max_bytes)), None)
    if isinstance(record, Failure):
        raise record
    if not isinstance(record, Mapping):
        raise UnreadableDocument("It has no fields.", advice="Write an object with fields, such as title and price.")
    return _data_of(record)


def read_table(file: Path, max_bytes: int) -> dict[str, SidecarData]:
    """Return path of a picture, from the table's folder -> the data of its row. Raises Failure if it cannot be read."""
    _check_size(file, max_bytes)
    found = dict[str, SidecarData]()
    for number, record in enumerate(_records(file, max_bytes), 1):
        if number > MOST_ROWS:
            raise TooLarge(f"The table has more than {MOST_ROWS:,} rows.", advice="Give each folder its own table.")
        if isinstance(record, Mapping) and (path := _path_in(record)):
            found.setdefault(path, _data_of(record))
    if not found:
        raise InvalidReference("No row names a picture.", advice="Give it a column file_name with the names of files.")
    return found


def _records(file: Path, max_bytes: int) -> Iterator[Any]:
    """Yield the records of a table. A CSV file needs no columns of an item, because it is recognised by its name."""
    if _split(file.name)[1] not in _CSV:
        yield from (found.record for found in any_shape().read(file, max_bytes))
        return
    try:
        with any_shape().open_text(file) as opened:
            text = opened.read().decode()
    except OSError as error:
        raise InvalidReference(f"{file.name} cannot be read: {reason_of(error)}.") from error
    head = text.partition("\n")[0]
    delimiter = max(",;\t|", key=head.count)
    try:
        for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter):
            yield {
                name: plain_cell(value) for name, value in row.items() if name and value
            }  # rows may be too long or short
    except csv.Error as error:
        raise UnreadableDocument("It is no table with a row for each picture.") from error


def of_picture(name: str, sidecars: Collection[str]) -> Iterator[str]:
    """Yield the existing names of sidecars that belong to a picture only."""
    yield from (each for each in (f"{name}.json", f"{name.rpartition('.')[0]}.json") if each in sidecars)


def text_of(metadata: Mapping[str, str], variants: Sequence[Variant] = (), *, code: str | None = None) -> str | None:
    """Return the text of an item that keyword search reads in addition to the title."""
    parts = [metadata[name] for name in FIRST_IN_TEXT if name in metadata]
    others = {name: value for name, value in metadata.items() if name not in FIRST_IN_TEXT + NOT_IN_TEXT}
    parts += [f"{name.replace('_', ' ')} {value}" for name, value in others.items()]
    parts += [variant.name for variant in variants[:_VARIANTS_IN_TEXT]]
    parts += filter(None, [code, *(variant.code for variant in variants[:_VARIANTS_IN_TEXT])])
    described = dict.fromkeys(filter(None, map(metadata.get, ("short_description", "description"))))
    return " · ".join([*parts, *described]) or None


def _data_of(record: Mapping[str, Any]) -> SidecarData:
    read = any_shape().read_record(
        {name: value for name, value in record.items() if str(name).casefold() not in _FILE_FIELDS}
    )
    return SidecarData(title=read.title, code=read.code, metadata=dict(read.metadata))


def _path_in(record: Mapping[str, Any]) -> str | None:
    """Return the path of the picture that a row names, without leaving the folder."""
    for name, value in record.items():
        if str(name).casefold() in _FILE_FIELDS and isinstance(value, str) and value.strip():
            return _path_within(value.strip().replace("\\", "/"))
    named = (str(value) for name, value in record.items() if name == "id" and "." in str(value))
    return _path_within(next(named, ""))


def _path_within(name: str) -> str | None:
    path = PurePosixPath(name)
    return str(path) if path.parts and not path.is_absolute() and ".." not in path.parts else None


_FILE_FIELDS = ("file_name", "filename", "file", "image", "picture", "path", "file_path", "photo")


def _split(name: str) -> tuple[str, str]:
    stem, dot, suffix = name.rpartition(".")
    return stem, f"{dot}{suffix}".lower()


def _is_of(name: str, described: Collection[str]) -> bool:
    stem, suffix = _split(name)
    return suffix == ".json" and stem in described


def _check_size(file: Path, max_bytes: int) -> None:
    try:
        size = file.stat().st_size
    except OSError as error:
        raise InvalidReference(f"{file.name} cannot be read.") from error
    if size > max_bytes:
        raise TooLarge(f"It has more than {max_bytes >> 20} MiB.")
