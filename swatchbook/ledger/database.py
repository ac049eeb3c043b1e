"""The ledger's database: an engine and two kinds of transaction. What is done in them stands in the other modules."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Double, Table, create_engine, event, inspect, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from swatchbook.errors import Configuration, DiskFull, Failure, LedgerDown
from swatchbook.ledger import migrations

LOCK_SECONDS = 60.0
"""How long a transaction waits for another's lock before the ledger counts as down."""

_MOST_VALUES = 900
"""Of one IN list: below the smallest limit on bound values that a SQLite build may have."""

T = TypeVar("T")


class db_now(FunctionElement[float]):
    """The database's own clock, in Unix seconds. Every stored time comes from it, so hosts need not agree."""

    inherit_cache = True
    name = "db_now"
    type = Double()


@compiles(db_now, "sqlite")
def _sqlite_now(element: db_now, compiler: SQLCompiler, **_: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(db_now, "postgresql")
def _postgresql_now(element: db_now, compiler: SQLCompiler, **_: Any) -> str:
    # clock_timestamp, not now(): the latter stands still within a transaction that waited for a lock
    return "extract(epoch from clock_timestamp())::double precision"


class Ledger:
    """The system of record at an SQLAlchemy URL. Safe to share between threads; not across a fork.

    Both contexts raise LedgerDown (locked, unreachable), DiskFull, or Configuration (no rights, no ledger).
    Never open a second one inside a write: on SQLite it would wait for itself.
    """

    def __init__(self, url: str) -> None:
        self.url = _parsed(url)
        engine = create_engine(self.url, pool_size=5, max_overflow=50, pool_timeout=LOCK_SECONDS)
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        self._readers = engine
        self._writers = engine.execution_options(writes=True)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that may write: committed at the end, rolled back by any exception."""
        with _named_errors(self.url), self._writers.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One transaction that only reads, all of it the same state."""
        with _named_errors(self.url), self._readers.begin() as connection:
            yield connection

    def now(self) -> float:
        """The database's clock, Unix seconds."""
        with self.read() as connection:
            return connection.execute(select(db_now())).scalar_one()

    def close(self) -> None:
        self._readers.dispose()


def open_ledger(url: str) -> Ledger:
    """The ledger at `url`, made if there is none and migrated if it is older; safe when several open it at once.

    Raises Configuration for a URL that means nothing, missing rights, or a ledger newer than this code.
    """
    ledger = Ledger(url)
    try:
        if ledger.url.get_backend_name() == "sqlite":
            _make_folder(Path(ledger.url.database or ""))
        with ledger.read() as connection:
            revision = _revision(connection)
        if revision != migrations.HEAD:
            _migrate(ledger)
    except BaseException:
        ledger.close()
        raise
    return ledger


def portions(values: Sequence[T], size: int = _MOST_VALUES) -> Iterator[Sequence[T]]:
    """`values` in slices that fit one IN list."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def upsert(connection: Connection, table: Table) -> sqlite.Insert:
    """An INSERT that knows ON CONFLICT, of the connection's dialect."""
    if connection.dialect.name == "postgresql":
        return cast(sqlite.Insert, postgresql.insert(table))  # the same methods, another class
    return sqlite.insert(table)


# --- opening ----------------------------------------------------------------------------------------------------------


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError) as error:
        raise Configuration(
            "The ledger's URL cannot be used.", advice="Set SWATCHBOOK_LEDGER_URL to sqlite:///FILE or leave it empty."
        ) from error
    return parsed


def _make_folder(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Configuration(
            f"The ledger's folder {file.parent} cannot be made: {error.strerror}.",
            advice="Set SWATCHBOOK_HOME to a folder that you may write to.",
        ) from error


def _revision(connection: Connection) -> str | None:
    """What the ledger was last migrated to; None if it is new."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _migrate(ledger: Ledger) -> None:
    """Forwards to HEAD, all or nothing. Who comes second waits at the start and finds it done."""
    from swatchbook.ledger.migrations.upgrade import knows, upgrade  # Alembic: 0.2 s that an up-to-date ledger saves

    if ledger.url.get_backend_name() == "sqlite":
        with _named_errors(ledger.url), ledger._readers.connect() as connection:
            connection.connection.cursor().execute("PRAGMA journal_mode = WAL")  # not possible in a transaction; lasts
    with ledger.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(7301)"))
        revision = _revision(connection)
        if revision is not None and not knows(revision):
            raise Configuration(
                f"The ledger was written by a newer Swatchbook (its revision {revision} is unknown here).",
                advice="Upgrade Swatchbook, or point SWATCHBOOK_HOME or SWATCHBOOK_LEDGER_URL elsewhere.",
            )
        upgrade(connection)


# --- SQLite -----------------------------------------------------------------------------------------------------------


def _prepare_sqlite(connection: sqlite3.Connection, record: object) -> None:
    connection.isolation_level = None  # else the driver begins transactions of its own, late and deferred
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {int(LOCK_SECONDS * 1000)}")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA synchronous = FULL")  # with WAL, NORMAL may lose the last commits at a power cut
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that turns writer fails at once when another wrote meanwhile: writers say so first.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


# --- errors -----------------------------------------------------------------------------------------------------------


@contextmanager
def _named_errors(url: URL) -> Iterator[None]:
    try:
        yield
    except PoolTimeout as error:
        raise LedgerDown("All connections to the ledger are in use.") from error
    except DBAPIError as error:
        named = _named(error, url)
        if named is None:
            raise
        raise named from error


def _named(error: DBAPIError, url: URL) -> Failure | None:
    """What a driver's error means to people; None for a bug of ours (syntax, constraints)."""
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF  # the low byte; the rest refines it
        return _SQLITE_ERRORS[code](url.database) if code in _SQLITE_ERRORS else None
    if error.connection_invalidated or type(error).__name__ in ("OperationalError", "InterfaceError"):
        return LedgerDown(f"The ledger does not answer: {cause}")
    return None


def _is_locked(file: str | None) -> Failure:
    return LedgerDown(f"The ledger {file} is locked by another process.")


def _no_room(file: str | None) -> Failure:
    return DiskFull(f"No room to write the ledger {file}.", advice="Free some space; work goes on by itself.")


def _no_rights(file: str | None) -> Failure:
    return Configuration(
        f"The ledger {file} cannot be opened for writing.",
        advice="Check the rights of the file and its folder, or set SWATCHBOOK_HOME.",
    )


def _no_ledger(file: str | None) -> Failure:
    return Configuration(f"{file} is no ledger, or damaged.", advice="Restore it from a backup or move it away.")


def _input_output(file: str | None) -> Failure:
    return LedgerDown(f"The ledger {file} cannot be read or written: input/output error.")


_SQLITE_ERRORS = {
    sqlite3.SQLITE_BUSY: _is_locked,
    sqlite3.SQLITE_LOCKED: _is_locked,
    sqlite3.SQLITE_PROTOCOL: _is_locked,
    sqlite3.SQLITE_FULL: _no_room,
    sqlite3.SQLITE_PERM: _no_rights,
    sqlite3.SQLITE_READONLY: _no_rights,
    sqlite3.SQLITE_CANTOPEN: _no_rights,
    sqlite3.SQLITE_AUTH: _no_rights,
    sqlite3.SQLITE_CORRUPT: _no_ledger,
    sqlite3.SQLITE_NOTADB: _no_ledger,
    sqlite3.SQLITE_IOERR: _input_output,
}
