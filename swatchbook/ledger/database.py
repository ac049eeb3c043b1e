"""The ledger's database: an engine and two kinds of transaction. What is done in them stands in the other modules."""

import logging
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from sqlalchemy import Connection, Double, Table, create_engine, event, func, inspect, select, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from swatchbook.errors import Configuration, LedgerDown
from swatchbook.ledger import migrations
from swatchbook.ledger.driver_errors import named_errors

if TYPE_CHECKING:
    import psycopg

LOCK_SECONDS = 60.0
"""How long a transaction waits for another's lock before the ledger counts as down."""

_MOST_VALUES = 900
"""Of one IN list: below the smallest limit on bound values that a SQLite build may have."""

_TURN = 7301
"""PostgreSQL's name for the lock of writers' turns, of this database alone."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 4.0
"""Seconds between tries to reach a ledger that is away; short, as leases are running meanwhile."""

T = TypeVar("T")

log = logging.getLogger(__name__)


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

    Both contexts raise LedgerDown (locked, unreachable), DiskFull, Authentication, or Configuration (no rights, no
    ledger). Nothing of a write that raised is kept, so whoever called may call again; once the ledger is back, so is
    the next call. Never open a second one inside a write: on SQLite it would wait for itself.

    Writers take turns, on PostgreSQL as on SQLite: pictures, texts and documents are shared by so many that writers who
    each lock their rows deadlock, and a turn is a few milliseconds beside the forward pass that it commits. So what is
    read in a write stays true until its end. Moves that touch nothing but a row of their own, or skip what others hold
    (a heartbeat, a claim), take no turn on PostgreSQL and wait for none: `write(turn=False)`. They may wait only for
    the first row that they lock; then nobody can wait for somebody who waits for him.

    `patience`: for how many seconds a transaction that cannot begin, because the ledger is away, is tried again before
    it raises. One that is cut off in its middle raises at once: whoever began it begins again, and then waits.
    """

    def __init__(self, url: str, *, patience: float = 0.0) -> None:
        self.url = _parsed(url)
        self._patience = patience
        engine: Engine = create_engine(
            self.url, pool_size=5, max_overflow=50, pool_timeout=LOCK_SECONDS, **_ENGINES[self.url.get_backend_name()]
        )
        self._writers: Engine
        self._readers: Engine
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            self._writers, self._readers = engine.execution_options(writes=True), engine
        else:
            event.listen(engine, "connect", _prepare_postgresql)
            reading = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            self._writers, self._readers = engine, engine.execution_options(**reading)

    @contextmanager
    def write(self, *, turn: bool = True) -> Iterator[Connection]:
        """One transaction that may write: committed at the end, rolled back by any exception."""
        with self._transaction(self._writers, turn=turn) as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One transaction that only reads, all of it the same state."""
        with self._transaction(self._readers) as connection:
            yield connection

    def now(self) -> float:
        """The database's clock, Unix seconds."""
        with self.read() as connection:
            return connection.execute(select(db_now())).scalar_one()

    def patient(self, seconds: float) -> "Ledger":
        """The same ledger with another patience."""
        other = copy(self)
        other._patience = seconds
        return other

    def close(self) -> None:
        self._readers.dispose()

    @contextmanager
    def _transaction(self, engine: Engine, *, turn: bool = False) -> Iterator[Connection]:
        with named_errors(self.url), ExitStack() as stack:
            connection = self._begin(engine, stack)
            if turn and connection.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(_TURN)))
            yield connection

    def _begin(self, engine: Engine, stack: ExitStack) -> Connection:
        pause, end = _FIRST_PAUSE, time.monotonic() + self._patience
        while True:
            try:
                with named_errors(self.url):
                    return stack.enter_context(engine.begin())
            except LedgerDown as down:
                left = end - time.monotonic()
                if left <= 0:
                    raise
                log.warning("waiting for the ledger: %s", down)
                time.sleep(min(pause, left))
                pause = min(2 * pause, _LONGEST_PAUSE)


def open_ledger(url: str, *, patience: float = 0.0) -> Ledger:
    """The ledger at `url`, made if there is none and migrated if it is older; safe when several open it at once.

    Raises Configuration for a URL that means nothing, missing rights, or a ledger newer than this code.
    """
    ledger = Ledger(url, patience=patience)
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
        from sqlalchemy.dialects import postgresql  # on SQLite it is never loaded

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
        raise Configuration("The ledger's URL cannot be used.", advice=advice) from error
    if parsed.drivername in ("postgres", "postgresql"):  # as most people write it; of its drivers we bring psycopg
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise Configuration(f"The ledger cannot be kept in {parsed.drivername}.", advice=advice)
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
        with named_errors(ledger.url), ledger._readers.connect() as connection:
            connection.connection.cursor().execute("PRAGMA journal_mode = WAL")  # not possible in a transaction; lasts
    with ledger.write() as connection:
        revision = _revision(connection)
        if revision is not None and not knows(revision):
            raise Configuration(
                f"The ledger was written by a newer Swatchbook (its revision {revision} is unknown here).",
                advice="Upgrade Swatchbook, or point SWATCHBOOK_HOME or SWATCHBOOK_LEDGER_URL elsewhere.",
            )
        upgrade(connection)


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


_ENGINES: dict[str, dict[str, Any]] = {
    "sqlite": {},
    "postgresql": {
        "isolation_level": "READ COMMITTED",
        "pool_pre_ping": True,  # after a restart the first call finds its connection dead and makes another
        "connect_args": {
            "application_name": "swatchbook",
            "connect_timeout": 10,
            # a server that went without a word is noticed within half a minute
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 4,
            "tcp_user_timeout": 30_000,
        },
    },
}
"""Options of the engine, by database. Seconds, but for the last: milliseconds."""


def _prepare_postgresql(connection: "psycopg.Connection", record: object) -> None:
    connection.autocommit = True  # what a transaction sets goes with its rollback
    milliseconds = int(LOCK_SECONDS * 1000)
    connection.execute(f"SET lock_timeout = {milliseconds}".encode())
    # a client whose host went without a word keeps its locks no longer than its leases
    connection.execute(f"SET idle_in_transaction_session_timeout = {milliseconds}".encode())
    connection.autocommit = False


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
