"""What is left behind goes after an hour, and nothing else does."""

import os
import time
from pathlib import Path

import pytest
from sqlalchemy import insert, update

from swatchbook.gc import DAY, HOUR, Swept, results_folder, sweep
from swatchbook.lab import Lab
from swatchbook.ledger import due
from swatchbook.ledger.database import db_now
from swatchbook.ledger.runs import Document, queue
from swatchbook.ledger.tables import deliveries, documents, runs, timings
from swatchbook.records import IngestOptions, Stage
from swatchbook.versions import stage_key
from tests.ledger.scene import begin_again, count


@pytest.fixture
def results(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Prefect keeps results; somebody else's are there as well."""
    folder = tmp_path / "results"
    folder.mkdir()
    monkeypatch.setenv("PREFECT_LOCAL_STORAGE_PATH", str(folder))
    assert results_folder(lab.settings) == folder
    return folder


def known(lab: Lab, data: bytes = b"catalogue", owner: str = "anna") -> Document:
    """A queued document whose file is in the store."""
    file = lab.files.put_bytes(data, ".pdf")
    return queue(
        lab.ledger, owner=owner, content=file[:64], kind="pdf", name="a.pdf", file=file, size=len(data),
        options=IngestOptions(),
    )  # fmt: skip


def kept(
    results: Path, lab: Lab, document: Document, stage: str = "read", part: str = "", *, focus: bool = True
) -> Path:
    options = IngestOptions(focus=focus)
    path = results / stage_key(stage, document.content, lab.settings, options, force=document.force, part=part)
    path.write_text("{}")
    return path


def age(*paths: Path, seconds: float = HOUR + 60) -> None:
    for path in paths:
        os.utime(path, (time.time() - seconds,) * 2)


def test_results_stay_as_long_as_their_documents_next_run_would_read_them(lab: Lab, results: Path) -> None:
    document, other = known(lab), known(lab, b"another")
    stays = [
        kept(results, lab, document),
        kept(results, lab, document, "describe", "12"),
        kept(results, lab, document, "chunk", document.id),
        kept(results, lab, document, "chunk", f"{document.id}-{'0' * 16}"),
        results / "somebody's own result",
        results / "read-me.txt",
    ]
    superseded = kept(results, lab, document, "plan", focus=False)
    foreign = kept(results, lab, document, "extract", other.id)
    former = results / f"read-{'0' * 64}"
    gone = kept(results, lab, other)
    for path in (*stays, former):
        path.write_text("{}")
    young = kept(results, lab, other, "discover")
    due.mark_deleting(lab.ledger, other.id)
    due.delete_rows(lab.ledger, other.id)
    assert due.finish_delete(lab.ledger, other.id)
    age(*stays, superseded, foreign, former, gone)
    assert sweep(lab, dry_run=True).results == 4
    assert sweep(lab).results == 4
    assert sorted(results.iterdir()) == sorted([*stays, young])


def test_a_forced_generation_supersedes_what_was_kept_before(lab: Lab, results: Path) -> None:
    document = known(lab)
    before = kept(results, lab, document)
    age(before)
    assert sweep(lab, dry_run=True).results == 0
    with lab.ledger.write() as connection:
        connection.execute(update(documents).values(force="G"))
    assert sweep(lab).results == 1


def test_files_that_no_row_names_go_after_an_hour(lab: Lab) -> None:
    document = known(lab)
    pages = lab.files.put_bytes(b"pages", ".jsonl")
    with lab.ledger.write() as connection:
        connection.execute(update(documents).values(pages_file=pages))
    orphan, young = lab.files.put_bytes(b"orphan", ".png"), lab.files.put_bytes(b"young", ".png")
    files = {path.name: path for path in Path(lab.files.url).rglob("*.*")}
    age(*(path for name, path in files.items() if name != young))
    swept = sweep(lab, dry_run=True)
    assert (swept.orphans, swept.bytes) == (1, 6)
    assert lab.files.has(orphan)
    assert sweep(lab) == swept
    assert sorted(lab.files.keys()) == sorted([str(document.file), pages, young])


def test_what_is_stored_again_is_no_orphan_of_long_ago(lab: Lab) -> None:
    lab.ledger.now()
    key = lab.files.put_bytes(b"picture", ".png")
    (path,) = Path(lab.files.url).rglob("*.png")
    age(path)
    lab.files.put_bytes(b"picture", ".png")
    assert sweep(lab).orphans == 0
    age(path)
    copy = path.with_name("copy")
    copy.write_bytes(b"picture")
    lab.files.put_file(copy, suffix=".png")
    assert sweep(lab).orphans == 0
    assert lab.files.has(key)


def test_what_a_long_run_has_stored_it_may_still_name(lab: Lab) -> None:
    begin_again(lab.ledger, known(lab))
    with lab.ledger.write() as connection:
        connection.execute(update(runs).values(started_at=db_now() - 3 * HOUR))
    lab.files.put_bytes(b"picture", ".png")
    (path,) = Path(lab.files.url).rglob("*.png")
    age(path, seconds=2 * HOUR)
    assert sweep(lab).orphans == 0
    age(path, seconds=4 * HOUR)
    assert sweep(lab).orphans == 1


def test_temporary_files_of_the_killed_go_after_an_hour(lab: Lab) -> None:
    known(lab)
    lab.settings.incoming.mkdir(parents=True)
    (beside,) = {path.parent for path in Path(lab.files.url).rglob("*.pdf")}
    left = [lab.settings.incoming / "incoming-1", beside / ".writing-1"]
    written = lab.settings.incoming / "incoming-2"
    for path in (*left, written):
        path.write_bytes(b"half")
    age(*left)
    assert sweep(lab) == Swept(temporary=2, bytes=8)
    assert [path for path in (*left, written) if path.exists()] == [written]


def test_rows_of_runs_long_over_go_and_live_ones_stay(lab: Lab) -> None:
    run = begin_again(lab.ledger, known(lab))
    long_ago = (lab.settings.keep_days + 1) * DAY
    with lab.ledger.write() as connection:
        row = {**connection.execute(runs.select()).mappings().one()}
        ended = {"state": "dead", "ended_at": row["started_at"] - long_ago}
        connection.execute(insert(runs).values({**row, **ended, "token": "old"}))
        connection.execute(insert(runs).values({**row, "state": "dead", "ended_at": row["started_at"], "token": "new"}))
        connection.execute(update(runs).where(runs.c.token == run.token).values(started_at=db_now() - long_ago))
        of = {"document": run.document, "run": "old", "seconds": 1.0}
        for stage, days in ((Stage.READ, 3.5 * lab.settings.keep_days), (Stage.CHUNKED, lab.settings.keep_days)):
            connection.execute(insert(timings).values(**of, stage=stage, at=db_now() - days * DAY))
        for days in (8, 6):
            connection.execute(
                insert(deliveries).values(source="shop", id=str(days), document="d", at=db_now() - days * DAY)
            )
    assert sweep(lab, dry_run=True).rows == 3
    assert sweep(lab).rows == 3
    assert (count(lab.ledger, runs), count(lab.ledger, timings), count(lab.ledger, deliveries)) == (2, 1, 1)


def test_a_fresh_home_is_swept_without_trouble(lab: Lab) -> None:
    assert sweep(lab) == sweep(lab, dry_run=True) == Swept()
