"""A ledger that an earlier version filled becomes one of this, keeps every row, and is migrated once."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Boolean, Column, Integer, LargeBinary, MetaData, Numeric, Table, insert, inspect, select, update
from sqlalchemy.types import JSON

from swatchbook.ledger import migrations
from swatchbook.ledger.database import Ledger, open_ledger
from swatchbook.ledger.migrations import upgrade
from swatchbook.ledger.tables import images
from swatchbook.records import pair_key
from tests.postgres import RunningPostgres

ROOT = Path(__file__).parents[2]
ROWS = 3
OPEN = "import sys; from swatchbook.ledger.database import open_ledger; print(open_ledger(sys.argv[1]).now() > 0)"

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
def old(empty: str) -> tuple[str, Rows]:
    """A ledger of the first version with rows in every table, and these rows."""
    ledger = Ledger(empty)
    with ledger.write() as connection:
        config = upgrade._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        known = MetaData()
        known.reflect(connection)
        for table in known.sorted_tables:
            if table.name != "alembic_version":
                connection.execute(insert(table), [row(table, number) for number in range(ROWS)])
    rows = read_all(ledger)
    ledger.close()
    assert all(len(found) == ROWS for name, found in rows.items() if name != "alembic_version")
    return empty, rows


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
    Boolean: lambda n: n % 2 == 1,
    Integer: lambda n: n + 1,
    Numeric: lambda n: n + 0.5,
    LargeBinary: lambda n: bytes([n, 0, 255]),
    JSON: lambda n: {"number": n, "text": "\0ü"},
}


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


def test_a_filled_ledger_keeps_every_row(old: tuple[str, Rows]) -> None:
    url, before = old
    ledger = open_ledger(url)
    after = read_all(ledger)
    ledger.close()
    assert after.pop("alembic_version") == [{"version_num": migrations.HEAD}]
    assert before.pop("alembic_version") == [{"version_num": "0001"}]
    before["requested"] = before.pop("wants")
    for name, rows in before.items():
        assert [{column: new[column] for column in rows[0]} for new in after[name]] == rows
    added = {name: after[name][0].keys() - rows[0].keys() for name, rows in before.items()}
    assert {"launches", "blocks"} <= added["documents"]
    assert [document["launches"] for document in after["documents"]] == [0] * ROWS
    assert "pair_key" in added["images"]
    assert [row["pair_key"] for row in after["images"]] == [
        pair_key(row["content_key"], row["text_key"]) for row in before["images"]
    ]


def test_images_get_their_pair_keys_over_many_pages(old: tuple[str, Rows], monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = import_module("swatchbook.ledger.migrations.versions.0004_pairs")
    monkeypatch.setattr(pairs, "_PAGE", 1)
    ledger = open_ledger(old[0])
    with ledger.write() as connection:
        connection.execute(update(images).values(pair_key=None))
        connection.execute(update(images).where(images.c.width == 2).values(text_key=None))
        pairs._fill(connection)
    after = read_all(ledger)["images"]
    ledger.close()
    assert [row["pair_key"] and pair_key(row["content_key"], row["text_key"]) for row in after] == [
        row["pair_key"] for row in after
    ]
    assert [row["width"] for row in after if row["pair_key"] is None] == [2]


def test_processes_that_migrate_at_once_migrate_once(old: tuple[str, Rows]) -> None:
    assert opened_by_three(old[0]) == [(b"True\n", b"")] * 3


def test_processes_may_open_a_new_ledger_at_once(empty: str) -> None:
    assert opened_by_three(empty) == [(b"True\n", b"")] * 3


def test_a_migration_that_fails_leaves_the_ledger_as_it_was(
    old: tuple[str, Rows], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, before = old

    def fail(connection: Any) -> None:
        complete(connection)
        raise ZeroDivisionError

    complete = upgrade.upgrade
    monkeypatch.setattr(upgrade, "upgrade", fail)
    with pytest.raises(ZeroDivisionError):
        open_ledger(url)
    ledger = Ledger(url)
    with ledger.read() as connection:
        assert "launches" not in {column["name"] for column in inspect(connection).get_columns("documents")}
    assert read_all(ledger) == before
    ledger.close()


def opened_by_three(url: str) -> list[tuple[bytes, bytes]]:
    opening = [
        subprocess.Popen([sys.executable, "-c", OPEN, url], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    return [process.communicate() for process in opening]
