"""Retry, postpone, cancel and delete."""

import pytest
from sqlalchemy import update

from swatchbook.errors import DocumentDeleted, InvalidReference, ProviderTimeout, RunRevoked, UnreadableImage
from swatchbook.ledger import claims, edited_products, publishing, runs, schedule, stage_results
from swatchbook.ledger.database import Ledger
from swatchbook.ledger.document_commands import (
    cancel,
    delete_rows,
    end_pauses,
    finish_delete,
    mark_deleting,
    postpone,
    retry,
)
from swatchbook.ledger.queries import account
from swatchbook.ledger.stored_documents import get_document, queue
from swatchbook.ledger.tables import (
    chunks,
    documents,
    failed_tries,
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
from swatchbook.records import DocumentStatus, IngestOptions, ItemState, PlacementState, Role, Stage, sha256
from tests.ledger.scene import (
    EVERYTHING,
    VISUAL,
    begin,
    chunked,
    complete,
    count,
    delete,
    end,
    extraction,
    image,
    ingest,
    item,
    key,
    link,
    make_all,
    placed,
    product,
    publish_all,
    rows_of,
)


def due_ids(ledger: Ledger) -> list[str]:
    return [document.id for document in schedule.due_documents(ledger)]


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


# --- retry ------------------------------------------------------------------------------------------------------------


def test_retry_queues_failed_items_again_and_makes_waiting_ones_due(ledger: Ledger) -> None:
    run = begin(ledger)
    stage_results.save_extraction(ledger, run, extraction(placed(run, "oak"), placed(run, "ash"), placed(run, "elm")))
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
        stage_results.save_extraction(ledger, run, extraction(placed(run, "oak")))
        make_all(ledger, run, failing=lambda c: UnreadableImage("Cut off."))
        end(ledger, run)
        found.append(run.document)
    assert retry(ledger, found[0], force=True)
    assert sorted(due_ids(ledger)) == sorted(found)


def test_forced_retry_keeps_the_reason_of_a_picture_without_bytes(ledger: Ledger) -> None:
    found = []
    for owner in ("anna", "bert"):
        run = begin(ledger, owner=owner, requested=(VISUAL,))
        stage_results.save_extraction(ledger, run, extraction(placed(run, "oak"), unreadable=["oak"]))
        end(ledger, run)
        found.append(run.document)
    before = item(ledger, key("oak"))
    assert not retry(ledger, found[0], force=True), "there is nothing to try it with"
    assert item(ledger, key("oak")) == before
    assert due_ids(ledger) == [], "nor does the other document wait for it"


def test_picture_read_again_and_rejected_has_no_next_try(ledger: Ledger) -> None:
    run = begin(ledger, requested=(VISUAL,))
    stage_results.save_extraction(ledger, run, extraction(placed(run, "oak"), unreadable=["oak"]))
    waiting = {"state": ItemState.PENDING, "attempts": 4, "next_retry_at": 5e9, "failure": {"kind": "file_missing"}}
    with ledger.write() as connection:
        connection.execute(update(items_table).where(items_table.c.key == key("oak")).values(waiting))
    stage_results.save_extraction(ledger, run, extraction(placed(run, "oak"), unreadable=["oak"]))
    oak = item(ledger, key("oak"))
    assert (oak["state"], oak["failure"]["kind"]) == (ItemState.REJECTED, "unreadable_image")
    assert (oak["attempts"], oak["next_retry_at"]) == (0, None)


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


def test_end_of_pauses_makes_paused_documents_and_items_due(ledger: Ledger) -> None:
    run = begin(ledger, requested=(VISUAL,))
    stage_results.save_extraction(ledger, run, extraction(placed(run, "oak"), placed(run, "ash")))
    failures = {key("oak"): ProviderTimeout("Slow."), key("ash"): UnreadableImage("Cut off.")}
    make_all(ledger, run, failing=lambda claimed: failures[claimed.key])
    later = ledger.now() + 900
    with ledger.write() as connection:
        waits = items_table.c.key == key("oak")
        connection.execute(update(items_table).where(waits).values(state=ItemState.PENDING, next_retry_at=later))
    runs.end(ledger, run, DocumentStatus.WAITING, due_at=later)
    stopped = begin(ledger, content="budget")
    runs.end(ledger, stopped, DocumentStatus.BLOCKED, message="The budget is spent.")
    working = begin(ledger, content="at work")
    assert due_ids(ledger) == []
    assert end_pauses(ledger) == [run.document]
    assert due_ids(ledger) == [run.document]
    assert item(ledger, key("oak"))["next_retry_at"] is None
    assert item(ledger, key("ash"))["state"] == ItemState.REJECTED, "what failed for good is left alone"
    assert get_document(ledger, working.document).run == working.token
    assert end_pauses(ledger) == []


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
    stage_results.save_extraction(ledger, run, extraction(placed(run, "oak")))
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


def test_deleting_leaves_no_row_of_the_document(ledger: Ledger) -> None:
    run = begin(ledger)
    oak, hidden = placed(run, "oak"), placed(run, "under", state=PlacementState.HIDDEN)
    stage_results.save_chunks(ledger, run, chunked(run, "Oak is hard."))
    stage_results.save_extraction(ledger, run, extraction(oak, hidden, placed(run, "broken"), unreadable=["broken"]))
    edited_products.save_assembly(ledger, run, [product(run, "Oak")], [link(oak.id, product(run, "Oak"))])
    runs.record_timing(ledger, run, Stage.READ, 1.0)
    make_all(ledger, run, failing=lambda item: UnreadableImage("No.") if item.role is Role.COLOR else None)
    assert count(ledger, failed_tries) == 1
    publish_all(ledger)
    end(ledger, run)

    assert delete(ledger, run.document)
    for table in (
        documents,
        placements,
        images,
        chunks,
        products,
        links,
        pages,
        requested,
        timings,
        failed_tries,
        runs_table,
    ):
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
    publishing.record_publication(ledger, "a", rows, published=[], refused={}, removed=rows)
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
    stage_results.save_extraction(ledger, run, extraction(placed(run, "oak"), placed(run, "ash")))
    lease = claims.claim(ledger, run, [key("oak")])
    mark_deleting(ledger, run.document)
    for write in (
        lambda: claims.commit(ledger, lease, [], [], last_try=True),
        lambda: stage_results.save_extraction(ledger, run, extraction(placed(run, "oak"))),
        lambda: runs.record_heartbeat(ledger, run),
    ):
        with pytest.raises(RunRevoked):
            write()

    options = IngestOptions()
    again = queue(
        ledger, owner="anna", content=sha256(b"catalogue"), kind="pdf", name="n", file=None, size=1, options=options
    )
    assert (again.id, again.status) == (run.document, DocumentStatus.DELETING)
    with pytest.raises(DocumentDeleted):
        runs.begin(ledger, again.id, options=options, fingerprint="f", requested=EVERYTHING)

    assert delete(ledger, run.document)
    fresh = begin(ledger)
    assert fresh.generation != run.generation
    ingest(ledger, fresh, extraction(placed(fresh, "oak"), placed(fresh, "ash")))
    assert account.account(ledger, document=fresh.document).complete == 2


def test_deleted_and_ingested_again_makes_nothing_twice(ledger: Ledger) -> None:
    run = complete(ledger, "oak")
    delete(ledger, run.document)
    again = begin(ledger)
    stage_results.save_extraction(ledger, again, extraction(placed(again, "oak")))
    assert count(ledger, items_table, state="pending") == 0
    assert [p.row.id for p in publish_all(ledger)] == [image("oak")]
