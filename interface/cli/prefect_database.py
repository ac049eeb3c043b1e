"""A migrated database of Prefect's, kept so that a new home begins with a copy, and an old one is not looked through.

Prefect applies eighty migrations to an empty database, which takes seconds; and to find that none is due takes half of
one. Here the revision of the kept database says what the newest is.
"""

import os
import sqlite3
import tempfile
from contextlib import closing, suppress
from pathlib import Path


def prepare(database: Path, kept: Path) -> None:
    """Bring `database` to the revision of this Prefect; `kept` is the empty one of its version, made when missing.

    Safe when several do it at once. A cache that cannot be written to costs only time.
    """
    database.parent.mkdir(parents=True, exist_ok=True)
    fresh = not database.exists()
    if fresh and kept.exists():
        _copy(kept, database)
    if (newest := _revision(kept)) is not None and _revision(database) == newest:
        return
    migrate()
    if fresh:
        with suppress(OSError, sqlite3.Error):
            kept.parent.mkdir(parents=True, exist_ok=True)
            _copy(database, kept)


def migrate() -> None:
    """As Prefect's server does when it starts."""
    import asyncio

    from prefect.server.database import provide_database_interface

    asyncio.run(provide_database_interface().create_db())


def _copy(source: Path, target: Path) -> None:
    """A whole copy or none; where somebody else has put one meanwhile, theirs stays."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".copy-") as folder:
        copy = Path(folder) / target.name
        with closing(_open(source)) as old, closing(sqlite3.connect(copy)) as new:
            old.backup(new)
        with suppress(FileExistsError):
            os.link(copy, target)


def _revision(database: Path) -> str | None:
    """What it was last migrated to; None for one that is missing, new or none."""
    try:
        with closing(_open(database)) as connection:
            (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            return str(revision)
    except (sqlite3.Error, TypeError):
        return None


def _open(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
