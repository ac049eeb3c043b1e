"""A ledger that an earlier version filled becomes one of this, keeps every row, and is migrated once."""

import json
import subprocess
import sys
import tarfile
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    event,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.types import JSON

from swatchbook.domain.records import Role, RoleTag, image_id
from swatchbook.store.ledger.database import Ledger, open_ledger
from swatchbook.store.ledger.edited_products import list_edits
from swatchbook.store.ledger.migrations import upgrade
from swatchbook.store.ledger.run_queries import processes_of
from swatchbook.store.ledger.runs import held_seconds
from swatchbook.store.ledger.space_registry import find_background
from swatchbook.store.ledger.tables import analyses, images, items, placements
from swatchbook.store.ledger.trashed_documents import kept_rows
from swatchbook.store.ledger.webhooks import find_delivery
from tests.postgres import RunningPostgres
from tests.store.ledger.test_database import schema

pytestmark = pytest.mark.gate

ROOT = Path(__file__).parents[3]
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
                dict(found) for found in connection.execute(select(table).order_by(*table.primary_key)).mappings()
            ]
            for table in known.sorted_tables
        }


@pytest.fixture
def former(empty: str, database: str, tmp_path: Path) -> str:
    """The ledger of a home of before the first release, on each database."""
    with tarfile.open(ROOT / "tests" / "upkeep" / "home_of_descriptors_and_minilm.tar.xz") as archive:
        archive.extract("ledger.sqlite", tmp_path, filter="data")
    file = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    if database == "sqlite":
        return file
    known = MetaData()
    event.listen(known, "column_reflect", lambda _, __, column: column.update(type=column["type"].as_generic()))
    with Ledger(file).read() as source, Ledger(empty).write() as target:
        known.reflect(source)
        known.create_all(target)
        for table in known.sorted_tables:
            for stored in source.execute(select(table)).mappings().all():
                values = {name: value for name, value in stored.items() if value is not None}
                target.execute(insert(table).values(values))
    return empty


def add(connection: Connection, name: str, *rows: dict[str, Any]) -> None:
    """Add rows to a table as it was; what they leave out is made up."""
    table = Table(name, MetaData(), autoload_with=connection)
    for number, given in enumerate(rows):
        connection.execute(insert(table).values(row(table, number) | {k: v for k, v in given.items() if k in table.c}))


CODED = {"code": "POS-1", "variants": [{"code": "POS-1 -B"}], "metadata": {"gtin": "4006381333931", "color": "red"}}
SPACE, BACKGROUND = (
    RoleTag(role=Role.VISUAL, tag="descriptors@1/visual-160"),
    {"mean": 0.5, "deviation": 0.25, "objects": 9},
)
SEAL = {"id": "e", "kind": "certificate", "page": 2, "name": "Seal"}
EDITS = (
    {"action": "add", "page": 1, "name": "Yew"},
    {"action": "reject", "product": {"page": 1, "name": "Elm"}},
    {"action": "remove_fact", "product": {"page": 1, "name": "Oak"}, "fact": "size"},
)
TRASHED = {
    "documents": '[{"id": "t"}]', "taught_readings": '[{"document": "t", "number": 1, "by": "eve"}]',
    "hand_edits": json.dumps([{"edit": edit} for edit in EDITS]),
}  # fmt: skip


def fill_former(connection: Connection) -> tuple[str, str, str, str]:
    """Put rows into all tables. Return a document, two images of it, and the first's key."""
    document = connection.execute(select(placements.c.document).order_by(placements.c.document)).scalars().first() or ""
    add(connection, "products", {"document": document, "record": CODED})
    command.upgrade(upgrade._config(connection), "0040")
    shown = select(images.c.id, images.c.content_key).join(placements, placements.c.image == images.c.id)
    (oak, key), (ash, other) = connection.execute(shown.where(placements.c.document == document)).tuples().all()
    tag = connection.scalar(select(analyses.c.tag).limit(1))
    of, looked = {"document": document}, {"by": "eve", "reasons": ["A logo."], "tag": tag, "second": None}
    former: tuple[tuple[Any, ...], ...] = (
        ("calls", *({"state": state} for state in ("queued", "batched", "answered"))),
        ("images", {"id": image_id("bert", key), "owner": "bert", "content_key": key}),
        ("owner_seeds", {"owner": "dora", "seed": "carl"}),
        ("trash", {"document": "t", "owner": "dora"}),
        ("trash_keys", {"document": "t", "key": "elm"}),
        *(
            ("trash_rows", {"document": "t", "number": number, "name": name, "data": zlib.compress(kept.encode())})
            for number, (name, kept) in enumerate(TRASHED.items())
        ),
        ("analyses", *({"key": "elm", "tag": f"person@{number}"} for number in (1, 2))),
        ("reviews",
         looked | {"key": key, "number": 1, "stands": False, "verdict": "accepted"},
         looked | {"key": key, "number": 2, "stands": True, "verdict": "rejected"},
         looked | {"key": other, "number": 1, "stands": False, "verdict": "failed"},
         looked | {"key": other, "number": 2, "stands": True, "verdict": "failed"},
         looked | {"key": "elm", "number": 1, "stands": True, "verdict": "corrected", "second": "person@1"}),
        ("file_holds", {"token": "T", "held_since": 1.0, "lease_until": 2.0, "pid": 3, "pid_started": 4.0}),
        ("flow_processes", {"flow_run": "F", "pid": 6}),
        ("timings", of | {"run": "r", "stage": "read", "seconds": 2.5, "at": 1.0, "units": 7}),
        ("failed_tries", of | {"run": "r", "role": "visual", "kind": "timeout", "count": 4, "at": 2.0}),
        ("backgrounds", SPACE.model_dump() | {"owner": "anna"} | BACKGROUND),
        ("taught_readings", *(of | {"number": number, "reading": {"rules": number}} for number in (2, 1))),
        ("entities", of | {"ordinal": 0, "record": SEAL}),
        ("object_events", {"id": "event"}),
        ("deliveries", {"source": "shop", "id": "7", "document": "d", "at": time.time()}),
        ("hand_edits", *(of | {"number": number, "edit": edit} for number, edit in enumerate(EDITS))),
    )  # fmt: skip
    for name, *rows in former:
        add(connection, name, *rows)
    for name in inspect(connection).get_table_names():
        if not connection.exec_driver_sql(f'SELECT 1 FROM "{name}"').first():
            add(connection, name, of)
    rejected = {"state": "rejected", "failure": {"kind": "dismissed", "policy": "never", "message": "A logo."}}
    connection.execute(update(items).where(items.c.key == key, items.c.role == "analysis").values(**rejected))
    connection.execute(update(images).where(images.c.content_key == key).values(text_key=None, pair_key=None))
    return document, oak, ash, key


def test_a_filled_ledger_keeps_every_row(former: str, database: str, migrated: Path) -> None:
    old = Ledger(former)
    with old.write() as connection:
        document, oak, ash, key = fill_former(connection)
    before = read_all(old)
    old.close()
    ledger = open_ledger(former)
    after = read_all(ledger)

    assert len(before["vectors"]) == 16
    assert {name for name in before if name in after and after[name] != before[name]} == {
        "alembic_version", "analyses", "calls", "documents", "hand_edits", "images", "items", "lost_pictures", "pages",
        "reviews", "runs", "spaces", "trash_rows",
    }  # fmt: skip
    assert before.keys() - after.keys() == {
        "provider_batches", "file_holds", "flow_processes", "timings", "failed_tries", "backgrounds", "taught_readings",
        "entities", "object_events", "deliveries", "deleted_documents",
    }  # fmt: skip
    more = {name: len(after[name]) - len(rows) for name, rows in before.items() if name in after}
    assert {name: count for name, count in more.items() if count} == {
        "calls": -1, "analyses": -1, "reviews": -1, "runs": 2, "hand_edits": -1, "trash_rows": -1,
    }  # fmt: skip
    assert {each["code"] for each in after["product_codes"]} == {"pos-1", "pos-1-b", "4006381333931"}
    assert [each["state"] for each in after["calls"]] == ["unknown", "answered"]
    theirs = image_id("bert", key)
    names = ("image", "verdict", "second", "tries", "reason")
    assert {tuple(each[name] for name in names) for each in after["reviews"]} == {
        (oak, "rejected", None, 0, "A logo."), (theirs, "rejected", None, 0, "A logo."),
        (ash, "failed", None, 2, "A logo."), (image_id("carl", "elm"), "replaced", "person@1", 0, "A logo."),
    }  # fmt: skip
    assert [each["tag"] for each in after["analyses"] if each["key"] == "elm"] == ["person@1"]
    dismissed = {each["id"]: each["dismissed"]["message"] for each in after["images"] if each["dismissed"]}
    assert dismissed == dict.fromkeys((oak, theirs), "A logo. Rejected by eve.")
    assert {each["state"] for each in after["items"]} == {"done"}
    (held,) = (each for each in after["runs"] if each["kind"] == "hold")
    assert (held["token"], held["lease_until"], held["pid"], held["pid_started"], held["state"]) == (
        "T", 2.0, 3, 4.0, "live",
    )  # fmt: skip
    with ledger.read() as connection:
        assert held_seconds(connection) == pytest.approx(time.time() - 1, abs=60)
        trashed = dict(kept_rows(connection, "t"))
    assert processes_of(ledger, ["F"])["F"].process.pid == 6
    assert sorted([*each.values()][2:] for each in after["figures"] if each["run"] == "r") == [
        ["read", "", 2.5, 7, 1.0], ["visual", "timeout", 0.0, 4, 2.0],
    ]  # fmt: skip
    assert find_background(ledger, SPACE, "anna") == BACKGROUND
    assert find_background(ledger, SPACE, None) is None
    (readings,) = (each["readings"] for each in after["documents"] if each["id"] == document)
    assert [each["reading"] for each in readings] == [{"rules": 1}, {"rules": 2}]
    assert [each["entities"] for each in after["pages"] if each["entities"]] == [[SEAL]]
    assert "event" in {each["id"] for each in after["inbox"]}
    assert find_delivery(ledger, "shop", "7") == "d"
    todays = [("hide", None), ("set_fact", "")]
    edits = (each.edit for each in list_edits(ledger, document))
    assert [(each.action, getattr(each, "value", None)) for each in edits] == todays
    assert trashed["documents"] == [{"id": "t", "readings": [{"number": 1, "by": "eve"}]}]
    assert [(each["edit"]["action"], each["edit"].get("value")) for each in trashed["hand_edits"]] == todays
    ledger.close()
    if database == "sqlite":
        assert schema(Path(former.removeprefix("sqlite:///"))) == schema(migrated)


def test_processes_that_migrate_at_once_migrate_once(former: str) -> None:
    assert opened_by_two(former) == [(b"True\n", b"")] * 2


@pytest.mark.nightly  # the creation of a ledger hardly changes, and each process takes a second
def test_processes_may_open_a_new_ledger_at_once(empty: str) -> None:
    assert opened_by_two(empty) == [(b"True\n", b"")] * 2


def test_a_failed_migration_changes_nothing(former: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(connection: Any) -> None:
        complete(connection)
        raise ZeroDivisionError

    ledger, complete = Ledger(former), upgrade.upgrade
    before = read_all(ledger)
    monkeypatch.setattr(upgrade, "upgrade", fail)
    with pytest.raises(ZeroDivisionError):
        open_ledger(former)
    assert read_all(ledger) == before
    ledger.close()


def opened_by_two(url: str) -> list[tuple[bytes, bytes]]:
    code = "import sys; from swatchbook.store.ledger.database import open_ledger as o; print(o(sys.argv[1]).now() > 0)"
    command, pipe = [sys.executable, "-c", code, url], subprocess.PIPE
    opening = [subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe) for _ in range(2)]
    return [process.communicate() for process in opening]
