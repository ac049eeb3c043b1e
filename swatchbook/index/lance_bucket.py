"""Where LanceDB's tables are, and the lock of their writer: in an object store (s3://…, gs://…, az://…).

LanceDB commits each version of a table by a conditional write ("put if there is none"), so that of two writers of the
same version one starts again on the other's. A lock in the ledger's database makes writers take turns before that: it
saves them the work that would be thrown away, and protects what is no single commit.

Objects cannot be renamed. So the table `catalogue` says which table a space has: one commit creates or drops a space,
and a search never sees half of a table.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import create_engine, func, make_url, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool
from ulid import ULID

from swatchbook.domain.errors import LedgerDown, reason_of
from swatchbook.index.lance_folder import busy, hold_file
from swatchbook.index.slim_lancedb import lancedb

_CATALOGUE = "catalogue"
_SCHEMA = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False, metadata={"lance-schema:unenforced-primary-key": "true"}),
        pa.field("value", pa.string()),
    ]
)
"""Key: the name of a space. Value: its table."""

_LOCKS = 0x5377_6174
"""First number of the advisory locks of the index; the second is a hash of the space's name."""

_POLL_SECONDS = 0.05  # between tries of an advisory lock, as of a file's

Lock = Callable[[str], AbstractContextManager[None]]
"""Hold the lock of the writer of a space, by its name, for the block."""


class LanceBucket:
    """A place of LanceDB's tables at a URL, as `LanceFolder` is one. Each space's table is `<name>--<ulid>`."""

    def __init__(self, url: str, lock: Lock) -> None:
        self._url, self.lock = url.rstrip("/"), lock
        self._turn = threading.Lock()
        self._catalogue: Any = None
        self._rows: tuple[int, Mapping[str, str]] = (0, {})  # of this version
        self._handles = dict[str, Any]()  # of the newest version of each table

    def __str__(self) -> str:
        return self._url

    def connect(self, session: Any) -> Any:
        """Return the database. Credentials are those of the environment, or of the profile or machine."""
        with self._turn:
            self._catalogue, self._rows = None, (0, {})
            self._handles.clear()
        return lancedb.connect(self._url, session=session)

    def probe(self) -> None:
        """Do nothing: listing the tables has asked the store. A write would make a version."""

    def tables(self, database: Any) -> Mapping[str, str]:
        rows = self._read(database)
        return {name: rows[name] for name in sorted(rows) if ":" not in name}  # earlier versions wrote active:<role>

    def stamp(self, database: Any, name: str) -> object | None:
        table = self._read(database).get(name)
        if table is None:
            return None
        with self._turn:
            handle = self._handles.get(table) or database.open_table(table)
            self._handles[table] = handle
            handle.checkout_latest()
            return table, handle.version

    def create(self, database: Any, name: str, make: Callable[[str], Any]) -> None:
        """Make the table of a space, and then name it in the catalogue. Needs the space's lock."""
        table = f"{name}--{str(ULID()).lower()}"
        make(table)
        self._write(database, {name: table})

    def drop(self, database: Any, name: str) -> None:
        """Take the table of a space out of the catalogue, and then drop it. Needs the space's lock."""
        table = self._read(database).get(name)
        if table is not None:
            with self._turn:
                self._open(database).delete(f"key = '{name}'")
                self._handles.pop(table, None)
            database.drop_table(table)

    def collect(self, database: Any) -> None:
        """Drop tables that the catalogue does not name: of a process that was killed."""
        for table in self._all(database):
            name, separator, _ = table.rpartition("--")
            if separator and self._read(database).get(name) != table:
                with self.lock(name):  # nobody is making it
                    if self._read(database).get(name) != table:
                        database.drop_table(table)
        if _CATALOGUE in self._all(database):
            with self._turn:
                self._open(database).optimize()

    def _all(self, database: Any) -> list[str]:
        return list(database.table_names(limit=10_000))  # list_tables answers in a class that slim_lancedb leaves out

    def _read(self, database: Any) -> Mapping[str, str]:
        """Return the newest rows of the catalogue."""
        with self._turn:
            if self._catalogue is None and _CATALOGUE not in self._all(database):
                return {}
            catalogue = self._open(database)
            version, rows = self._rows
            if catalogue.version != version:
                found = catalogue.search().limit(100_000).to_arrow().to_pylist()
                rows = {row["key"]: row["value"] for row in found}
                self._rows = catalogue.version, rows
            return rows

    def _write(self, database: Any, values: Mapping[str, str]) -> None:
        with self._turn:
            merge = self._open(database).merge_insert("key").when_matched_update_all().when_not_matched_insert_all()
            merge.use_index(False).execute(
                pa.table({"key": list(values), "value": list(values.values())}, schema=_SCHEMA)
            )

    def _open(self, database: Any) -> Any:
        """Return the newest version of the catalogue, which the first writer makes. Needs `_turn`."""
        if self._catalogue is None:
            self._catalogue = database.create_table(_CATALOGUE, schema=_SCHEMA, exist_ok=True)
        self._catalogue.checkout_latest()
        return self._catalogue


def lock_of_ledger(ledger_url: str, home: Path, seconds: float) -> Lock:
    """Return the lock of writers, which a killed process leaves: in PostgreSQL, or next to a ledger in SQLite.

    Raises IndexDown if another process holds it for `seconds`, and LedgerDown.
    """
    if make_url(ledger_url).get_backend_name() == "sqlite":
        return lambda name: hold_file(home / f"index-{name}.lock", seconds)
    return _lock_by_postgresql(ledger_url, seconds)


def _lock_by_postgresql(url: str, seconds: float) -> Lock:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)

    @contextmanager
    def hold(name: str) -> Iterator[None]:
        try:
            connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        except DBAPIError as error:
            raise _ledger_down(error) from error
        with connection:  # its end releases the lock, also that of a process that is killed
            taken = select(func.pg_try_advisory_lock(_LOCKS, func.hashtext(name)))
            deadline = time.monotonic() + seconds
            try:
                while not connection.scalar(taken):
                    if time.monotonic() > deadline:
                        raise busy(seconds)
                    time.sleep(_POLL_SECONDS)
            except DBAPIError as error:
                raise _ledger_down(error) from error
            yield

    return hold


def _ledger_down(error: Exception) -> LedgerDown:
    return LedgerDown(f"The ledger does not answer: {reason_of(error)}.")
