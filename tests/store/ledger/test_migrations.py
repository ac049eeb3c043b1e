"""A ledger that an earlier version filled becomes one of this, keeps every row, and is migrated once."""

import json
import shutil
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.types import JSON

from swatchbook.domain.records import ImageState, document_id, sha256
from swatchbook.index.contract import Space
from swatchbook.store.ledger import migrations
from swatchbook.store.ledger.database import Ledger, db_now, open_ledger
from swatchbook.store.ledger.edited_products import list_edits
from swatchbook.store.ledger.migrations import upgrade
from swatchbook.store.ledger.owners import rename
from swatchbook.store.ledger.run_queries import processes_of
from swatchbook.store.ledger.runs import held_seconds
from swatchbook.store.ledger.space_registry import add_space, find_background
from swatchbook.store.ledger.tables import (
    analyses,
    calls,
    documents,
    figures,
    hand_edits,
    images,
    inbox,
    items,
    metadata,
    pages,
    products,
    reviews,
    runs,
    trash_rows,
)
from swatchbook.store.ledger.trashed_documents import kept_rows, move_to_trash, restore_trashed
from swatchbook.store.ledger.webhooks import find_delivery
from tests.postgres import RunningPostgres
from tests.store.ledger import scene
from tests.store.ledger.test_database import schema
from tests.store.ledger.test_picture_reviews import weak
from tests.tables import text_of

pytestmark = pytest.mark.gate

ROOT = Path(__file__).parents[3]
ROWS = 3
HEAD = migrations.HEAD
NEXT_HEAD = "9998"
CODED = {"code": "POS-1", "variants": [{"code": "POS-1 -B"}], "metadata": {"gtin": "4006381333931", "color": "red"}}

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


@pytest.fixture
def former_file(tmp_path: Path) -> Path:
    """The ledger of a home of before the first release."""
    with tarfile.open(ROOT / "tests" / "upkeep" / "home_of_descriptors_and_minilm.tar.xz") as archive:
        archive.extract("ledger.sqlite", tmp_path, filter="data")
    return tmp_path / "ledger.sqlite"


def test_first_ledgers_become_todays(migrated: Path, former_file: Path) -> None:
    former = Ledger(f"sqlite:///{former_file}")
    with former.write() as connection:
        document = connection.execute(select(documents.c.id).limit(1)).scalar_one()
        connection.execute(insert(products).values(row(products, 0) | {"document": document, "record": CODED}))
    before = read_all(former)
    former.close()
    ledger = open_ledger(f"sqlite:///{former_file}")
    after = read_all(ledger)
    ledger.close()
    assert len(before["vectors"]) == 16
    assert {each["code"] for each in after.pop("product_codes")} == {"pos-1", "pos-1-b", "4006381333931"}
    for removed in ("flow_processes", "timings", "failed_tries", "backgrounds", "entities", "deliveries"):
        del before[removed]
    for joined in ("figures", "inbox"):
        del after[joined]
    assert {name: len(rows) for name, rows in after.items()} == {name: len(rows) for name, rows in before.items()}
    assert schema(former_file) == schema(migrated)


def test_calls_of_batches_are_asked_again(former_file: Path) -> None:
    former = Ledger(f"sqlite:///{former_file}")
    states = ("queued", "batched", "answered")
    held = [row(calls, number) | {"state": state} for number, state in enumerate(states)]
    with former.write() as connection:
        command.upgrade(upgrade._config(connection), "0040")
        connection.execute(insert(calls), held)
    former.close()
    ledger = open_ledger(f"sqlite:///{former_file}")
    after = read_all(ledger)
    ledger.close()
    assert after["calls"] == [held[1] | {"state": "unknown"}, held[2]]
    assert "provider_batches" not in after


def test_the_last_review_of_each_image_is_kept(ledger: Ledger) -> None:
    for owner, names in (("anna", ("oak", "ash")), ("bert", ("oak",)), ("carl", ("elm",))):
        weak(ledger, *names, owner=owner)
    rename(ledger, "carl", "dora")
    move_to_trash(ledger, document_id("carl", sha256(b"catalogue")))
    scene.publish_all(ledger)
    of_oak = (items.c.key == scene.key("oak"), items.c.role == "analysis")
    former = (
        ("oak", 1, False, "accepted", None), ("oak", 2, True, "rejected", None), ("ash", 1, False, "failed", None),
        ("ash", 2, True, "failed", None), ("elm", 1, True, "corrected", "person@1"),
    )  # fmt: skip
    with ledger.write() as connection:
        for number in (1, 2):
            known = {"key": scene.key("elm"), "tag": f"person@{number}", "record": {}}
            connection.execute(insert(analyses).values(**known))
        shown = update(images).where(images.c.content_key == scene.key("oak"))
        connection.execute(shown.values(text_key=None, pair_key=None))
        rejected = {"state": "rejected", "failure": {"kind": "dismissed", "policy": "never", "message": "A logo."}}
        connection.execute(update(items).where(*of_oak).values(**rejected))
        for statement in (
            "DROP TABLE reviews",
            "CREATE TABLE reviews (key TEXT, tag TEXT, number INTEGER, stands BOOLEAN, verdict TEXT, second TEXT, "
            'reasons JSON, score_before FLOAT, score_after FLOAT, "by" TEXT, at FLOAT, next_try_at FLOAT)',
            "ALTER TABLE images DROP COLUMN dismissed",
        ):  # fmt: skip
            connection.execute(text(statement))
        for name, *values in former:
            of = {"key": scene.key(name), "tag": scene.ANALYSIS.tag}
            of |= dict(zip(("number", "stands", "verdict", "second"), values, strict=True))
            statement = (
                "INSERT INTO reviews VALUES (:key, :tag, :number, :stands, :verdict, :second, "
                "'[\"A logo.\"]', 0.5, 0.5, 'eve', 1.0, NULL)"
            )
            connection.execute(text(statement).bindparams(**of))
        for revision in ("0042", "0044"):
            migrate(connection, revision)
    with ledger.read() as connection:
        rows = connection.execute(select(reviews)).all()
        written = connection.execute(select(analyses.c.tag).where(analyses.c.key == scene.key("elm"))).scalars().all()
        dismissed = connection.execute(select(images.c.id, images.c.dismissed["message"].as_string())).tuples().all()
        item = connection.execute(select(items.c.state, items.c.failure).where(*of_oak)).one()
    assert {(row.image, row.verdict, row.second, row.tries, row.reason) for row in rows} == {
        (scene.image("oak"), "rejected", None, 0, "A logo."),
        (scene.image("oak", "bert"), "rejected", None, 0, "A logo."),
        (scene.image("ash"), "failed", None, 2, "A logo."),
        (scene.image("elm", "carl"), "replaced", "person@1", 0, "A logo."),
    }
    assert sorted(written) == [scene.ANALYSIS.tag, "person@1"]
    refused = "A logo. Rejected by eve."
    theirs = scene.image("oak", "bert")
    assert dict(dismissed) == {scene.image("oak"): refused, theirs: refused, scene.image("ash"): None}
    assert tuple(item) == ("done", None)
    assert scene.states(ledger, document_id("bert", sha256(b"catalogue"))) == {theirs: ImageState.PARTIAL}


def test_processes_become_runs(ledger: Ledger) -> None:
    process = "host TEXT, boot_id TEXT, pid_namespace TEXT, pid INTEGER, pid_started FLOAT"
    with ledger.write() as connection:
        for statement in (
            f"CREATE TABLE file_holds (token TEXT, held_since FLOAT, lease_until FLOAT, {process})",
            f"CREATE TABLE flow_processes (flow_run TEXT, heartbeat_at FLOAT, {process})",
            "INSERT INTO file_holds VALUES ('T', 1, 2, 'h', 'b', 'n', 3, 4)",
            "INSERT INTO flow_processes VALUES ('F', 5, 'h', 'b', 'n', 6, 7)",
        ):
            connection.execute(text(statement))
        migrate(connection, "0043")
        assert held_seconds(connection) == pytest.approx(connection.scalar(select(db_now())) - 1, abs=1)
        (kept,) = connection.execute(select(runs).where(runs.c.kind == "hold"))
    assert (kept.token, kept.lease_until, kept.pid, kept.pid_started, kept.state) == ("T", 2.0, 3, 4.0, "live")
    assert processes_of(ledger, ["F"])["F"].process.pid == 6


def test_timings_failed_tries_and_backgrounds_are_kept(ledger: Ledger) -> None:
    run = scene.begun(ledger)
    pair = scene.VISUAL
    add_space(ledger, Space(role=pair.role, tag=pair.tag, dimension=3))
    with ledger.write() as connection:
        for statement in (
            "DROP TABLE figures", "ALTER TABLE spaces DROP COLUMN backgrounds",
            "CREATE TABLE timings (document TEXT, run TEXT, stage TEXT, seconds FLOAT, at FLOAT, units INTEGER)",
            "CREATE TABLE failed_tries (document TEXT, run TEXT, role TEXT, kind TEXT, count INTEGER, at FLOAT)",
            "CREATE TABLE backgrounds"
            " (role TEXT, tag TEXT, owner TEXT, mean FLOAT, deviation FLOAT, objects INTEGER)",
            f"INSERT INTO timings VALUES ('{run.document}', 'r', 'read', 2.5, 1, 7)",
            f"INSERT INTO failed_tries VALUES ('{run.document}', 'r', 'visual', 'timeout', 4, 2)",
            f"INSERT INTO backgrounds VALUES ('{pair.role}', '{pair.tag}', 'anna', 0.5, 0.25, 9)",
        ):  # fmt: skip
            connection.execute(text(statement))
        migrate(connection, "0045")
        kept = connection.execute(select(figures).order_by(figures.c.at)).all()
    assert [tuple(row)[1:] for row in kept] == [
        ("r", "read", "", 2.5, 7, 1.0), ("r", "visual", "timeout", 0.0, 4, 2.0),
    ]  # fmt: skip
    assert find_background(ledger, pair, "anna") == {"mean": 0.5, "deviation": 0.25, "objects": 9}
    assert find_background(ledger, pair, None) is None


def test_readings_and_entities_are_kept(ledger: Ledger) -> None:
    run = scene.begun(ledger)
    other = scene.begun(ledger, content="other")
    seal = {"id": "e", "kind": "certificate", "page": 3, "name": "Seal"}
    page = {"document": run.document, "number": 3, "generation": "g", "box": [0, 0, 1, 1], "kind": "entity"}
    trashed = {"taught_readings": [{"document": other.document, "number": 1, "by": "eve"}]}
    with ledger.write() as connection:
        connection.execute(insert(pages), page)
        rows = {"documents": [{"id": other.document}], **trashed}
    move_to_trash(ledger, other.document)
    with ledger.write() as connection:
        for number, (name, kept) in enumerate(rows.items()):
            data = {"document": other.document, "number": 100 + number, "name": name}
            connection.execute(insert(trash_rows).values(**data, data=zlib.compress(json.dumps(kept).encode())))
        for statement in (
            "ALTER TABLE documents DROP COLUMN readings", "ALTER TABLE pages DROP COLUMN entities",
            "CREATE TABLE taught_readings (document TEXT, number INTEGER, reading JSON, by TEXT)",
            "CREATE TABLE entities (id TEXT, document TEXT, generation TEXT, ordinal INTEGER, record JSON)",
        ):  # fmt: skip
            connection.execute(text(statement))
        known = MetaData()
        known.reflect(connection, only=("taught_readings", "entities"))
        of = {"document": run.document}
        taught = [{"number": number, "reading": {"rules": number}, "by": "eve"} for number in (2, 1)]
        connection.execute(insert(known.tables["taught_readings"]), [{**of, **each} for each in taught])
        connection.execute(insert(known.tables["entities"]).values(**of, id="e", ordinal=0, record=seal))
        migrate(connection, "0046")
        assert connection.scalar(select(documents.c.readings).where(documents.c.id == run.document)) == taught[::-1]
        assert connection.scalar(select(pages.c.entities)) == [seal]
        found = dict(kept_rows(connection, other.document))
    assert found["documents"] == [{"id": other.document, "readings": [{"number": 1, "by": "eve"}]}]
    assert "taught_readings" not in found


def test_deliveries_and_events_become_one_inbox(ledger: Ledger) -> None:
    now = ledger.now()
    with ledger.write() as connection:
        connection.execute(insert(inbox), row(inbox, 1))
        for statement in (
            "CREATE TABLE object_events AS SELECT * FROM inbox", "DROP TABLE inbox",
            "CREATE TABLE deliveries (source TEXT, id TEXT, document TEXT, at FLOAT)",
            f"INSERT INTO deliveries VALUES ('shop', '7', 'd', {now})",
        ):  # fmt: skip
            connection.execute(text(statement))
        migrate(connection, "0047")
        kept = connection.execute(select(inbox).where(inbox.c.id == row(inbox, 1)["id"])).mappings().one()
    assert dict(kept) == row(inbox, 1)
    assert find_delivery(ledger, "shop", "7") == "d"


def test_edits_by_hand_get_their_names_of_today(ledger: Ledger) -> None:
    run = weak(ledger, "oak")
    former = [
        {"action": "add", "page": 1, "name": "Yew"},
        {"action": "reject", "product": {"page": 1, "name": "Elm"}},
        {"action": "remove_fact", "product": {"page": 1, "name": "Oak"}, "fact": "size"},
    ]
    with ledger.write() as connection:
        for number, edit in enumerate(former, 1):
            values = {"document": run.document, "number": number, "edit": edit, "by": "eve", "at": 1.0}
            connection.execute(insert(hand_edits).values(**values))
    move_to_trash(ledger, run.document)
    for _ in range(2):  # in the trash, and back from it
        with ledger.write() as connection:
            migrate(connection, "0048")
        scene.publish_all(ledger)
    restore_trashed(ledger, run.document)
    today = [each.edit for each in list_edits(ledger, run.document)]
    assert [(each.action, getattr(each, "value", None)) for each in today] == [("hide", None), ("set_fact", "")]


def migrate(connection: Connection, revision: str) -> None:
    """Do what one migration does."""
    script = ScriptDirectory.from_config(upgrade._config(connection)).get_revision(revision)
    with Operations.context(MigrationContext.configure(connection)):
        script.module.upgrade()


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
