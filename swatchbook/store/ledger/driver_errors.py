"""Translate errors of SQLite and PostgreSQL into failures with advice, such as a full disk or a wrong login."""

import sqlite3
from collections.abc import Iterator, Mapping
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

Kind = tuple[type[Failure], str, str | None]
"""A failure, what it says of the ledger, and what to do."""

_LOCKED: Kind = (LedgerDown, "is locked by another process", None)
_DOWN: Kind = (LedgerDown, "does not answer", None)
_UNREADABLE: Kind = (LedgerDown, "cannot be read or written: input/output error", None)
_FULL: Kind = (DiskFull, "has no room: its disk is full", "Free some space; work goes on by itself.")
_FORBIDDEN: Kind = (
    Configuration,
    "cannot be opened for writing",
    "Check the rights of its user, or of the file and its folder, SWATCHBOOK_LEDGER_URL and SWATCHBOOK_HOME.",
)
DAMAGED: Kind = (Configuration, "is damaged, or not a ledger", _RESTORE)

_BY_SQLITE_CODE: Mapping[int, Kind] = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_PROTOCOL: _LOCKED,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_PERM: _FORBIDDEN,
    sqlite3.SQLITE_READONLY: _FORBIDDEN,
    sqlite3.SQLITE_CANTOPEN: _FORBIDDEN,
    sqlite3.SQLITE_AUTH: _FORBIDDEN,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
    sqlite3.SQLITE_IOERR: _UNREADABLE,
}
_BY_SQLSTATE: Mapping[str, Kind] = {
    "08": _DOWN,  # connection
    "53100": _FULL,
    "53": _DOWN,  # memory, connections
    "57": _DOWN,  # shut down, starting up, cancelled
    "58": _UNREADABLE,
    "25P03": _DOWN,  # idle in a transaction for too long
    "55P03": _LOCKED,  # for longer than lock_timeout
    "40": _LOCKED,  # deadlock, serialization failure
    "42501": _FORBIDDEN,
    "25006": _FORBIDDEN,  # a standby
    "28": _FORBIDDEN,
    "XX001": DAMAGED,
    "XX002": DAMAGED,
}
"""PostgreSQL's, or their classes (the first two characters)."""


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
        kind = _BY_SQLITE_CODE.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF)  # the low byte; the rest refines it
        return kind and ledger_failure(kind, url)
    if not hasattr(cause, "sqlstate"):  # by attribute: users of SQLite never import psycopg
        return None
    if cause.sqlstate is None:
        return _connection_failure(str(cause), url) if type(cause).__name__ == "OperationalError" else None
    kind = _BY_SQLSTATE.get(cause.sqlstate) or _BY_SQLSTATE.get(cause.sqlstate[:2])
    return kind and ledger_failure(kind, url, cause.diag.message_primary or "see the log")


def _connection_failure(message: str, url: URL) -> Failure:
    """Translate a connection error: libpq gives no SQLSTATE for it, only a message."""
    if "authentication failed" in message or "no pg_hba.conf entry" in message:
        return Authentication(f"The ledger's server rejected the login of {url.username}.", advice=_CHECK_URL)
    if "does not exist" in message:
        return Configuration(
            f"The ledger's database {url.database} does not exist.", advice=f"Create the database. {_CHECK_URL}"
        )
    return ledger_failure(_DOWN, url, message.rpartition("FATAL:")[2] if "FATAL:" in message else "")


def ledger_failure(kind: Kind, url: URL, said: str = "") -> Failure:
    """Return a failure of a ledger. `said`: the message of its server."""
    failure, what, advice = kind
    name = f"{url.database} on {url.host}" if url.host else url.database
    reason = f" Its server says: {shorten(said, 300)}." if said.strip() else ""
    return failure(f"The ledger {name} {what}.{reason}", advice=advice)
