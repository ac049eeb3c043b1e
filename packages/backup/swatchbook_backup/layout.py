"""The folder of a backup: what lies where, its manifest, its files of rows, and which paths in it are read. It holds
one backup, and is whole as soon as the manifest, which is written last, names it.

    manifest.json                  which backup this is, and rows, bytes and SHA-256 of each of its tables
    rows/<id>/<table>.parquet      the rows of the backup with this id
    rows/<id>/files.parquet        key and size of each stored file; without a size it was missing
    files/<ab>/<key>               the stored files, named by their SHA-256 as in the file store

No path is read from a backup: each follows from an id, a table's name or a key, whose forms are checked. What is no
file, or a link out of the folder, is refused.

A file of rows is written and read in portions of at most 1,000 rows and about 8 MiB, so that neither needs the memory
of a whole table. One with another shape, or with larger portions than we write, is refused before it is read. JSON
columns are texts with JSON; SQL's NULL is Parquet's. Values are stored plainly (compressed, without a dictionary),
because a small file with a dictionary can stand for any amount of memory.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import pyarrow as pa
from pyarrow.parquet import ParquetFile, ParquetWriter
from pydantic import Field, StringConstraints, ValidationError
from sqlalchemy import JSON, BigInteger, Boolean, Column, Double, Integer, LargeBinary, String

from swatchbook.domain.errors import InvalidBackup, InvalidReference, reason_of
from swatchbook.domain.records import Record
from swatchbook.store.files.stored_file import KEY
from swatchbook.store.ledger.portable_rows import PORTABLE
from swatchbook_base.records.record import Sha256

FORMAT: Final = 1
FILES: Final = "files"
"""Name of the table of stored files."""

TABLES: Final = (FILES, *(table.name for table in PORTABLE))
FILE_COLUMNS: Final = (Column("key", String(73)), Column("size", BigInteger))

_MANIFEST, _ROWS, _LOCK = "manifest.json", "rows", ".lock"
_MAX_MANIFEST_BYTES = 1 << 20
_ID = r"^[0-9A-HJKMNP-TV-Z]{26}$"


class TableFile(Record):
    """A Parquet file of a backup: how many rows and bytes it has, and its SHA-256."""

    rows: Annotated[int, Field(ge=0)]
    size: Annotated[int, Field(ge=0)]
    sha256: Sha256


class Manifest(Record):
    """What a backup is. `ledger`: the migration of the ledger; `at`: Unix seconds by its clock; `id`: a ULID."""

    format: Literal[1] = FORMAT
    id: Annotated[str, StringConstraints(pattern=_ID)]
    swatchbook: Annotated[str, StringConstraints(max_length=64)]
    ledger: Annotated[str, StringConstraints(max_length=64)]
    at: float
    tables: dict[str, TableFile]

    @property
    def rows(self) -> int:
        """Return the rows of all tables, with those of stored files."""
        return sum(table.rows for table in self.tables.values())


class BackupFolder:
    """The paths of a backup."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.manifest_file = self.path / _MANIFEST
        self.lock_file = self.path / _LOCK
        self.rows = self.path / _ROWS
        self.files = self.path / FILES

    def table_file(self, manifest_id: str, table: str) -> Path:
        """Return where the rows of a table are, of the backup with this id."""
        if not re.match(_ID, manifest_id) or table not in TABLES:
            raise InvalidBackup(f"{table!r} is no table of a backup.")
        return self.rows / manifest_id / f"{table}.parquet"

    def stored_file(self, key: str) -> Path:
        """Return where a stored file is. Raises InvalidBackup for what is no key."""
        if not KEY.fullmatch(key):
            raise InvalidBackup(f"{key!r} is not the key of a stored file.")
        return self.files / key[:2] / key

    def require_ours(self) -> None:
        """Raise InvalidReference for a folder that holds other things than a backup."""
        known = {_MANIFEST, _ROWS, _LOCK, FILES}
        if self.path.exists() and not self.path.is_dir():
            raise InvalidReference(f"{self.path} is not a folder.", advice="Name an empty folder, or a backup.")
        if self.path.is_dir() and (others := sorted({each.name for each in self.path.iterdir()} - known)):
            raise InvalidReference(
                f"{self.path} is neither empty nor a backup: it holds {others[0]!r}.",
                advice="Name an empty folder, or a backup, to which what is new is then added.",
            )

    def read_manifest(self) -> Manifest:
        """Return the manifest. Raises InvalidReference if the folder has no manifest, and InvalidBackup."""
        if not self.path.is_dir():
            raise InvalidReference(f"There is no folder {self.path}.")
        if not self.manifest_file.is_file():
            unfinished = " Its backup was interrupted." if self.rows.is_dir() else ""
            raise InvalidReference(
                f"{self.path} holds no finished backup: it has no {_MANIFEST}.{unfinished}",
                advice="Run `swatchbook upkeep backup` again where the collection is, or name another folder.",
            )
        if self.manifest_file.stat().st_size > _MAX_MANIFEST_BYTES:
            raise InvalidBackup(f"{self.manifest_file} is too large.")
        try:
            manifest = Manifest.model_validate_json(self.manifest_file.read_bytes())
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"]))
            raise InvalidBackup(
                f"{self.manifest_file} is not a manifest that this version reads: {where or 'no JSON'}.",
                advice="A backup of a newer Swatchbook is restored with that version.",
            ) from error
        if manifest.tables.keys() != set(TABLES):
            raise InvalidBackup(f"{self.manifest_file} names other tables than a backup has.")
        return manifest

    def check(self, path: Path, *, size: int, sha256: str) -> None:
        """Raise InvalidBackup unless this is a file in the folder with exactly these bytes."""
        try:
            inside = path.resolve().is_relative_to(self.path.resolve())
            if not inside or path.is_symlink() or not path.is_file():
                raise InvalidBackup(f"{path} is missing.", advice=_DAMAGED)
            if path.stat().st_size != size:
                raise InvalidBackup(f"{path} does not have the {size} bytes that it was written with.", advice=_DAMAGED)
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                    raise InvalidBackup(f"{path} is damaged.", advice=_DAMAGED)
        except OSError as error:
            raise InvalidBackup(f"{path} cannot be read: {reason_of(error)}.", advice=_DAMAGED) from error


_DAMAGED = "Nothing was restored. Make the backup again, or restore another one."


# --- files of rows ----------------------------------------------------------------------------------------------------


_MAX_ROWS = 1_000
_PORTION_BYTES = 8 << 20
"""A portion ends with the row that makes it longer than this."""

_MAX_BYTES = 256 << 20
"""The largest portion that is read: one row may hold a provider's whole answer."""


def write_rows(path: Path, columns: Sequence[Column[Any]], rows: Iterable[Mapping[str, Any]]) -> int:
    """Write rows to a new file, and return how many they are. The file is not flushed to disk."""
    schema, count = _schema(columns), 0
    json_columns = [column.name for column in columns if isinstance(column.type, JSON)]
    with ParquetWriter(path, schema, compression="zstd", use_dictionary=False) as writer:
        for portion in _portions(
            {**row, **{name: json.dumps(row[name]) for name in json_columns if row[name] is not None}} for row in rows
        ):
            writer.write_table(pa.Table.from_pylist(portion, schema=schema), row_group_size=_MAX_ROWS)
            count += len(portion)
    return count


def read_rows(path: Path, columns: Sequence[Column[Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows of a file in the portions in which they were written. Raises InvalidBackup."""
    json_columns = [column.name for column in columns if isinstance(column.type, JSON)]
    try:
        with ParquetFile(path) as file:
            _check(file, _schema(columns))
            for number in range(file.num_row_groups):
                rows = file.read_row_group(number).to_pylist()
                for row in rows:
                    row |= {name: json.loads(row[name]) for name in json_columns if row[name] is not None}
                yield rows
    except (pa.ArrowException, OSError, ValueError, RecursionError) as error:
        raise InvalidBackup(f"{path} is damaged, or another version wrote it.") from error


def count_rows(path: Path, columns: Sequence[Column[Any]]) -> int:
    """Return how many rows a file has, after a look at its shape. Raises InvalidBackup."""
    try:
        with ParquetFile(path) as file:
            _check(file, _schema(columns))
            return int(file.metadata.num_rows)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InvalidBackup(f"{path} is damaged, or another version wrote it.") from error


def _check(file: ParquetFile, schema: pa.Schema) -> None:
    if not file.schema_arrow.equals(schema):
        raise ValueError("other columns")
    for number in range(file.num_row_groups):
        group = file.metadata.row_group(number)
        encodings = {each for n in range(group.num_columns) for each in group.column(n).encodings}
        if (
            group.num_rows > _MAX_ROWS
            or group.total_byte_size > _MAX_BYTES
            or any("DICT" in each for each in encodings)
        ):
            raise ValueError("larger portions than a backup has")


def _schema(columns: Sequence[Column[Any]]) -> pa.Schema:
    return pa.schema([(column.name, _type(column)) for column in columns])


def _type(column: Column[Any]) -> pa.DataType:
    types = {LargeBinary: pa.binary(), Boolean: pa.bool_(), Double: pa.float64(), Integer: pa.int64()}
    return next((arrow for sql, arrow in types.items() if isinstance(column.type, sql)), pa.string())


def _portions(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    portion, size = list[dict[str, Any]](), 0
    for row in rows:
        portion.append(row)
        size += sum(len(value) for value in row.values() if isinstance(value, str | bytes))
        if len(portion) == _MAX_ROWS or size > _PORTION_BYTES:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion
