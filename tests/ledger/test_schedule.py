"""Which documents are due, and in which order."""

import pytest

from swatchbook.errors import UnreadableImage
from swatchbook.ledger import publishing, runs, schedule, stage_results
from swatchbook.ledger.database import Ledger
from swatchbook.records import (
    DocumentStatus,
)
from tests.ledger.scene import (
    begin,
    complete,
    extraction,
    image,
    lapse,
    make_all,
    pass_time,
    placed,
    publish_all,
    set_document,
)


def due_ids(ledger: Ledger) -> list[str]:
    return [document.id for document in schedule.due_documents(ledger)]


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
def test_changes_are_due_whatever_their_documents_state(
    ledger: Ledger, status: DocumentStatus, due_in: float | None
) -> None:
    run = begin(ledger)
    stage_results.save_extraction(ledger, run, extraction(placed(run, "oak")))
    assert due_ids(ledger) == []  # its own run sees to it
    make_all(ledger, run)
    runs.end(ledger, run, status, due_at=None if due_in is None else ledger.now() + due_in)
    set_document(ledger, run.document, status=status)
    (found,) = schedule.due_documents(ledger)
    assert found.id == run.document
    assert not schedule.wants_run(ledger, found.id)
    publish_all(ledger)
    assert due_ids(ledger) == []


def test_document_with_a_live_run_is_not_due(ledger: Ledger) -> None:
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
    rows = publishing.lease_dirty(ledger, "a")
    assert due_ids(ledger) == []  # somebody is at it
    publishing.record_publication(
        ledger, "a", rows, published=[], refused={image("oak"): UnreadableImage("NaN.")}, removed=[]
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
    stage_results.save_extraction(ledger, again, extraction(placed(again, "oak")))
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
