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
_FREE_SPACE = "Free some space; work goes on by itself."


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
    cause: Any = error.orig
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF  # the low byte; the rest refines it
        return _SQLITE_FAILURES[code](url.database) if code in _SQLITE_FAILURES else None
    if not hasattr(cause, "sqlstate"):  # by attribute: users of SQLite never import psycopg
        return None
    if cause.sqlstate is None:
        return _connection_failure(str(cause), url) if type(cause).__name__ == "OperationalError" else None
    translate = _POSTGRESQL_FAILURES.get(cause.sqlstate) or _POSTGRESQL_FAILURES.get(cause.sqlstate[:2])
    return translate(shorten(cause.diag.message_primary or "see the log", 300)) if translate else None


def _failure(kind: type[Failure], message: str, advice: str | None = None) -> Callable[[str | None], Failure]:
    """Return a function that makes a failure; `{}` in the message stands for its argument."""
    return lambda detail: kind(message.format(detail), advice=advice)


# --- SQLite: {} is the file -------------------------------------------------------------------------------------------


_is_locked = _failure(LedgerDown, "The ledger {} is locked by another process.")
_no_rights = _failure(
    Configuration,
    "The ledger {} cannot be opened for writing.",
    "Check the rights of the file and its folder, or set SWATCHBOOK_HOME.",
)
damaged_ledger = _failure(Configuration, "{} is not a ledger, or is damaged.", _RESTORE)

_SQLITE_FAILURES: Mapping[int, Callable[[str | None], Failure]] = {
    sqlite3.SQLITE_BUSY: _is_locked,
    sqlite3.SQLITE_LOCKED: _is_locked,
    sqlite3.SQLITE_PROTOCOL: _is_locked,
    sqlite3.SQLITE_FULL: _failure(DiskFull, "The disk of the ledger {} is full.", _FREE_SPACE),
    sqlite3.SQLITE_PERM: _no_rights,
    sqlite3.SQLITE_READONLY: _no_rights,
    sqlite3.SQLITE_CANTOPEN: _no_rights,
    sqlite3.SQLITE_AUTH: _no_rights,
    sqlite3.SQLITE_CORRUPT: damaged_ledger,
    sqlite3.SQLITE_NOTADB: damaged_ledger,
    sqlite3.SQLITE_IOERR: _failure(LedgerDown, "The ledger {} cannot be read or written: input/output error."),
}


# --- PostgreSQL: {} is its message ------------------------------------------------------------------------------------


def _connection_failure(message: str, url: URL) -> Failure:
    """Translate a connection error: libpq gives no SQLSTATE for it, only a message."""
    if "authentication failed" in message or "no pg_hba.conf entry" in message:
        return Authentication(f"The ledger's server rejected the login of {url.username}.", advice=_CHECK_URL)
    if "does not exist" in message:
        return Configuration(
            f"The ledger's database {url.database} does not exist.", advice=f"Create the database. {_CHECK_URL}"
        )
    reason = shorten(message.rpartition("FATAL:")[2], 300) if "FATAL:" in message else ""
    return _is_down(reason) if reason else LedgerDown(f"The ledger's server {url.host or ''} does not answer.")


_is_down = _failure(LedgerDown, "The ledger does not answer. Its server says: {}.")
_lock_conflict = _failure(LedgerDown, "The ledger is locked by another transaction. Its server says: {}.")
_forbids = _failure(
    Configuration,
    "The ledger's user may not write to it. Its server says: {}.",
    f"Check the user's rights. {_CHECK_URL}",
)
_damaged = _failure(
    Configuration,
    "The ledger's database is damaged. Its server says: {}.",
    "Restore a backup into a new database: `swatchbook upkeep restore FOLDER`.",
)

_POSTGRESQL_FAILURES: Mapping[str, Callable[[str | None], Failure]] = {
    "08": _is_down,  # connection
    "53100": _failure(DiskFull, "The disk of the ledger's server is full. It says: {}.", _FREE_SPACE),
    "53": _is_down,  # memory, connections
    "57": _is_down,  # shut down, starting up, cancelled
    "58": _is_down,  # input/output
    "25P03": _is_down,  # idle in a transaction for too long
    "55P03": _lock_conflict,  # a lock for longer than lock_timeout
    "40": _lock_conflict,  # deadlock, serialization failure
    "42501": _forbids,
    "25006": _forbids,  # a standby
    "28": _forbids,
    "XX001": _damaged,
    "XX002": _damaged,
}
"""By SQLSTATE, else by its class (the first two characters)."""
