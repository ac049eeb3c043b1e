"""Retry, postpone, cancel and delete."""

import pytest

from swatchbook.domain.errors import InvalidReference, ProviderTimeout, UnreadableImage
from swatchbook.domain.records import Deletion, DocumentStatus, ItemState, PlacementState, Role, Stage
from swatchbook.store.ledger import edited_products, publishing, runs, schedule, stage_results, tables
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.document_commands import (
    cancel,
    count_deletion,
    delete_rows,
    end_pauses,
    finish_delete,
    mark_deleting,
    postpone,
    regenerate,
    retry,
)
from swatchbook.store.ledger.queries import account
from swatchbook.store.ledger.queries.coverage import count_statistics
from swatchbook.store.ledger.stored_documents import get_document
from swatchbook.store.ledger.tables import figures, vectors
from swatchbook.store.ledger.tables import items as items_table
from tests.store.ledger.scene import (
    VISUAL,
    begin,
    change,
    chunked,
    complete,
    count,
    delete,
    due_ids,
    end,
    extracted,
    extraction,
    item,
    key,
    link,
    make_all,
    placed,
    product,
    publish_all,
)


def test_postponed_document_has_a_reason_unless_deleting(ledger: Ledger) -> None:
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


def test_retry_queues_failed_and_waiting_items(ledger: Ledger) -> None:
    run = extracted(ledger, "oak", "ash", "elm")
    failures = {key("oak"): ProviderTimeout("Slow."), key("ash"): UnreadableImage("Cut off.")}
    make_all(ledger, run, failing=lambda c: failures.get(c.key) if c.role is Role.VISUAL else None)
    this = items_table.c.key == key("elm"), items_table.c.role == Role.VISUAL
    change(ledger, items_table, *this, state=ItemState.FAILED, runs=8, attempts=30)
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


@pytest.mark.parametrize("readable", [True, False])
def test_retry_reopens_everyone_unless_bytes_are_missing(ledger: Ledger, readable: bool) -> None:
    found = []
    for owner in ("anna", "bert"):
        run = begin(ledger, owner=owner, requested=(VISUAL,))
        shown = extraction(placed(run, "oak"), unreadable=() if readable else ["oak"])
        stage_results.save_extraction(ledger, run, shown)
        make_all(ledger, run, failing=lambda c: UnreadableImage("Cut off."))
        end(ledger, run)
        found.append(run.document)
    before = item(ledger, key("oak"))
    assert retry(ledger, found[0], force=True) == readable
    assert sorted(due_ids(ledger)) == (sorted(found) if readable else [])
    assert (item(ledger, key("oak")) == before) != readable


def test_picture_rejected_again_has_no_next_try(ledger: Ledger) -> None:
    run = extracted(ledger, "oak", unreadable=["oak"], requested=(VISUAL,))
    waiting = {"state": ItemState.PENDING, "attempts": 4, "next_retry_at": 5e9, "failure": {"kind": "file_missing"}}
    change(ledger, items_table, items_table.c.key == key("oak"), **waiting)
    stage_results.save_extraction(ledger, run, extraction(placed(run, "oak"), unreadable=["oak"]))
    oak = item(ledger, key("oak"))
    assert (oak["state"], oak["failure"]["kind"]) == (ItemState.REJECTED, "unreadable_image")
    assert (oak["attempts"], oak["next_retry_at"]) == (0, None)


def test_retry_and_cancel_leave_other_states_alone(ledger: Ledger) -> None:
    running, run = begin(ledger, owner="bert"), complete(ledger, "oak")
    retry(ledger, running.document)
    assert get_document(ledger, running.document).run == running.token
    runs.record_heartbeat(ledger, running)
    assert not retry(ledger, run.document, force=True)
    assert not cancel(ledger, run.document)
    assert get_document(ledger, run.document).status is DocumentStatus.COMPLETED
    mark_deleting(ledger, run.document)
    assert not cancel(ledger, run.document)
    assert get_document(ledger, run.document).status is DocumentStatus.DELETING


def test_retry_takes_up_what_stopped(ledger: Ledger) -> None:
    for status in (DocumentStatus.FAILED, DocumentStatus.BLOCKED, DocumentStatus.CANCELLED):
        run = begin(ledger, content=status)
        runs.end(ledger, run, status, message="No key.", failure_kind="configuration")
        assert due_ids(ledger) == []
        assert retry(ledger, run.document)
        (found,) = schedule.due_documents(ledger)
        assert (found.status, found.message, found.failure_kind) == (DocumentStatus.WAITING, None, None)
        cancel(ledger, run.document)


def test_end_of_pauses_makes_paused_things_due(ledger: Ledger) -> None:
    run = extracted(ledger, "oak", "ash", requested=(VISUAL,))
    failures = {key("oak"): ProviderTimeout("Slow."), key("ash"): UnreadableImage("Cut off.")}
    make_all(ledger, run, failing=lambda claimed: failures[claimed.key])
    later = ledger.now() + 900
    change(ledger, items_table, items_table.c.key == key("oak"), state=ItemState.PENDING, next_retry_at=later)
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


def test_commands_refuse_unknown_and_wrong_documents(ledger: Ledger) -> None:
    for move in (retry, cancel, mark_deleting, delete_rows):
        with pytest.raises(InvalidReference):
            move(ledger, "unknown")
    run = complete(ledger, "oak")
    for step in (delete_rows, finish_delete):  # it is not being deleted
        with pytest.raises(InvalidReference):
            step(ledger, run.document)
    assert account.account(ledger, document=run.document).found == 1


def test_regenerating_remakes_only_what_force_names(ledger: Ledger) -> None:
    document = complete(ledger, "oak", "ash", "elm").document
    for name, state in (("ash", ItemState.FAILED), ("elm", ItemState.REJECTED)):
        change(
            ledger, items_table, items_table.c.key == key(name), items_table.c.role == Role.VISUAL, state=state, runs=8
        )

    def states() -> list[str]:
        return [item(ledger, key(name))["state"] for name in ("oak", "ash", "elm")]

    regenerate(ledger, document)
    assert states() == ["done", "failed", "rejected"]
    assert due_ids(ledger) == [document]
    assert get_document(ledger, document).status == DocumentStatus.WAITING
    regenerate(ledger, document, force=True, keys=[key("elm")])
    assert states() == ["done", "failed", "pending"]
    regenerate(ledger, document, force=True)
    assert states() == ["done", "pending", "pending"]
    assert item(ledger, key("elm"))["runs"] == 0


def test_deleting_leaves_no_row_of_a_document(ledger: Ledger) -> None:
    run = begin(ledger)
    oak, hidden = placed(run, "oak"), placed(run, "under", state=PlacementState.HIDDEN)
    stage_results.save_chunks(ledger, run, chunked(run, "Oak is hard."))
    stage_results.save_extraction(ledger, run, extraction(oak, hidden, placed(run, "broken"), unreadable=["broken"]))
    edited_products.save_assembly(ledger, run, [product(run, "Oak")], [link(oak.id, product(run, "Oak"))])
    runs.record_timing(ledger, run, Stage.READ, 1.0)
    make_all(ledger, run, failing=lambda item: UnreadableImage("No.") if item.role is Role.COLOR else None)
    assert count(ledger, figures, failure=UnreadableImage.kind) == 1
    publish_all(ledger)
    end(ledger, run)

    mark_deleting(ledger, run.document)
    assert not finish_delete(ledger, run.document)
    delete_rows(ledger, run.document)
    assert not finish_delete(ledger, run.document)
    assert due_ids(ledger) == [run.document]
    rows = publishing.lease_dirty(ledger, "a")
    assert {row.gone for row in rows} == {True}
    publishing.record_publication(ledger, "a", rows, published=[], refused={}, removed=rows)
    assert finish_delete(ledger, run.document)
    for name in (
        "documents", "placements", "images", "chunks", "products", "links", "pages", "requested", "figures",
        "runs",
    ):  # fmt: skip
        assert count(ledger, getattr(tables, name)) == 0, name
    assert count(ledger, vectors) > 0  # contents are collected later
    assert finish_delete(ledger, run.document)  # again: nothing to do


def test_what_a_document_alone_shows_is_counted(ledger: Ledger) -> None:
    only = complete(ledger, "oak", "ash").document
    complete(ledger, "oak", owner="bert")
    assert count_deletion(ledger, only) == Deletion(documents=1, images=2)


@pytest.mark.parametrize(("names", "hidden"), [(("ash", "elm"), ()), ((), ()), (("elm",), ("oak",))])
def test_deletion_neither_counts_nor_removes_what_others_show(
    ledger: Ledger, names: tuple[str, ...], hidden: tuple[str, ...]
) -> None:
    complete(ledger, *names, content="supplement", hidden=hidden)
    gone = complete(ledger, "oak", "ash").document
    told, before = count_deletion(ledger, gone), count_statistics(ledger).coverage.total_images
    assert delete(ledger, gone)
    assert told.images == before - count_statistics(ledger).coverage.total_images


def test_deleting_an_owner_removes_what_its_documents_share(ledger: Ledger) -> None:
    complete(ledger, "oak", "ash")
    complete(ledger, "oak", content="supplement")
    assert count_deletion(ledger, owner="anna") == Deletion(documents=2, images=2)
    assert count_deletion(ledger, owner="bert") == Deletion(documents=0, images=0)
