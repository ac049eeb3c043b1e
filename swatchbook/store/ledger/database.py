"""Connect to the ledger on SQLite or PostgreSQL, create or migrate it, and open its transactions.

Writers take turns, and wait at most 60 s for a lock. A ledger that is down is waited for as long as the caller has
patience.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from copy import copy
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    Delete,
    Double,
    Result,
    Row,
    Select,
    String,
    Table,
    Update,
    bindparam,
    create_engine,
    event,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy import cast as cast_to
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import TypedReturnsRows

from swatchbook.domain.backoff import pause_after
from swatchbook.domain.errors import Configuration, DiskFull, LedgerDown, reason_of
from swatchbook.domain.extras import require_extra
from swatchbook.store.ledger import migrations
from swatchbook.store.ledger.driver_errors import DAMAGED, ledger_failure, translated_errors

if TYPE_CHECKING:
    import psycopg

LOCK_SECONDS = 60.0
"""How long a transaction waits for another's lock before the ledger counts as down."""

_MAX_IN_VALUES = 900
"""Values of one IN list: below the smallest limit on bound values that a SQLite build may have."""

_WRITER_LOCK = 7301
"""Number of the PostgreSQL advisory lock that makes writers take turns; each database has its own."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 4.0
"""Seconds between tries to reach a ledger that is down; short, as leases run out meanwhile."""

_AMONG = "among"

T = TypeVar("T")
Columns = TypeVar("Columns", bound=tuple[Any, ...])

log = logging.getLogger(__name__)


class db_now(FunctionElement[float]):
    """The database's clock, in Unix seconds. Every stored time comes from it, so hosts' clocks need not agree."""

    inherit_cache = True
    name = "db_now"
    type = Double()


@compiles(db_now, "sqlite")
def _sqlite_now(element: db_now, compiler: SQLCompiler, **_: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(db_now, "postgresql")
def _postgresql_now(element: db_now, compiler: SQLCompiler, **_: Any) -> str:
    # not now(): it keeps the time of the transaction's start, which may have waited for a lock
    return "extract(epoch from clock_timestamp())::double precision"


class Ledger:
    """The ledger at an SQLAlchemy URL. Safe to share between threads, not across a fork.

    `read` and `write` raise LedgerDown (locked, unreachable), DiskFull, Authentication, or Configuration (no rights, no
    ledger). A write that raised is rolled back, so the caller may try again. Never open a transaction inside a write:
    on SQLite it would wait for itself.

    Writers take turns, on PostgreSQL as on SQLite: documents share images and texts, so writers that lock rows one by
    one would deadlock, and a turn takes milliseconds where the forward pass before it takes seconds. What a write has
    read stays true until its end. Writes that lock one row, or skip locked rows (a heartbeat, a claim), need no turn on
    PostgreSQL: `write(turn=False)`. They may wait for the first row that they lock and for no other, so that no two
    transactions can wait for each other.

    `patience`: for how many seconds a transaction that cannot begin is tried again before it raises LedgerDown. A
    transaction that loses its connection raises at once; when the caller tries again, it waits.
    """

    def __init__(self, url: str, *, patience: float = 0.0, alone: bool = False) -> None:
        """Connect on first use. `alone`: of SQLite, by one connection that needs no space on the disk to read."""
        self.url = _parsed(url)
        if self.url.get_backend_name() != "sqlite":
            require_extra("postgres", "A ledger in PostgreSQL")
        self._patience = patience
        pool = {"pool_size": 1, "max_overflow": 0} if alone else {"pool_size": 5, "max_overflow": 50}
        engine: Engine = create_engine(
            self.url, **pool, pool_timeout=LOCK_SECONDS, **_ENGINES[self.url.get_backend_name()]
        )
        self._writers: Engine
        self._readers: Engine
        self._turn: AbstractContextManager[object] = nullcontext()
        self._watch: _Watch | None = None
        self._known = _KnownRevision()
        if engine.dialect.name == "sqlite":
            self._turn = _Turn(self.url)
            self._watch = None if alone else _Watch(self.url)
            if alone:
                event.listen(engine, "connect", _lock_sqlite)
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            self._writers, self._readers = engine.execution_options(writes=True), engine
        else:
            event.listen(engine, "connect", _prepare_postgresql)
            reading = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            self._writers, self._readers = engine, engine.execution_options(**reading)

    @contextmanager
    def write(self, *, turn: bool = True) -> Iterator[Connection]:
        """Open a transaction that may write: committed at the end, rolled back by any exception."""
        try:
            with self._transaction(self._writers, self._turn, turn=turn) as connection:
                yield connection
        finally:
            self._known.write = object()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that only reads, all of it from one snapshot."""
        with self._transaction(self._readers, nullcontext()) as connection:
            yield connection

    def execute(self, query: TypedReturnsRows[Columns]) -> Result[Columns]:
        """Execute one query in a transaction of its own, and return its rows, of which all are read already."""
        with self.read() as connection:
            return connection.execute(query).freeze()()

    def revision(self, *, lag: float = 0.0) -> Hashable:
        """Return a value that is the same as an earlier one only if nothing was committed since.

        `lag`: for how many seconds it may leave out what other processes have committed; never what this one has.
        """
        known, write, now = self._known, self._known.write, time.monotonic()
        if known.asked is None or known.asked[0] is not write or now >= known.asked[1] + lag:
            known.asked = write, now, self._revision()
        return known.asked[2]

    def is_still(self, revision: Hashable) -> bool:
        """Return whether nothing was committed since a revision, as far as that takes only microseconds to tell."""
        return self._watch is not None and self._watch.revision() == revision

    def _revision(self) -> Hashable:
        if self._watch is not None:
            return self._watch.revision()
        if self._readers.dialect.name == "sqlite":
            return object()  # it is open alone: no other connection could tell
        # equal snapshots see the same transactions
        return self.execute(select(cast_to(func.pg_current_snapshot(), String))).scalar_one()

    def now(self) -> float:
        """Return the time by the database's clock, in Unix seconds."""
        return self.execute(select(db_now())).scalar_one()

    def check(self, *, deep: bool = False) -> None:
        """Have SQLite check its pages; with `deep` also its indexes. Raises Configuration if the ledger is damaged.

        PostgreSQL checks what it reads, and has a program of its own for the rest: pg_amcheck.
        """
        with self.read() as connection:
            if connection.dialect.name == "sqlite":
                found = connection.exec_driver_sql(f"PRAGMA {'integrity' if deep else 'quick'}_check(1)").scalar_one()
                if found != "ok":
                    log.warning("the ledger %s is damaged: %s", self.url.database, found)
                    raise ledger_failure(DAMAGED, self.url)

    def with_patience(self, seconds: float) -> "Ledger":
        """Return the same ledger with another patience."""
        other = copy(self)
        other._patience = seconds
        return other

    def close(self) -> None:
        """Close all connections."""
        self._readers.dispose()
        if self._watch is not None:
            self._watch.close()

    @contextmanager
    def _transaction(
        self, engine: Engine, among_threads: AbstractContextManager[object], *, turn: bool = False
    ) -> Iterator[Connection]:
        with translated_errors(self.url), ExitStack() as stack:
            connection = self._begin(engine, among_threads, stack)
            if turn and connection.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(_WRITER_LOCK)))
            yield connection

    def _begin(self, engine: Engine, among_threads: AbstractContextManager[object], stack: ExitStack) -> Connection:
        end = time.monotonic() + self._patience
        failures = 0
        while True:
            try:
                with translated_errors(self.url), ExitStack() as begun:
                    begun.enter_context(among_threads)
                    connection = begun.enter_context(engine.begin())
                    stack.push(begun.pop_all())
                    return connection
            except LedgerDown as down:
                failures, left = failures + 1, end - time.monotonic()
                if left <= 0:
                    raise
                log.warning("waiting for the ledger: %s", down)
                time.sleep(min(pause_after(failures, first=_FIRST_PAUSE, longest=_LONGEST_PAUSE), left))


def open_ledger(url: str, *, patience: float = 0.0) -> Ledger:
    """Open the ledger at `url`, create it if it is missing and migrate it if it is older. Processes may do so at once.

    On a full disk, SQLite cannot create the memory that its readers share; then the ledger is opened by this process
    alone. Raises Configuration for an invalid URL, missing rights, or a ledger that this code cannot migrate.
    """
    ledger = Ledger(url, patience=patience)
    try:
        return _opened(ledger)
    except (DiskFull, LedgerDown):
        if ledger.url.get_backend_name() != "sqlite" or not Path(ledger.url.database or "").exists():
            raise
        return _opened(Ledger(url, patience=patience, alone=True))


def is_missing(url: str) -> bool:
    """Return whether `url` names a SQLite file that does not exist; False for a server, which is not asked.

    Raises Configuration for an invalid URL.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() != "sqlite":
        return False
    try:
        Path(parsed.database or "").stat()
    except OSError as error:  # of any other error `open_ledger` says what is wrong with the folder
        return isinstance(error, FileNotFoundError)
    return False


def _opened(ledger: Ledger) -> Ledger:
    """Create or migrate a ledger as needed and return it; close it if that fails."""
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


def portions(values: Iterable[T], size: int = _MAX_IN_VALUES) -> Iterator[list[T]]:
    """Yield `values` in lists of `size`, by default as many as fit one IN list."""
    iterator = iter(values)
    while portion := list(islice(iterator, size)):
        yield portion


Source = Ledger | Connection
"""What is read: a ledger, in a transaction of its own, or within a transaction."""


def reading(source: Source) -> AbstractContextManager[Connection]:
    """Return the context of a transaction that reads: the one that is given, or a new one of a ledger."""
    return nullcontext(source) if isinstance(source, Connection) else source.read()


def changing(source: Source) -> AbstractContextManager[Connection]:
    """Return the context of a transaction that may write: the one that is given, or a new one of a ledger."""
    return nullcontext(source) if isinstance(source, Connection) else source.write()


def select_in(
    source: Source, query: Select[Columns], column: ColumnElement[Any], values: Iterable[Any]
) -> list[Row[Columns]]:
    """Return the rows of a query whose `column` is one of `values`, however many they are; ordered per IN list only."""
    statement, rows = _where_in(query, column), list[Row[Columns]]()
    with reading(source) as connection:
        for portion in portions(sorted(set(values))):
            rows += connection.execute(statement, {_AMONG: portion}).all()
    return rows


@lru_cache(maxsize=256)
def _where_in(query: Select[Columns], column: ColumnElement[Any]) -> Select[Columns]:
    """Return a query of rows whose column is one of the values of _AMONG.

    One statement for all values: of a new one SQLAlchemy computes anew which compiled one it is.
    """
    return query.where(column.in_(bindparam(_AMONG, expanding=True, type_=column.type)))


def execute_in(
    connection: Connection, statement: Update | Delete, column: ColumnElement[Any], values: Iterable[Any]
) -> None:
    """Update or delete the rows whose `column` is one of `values`, however many these are."""
    for portion in portions(sorted(set(values))):
        connection.execute(statement.where(is_among(column, portion)))


def is_among(column: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    """Return the condition that a column is one of a few plain values: like `in_`, which looks at each of them."""
    return column.in_(bindparam(None, values, expanding=True, type_=column.type))


def upsert(connection: Connection, table: Table) -> sqlite.Insert:
    """Return an INSERT that has ON CONFLICT, in the connection's dialect."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # not loaded for users of SQLite

        return cast(sqlite.Insert, postgresql.insert(table))  # the same methods, another class
    return sqlite.insert(table)


# --- opening ----------------------------------------------------------------------------------------------------------


def _parsed(url: str) -> URL:
    advice = (
        "Set SWATCHBOOK_LEDGER_URL to postgresql://USER:PASSWORD@HOST/DATABASE or sqlite:///FILE, or leave it empty."
    )
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise Configuration("The ledger's URL is invalid.", advice=advice) from error
    if parsed.drivername in ("postgres", "postgresql"):  # as most people write it; psycopg is the driver installed
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise Configuration(f"The ledger does not support {parsed.drivername} databases.", advice=advice)
    return parsed


def _make_folder(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Configuration(
            f"The ledger's folder {file.parent} cannot be created: {reason_of(error)}.",
            advice="Set SWATCHBOOK_HOME to a folder that you may write to.",
        ) from error


def _revision(connection: Connection) -> str | None:
    """Return the revision that the ledger was last migrated to; None if it is new."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _migrate(ledger: Ledger) -> None:
    """Create or migrate to HEAD, all or nothing. A second process waits for the first and finds nothing to do."""
    from swatchbook.store.ledger.migrations.upgrade import create, refuse_unknown, upgrade  # loads Alembic: 0.2 s

    if ledger.url.get_backend_name() == "sqlite":
        with translated_errors(ledger.url), ledger._readers.connect() as connection:
            connection.connection.cursor().execute("PRAGMA journal_mode = WAL")  # impossible in a transaction
    with ledger.write() as connection:
        revision = _revision(connection)
        if revision is None:
            create(connection)
        elif revision != migrations.HEAD:
            refuse_unknown(revision)
            upgrade(connection)


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


_ENGINES: dict[str, dict[str, Any]] = {
    "sqlite": {},
    "postgresql": {
        "isolation_level": "READ COMMITTED",
        "pool_pre_ping": True,  # replaces a connection that died with a restart of the server
        "connect_args": {
            "application_name": "swatchbook",
            "connect_timeout": 10,
            # notice a dead server or network within half a minute
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 4,
            "tcp_user_timeout": 30_000,
        },
    },
}
"""Engine options by database. In seconds, except tcp_user_timeout: milliseconds."""


def _prepare_postgresql(connection: "psycopg.Connection", record: object) -> None:
    connection.autocommit = True  # a setting made in a transaction is lost with its rollback
    milliseconds = int(LOCK_SECONDS * 1000)
    connection.execute(f"SET lock_timeout = {milliseconds}".encode())
    # a client whose host died keeps its locks no longer than its leases
    connection.execute(f"SET idle_in_transaction_session_timeout = {milliseconds}".encode())
    connection.execute(b"SET jit = off")  # compiling takes two seconds for each of the larger queries, and saves none
    connection.autocommit = False


# --- SQLite -----------------------------------------------------------------------------------------------------------


def _prepare_sqlite(connection: sqlite3.Connection, record: object) -> None:
    connection.isolation_level = None  # else the driver begins deferred transactions by itself
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {int(LOCK_SECONDS * 1000)}")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA synchronous = FULL")  # with WAL, NORMAL may lose the last commits at a power failure
    cursor.close()


def _lock_sqlite(connection: sqlite3.Connection, record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA locking_mode = EXCLUSIVE")  # before the first access: SQLite then shares no memory
    cursor.close()


class _KnownRevision:
    """The revision that was last asked for, and after which write of this process; threads and copies share it."""

    def __init__(self) -> None:
        self.write = object()  # another one after each write
        self.asked: tuple[object, float, Hashable] | None = None  # write, monotonic seconds, revision


class _Watch:
    """A connection that never writes, by which SQLite shows, in microseconds, whether any other has committed."""

    def __init__(self, url: URL) -> None:
        self._url, self._lock = url, threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def revision(self) -> Hashable:
        with self._lock:
            try:
                if self._connection is None:
                    file = Path(self._url.database or "").absolute().as_uri() + "?mode=rw"  # never a new file
                    self._connection = sqlite3.connect(file, uri=True, isolation_level=None, check_same_thread=False)
                (version,) = self._connection.execute("PRAGMA data_version").fetchone()
            except sqlite3.Error:  # whatever it is, the reads that follow raise it as a Failure
                return object()
            return int(version)

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None


class _Turn:
    """A turn to write among the threads of a process, which get it at once when it is free.

    SQLite itself lets a writer sleep, up to 0.1 s at a time, until it happens to find the ledger free. Raises
    LedgerDown after LOCK_SECONDS.
    """

    def __init__(self, url: URL) -> None:
        self._url, self._lock = url, threading.Lock()

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=LOCK_SECONDS):
            raise LedgerDown(
                f"Another thread has been writing to the ledger {self._url.database} for {LOCK_SECONDS:g} s."
            )

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that first writes after another one has written fails at once, so writers begin as such.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
