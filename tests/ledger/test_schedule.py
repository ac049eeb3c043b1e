"""Documents that are due by themselves, by a retry, and how cancel, delete and collection work."""

import os
from pathlib import Path

import pytest
from sqlalchemy import insert, update

from swatchbook.errors import InvalidReference, ProviderTimeout, RunRevoked, UnreadableImage
from swatchbook.ledger import items, publishing, runs, schedule, stages
from swatchbook.ledger.database import Ledger
from swatchbook.ledger.document_commands import cancel, delete_rows, finish_delete, mark_deleting, postpone, retry
from swatchbook.ledger.documents import get_document, queue
from swatchbook.ledger.queries import account
from swatchbook.ledger.retention import Collected, collect
from swatchbook.ledger.runs import Busy, Run
from swatchbook.ledger.tables import (
    analyses,
    calls,
    chunks,
    contents,
    documents,
    images,
    links,
    pages,
    placements,
    products,
    requested,
    timings,
    vectors,
)
from swatchbook.ledger.tables import items as items_table
from swatchbook.ledger.tables import runs as runs_table
from swatchbook.records import (
    DocumentStatus,
    IngestOptions,
    ItemState,
    PlacementState,
    Plan,
    Role,
    Stage,
    sha256,
    text_key,
)
from swatchbook.storage.files import Files
from tests.ledger.scene import (
    EVERYTHING,
    VISUAL,
    begin,
    chunked,
    count,
    end,
    extraction,
    image,
    ingest,
    item,
    key,
    lapse,
    link,
    make_all,
    pass_time,
    placed,
    product,
    publish_all,
    reading,
    rows_of,
    set_document,
)


def due_ids(ledger: Ledger) -> list[str]:
    return [document.id for document in schedule.due_documents(ledger)]


def complete(ledger: Ledger, *names: str, owner: str = "anna", content: str = "catalogue") -> Run:
    """A completed document with these pictures and one chunk."""
    run = begin(ledger, owner=owner, content=content)
    ingest(ledger, run, extraction(*(placed(run, name) for name in names)), chunked(run, f"About {content}."))
    return run


def test_a_postponed_document_has_the_reason_and_a_deleting_one_stays_so(ledger: Ledger) -> None:
    queued, deleted = begin(ledger), complete(ledger, "oak", owner="bert")
    runs.end(ledger, queued, DocumentStatus.WAITING)
    mark_deleting(ledger, deleted.document)
    for run in (queued, deleted):
        postpone(
            ledger, run.document, DocumentStatus.BLOCKED, message="A key.", failure_kind="configuration", seconds=60
        )
    held_up = get_document(ledger, queued.document)
    assert (held_up.status, held_up.message) == (DocumentStatus.BLOCKED, "A key.")
    assert get_document(ledger, deleted.document).status == DocumentStatus.DELETING
    assert due_ids(ledger) == [deleted.document]


# --- what is due ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "due_in", "is_due"),
    [
        (DocumentStatus.QUEUED, None, True),
        (DocumentStatus.WAITING, None, True),
        (DocumentStatus.WAITING, -1, True),
        (DocumentStatus.WAITING, 60, False),
        (DocumentStatus.BLOCKED, None, False),
        (DocumentStatus.BLOCKED, 60, False),
        (DocumentStatus.BLOCKED, -1, True),
        (DocumentStatus.DELETING, None, True),
        (DocumentStatus.COMPLETED, None, False),
        (DocumentStatus.FAILED, None, False),
        (DocumentStatus.CANCELLED, None, False),
    ],
)
def test_due_is_what_is_unfinished_and_whose_time_has_come(
    ledger: Ledger, status: DocumentStatus, due_in: float | None, is_due: bool
) -> None:
    run = begin(ledger)
    runs.end(ledger, run, DocumentStatus.WAITING)
    set_document(ledger, run.document, status=status, due_at=None if due_in is None else ledger.now() + due_in)
    assert due_ids(ledger) == ([run.document] if is_due else [])
    assert schedule.wants_run(ledger, run.document) == is_due


@pytest.mark.parametrize(
    ("status", "due_in"),
    [
        (DocumentStatus.COMPLETED, None),
        (DocumentStatus.FAILED, None),
        (DocumentStatus.CANCELLED, None),
        (DocumentStatus.BLOCKED, None),
        (DocumentStatus.BLOCKED, 60),
        (DocumentStatus.WAITING, 3600),
    ],
)
def test_what_is_made_or_gone_is_due_to_be_published_whatever_became_of_its_document(
    ledger: Ledger, status: DocumentStatus, due_in: float | None
) -> None:
    run = begin(ledger)
    stages.save_extraction(ledger, run, extraction(placed(run, "oak")))
    assert due_ids(ledger) == []  # its own run sees to it
    make_all(ledger, run)
    runs.end(ledger, run, status, due_at=None if due_in is None else ledger.now() + due_in)
    set_document(ledger, run.document, status=status)
    (found,) = schedule.due_documents(ledger)
    assert found.id == run.document
    assert not schedule.wants_run(ledger, found.id)
    publish_all(ledger)
    assert due_ids(ledger) == []


def test_a_document_with_a_live_run_is_not_due_and_dead_runs_are_marked(ledger: Ledger) -> None:
    run = begin(ledger)
    assert due_ids(ledger) == []
    lapse(ledger, run)
    (found,) = schedule.due_documents(ledger)
    assert (found.id, found.status, found.run) == (run.document, DocumentStatus.WAITING, None)


def test_a_completed_document_is_due_while_no_publisher_holds_its_rows(ledger: Ledger) -> None:
    run = complete(ledger, "oak")
    assert due_ids(ledger) == []
    publishing.mark_dirty(ledger, [image("oak")])
    assert due_ids(ledger) == [run.document]
    publishing.lease_dirty(ledger, "a")
    assert due_ids(ledger) == []  # somebody is at it
    publishing.record_publication(
        ledger, "a", published=[], refused={image("oak"): UnreadableImage("NaN.")}, removed=[]
    )
    assert due_ids(ledger) == []  # its time comes later
    pass_time(ledger, 901)
    assert due_ids(ledger) == [run.document]
    publish_all(ledger)
    assert due_ids(ledger) == []


def test_a_dead_publisher_leaves_its_rows_due(ledger: Ledger) -> None:
    run = complete(ledger, "oak")
    publishing.mark_all_dirty(ledger)
    publishing.lease_dirty(ledger, "dies")
    pass_time(ledger, 61)
    assert due_ids(ledger) == [run.document]


def test_gone_images_are_due_with_a_document_of_their_owner(ledger: Ledger) -> None:
    complete(ledger, "elm", owner="bert")
    run = complete(ledger, "oak", "ash")
    again = begin(ledger, fingerprint="another")
    stages.save_extraction(ledger, again, extraction(placed(again, "oak")))
    runs.end(ledger, again, DocumentStatus.COMPLETED)
    assert due_ids(ledger) == [run.document]
    publish_all(ledger)
    assert due_ids(ledger) == []


def test_those_that_wait_longest_come_first_and_no_more_than_asked_for(ledger: Ledger) -> None:
    found = []
    for number in range(3):
        run = begin(ledger, content=f"catalogue {number}")
        runs.end(ledger, run, DocumentStatus.WAITING, due_at=ledger.now() - number - 1)
        found.append(run.document)
    assert due_ids(ledger) == found[::-1]
    assert [d.id for d in schedule.due_documents(ledger, limit=2)] == found[:0:-1]


# --- retry ------------------------------------------------------------------------------------------------------------


def test_retry_queues_failed_items_again_and_makes_waiting_ones_due(ledger: Ledger) -> None:
    run = begin(ledger)
    stages.save_extraction(ledger, run, extraction(placed(run, "oak"), placed(run, "ash"), placed(run, "elm")))
    failures = {key("oak"): ProviderTimeout("Slow."), key("ash"): UnreadableImage("Cut off.")}
    make_all(ledger, run, failing=lambda c: failures.get(c.key) if c.role is Role.VISUAL else None)
    with ledger.write() as connection:
        connection.execute(
            update(items_table)
            .where(items_table.c.key == key("elm"), items_table.c.role == Role.VISUAL)
            .values(state=ItemState.FAILED, runs=8, attempts=30)
        )
    publish_all(ledger)
    end(ledger, run)
    assert due_ids(ledger) == []

    assert retry(ledger, run.document)
    assert due_ids(ledger) == [run.document]
    assert item(ledger, key("oak"))["next_retry_at"] is None
    elm = item(ledger, key("elm"))
    assert (elm["state"], elm["runs"], elm["attempts"]) == (ItemState.PENDING, 0, 0)
    assert item(ledger, key("ash"))["state"] == ItemState.REJECTED

    retry(ledger, run.document, force=True)
    assert item(ledger, key("ash"))["state"] == ItemState.PENDING
    run = begin(ledger)
    make_all(ledger, run)
    publish_all(ledger)
    assert end(ledger, run) is DocumentStatus.COMPLETED
    assert account.account(ledger, document=run.document).complete == 3


def test_retry_of_one_reopens_every_completed_document_that_wants_the_item(ledger: Ledger) -> None:
    found = []
    for owner in ("anna", "bert"):
        run = begin(ledger, owner=owner, requested=(VISUAL,))
        stages.save_extraction(ledger, run, extraction(placed(run, "oak")))
        make_all(ledger, run, failing=lambda c: UnreadableImage("Cut off."))
        end(ledger, run)
        found.append(run.document)
    assert retry(ledger, found[0], force=True)
    assert sorted(due_ids(ledger)) == sorted(found)


def test_retry_of_a_complete_document_has_nothing_to_do(ledger: Ledger) -> None:
    run = complete(ledger, "oak")
    assert not retry(ledger, run.document, force=True)
    assert get_document(ledger, run.document).status is DocumentStatus.COMPLETED


@pytest.mark.parametrize("status", [DocumentStatus.FAILED, DocumentStatus.BLOCKED, DocumentStatus.CANCELLED])
def test_retry_takes_up_what_stopped(ledger: Ledger, status: DocumentStatus) -> None:
    run = begin(ledger)
    runs.end(ledger, run, status, message="No key.", failure_kind="configuration")
    assert due_ids(ledger) == []
    assert retry(ledger, run.document)
    (found,) = schedule.due_documents(ledger)
    assert (found.status, found.message, found.failure_kind) == (DocumentStatus.WAITING, None, None)


def test_retry_leaves_a_running_document_to_its_run(ledger: Ledger) -> None:
    run = begin(ledger)
    retry(ledger, run.document)
    assert get_document(ledger, run.document).run == run.token
    runs.record_heartbeat(ledger, run)


def test_what_is_no_document_is_neither_retried_nor_cancelled_nor_deleted(ledger: Ledger) -> None:
    for move in (retry, cancel, mark_deleting, delete_rows):
        with pytest.raises(InvalidReference):
            move(ledger, "unknown")


# --- cancel -----------------------------------------------------------------------------------------------------------


def test_cancelling_revokes_the_run_and_keeps_what_is_made(ledger: Ledger) -> None:
    run = begin(ledger)
    stages.save_extraction(ledger, run, extraction(placed(run, "oak")))
    make_all(ledger, run)
    assert cancel(ledger, run.document)
    with pytest.raises(RunRevoked):
        runs.record_heartbeat(ledger, run)
    known = get_document(ledger, run.document)
    assert (known.status, known.run) == (DocumentStatus.CANCELLED, None)
    assert "retry" in (known.message or "")
    publish_all(ledger)
    assert account.account(ledger, document=run.document).complete == 1
    assert due_ids(ledger) == []


def test_what_is_complete_or_being_deleted_is_not_cancelled(ledger: Ledger) -> None:
    run = complete(ledger, "oak")
    assert not cancel(ledger, run.document)
    mark_deleting(ledger, run.document)
    assert not cancel(ledger, run.document)
    assert get_document(ledger, run.document).status is DocumentStatus.DELETING


# --- delete -----------------------------------------------------------------------------------------------------------


def delete(ledger: Ledger, document: str) -> bool:
    mark_deleting(ledger, document)
    delete_rows(ledger, document)
    publish_all(ledger)
    return finish_delete(ledger, document)


def test_deleting_leaves_no_row_of_the_document(ledger: Ledger) -> None:
    run = begin(ledger)
    oak, hidden = placed(run, "oak"), placed(run, "under", state=PlacementState.HIDDEN)
    stages.save_chunks(ledger, run, chunked(run, "Oak is hard."))
    stages.save_extraction(ledger, run, extraction(oak, hidden, placed(run, "broken"), unreadable=["broken"]))
    stages.save_assembly(ledger, run, [product(run, "Oak")], [link(oak.id, product(run, "Oak"))])
    runs.record_timing(ledger, run, Stage.READ, 1.0)
    make_all(ledger, run)
    publish_all(ledger)
    end(ledger, run)

    assert delete(ledger, run.document)
    for table in (documents, placements, images, chunks, products, links, pages, requested, timings, runs_table):
        assert count(ledger, table) == 0, table.name
    assert count(ledger, vectors) > 0  # contents are collected later
    assert finish_delete(ledger, run.document)  # again: nothing to do


def test_the_row_goes_only_when_the_index_holds_nothing_more(ledger: Ledger) -> None:
    run = complete(ledger, "oak")
    mark_deleting(ledger, run.document)
    assert not finish_delete(ledger, run.document)
    delete_rows(ledger, run.document)
    assert not finish_delete(ledger, run.document)
    assert due_ids(ledger) == [run.document]
    rows = publishing.lease_dirty(ledger, "a")
    assert {row.gone for row in rows} == {True}
    publishing.record_publication(ledger, "a", published=[], refused={}, removed=rows)
    assert finish_delete(ledger, run.document)


def test_what_another_document_shows_stays_and_forgets_the_deleted_one(ledger: Ledger) -> None:
    first = complete(ledger, "oak", "ash")
    second = complete(ledger, "oak", content="supplement")
    mark_deleting(ledger, first.document)
    delete_rows(ledger, first.document)
    told = publish_all(ledger)
    assert [p.payload.documents for p in told if p.row.id == image("oak")] == [(second.document,)]
    assert finish_delete(ledger, first.document)
    assert rows_of(ledger, images).keys() == {image("oak")}
    assert account.account(ledger, document=second.document).complete == 1
    assert get_document(ledger, second.document).status is DocumentStatus.COMPLETED


def test_rows_are_dropped_of_documents_being_deleted_only(ledger: Ledger) -> None:
    run = complete(ledger, "oak")
    with pytest.raises(InvalidReference):
        delete_rows(ledger, run.document)
    with pytest.raises(InvalidReference):
        finish_delete(ledger, run.document)
    assert account.account(ledger, document=run.document).found == 1


def test_deleted_in_the_middle_and_registered_again(ledger: Ledger) -> None:
    run = begin(ledger)
    stages.save_extraction(ledger, run, extraction(placed(run, "oak"), placed(run, "ash")))
    lease = items.claim(ledger, run, [key("oak")])
    mark_deleting(ledger, run.document)
    for write in (
        lambda: items.commit(ledger, lease, [], [], last_try=True),
        lambda: stages.save_extraction(ledger, run, extraction(placed(run, "oak"))),
        lambda: runs.record_heartbeat(ledger, run),
    ):
        with pytest.raises(RunRevoked):
            write()

    options = IngestOptions()
    again = queue(
        ledger, owner="anna", content=sha256(b"catalogue"), kind="pdf", name="n", file=None, size=1, options=options
    )
    assert (again.id, again.status) == (run.document, DocumentStatus.DELETING)
    busy = runs.begin(ledger, again.id, options=options, fingerprint="f", requested=EVERYTHING)
    assert isinstance(busy, Busy)
    assert busy.reason == "deleting"

    assert delete(ledger, run.document)
    fresh = begin(ledger)
    assert fresh.generation != run.generation
    ingest(ledger, fresh, extraction(placed(fresh, "oak"), placed(fresh, "ash")))
    assert account.account(ledger, document=fresh.document).complete == 2


def test_deleted_and_ingested_again_makes_nothing_twice(ledger: Ledger) -> None:
    run = complete(ledger, "oak")
    delete(ledger, run.document)
    again = begin(ledger)
    stages.save_extraction(ledger, again, extraction(placed(again, "oak")))
    assert count(ledger, items_table, state="pending") == 0
    assert [p.row.id for p in publish_all(ledger)] == [image("oak")]


# --- collecting -------------------------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(str(tmp_path / "files"))


def stored(ledger: Ledger, files: Files, name: str) -> str:
    """Let the ledger's content of this picture have a real file."""
    file = files.put_bytes(name.encode(), ".png")
    with ledger.write() as connection:
        connection.execute(update(contents).where(contents.c.key == key(name)).values(file=file))
    return file


def elapse(ledger: Ledger, files: Files, seconds: float) -> None:
    """Let rows and files be this much older."""
    pass_time(ledger, seconds)
    for path in Path(files.url).rglob("*.*"):
        then = path.stat().st_mtime - seconds
        os.utime(path, (then, then))


def test_what_a_run_has_stored_again_stays_until_it_names_it(ledger: Ledger, files: Files) -> None:
    run = complete(ledger, "oak")
    oak = stored(ledger, files, "oak")
    delete(ledger, run.document)
    collect(ledger, files)
    elapse(ledger, files, 3_601)
    files.put_bytes(b"oak", ".png")
    collect(ledger, files)
    assert files.has(oak)
    assert count(ledger, contents, key=key("oak")) == 1
    elapse(ledger, files, 3_601)
    collect(ledger, files)
    assert not files.has(oak)


def test_contents_without_users_go_an_hour_later_with_all_that_was_made_of_them(ledger: Ledger, files: Files) -> None:
    kept = complete(ledger, "ash", content="supplement")
    run = complete(ledger, "oak", "ash")
    oak, ash = stored(ledger, files, "oak"), stored(ledger, files, "ash")
    with ledger.write() as connection:
        for document in (run.document, kept.document):
            connection.execute(
                insert(calls).values(
                    request=sha256(document.encode()), run=run.token, document=document, provider="p",
                    state="answered", answer={"text": "oak"}, cost_usd=0.5, at=ledger.now(),
                )
            )  # fmt: skip
    delete(ledger, run.document)
    assert collect(ledger, files) == Collected(contents=0, files=0, vectors=0, answers=0)
    assert files.has(oak)
    elapse(ledger, files, 3_500)
    assert collect(ledger, files).contents == 0
    elapse(ledger, files, 101)
    collected = collect(ledger, files)
    assert (collected.files, collected.answers) == (2, 1)  # the picture and the source
    assert not files.has(oak)
    assert files.has(ash)
    for table in (items_table, vectors, analyses, contents):
        assert count(ledger, table, key=key("oak")) == 0
        assert count(ledger, table, key=key("ash")) > 0
    assert count(ledger, contents, key=text_key("About catalogue.")) == 0
    assert count(ledger, contents, key=text_key("Material: oak.")) == 1  # the ash says so too
    assert sum(row["cost_usd"] for row in by_request(ledger)) == 1.0
    assert sum(row["answer"] is not None for row in by_request(ledger)) == 1
    assert account.account(ledger, document=kept.document).complete == 1


def by_request(ledger: Ledger) -> list[dict[str, object]]:
    with ledger.read() as connection:
        return [dict(row) for row in connection.execute(calls.select()).mappings()]


def test_a_deleted_documents_own_file_and_what_was_read_of_it_go_after_an_hour(ledger: Ledger, files: Files) -> None:
    older, newer, source = (files.put_bytes(data, ".jsonl") for data in (b"older pages", b"pages", b"catalogue"))
    runs_of = [begin(ledger, owner=owner) for owner in ("anna", "bert")]
    for run in runs_of:
        set_document(ledger, run.document, file=source)
        for pages_file in (older, newer):
            stages.save_pages(ledger, run, reading(pages_file=pages_file), Plan(pages=()))
        end(ledger, run)

    def left_after_an_hour() -> list[str]:
        collect(ledger, files)
        elapse(ledger, files, 3_601)
        collect(ledger, files)
        return [file for file in (older, newer, source) if files.has(file)]

    assert left_after_an_hour() == [newer, source]
    delete(ledger, runs_of[0].document)
    assert left_after_an_hour() == [newer, source]  # of bert's as well
    delete(ledger, runs_of[1].document)
    assert files.has(newer)
    assert files.has(source)
    assert left_after_an_hour() == []
    assert count(ledger, contents) == 0


def test_what_is_used_again_within_the_hour_stays(ledger: Ledger, files: Files) -> None:
    run = complete(ledger, "oak")
    oak = stored(ledger, files, "oak")
    delete(ledger, run.document)
    collect(ledger, files)
    elapse(ledger, files, 3_000)
    complete(ledger, "oak")
    stored(ledger, files, "oak")
    elapse(ledger, files, 3_000)
    assert collect(ledger, files).contents == 0
    assert files.has(oak)
    assert count(ledger, contents, unused_since=None) == count(ledger, contents)


def test_many_unused_contents_go_in_portions(ledger: Ledger, files: Files) -> None:
    run = begin(ledger)
    found = [placed(run, f"picture {n}") for n in range(250)]
    ingest(ledger, run, extraction(*found, unreadable=["picture 0"]), chunked(run, "About oak."))
    delete(ledger, run.document)
    collect(ledger, files)
    elapse(ledger, files, 3_601)
    assert collect(ledger, files).contents == 252  # with the chunk's text and the source
    collect(ledger, files)
    elapse(ledger, files, 3_601)
    assert collect(ledger, files).contents == 1  # the text that their analyses said
    assert count(ledger, items_table) == count(ledger, vectors) == count(ledger, contents) == 0
