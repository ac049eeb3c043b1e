"""A ledger that an earlier version filled becomes one of this, keeps every row, and is migrated once."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Boolean,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    insert,
    inspect,
    select,
)
from sqlalchemy.types import JSON

from swatchbook.store.ledger import migrations
from swatchbook.store.ledger.database import Ledger, open_ledger
from swatchbook.store.ledger.migrations import upgrade
from swatchbook.store.ledger.tables import (
    metadata,
)
from tests.postgres import RunningPostgres
from tests.tables import text_of

pytestmark = pytest.mark.gate

ROOT = Path(__file__).parents[3]
ROWS = 3
HEAD = migrations.HEAD
NEXT_HEAD = "9998"

Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
def empty(request: pytest.FixtureRequest, database: str, folder: Path) -> Iterator[str]:
    """Where there is no ledger yet, on each database."""
    if database == "sqlite":
        yield f"sqlite:///{folder / 'empty.sqlite'}"
        return
    server: RunningPostgres = request.getfixturevalue("postgres")
    yield server.new_database("empty")
    server.drop_database("empty")


@pytest.fixture
def filled(empty: str) -> tuple[str, Rows]:
    """A ledger of this version with rows in every table, and these rows."""
    ledger = open_ledger(empty)
    with ledger.write() as connection:
        for table in metadata.sorted_tables:
            connection.execute(insert(table), [row(table, number) for number in range(ROWS)])
    rows = read_all(ledger)
    ledger.close()
    return empty, rows


@pytest.fixture
def next_version(tmp_path: Path) -> Path:
    """The module that migrates a ledger in the next version of Swatchbook, which has one migration more."""
    folder = tmp_path / "migrations"
    shutil.copytree(Path(migrations.__file__).parent, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / f"{NEXT_HEAD}_next.py").write_text(text_of(__file__, "next_migration").replace("HEAD", HEAD))
    return folder / "upgrade.py"


@pytest.fixture
def upgraded(filled: tuple[str, Rows], next_version: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Rows]:
    """The filled ledger, after this process became one of the next version."""
    monkeypatch.setattr(migrations, "HEAD", NEXT_HEAD)
    monkeypatch.setattr(upgrade, "__file__", str(next_version))
    return filled


def row(table: Table, number: int) -> dict[str, Any]:
    return {column.name: value(column, number) for column in table.columns}


def value(column: Column[Any], number: int) -> Any:
    for key in column.foreign_keys:
        return value(key.column, number)
    for kind, make in _MAKERS.items():
        if isinstance(column.type, kind):
            return make(number)
    length = getattr(column.type, "length", None)
    return f"{number} {column.name}ü"[: length or 100]


_MAKERS: dict[type, Callable[[int], Any]] = {
    Boolean: lambda n: n % 2 == 1, Integer: lambda n: n + 1, Numeric: lambda n: n + 0.5,
    LargeBinary: lambda n: bytes([n, 0, 255]), JSON: lambda n: {"number": n, "text": "\0ü"},
}  # fmt: skip


def read_all(ledger: Ledger) -> Rows:
    with ledger.read() as connection:
        known = MetaData()
        known.reflect(connection)
        return {
            table.name: [
                dict(found) for found in connection.execute(select(table).order_by(*table.columns[:1])).mappings()
            ]
            for table in known.sorted_tables
        }


def test_a_filled_ledger_keeps_every_row(upgraded: tuple[str, Rows]) -> None:
    url, before = upgraded
    ledger = open_ledger(url)
    after = read_all(ledger)
    ledger.close()
    assert before.pop("alembic_version") == [{"version_num": HEAD}]
    assert after.pop("alembic_version") == [{"version_num": NEXT_HEAD}]
    assert after.pop("more") == []
    assert [document.pop("added") for document in after["documents"]] == [7] * ROWS
    assert after == before


def test_processes_that_migrate_at_once_migrate_once(filled: tuple[str, Rows], next_version: Path) -> None:
    assert opened_by_three(filled[0], NEXT_HEAD, str(next_version)) == [(b"True\n", b"")] * 3


def test_processes_may_open_a_new_ledger_at_once(empty: str) -> None:
    assert opened_by_three(empty, migrations.HEAD, str(upgrade.__file__)) == [(b"True\n", b"")] * 3


def test_a_failed_migration_changes_nothing(upgraded: tuple[str, Rows], monkeypatch: pytest.MonkeyPatch) -> None:
    url, before = upgraded

    def fail(connection: Any) -> None:
        complete(connection)
        raise ZeroDivisionError

    complete = upgrade.upgrade
    monkeypatch.setattr(upgrade, "upgrade", fail)
    with pytest.raises(ZeroDivisionError):
        open_ledger(url)
    ledger = Ledger(url)
    with ledger.read() as connection:
        assert "added" not in {column["name"] for column in inspect(connection).get_columns("documents")}
    assert read_all(ledger) == before
    ledger.close()


def opened_by_three(url: str, head: str, module: str) -> list[tuple[bytes, bytes]]:
    code, pipe = [sys.executable, "-c", text_of(__file__, "open"), url, head, module], subprocess.PIPE
    opening = [subprocess.Popen(code, cwd=ROOT, stdout=pipe, stderr=pipe) for _ in range(3)]
    return [process.communicate() for process in opening]
