"""What nothing refers to any more: rows of runs long over, files that no row names; and room given back."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing

from sqlalchemy import ColumnElement, Table, delete, func, select

from swatchbook.ledger import deliveries
from swatchbook.ledger.database import LOCK_SECONDS, Ledger, db_now, portions
from swatchbook.ledger.runs import read_options
from swatchbook.ledger.tables import contents, documents, runs, timings
from swatchbook.ledger.tables import deliveries as deliveries_table
from swatchbook.records import IngestOptions, Record

_TIMINGS_TIMES = 3
"""As many times longer than runs are timings kept: medians need many."""

_ROOM_BYTES = 64 << 20
"""Free pages of a SQLite file from which on it is written anew without them, if they are half of it."""


class Origin(Record):
    """What results are kept for: a document, and what its stages read."""

    id: str
    options: IngestOptions
    force: str | None


def forget(ledger: Ledger, *, keep_seconds: float, dry_run: bool = False) -> int:
    """Drop rows of runs that ended so long ago, old timings and deliveries; in a dry run count them. Returns the rows.

    Live runs and documents stay as they are.
    """
    old: Sequence[tuple[Table, ColumnElement[bool]]] = (
        (runs, (runs.c.state != "live") & (runs.c.ended_at < db_now() - keep_seconds)),
        (timings, timings.c.at < db_now() - keep_seconds * _TIMINGS_TIMES),
        (deliveries_table, deliveries_table.c.at < db_now() - deliveries.KEPT_SECONDS),
    )
    with ledger.read() if dry_run else ledger.write() as connection:
        if dry_run:
            counts = (select(func.count()).select_from(table).where(where) for table, where in old)
            return sum(connection.execute(count).scalar_one() for count in counts)
        return sum(connection.execute(delete(table).where(where)).rowcount for table, where in old)


def unnamed(ledger: Ledger, files: Sequence[str]) -> set[str]:
    """Those keys of the file store that no row names."""
    left = set(files)
    columns = (contents.c.file, documents.c.file, documents.c.pages_file)
    with ledger.read() as connection:
        for some in portions(files):
            for column in columns:
                left -= set(connection.execute(select(column).where(column.in_(some))).scalars())
    return left


def longest_run(ledger: Ledger) -> float:
    """Seconds for which the oldest live run has been at work; 0 where there is none."""
    with ledger.read() as connection:
        first = connection.execute(select(func.min(runs.c.started_at)).where(runs.c.state == "live")).scalar_one()
        return 0.0 if first is None else connection.execute(select(db_now() - first)).scalar_one()


def unused_contents(ledger: Ledger, *, older_than: float) -> int:
    """How many contents nothing has used for `older_than` seconds, as far as has been noticed."""
    query = select(func.count()).where(contents.c.unused_since <= db_now() - older_than)
    with ledger.read() as connection:
        return connection.execute(query).scalar_one()


def origins(ledger: Ledger, found: Sequence[str]) -> dict[str, list[Origin]]:
    """By content: the documents that results are kept for."""
    known: dict[str, list[Origin]] = {}
    columns = (documents.c.content, documents.c.id, documents.c.options, documents.c.force)
    with ledger.read() as connection:
        for some in portions(found):
            for row in connection.execute(select(*columns).where(documents.c.content.in_(some))):
                origin = Origin(id=row.id, options=read_options(row.options), force=row.force)
                known.setdefault(row.content, []).append(origin)
    return known


def compact(ledger: Ledger) -> None:
    """Give the room of a SQLite ledger's deleted rows back to the disk. PostgreSQL does so by itself."""
    if ledger.url.get_backend_name() != "sqlite":
        return
    with closing(sqlite3.connect(str(ledger.url.database), timeout=LOCK_SECONDS, isolation_level=None)) as connection:
        free, pages, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_count", "page_size")
        )
        if free * size > _ROOM_BYTES and free * 2 > pages:
            connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
