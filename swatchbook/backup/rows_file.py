"""A Parquet file of rows: written and read in portions of at most 1,000 rows and about 8 MiB, so that neither needs the
memory of a whole table. A file with another shape, or with larger portions than we write, is refused before it is read.

JSON columns are texts with JSON; SQL's NULL is Parquet's. Values are stored plainly (compressed, without a dictionary),
because a small file with a dictionary can stand for any amount of memory.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow.parquet import ParquetFile, ParquetWriter
from sqlalchemy import JSON, Boolean, Column, Double, Integer, LargeBinary

from swatchbook.errors import InvalidBackup

_ROWS = 1_000
_BYTES = 8 << 20
"""A portion ends with the row that makes it longer than this."""

_MAX_BYTES = 256 << 20
"""The largest portion that is read: one row may hold a provider's whole answer."""


def write_rows(path: Path, columns: Sequence[Column[Any]], rows: Iterable[Mapping[str, Any]]) -> int:
    """Write rows to a new file, and return how many they are. The file is not flushed to disk."""
    schema, count = _schema(columns), 0
    json_columns = [column.name for column in columns if isinstance(column.type, JSON)]
    with ParquetWriter(path, schema, compression="zstd", use_dictionary=False) as writer:
        for portion in _portions(_encoded(row, json_columns) for row in rows):
            writer.write_table(pa.Table.from_pylist(portion, schema=schema), row_group_size=_ROWS)
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
        if group.num_rows > _ROWS or group.total_byte_size > _MAX_BYTES or any("DICT" in each for each in encodings):
            raise ValueError("larger portions than a backup has")


def _schema(columns: Sequence[Column[Any]]) -> pa.Schema:
    return pa.schema([(column.name, _type(column)) for column in columns])


def _type(column: Column[Any]) -> pa.DataType:
    types = {LargeBinary: pa.binary(), Boolean: pa.bool_(), Double: pa.float64(), Integer: pa.int64()}
    return next((arrow for sql, arrow in types.items() if isinstance(column.type, sql)), pa.string())


def _encoded(row: Mapping[str, Any], json_columns: Sequence[str]) -> dict[str, Any]:
    return {**row, **{name: json.dumps(row[name]) for name in json_columns if row[name] is not None}}


def _portions(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    portion, size = list[dict[str, Any]](), 0
    for row in rows:
        portion.append(row)
        size += sum(len(value) for value in row.values() if isinstance(value, str | bytes))
        if len(portion) == _ROWS or size > _BYTES:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion
