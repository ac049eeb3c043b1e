"""Opening, migrating, the two kinds of transaction, and the failures that driver errors become."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import JSON, Column, create_engine, delete, event, insert, select, text, update
from sqlalchemy.exc import ProgrammingError

from swatchbook.domain.errors import Configuration, DiskFull, LedgerDown
from swatchbook.domain.records import Stage
from swatchbook.store.ledger import database, migrations, runs
from swatchbook.store.ledger.bulk_rows import insert_new_rows
from swatchbook.store.ledger.claims import claim
from swatchbook.store.ledger.database import Ledger, db_now, execute_in, open_ledger, portions, select_in
from swatchbook.store.ledger.stored_documents import get_document
from swatchbook.store.ledger.tables import contents, items, metadata
from tests.postgres import POSTGRESQL
from tests.store.ledger.scene import begun, keys, put

pytestmark = pytest.mark.gate

ROOT = Path(__file__).parents[3]


def schema(file: Path) -> dict[str, str]:
    engine = create_engine(f"sqlite:///{file}")
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
        # a table that was made anew is called by its quoted name
        found = {row.name: " ".join(row.sql.split()).replace(f'"{row.name}"', row.name, 1) for row in rows}
    engine.dispose()
    return found


def test_alembic_finds_nothing_to_migrate(ledger: Ledger) -> None:
    def differs(_: object, __: object, column: Column[Any], *defaults: object) -> bool | None:
        return False if isinstance(column.type, JSON) else None  # PostgreSQL has no = for it; None: Alembic looks

    with ledger.read() as connection:
        options = {"compare_type": True, "compare_server_default": differs}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []


def test_head_is_the_last_migration() -> None:
    folder = Path(migrations.__file__).parent
    assert ScriptDirectory(str(folder)).get_current_head() == migrations.HEAD


def test_an_up_to_date_ledger_opens_without_alembic(url: str) -> None:
    code = (
        "import sys; from swatchbook.store.ledger.database import open_ledger; open_ledger(sys.argv[1]).close();"
        "sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, url], cwd=ROOT, check=False).returncode == 0


def test_ledger_without_a_way_here_is_refused(url: str) -> None:
    with closing(Ledger(url)) as ledger:
        for revision, message in (("0029", "early development version"), ("9999", "newer Swatchbook")):
            with ledger.write() as connection:
                connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
            with pytest.raises(Configuration, match=message) as refused:
                open_ledger(url)
            assert "SWATCHBOOK_HOME" in refused.value.advice
            with ledger.read() as connection:
                assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == revision


def test_writes_are_whole_and_reads_one_state(ledger: Ledger) -> None:
    def fail() -> None:
        with ledger.write() as connection:
            connection.execute(insert(contents).values(key="k"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with ledger.read() as reading:
        before = reading.execute(select(contents)).all()
        put(ledger, contents, key="k")
        assert reading.execute(select(contents)).all() == before == []


@pytest.mark.parametrize("database", ["sqlite"])
def test_every_sqlite_connection_is_durable(ledger: Ledger) -> None:
    with ledger.read() as connection:
        pragmas = [connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in
                   ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")]  # fmt: skip
    assert pragmas == ["wal", 2, 1, 60_000]


@pytest.mark.parametrize("database", [POSTGRESQL])
def test_every_postgresql_connection_keeps_its_limits(ledger: Ledger) -> None:
    for isolation, kind in (("read committed", ledger.write), ("repeatable read", ledger.read)):
        with pytest.raises(ProgrammingError), kind() as connection:
            connection.exec_driver_sql("no SQL")
        with kind() as connection:
            names = ("transaction_isolation", "lock_timeout", "idle_in_transaction_session_timeout", "jit")
            shown = [connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in names]
        assert shown == [isolation, "1min", "1min", "off"]


def test_the_clock_is_the_databases(ledger: Ledger) -> None:
    assert abs(ledger.now() - time.time()) < 5
    assert isinstance(ledger.execute(select(db_now() + 1)).scalar_one(), float)


def test_a_lasting_lock_means_the_ledger_is_down(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(url)
    ledger.now()  # connected: it is patient
    monkeypatch.setattr(database, "LOCK_SECONDS", 0.3)
    other = Ledger(url)
    change = insert(contents).values(key="k")
    with ledger.write() as first:
        first.execute(change)
        with pytest.raises(LedgerDown, match=r"locked|in the way"), other.write() as second:
            second.execute(change)
    ledger.close()
    other.close()


def test_threads_that_write_take_turns(ledger: Ledger) -> None:
    put(ledger, contents, key="k", width=0)
    ledger.close()
    if ledger.url.get_backend_name() == "sqlite":  # it lets nobody wait
        event.listen(ledger._readers, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout = 0"))

    def add(_: int) -> None:
        with ledger.write() as connection:
            width = connection.execute(select(contents.c.width).with_for_update()).scalar_one()
            connection.execute(update(contents).values(width=width + 1))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add, range(200)))
    assert ledger.execute(select(contents.c.width)).scalar_one() == 200


@pytest.mark.parametrize("database", ["sqlite"])
def test_a_full_disk_loses_nothing_committed(ledger: Ledger) -> None:
    put(ledger, contents, key="kept")

    def fill() -> None:
        with ledger.write() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1")  # SQLite then takes the present size for the limit
            connection.execute(insert(contents).values(key="k", text="t" * 1_000_000))

    with pytest.raises(DiskFull):
        fill()
    assert ledger.execute(select(contents.c.key)).scalars().all() == ["kept"]


@pytest.mark.parametrize("database", ["sqlite"])
def test_a_read_only_ledger_is_refused(url: str) -> None:
    ledger = Ledger(f"sqlite:///file:{url.removeprefix('sqlite:///')}?mode=ro&uri=true")
    with pytest.raises(Configuration, match="rights"), ledger.write() as connection:
        connection.execute(insert(contents).values(key="k"))
    ledger.close()


def test_unusable_urls_are_refused_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"%PDF-1.7 " * 1000)
    for url, says in (
        *((url, "SWATCHBOOK_LEDGER_URL") for url in ("no url", "oracle9://host/db", "mysql://host/db")),
        *((url, "SWATCHBOOK_LEDGER_URL") for url in ("sqlite+nothing:///x", "postgresql+asyncpg://host/db")),
        ("postgresql://host:port/db", "SWATCHBOOK_LEDGER_URL"), (f"sqlite:///{tmp_path / 'file'}", "not a ledger"),
        (f"sqlite:///{tmp_path / 'file' / 'ledger.sqlite'}", "SWATCHBOOK_HOME"),
    ):  # fmt: skip
        with pytest.raises(Configuration, match=says):
            open_ledger(url)


@pytest.mark.parametrize("database", ["sqlite"])
def test_a_row_with_broken_json_is_named(ledger: Ledger) -> None:
    run = begun(ledger)
    with ledger.write() as connection:
        connection.execute(text("UPDATE documents SET options = '{\"focus\": tr'"))
    with pytest.raises(Configuration, match=r"cannot be read.*see the log"):
        get_document(ledger, run.document)


@pytest.mark.parametrize("database", [POSTGRESQL])
def test_heartbeats_and_claims_wait_for_no_writer(ledger: Ledger) -> None:
    pictures = keys(3)
    run = begun(ledger, pictures=pictures)
    with ledger.write() as busy:
        busy.execute(insert(contents).values(key="k"))
        busy.execute(select(items).where(items.c.key == pictures[0]).with_for_update())
        began = time.monotonic()
        runs.record_heartbeat(ledger, run)
        runs.record_progress(ledger, run, Stage.EMBEDDED, 1, 2)
        lease = claim(ledger, run, pictures)
        runs.record_heartbeat(ledger, run)
        assert time.monotonic() - began < 5
    assert {claimed.key for claimed in lease.items} == set(pictures[1:])  # what somebody is at is left to him


def test_any_number_of_values_fits_an_in_list(ledger: Ledger) -> None:
    for count in (0, 1, 899, 900, 901, 5000):
        values = [f"{n:04}" for n in range(count)]
        assert [value for portion in portions(values) for value in portion] == values
        with ledger.write() as connection:
            insert_new_rows(connection, contents, [{"key": key} for key in (*values, "other")])
            rows = select_in(connection, select(contents.c.key), contents.c.key, values[::-1] + values)
            assert [row.key for row in rows] == values, "each row comes once"
            execute_in(connection, delete(contents), contents.c.key, iter(values))
            assert connection.execute(select(contents.c.key)).scalars().all() == ["other"]


@pytest.mark.parametrize("database", ["sqlite"])
def test_deep_check_finds_an_index_without_its_rows(ledger: Ledger) -> None:
    begun(ledger)
    with ledger.write() as connection:
        for statement in (
            "CREATE INDEX unlike ON documents (name)",
            "PRAGMA writable_schema = ON",
            "UPDATE sqlite_schema SET sql = 'CREATE INDEX unlike ON documents (id)' WHERE name = 'unlike'",
        ):
            connection.exec_driver_sql(statement)
    ledger.close()
    ledger.check()
    with pytest.raises(Configuration, match="swatchbook upkeep restore"):
        ledger.check(deep=True)
