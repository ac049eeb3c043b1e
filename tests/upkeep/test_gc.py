"""What is left behind goes after an hour, and nothing else does."""

import os
import time
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import insert, update

from swatchbook.domain.records import IngestOptions, Stage
from swatchbook.ingest.cache_keys import stage_key
from swatchbook.ingest.delete import delete
from swatchbook.ingest.register_path import register_folder
from swatchbook.ingest.sources.staged import Staging, staged_file
from swatchbook.resources import Resources, open_resources
from swatchbook.store.files.upload_buffer import temporary_file
from swatchbook.store.ledger.database import db_now
from swatchbook.store.ledger.document_commands import delete_rows, finish_delete, mark_deleting
from swatchbook.store.ledger.stored_documents import Document
from swatchbook.store.ledger.tables import documents, figures, inbox, rounds, runs
from swatchbook.upkeep.gc import DAY, Swept, sweep
from tests.deployments.conftest import queued
from tests.s3_server import Bucket
from tests.store.ledger.scene import begin_again, change, count

HOUR = 3_600.0


@pytest.fixture
def results(resources: Resources) -> Path:
    """Where results are kept; somebody else's are there as well."""
    folder = Path(resources.settings.results)
    folder.mkdir(parents=True)
    return folder


def known(resources: Resources, data: bytes = b"catalogue", owner: str = "anna") -> Document:
    """A queued document whose file is in the store."""
    file = resources.files.put_bytes(data, ".pdf")
    return queued(resources, owner=owner, content=file[:64], file=file, size=len(data))


def kept(
    results: Path, resources: Resources, document: Document, stage: str = "read", part: str = "", *, focus: bool = True
) -> Path:
    options = IngestOptions(focus=focus)
    path = results / stage_key(stage, document.content, resources.settings, options, force=document.force, part=part)
    path.write_text("{}")
    return path


def age(*paths: Path, seconds: float = HOUR + 60) -> None:
    for path in paths:
        os.utime(path, (time.time() - seconds,) * 2)


def test_rows_of_an_import_that_was_killed_go(resources: Resources, tmp_path: Path) -> None:
    file = staged_file(resources.settings.home, "pictures.csv")
    with Staging(file, tmp_path) as kept:
        kept.keep()
    Staging(file, tmp_path)  # whose process is killed now
    Staging(staged_file(resources.settings.home, "young.csv"), tmp_path)
    age(*file.parent.glob(f"{file.name}*"))
    assert sweep(resources).temporary == 1
    assert file.exists()
    assert len(list(file.parent.iterdir())) == 2


def test_results_that_the_next_run_would_read_stay(resources: Resources, results: Path) -> None:
    document, other = known(resources), known(resources, b"another")
    stays = [
        kept(results, resources, document),
        kept(results, resources, document, "describe", "12"),
        kept(results, resources, document, "chunk", document.id),
        kept(results, resources, document, "chunk", f"{document.id}-{'0' * 16}"),
        results / "somebody's own result",
        results / "read-me.txt",
    ]
    raised = results / uuid4().hex  # by a flow run that failed
    raised.write_text("{}")
    superseded = kept(results, resources, document, "plan", focus=False)
    foreign = kept(results, resources, document, "extract", other.id)
    former = results / f"read-{'0' * 64}"
    gone = kept(results, resources, other)
    for path in (*stays, former):
        path.write_text("{}")
    young = kept(results, resources, other, "discover")
    mark_deleting(resources.ledger, other.id)
    delete_rows(resources.ledger, other.id)
    assert finish_delete(resources.ledger, other.id)
    age(*stays, superseded, foreign, former, gone, raised)
    assert sweep(resources).results == 5
    assert sorted(results.iterdir()) == sorted([*stays, young])


def test_a_forced_generation_supersedes_what_was_kept_before(resources: Resources, results: Path) -> None:
    document = known(resources)
    before = kept(results, resources, document)
    age(before)
    assert sweep(resources).results == 0
    change(resources.ledger, documents, force="G")
    assert sweep(resources).results == 1


def test_files_without_a_row_go_after_an_hour(resources: Resources) -> None:
    document = known(resources)
    pages = resources.files.put_bytes(b"pages", ".jsonl")
    change(resources.ledger, documents, pages_file=pages)
    orphan, young = resources.files.put_bytes(b"orphan", ".png"), resources.files.put_bytes(b"young", ".png")
    files = {path.name: path for path in Path(resources.files.url).rglob("*.*")}
    age(*(path for name, path in files.items() if name != young))
    swept = sweep(resources)
    assert (swept.orphans, swept.bytes) == (1, 6)
    assert not resources.files.has(orphan)
    assert sorted(resources.files.keys()) == sorted([str(document.file), pages, young])


def test_what_is_stored_again_is_no_old_orphan(resources: Resources) -> None:
    resources.ledger.now()
    key = resources.files.put_bytes(b"picture", ".png")
    (path,) = Path(resources.files.url).rglob("*.png")
    age(path)
    resources.files.put_bytes(b"picture", ".png")
    assert sweep(resources).orphans == 0
    age(path)
    copy = path.with_name("copy")
    copy.write_bytes(b"picture")
    resources.files.put_file(copy, suffix=".png")
    assert sweep(resources).orphans == 0
    assert resources.files.has(key)


def test_what_a_long_run_has_stored_is_kept(resources: Resources) -> None:
    begin_again(resources.ledger, known(resources))
    change(resources.ledger, runs, started_at=db_now() - 3 * HOUR)
    resources.files.put_bytes(b"picture", ".png")
    (path,) = Path(resources.files.url).rglob("*.png")
    age(path, seconds=2 * HOUR)
    assert sweep(resources).orphans == 0
    age(path, seconds=4 * HOUR)
    assert sweep(resources).orphans == 1


def test_temporary_files_left_over_go_after_an_hour(resources: Resources) -> None:
    known(resources)
    resources.settings.temporary_folder.mkdir(parents=True)
    (beside,) = {path.parent for path in Path(resources.files.url).rglob("*.pdf")}
    left = [resources.settings.temporary_folder / "upload-1", beside / ".writing-1"]
    written = resources.settings.temporary_folder / "upload-2"
    for path in (*left, written):
        path.write_bytes(b"half")
    age(*left)
    assert sweep(resources) == Swept(temporary=2, bytes=8)
    assert [path for path in (*left, written) if path.exists()] == [written]


def test_interrupted_upload_goes_within_the_hour(resources: Resources) -> None:
    """Also while a run lasts that began before: what the upload would have named is known to no run."""
    begin_again(resources.ledger, known(resources))
    change(resources.ledger, runs, started_at=db_now() - 3 * HOUR)
    folder = resources.settings.temporary_folder
    with temporary_file(folder) as going_on:
        killed, other = folder / "upload-1", folder / "preview-1"
        for path in (killed, other):
            path.write_bytes(b"half")
        age(killed, other, going_on, seconds=120)
        assert sweep(resources).temporary == 1
        assert (killed.exists(), other.exists(), going_on.exists()) == (False, True, True)


def test_folder_sent_in_part_goes_after_a_day(resources: Resources) -> None:
    settings = resources.settings
    home = settings.home.resolve()
    begun, taken = (home / "dropped" / str(uuid4()) / name / "a.png" for name in ("begun", "taken"))
    waits = home / "sent" / str(uuid4()) / "waits" / "a.png"
    for path in (begun, taken, waits):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"half")
    register_folder(resources, taken.parent, owner="anna", options=IngestOptions())
    age(begun, taken, waits, seconds=DAY / 2)
    assert sweep(resources) == Swept()
    age(begun, taken, waits, seconds=2 * DAY)
    assert sweep(resources) == Swept(temporary=2, bytes=8)
    assert (begun.exists(), taken.exists(), waits.exists()) == (False, True, False)


def test_previews_go_with_their_source_or_when_unused(resources: Resources) -> None:
    document = known(resources)
    stays, unused = f"{document.file}-p1-w800.png", f"{document.file}-p2-w800.png"
    for name in (stays, unused, f"{'0' * 64}.jpg-s256.jpg"):
        resources.previews.put(name, b"preview")
    paths = {path.name: path for path in resources.previews.paths()}
    age(paths[stays], seconds=29 * DAY)
    age(paths[unused], seconds=31 * DAY)
    assert sweep(resources) == Swept(previews=2, bytes=14)
    assert list(resources.previews.paths()) == [paths[stays]]


def test_only_rows_of_runs_long_over_are_removed(resources: Resources) -> None:
    run = begin_again(resources.ledger, known(resources))
    long_ago = (resources.settings.keep_days + 1) * DAY
    with resources.ledger.write() as connection:
        row = {**connection.execute(runs.select()).mappings().one()}
        ended = {"state": "dead", "ended_at": row["started_at"] - long_ago}
        connection.execute(insert(runs).values({**row, **ended, "token": "old"}))
        connection.execute(insert(runs).values({**row, "state": "dead", "ended_at": row["started_at"], "token": "new"}))
        connection.execute(update(runs).where(runs.c.token == run.token).values(started_at=db_now() - long_ago))
        of = {"document": run.document, "run": "old", "seconds": 1.0}
        for stage, days in (
            (Stage.READ, 3.5 * resources.settings.keep_days),
            (Stage.CHUNKED, resources.settings.keep_days),
        ):
            connection.execute(insert(figures).values(**of, stage=stage, at=db_now() - days * DAY))
        for age in (long_ago, 0.0):
            told = {"id": f"{age}", "began_at": 0.0, "ended_at": db_now() - age, "count": 1, "done": {}}
            connection.execute(insert(rounds).values(told))
        for days in (8, 6):
            at = db_now() - days * DAY
            connection.execute(insert(inbox).values(id=f"{days}", event="", state="delivered", at=at, changed_at=at))
    assert sweep(resources).rows == 4
    assert [count(resources.ledger, each) for each in (runs, figures, rounds, inbox)] == [2, 1, 1, 1]


def test_collecting_now_removes_and_counts_every_deleted_byte(resources: Resources, results: Path) -> None:
    document = known(resources, bytes(5_000))
    results_of_it = kept(results, resources, document)
    pages = resources.files.put_bytes(b"a page", ".jsonl")
    assert delete(resources, document.id)
    assert sweep(resources) == Swept()  # it is young
    stored = sum(map(resources.files.size, resources.files.keys())) + results_of_it.stat().st_size
    assert stored == 5_000 + len(b"a page") + len("{}")
    swept = sweep(resources, older_than=0)
    assert (swept.contents, swept.orphans, swept.results) == (1, 1, 1)
    assert swept.bytes >= stored
    assert [*resources.files.keys()] == [*results.iterdir()] == []
    assert not resources.files.has(pages)


def test_copies_from_a_bucket_go_with_their_documents(resources: Resources, bucket: Bucket) -> None:
    with open_resources(resources.settings.model_copy(update={"files_url": bucket.url})) as tools:
        used, gone = known(tools), tools.files.put_bytes(b"nobody's", ".png")
        assert len(bucket.names()) == 2
        copies = tools.settings.copies_folder
        left = copies / ".using-0123"
        left.write_bytes(b"of a killed process")
        age(left)
        bucket.server.client().create_multipart_upload(Bucket=bucket.name, Key=f"ab/{gone}")
        swept = sweep(tools, older_than=0.0)
        assert (swept.orphans, swept.previews, swept.temporary) == (1, 1, 1)
        assert [path.name for path in copies.iterdir()] == [used.file]
        assert bucket.names() == [f"{str(used.file)[:2]}/{used.file}"]
