"""Keep an empty, migrated Prefect database in the cache folder, and copy it for a new home to save time.

Prefect applies eighty migrations to an empty database, which takes seconds, and needs half a second to find out that
none is due. The revision of the cached database is the newest one, so Prefect need not look for it.
"""

import os
import sqlite3
import tempfile
from contextlib import closing, suppress
from pathlib import Path


def prepare(database: Path, cached: Path) -> None:
    """Migrate `database` to this Prefect version; `cached` is its empty database, created when missing.

    Safe to run concurrently. An unwritable cache costs only time.
    """
    database.parent.mkdir(parents=True, exist_ok=True)
    is_new = not database.exists()
    if is_new and cached.exists():
        _copy(cached, database)
    if (newest := _revision(cached)) is not None and _revision(database) == newest:
        return
    migrate()
    if is_new:
        with suppress(OSError, sqlite3.Error):
            cached.parent.mkdir(parents=True, exist_ok=True)
            _copy(database, cached)


def migrate() -> None:
    """Migrate the configured database as Prefect's server does when it starts."""
    import asyncio

    from prefect.server.database import provide_database_interface

    asyncio.run(provide_database_interface().create_db())


def _copy(source: Path, target: Path) -> None:
    """Copy a database atomically; a target created meanwhile by another process stays."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".copy-") as folder:
        copy = Path(folder) / target.name
        with closing(_open(source)) as old, closing(sqlite3.connect(copy)) as new:
            old.backup(new)
        with suppress(FileExistsError):
            os.link(copy, target)


def _revision(database: Path) -> str | None:
    """Return the migration revision; None for a database that is missing, empty or broken."""
    try:
        with closing(_open(database)) as connection:
            (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            return str(revision)
    except (sqlite3.Error, TypeError):
        return None


def _open(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
