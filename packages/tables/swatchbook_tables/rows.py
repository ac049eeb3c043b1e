"""Read rows of a table that already has a collection: CSV, JSON lines, Parquet or a SQL query.

The mapping, a YAML file, names the columns. A row is taken if it is completed and its picture can be read, by the first
of its paths that names a file within the mapping's root. A row may give a vector as a list of numbers (JSON or a list
column), or as float32 bytes, little endian, raw or in base64.
"""

import base64
import binascii
import csv
import io
import json
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from swatchbook.domain.errors import (
    Configuration,
    Failure,
    InvalidModelOutput,
    InvalidReference,
    UnreadableDocument,
    reason_of,
)
from swatchbook.domain.extras import require_extra
from swatchbook.domain.records import NO_MAPPING, Record, is_owner
from swatchbook.ingest.sources.batch import read_item
from swatchbook.ingest.sources.item_files import ID, METADATA, TITLE, any_shape
from swatchbook.ingest.sources.mapping_file import read_mapping_file
from swatchbook_base.one_line import one_line, shorten

SQL = "env:"
"""The beginning of a source that is a database; the name of the environment variable with its URL follows."""

USER, STATUS, VECTOR, MODEL = "user", "status", "vector", "model"
PATHS = ("compressed_path", "original_path", "file_path")
"""Columns with the path of a picture; the first that names a readable file counts."""

_ROWS = 500
"""The rows of Parquet or SQL that are read together."""

_MAX_LINE = 1 << 22  # bytes of a JSON line

Column = Annotated[str, Field(min_length=1)]
ColumnKind = Literal[
    "id", "user", "status", "compressed_path", "original_path", "file_path", "title", "price", "currency", "brand",
    "category", "size", "condition", "material", "color", "description", "url", "vector", "model",
]  # fmt: skip


class TableMapping(Record):
    """The mapping in the YAML file of an import. `root` is the folder of the pictures, which no path may leave.

    `columns` maps kinds of columns to their names. `completed` are the values of `status` whose rows are taken. `model`
    is the model of all vectors; `models` maps the source's names of models to our tags. `query` is for a database.
    """

    root: Path
    columns: Mapping[ColumnKind, Column]
    completed: tuple[str, ...] = ("completed",)
    model: str | None = None
    models: Mapping[str, str] = {}
    query: str | None = None


@dataclass(frozen=True, slots=True)
class TakenRow:
    """A row with a readable picture: its owner (None without such a column) and its fields as JSON values.

    `vector` is the row's vector as it is given, and `model` its tag; both are None without one.
    """

    item: str
    owner: str | None
    record: Mapping[str, Any]
    vector: Any = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class LeftRow:
    """A row that is not taken: its id, or else its place, and the reason. `open`: it is not completed."""

    item: str
    reason: str
    open: bool = False


def read_mapping(file: Path) -> TableMapping:
    """Return the mapping in a YAML file, its root as an absolute path. Raises InvalidReference."""
    advice = "docs/import.md has an example."
    mapping = read_mapping_file(file, TableMapping, ColumnKind, advice=advice)
    if ID not in mapping.columns:
        raise InvalidReference(f"{file}: columns: {ID} is missing.", advice=advice)
    if not any(path in mapping.columns for path in PATHS):
        raise InvalidReference(f"{file}: columns: name one of {', '.join(PATHS)}.", advice=advice)
    if VECTOR in mapping.columns and not (mapping.model or MODEL in mapping.columns):
        raise InvalidReference(f"{file}: the model of its vectors is not named: set model.", advice=advice)
    root = (file.resolve().parent / mapping.root).resolve()
    if not root.is_dir():
        raise InvalidReference(f"{file}: root: {root} is no folder.", advice="Check the path.")
    return mapping.model_copy(update={"root": root})


def judge_rows(source: str, mapping: TableMapping) -> Iterator[TakenRow | LeftRow]:
    """Yield every row of a source, each taken or left, in the order of the source.

    Raises InvalidReference, UnreadableDocument and Configuration for problems of the whole source.
    """
    for place, row in enumerate(_read_rows(source, mapping), 1):
        yield LeftRow(f"row {place}", str(row)) if isinstance(row, Failure) else _judge(mapping, f"row {place}", row)


def letters_in_doubt(source: str) -> tuple[str, ...]:
    """Return what to check of the letters of a source that is a text file."""
    file = Path(source)
    is_text = file.suffix.lower() in (".csv", ".jsonl") and not source.startswith(SQL)
    return tuple(any_shape().doubts_of(file, file.name, also_guesses=True)) if is_text else ()


def read_vector(value: Any, dimension: int) -> NDArray[np.float32]:
    """Return a given vector as (dimension,) float32 of unit length, bit for bit unchanged if it has that length.

    Raises InvalidModelOutput, which names the problem.
    """
    vector = _numbers(value)
    if vector.shape != (dimension,):
        raise InvalidModelOutput(f"it has {vector.size} numbers, not {dimension}")
    if not np.isfinite(vector).all():
        raise InvalidModelOutput("it has a number that is NaN or infinite")
    length = float(np.linalg.norm(vector.astype(np.float64)))
    if length == 0:
        raise InvalidModelOutput("it is a zero vector")
    return vector if abs(length - 1) <= _UNIT else (vector / length).astype(np.float32)


_UNIT = 1e-3
"""The most by which the length of a unit vector may differ from 1: models with half precision are that exact."""


# --- rows -------------------------------------------------------------------------------------------------------------


def _judge(mapping: TableMapping, place: str, row: Mapping[str, Any]) -> TakenRow | LeftRow:
    """Return a row of plain values as taken or left."""
    found: dict[str, Any] = {
        kind: value for kind, name in mapping.columns.items() if not _is_empty(value := row.get(name))
    }
    record: dict[str, Any] = {
        kind: _plain(found[kind]) for kind in (ID, TITLE, *PATHS, *METADATA) if kind in found
    }  # fmt: skip
    item = shorten(one_line(str(record.get(ID, ""))), 300)
    if not item:
        return LeftRow(place, "It has no id.")
    if STATUS in mapping.columns:
        status = one_line(str(_plain(found.get(STATUS, "none"))))
        if status.casefold() not in {value.casefold() for value in mapping.completed}:
            return LeftRow(item, f"Its status is {shorten(status, 60)}.", open=True)
    owner = str(_plain(found[USER])) if USER in found else None
    if USER in mapping.columns and (owner is None or not is_owner(owner)):
        return LeftRow(item, f"Its user is not a valid name of an owner: {shorten(one_line(owner or 'none'), 80)}.")
    record |= {path: str(mapping.root / record[path]) for path in PATHS if isinstance(record.get(path), str)}
    listed = read_item(mapping.root, mapping.root / "rows", place, record, NO_MAPPING, {})
    if not listed.pictures:
        return LeftRow(item, str(listed.problem))
    if VECTOR not in found:
        return TakenRow(listed.item, owner, record)
    model = str(found[MODEL]) if MODEL in found else mapping.model
    return TakenRow(listed.item, owner, record, found[VECTOR], mapping.models.get(model or "", model))


def _is_empty(value: Any) -> bool:
    """Return whether a column has no value: NULL, blank text, or the NaN that pandas writes for it."""
    return value is None or (isinstance(value, str) and not value.strip()) or value != value


def _plain(value: Any) -> Any:
    """Return a value as in JSON; an id that was read as 12.0, because others are missing, is 12."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str | int | float):
        return value
    return str(value)


def _numbers(value: Any) -> NDArray[np.float32]:
    """Return the numbers of a given vector. Raises InvalidModelOutput."""
    if isinstance(value, str):
        value = _parsed(value)
    if isinstance(value, bytes | bytearray | memoryview):
        if len(value) % 4:
            raise InvalidModelOutput(f"its {len(value)} bytes are no float32 numbers")
        return np.frombuffer(value, "<f4").astype(np.float32)
    if not isinstance(value, list) or not all(isinstance(n, int | float | Decimal) for n in value):
        raise InvalidModelOutput("it is neither a list of numbers nor bytes")
    try:
        with np.errstate(over="ignore"):  # the caller finds an infinity
            return np.array(value, np.float64).astype(np.float32)
    except (ValueError, OverflowError) as error:  # a signalling NaN, an integer of 400 digits
        raise InvalidModelOutput("it has a number that is NaN or infinite") from error


def _parsed(text: str) -> Any:
    if text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidModelOutput("it is not JSON") from error
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidModelOutput("it is neither JSON nor base64") from error


# --- reading ----------------------------------------------------------------------------------------------------------


def _read_rows(source: str, mapping: TableMapping) -> Iterator[Mapping[str, Any] | Failure]:
    """Yield the rows of a source as column -> value, some at a time in memory, and a failure for anything else."""
    if source.startswith(SQL):
        yield from _read_sql(source.removeprefix(SQL), mapping)
        return
    path = Path(source)
    readers = {".csv": _read_csv, ".jsonl": _read_lines, ".parquet": _read_parquet}
    if path.suffix.lower() not in readers:
        raise InvalidReference(
            f"{source}: neither .csv, .jsonl nor .parquet.",
            advice=f"Give such a file, or {SQL}NAME for a database whose URL is in the environment variable NAME.",
        )
    try:
        yield from readers[path.suffix.lower()](path, mapping)
    except OSError as error:
        raise InvalidReference(f"{source}: {reason_of(error)}.", advice="Check the path.") from error


def _read_csv(path: Path, mapping: TableMapping) -> Iterator[Mapping[str, Any] | Failure]:
    with io.TextIOWrapper(any_shape().open_text(path), "utf-8", newline="") as file:
        rows = csv.DictReader(file)
        try:
            _require_columns(str(path), mapping, rows.fieldnames or ())
            yield from rows
        except csv.Error as error:
            raise UnreadableDocument(
                f"{path}: line {rows.line_num + 1} is not CSV.", advice="Write it as CSV."
            ) from error


def _read_lines(path: Path, _: TableMapping) -> Iterator[Mapping[str, Any] | Failure]:
    with any_shape().open_text(path) as file:
        while line := file.readline(_MAX_LINE):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                yield UnreadableDocument("It is not JSON.")
                continue
            yield row if isinstance(row, dict) else UnreadableDocument("It is not an object with fields.")


def _read_parquet(path: Path, mapping: TableMapping) -> Iterator[Mapping[str, Any]]:
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    try:
        with path.open("rb") as opened, ParquetFile(opened) as file:
            _require_columns(str(path), mapping, file.schema_arrow.names)
            for batch in file.iter_batches(_ROWS, columns=sorted(set(mapping.columns.values()))):
                yield from batch.to_pylist()
    except (pa.ArrowException, ValueError) as error:
        raise UnreadableDocument(f"{path} is not a Parquet file, or is damaged.", advice="Write it again.") from error


def _read_sql(variable: str, mapping: TableMapping) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of the mapping's query. Failures do not contain the URL, which may have a password."""
    from sqlalchemy import text
    from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

    if not mapping.query:
        raise InvalidReference("The mapping has no query.", advice="Set query to the SELECT that gives the rows.")
    if not (url := os.environ.get(variable)):
        raise Configuration(f"The environment variable {variable} is not set.", advice="Set it to the database's URL.")
    try:
        with _connected(url) as connection:
            rows = connection.execution_options(yield_per=_ROWS).execute(text(mapping.query))
            _require_columns("The query", mapping, list(rows.keys()))
            for row in rows.mappings():
                yield dict(row)
    except (ArgumentError, ImportError) as error:
        raise Configuration(
            f"{variable} is no URL of a database that can be opened.",
            advice="Set it to postgresql://USER:PASSWORD@HOST/DATABASE or sqlite:///FILE.",
        ) from error
    except DBAPIError as error:  # a person wrote the query, so the database's message about it is shown
        reason = shorten(one_line(str(error.orig)).replace(url, variable), 300)
        raise UnreadableDocument(
            f"The query failed. The database says: {reason}", advice="Check query and URL."
        ) from error
    except SQLAlchemyError as error:
        raise UnreadableDocument(f"The query failed: {reason_of(error)}.", advice="Check query and URL.") from error


@contextmanager
def _connected(url: str) -> Iterator[Any]:
    """Connect to a database for reading: nothing is committed."""
    from sqlalchemy import create_engine, make_url
    from sqlalchemy.pool import NullPool

    parsed = make_url(url)
    if parsed.drivername in ("postgres", "postgresql"):  # psycopg is the driver installed
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "postgresql+psycopg":
        require_extra("postgres", "A table in PostgreSQL")
    if parsed.get_backend_name() == "sqlite" and parsed.database:  # opened for writing, a wrong path would make a file
        file = Path(parsed.database).absolute().as_uri()
        parsed = parsed.set(database=file).update_query_dict({"mode": "ro", "uri": "true"})
    engine = create_engine(parsed, poolclass=NullPool)
    with engine.connect() as connection:
        yield connection


def _require_columns(source: str, mapping: TableMapping, there: Collection[str]) -> None:
    """Raise InvalidReference if a source lacks a column of the mapping."""
    if missing := sorted(set(mapping.columns.values()) - set(there)):
        known = shorten(", ".join(map(str, there)), 300) or "none"
        raise InvalidReference(
            f"{source} has no column {missing[0]}. It has: {known}.", advice="Correct the columns of the mapping."
        )
