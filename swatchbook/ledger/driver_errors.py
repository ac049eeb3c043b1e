"""What the errors of a database's driver mean to people, and what is done about each."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from json import JSONDecodeError
from typing import Any

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from swatchbook.errors import Authentication, Configuration, DiskFull, Failure, LedgerDown

_LOOK_AT_URL = "Check SWATCHBOOK_LEDGER_URL."


@contextmanager
def named_errors(url: URL) -> Iterator[None]:
    """Raise a driver's error as the Failure that it stands for; bugs of ours (syntax, constraints) as they are."""
    try:
        yield
    except PoolTimeout as error:
        raise LedgerDown("All connections to the ledger are in use.") from error
    except JSONDecodeError as error:  # PostgreSQL looks at what is written into such a column, SQLite does not
        raise Configuration(
            f"The ledger {url.database} holds a row that cannot be read: {error}", advice="Restore it from a backup."
        ) from error
    except DBAPIError as error:
        named = _named(error, url)
        if named is None:
            raise
        raise named from error


def _named(error: DBAPIError, url: URL) -> Failure | None:
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF  # the low byte; the rest refines it
        return _SQLITE[code](url.database) if code in _SQLITE else None
    return _of_postgresql(cause) if hasattr(cause, "sqlstate") else None  # psycopg is not imported for SQLite's users


# --- SQLite -----------------------------------------------------------------------------------------------------------


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


_SQLITE: Mapping[int, Callable[[str | None], Failure]] = {
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


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


def _of_postgresql(cause: Any) -> Failure | None:
    state, said = cause.sqlstate, str(cause).strip()
    if state is None:
        return _unconnected(said) if type(cause).__name__ == "OperationalError" else None
    exact = _POSTGRESQL.get(state) or _POSTGRESQL.get(state[:2])
    return exact(said) if exact else None


def _unconnected(said: str) -> Failure:
    """A connection that was not made, or is lost; libpq tells no code then, only words."""
    if "authentication failed" in said or "no pg_hba.conf entry" in said:
        return Authentication(f"The ledger's server lets nobody in like this: {said}", advice=_LOOK_AT_URL)
    if "does not exist" in said:
        return Configuration(f"There is no such ledger: {said}", advice=f"Create the database. {_LOOK_AT_URL}")
    return LedgerDown(f"The ledger does not answer: {said}")


def _is_away(said: str) -> Failure:
    return LedgerDown(f"The ledger does not answer: {said}")


def _is_in_the_way(said: str) -> Failure:
    return LedgerDown(f"Another transaction on the ledger was in the way: {said}")


def _server_full(said: str) -> Failure:
    return DiskFull(f"The ledger's server has no room: {said}", advice="Free some space; work goes on by itself.")


def _server_forbids(said: str) -> Failure:
    return Configuration(f"The ledger may not be written: {said}", advice=f"Check the user's rights. {_LOOK_AT_URL}")


_POSTGRESQL: Mapping[str, Callable[[str], Failure]] = {
    "08": _is_away,  # connection
    "53100": _server_full,
    "53": _is_away,  # memory, connections
    "57": _is_away,  # shut down, starting up, cancelled
    "58": _is_away,  # input/output
    "25P03": _is_away,  # idle in a transaction for too long
    "55P03": _is_in_the_way,  # a lock for longer than lock_timeout
    "40": _is_in_the_way,  # deadlock: rows are locked in the order of their keys, which leaves few
    "42501": _server_forbids,
    "25006": _server_forbids,  # a standby
    "28": _server_forbids,
}
"""By SQLSTATE, else by its class."""
