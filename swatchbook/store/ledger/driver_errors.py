"""Translate errors of SQLite and PostgreSQL into failures with advice, such as a full disk or a wrong login."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from json import JSONDecodeError
from typing import Any

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from swatchbook.domain.errors import Authentication, Configuration, DiskFull, Failure, LedgerDown
from swatchbook_base.one_line import shorten

_RESTORE = "Move it away, and restore a backup: `swatchbook upkeep restore FOLDER`."
_CHECK_URL = "Check SWATCHBOOK_LEDGER_URL."


@contextmanager
def translated_errors(url: URL) -> Iterator[None]:
    """Raise a driver's error as a Failure; programming errors (syntax, constraints) pass unchanged."""
    try:
        yield
    except PoolTimeout as error:
        raise LedgerDown("All connections to the ledger are in use.") from error
    except JSONDecodeError as error:  # SQLite, unlike PostgreSQL, does not check JSON columns
        raise Configuration(
            f"The ledger {url.database} holds a row that cannot be read (see the log).",
            advice=_RESTORE,
        ) from error
    except DBAPIError as error:
        failure = _translated(error, url)
        if failure is None:
            raise
        raise failure from error


def _translated(error: DBAPIError, url: URL) -> Failure | None:
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF  # the low byte; the rest refines it
        return _SQLITE_FAILURES[code](url.database) if code in _SQLITE_FAILURES else None
    # by attribute: users of SQLite never import psycopg
    return _postgresql_failure(cause, url) if hasattr(cause, "sqlstate") else None


# --- SQLite -----------------------------------------------------------------------------------------------------------


def _is_locked(file: str | None) -> Failure:
    return LedgerDown(f"The ledger {file} is locked by another process.")


def _disk_full(file: str | None) -> Failure:
    return DiskFull(f"The disk of the ledger {file} is full.", advice="Free some space; work goes on by itself.")


def _no_rights(file: str | None) -> Failure:
    return Configuration(
        f"The ledger {file} cannot be opened for writing.",
        advice="Check the rights of the file and its folder, or set SWATCHBOOK_HOME.",
    )


def damaged_ledger(file: str | None) -> Failure:
    """Return the failure of a ledger whose pages SQLite cannot read."""
    return Configuration(f"{file} is not a ledger, or is damaged.", advice=_RESTORE)


def _input_output(file: str | None) -> Failure:
    return LedgerDown(f"The ledger {file} cannot be read or written: input/output error.")


_SQLITE_FAILURES: Mapping[int, Callable[[str | None], Failure]] = {
    sqlite3.SQLITE_BUSY: _is_locked,
    sqlite3.SQLITE_LOCKED: _is_locked,
    sqlite3.SQLITE_PROTOCOL: _is_locked,
    sqlite3.SQLITE_FULL: _disk_full,
    sqlite3.SQLITE_PERM: _no_rights,
    sqlite3.SQLITE_READONLY: _no_rights,
    sqlite3.SQLITE_CANTOPEN: _no_rights,
    sqlite3.SQLITE_AUTH: _no_rights,
    sqlite3.SQLITE_CORRUPT: damaged_ledger,
    sqlite3.SQLITE_NOTADB: damaged_ledger,
    sqlite3.SQLITE_IOERR: _input_output,
}


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


def _postgresql_failure(cause: Any, url: URL) -> Failure | None:
    if cause.sqlstate is None:
        return _connection_failure(str(cause), url) if type(cause).__name__ == "OperationalError" else None
    translate = _POSTGRESQL_FAILURES.get(cause.sqlstate) or _POSTGRESQL_FAILURES.get(cause.sqlstate[:2])
    return translate(shorten(cause.diag.message_primary or "see the log", 300)) if translate else None


def _connection_failure(message: str, url: URL) -> Failure:
    """Translate a connection error: libpq gives no SQLSTATE for it, only a message."""
    if "authentication failed" in message or "no pg_hba.conf entry" in message:
        return Authentication(f"The ledger's server rejected the login of {url.username}.", advice=_CHECK_URL)
    if "does not exist" in message:
        return Configuration(
            f"The ledger's database {url.database} does not exist.", advice=f"Create the database. {_CHECK_URL}"
        )
    said = shorten(message.rpartition("FATAL:")[2], 300) if "FATAL:" in message else ""
    return _is_down(said) if said else LedgerDown(f"The ledger's server {url.host or ''} does not answer.")


def _is_down(said: str) -> Failure:
    return LedgerDown(f"The ledger does not answer. Its server says: {said}.")


def _lock_conflict(said: str) -> Failure:
    return LedgerDown(f"The ledger is locked by another transaction. Its server says: {said}.")


def _server_disk_full(said: str) -> Failure:
    return DiskFull(
        f"The disk of the ledger's server is full. It says: {said}.", advice="Free some space; work goes on by itself."
    )


def _server_forbids(said: str) -> Failure:
    return Configuration(
        f"The ledger's user may not write to it. Its server says: {said}.",
        advice=f"Check the user's rights. {_CHECK_URL}",
    )


def _server_damaged(said: str) -> Failure:
    return Configuration(
        f"The ledger's database is damaged. Its server says: {said}.",
        advice="Restore a backup into a new database: `swatchbook upkeep restore FOLDER`.",
    )


_POSTGRESQL_FAILURES: Mapping[str, Callable[[str], Failure]] = {
    "08": _is_down,  # connection
    "53100": _server_disk_full,
    "53": _is_down,  # memory, connections
    "57": _is_down,  # shut down, starting up, cancelled
    "58": _is_down,  # input/output
    "25P03": _is_down,  # idle in a transaction for too long
    "55P03": _lock_conflict,  # a lock for longer than lock_timeout
    "40": _lock_conflict,  # deadlock, serialization failure
    "42501": _server_forbids,
    "25006": _server_forbids,  # a standby
    "28": _server_forbids,
    "XX001": _server_damaged,
    "XX002": _server_damaged,
}
"""By SQLSTATE, else by its class (the first two characters)."""
