"""What is collected when nothing uses it any more, and when."""

import os
from pathlib import Path

import pytest
from sqlalchemy import select

from swatchbook.domain.records import Plan, text_key
from swatchbook.store.files.file_store import Files, open_files
from swatchbook.store.ledger import stage_results
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.queries import account
from swatchbook.store.ledger.retention import Collected, collect, unreferenced_files
from swatchbook.store.ledger.tables import analyses, calls, contents, vectors
from swatchbook.store.ledger.tables import items as items_table
from tests.store.ledger.plans import planned
from tests.store.ledger.scene import (
    begin,
    change,
    chunked,
    complete,
    count,
    delete,
    end,
    extraction,
    ingest,
    key,
    pass_time,
    placed,
    put,
    reading,
    set_document,
)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return open_files(str(tmp_path / "files"))


def stored(ledger: Ledger, files: Files, name: str) -> str:
    """Let the ledger's content of this picture have a real file."""
    file = files.put_bytes(name.encode(), ".png")
    change(ledger, contents, contents.c.key == key(name), file=file)
    return file


def collect_after(ledger: Ledger, files: Files, seconds: float = 3_601) -> Collected:
    """Collect now, and again when rows and files are this much older."""
    collect(ledger, files)
    pass_time(ledger, seconds)
    for path in Path(files.url).rglob("*.*"):
        then = path.stat().st_mtime - seconds
        os.utime(path, (then, then))
    return collect(ledger, files)


def test_contents_stored_again_stay_for_an_hour(ledger: Ledger, files: Files) -> None:
    run = complete(ledger, "oak")
    oak = stored(ledger, files, "oak")
    delete(ledger, run.document)
    assert collect_after(ledger, files, 3_599).contents == 0
    files.put_bytes(b"oak", ".png")
    pass_time(ledger, 2)
    collect(ledger, files)
    assert files.has(oak)
    assert count(ledger, contents, key=key("oak")) == 1
    collect_after(ledger, files)
    assert not files.has(oak)


@pytest.mark.gate
def test_unused_contents_go_after_an_hour(ledger: Ledger, files: Files) -> None:
    kept = complete(ledger, "ash", content="supplement")
    run = complete(ledger, "oak", "ash")
    oak, ash = stored(ledger, files, "oak"), stored(ledger, files, "ash")
    for document in (run.document, kept.document):
        answered = {"state": "answered", "answer": {"text": "oak"}, "cost_usd": 0.5, "at": ledger.now()}
        put(ledger, calls, request=document, run=run.token, document=document, **answered)
    delete(ledger, run.document)
    assert collect(ledger, files) == Collected(contents=0, files=0, vectors=0, answers=0)
    assert files.has(oak)
    assert collect_after(ledger, files, 3_500).contents == 0
    collected = collect_after(ledger, files, 101)
    assert (collected.files, collected.answers) == (2, 1)  # the picture and the source
    assert not files.has(oak)
    assert files.has(ash)
    for table in (items_table, vectors, analyses, contents):
        assert count(ledger, table, key=key("oak")) == 0
        assert count(ledger, table, key=key("ash")) > 0
    assert count(ledger, contents, key=text_key("About catalogue.")) == 0
    assert count(ledger, contents, key=text_key("Material: oak.")) == 1  # the ash says so too
    left = ledger.execute(select(calls.c.cost_usd, calls.c.answer)).tuples().all()
    assert sorted(left, key=str) == [(0.5, None), (0.5, {"text": "oak"})]
    assert account.account(ledger, document=kept.document).complete == 1


def test_deleted_documents_file_goes_after_an_hour(ledger: Ledger, files: Files) -> None:
    older, newer, source = (files.put_bytes(data, ".jsonl") for data in (b"older pages", b"pages", b"catalogue"))
    runs_of = [begin(ledger, owner=owner) for owner in ("anna", "bert")]
    for run in runs_of:
        set_document(ledger, run.document, file=source)
        for pages_file in (older, newer):
            stage_results.save_pages(ledger, run, reading(pages_file=pages_file), Plan(pages=()))
        end(ledger, run)

    def left_after_an_hour() -> list[str]:
        collect_after(ledger, files)
        return [file for file in (older, newer, source) if files.has(file)]

    assert left_after_an_hour() == [newer, source]
    delete(ledger, runs_of[0].document)
    assert left_after_an_hour() == [newer, source]  # of bert's as well
    delete(ledger, runs_of[1].document)
    assert files.has(newer)
    assert files.has(source)
    assert left_after_an_hour() == []
    assert count(ledger, contents) == 0


def test_many_unused_contents_go_in_portions(ledger: Ledger, files: Files) -> None:
    run = begin(ledger)
    found = [placed(run, f"picture {n}") for n in range(250)]
    ingest(ledger, run, extraction(*found, unreadable=["picture 0"]), chunked(run, "About oak."))
    delete(ledger, run.document)
    assert collect_after(ledger, files).contents == 253  # with the chunk's text, that of the analyses, and the source
    assert count(ledger, items_table) == count(ledger, vectors) == count(ledger, contents) == 0


@pytest.mark.parametrize("database", ["sqlite"])
def test_no_portion_of_gc_reads_all_contents(ledger: Ledger, files: Files) -> None:
    run = complete(ledger, "oak")
    stored(ledger, files, "oak")
    delete(ledger, run.document)
    collect_after(ledger, files, 3_599)
    pass_time(ledger, 2)
    with planned(ledger) as of_files:
        unreferenced_files(ledger, ["0" * 64])
    with planned(ledger) as of_contents:
        assert collect(ledger, files).contents > 0
    marking = [plan for plan in of_contents if "SCAN contents" in plan]
    assert len(marking) == 1, "one pass over all of them says which are unused"
    assert not [plan for plan in of_files if "SCAN" in plan]
