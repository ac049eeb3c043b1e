"""Which documents are due, and in which order."""

import pytest

from swatchbook.domain.errors import UnreadableImage
from swatchbook.domain.records import DocumentStatus
from swatchbook.store.ledger import publishing, runs, schedule
from swatchbook.store.ledger.database import Ledger
from tests.store.ledger.scene import (
    COLOR,
    VISUAL,
    begin,
    complete,
    due_ids,
    extracted,
    image,
    make_all,
    pass_time,
    publish_all,
    set_document,
)
from tests.tables import rows_of


@pytest.mark.gate
def test_due_documents_are_unfinished_or_changed(ledger: Ledger) -> None:
    run = extracted(ledger, "oak")
    assert due_ids(ledger) == []  # its own run sees to it
    make_all(ledger, run)
    runs.end(ledger, run, DocumentStatus.WAITING)
    for changed in (True, False):
        for status, due_in, is_due in rows_of(__file__, "due"):
            due_at = None if due_in is None else ledger.now() + due_in
            set_document(ledger, run.document, status=status, due_at=due_at)
            assert due_ids(ledger) == ([run.document] if changed or is_due else []), (status, due_in)
            assert schedule.wants_run(ledger, run.document) == is_due
        publish_all(ledger)


def test_document_is_due_while_nobody_publishes_it(ledger: Ledger) -> None:
    run = complete(ledger, "oak")
    assert due_ids(ledger) == []
    publishing.mark_dirty(ledger, [image("oak")])
    assert due_ids(ledger) == [run.document]
    publishing.lease_dirty(ledger, "dies")
    assert due_ids(ledger) == []  # somebody is at it
    pass_time(ledger, 61)
    assert due_ids(ledger) == [run.document]
    rows, refused = publishing.lease_dirty(ledger, "a"), {image("oak"): UnreadableImage("NaN.")}
    publishing.record_publication(ledger, "a", rows, published=[], refused=refused, removed=[])
    assert due_ids(ledger) == []  # its time comes later
    pass_time(ledger, 901)
    assert due_ids(ledger) == [run.document]
    publish_all(ledger)
    assert due_ids(ledger) == []


def test_gone_images_are_due_with_their_owners_document(ledger: Ledger) -> None:
    complete(ledger, "elm", owner="bert")
    run = complete(ledger, "oak", "ash")
    again = extracted(ledger, "oak", fingerprint="another")
    runs.end(ledger, again, DocumentStatus.COMPLETED)
    assert due_ids(ledger) == [run.document]
    publish_all(ledger)
    assert due_ids(ledger) == []


def test_those_waiting_longest_come_first(ledger: Ledger) -> None:
    found = []
    for number in range(3):
        run = begin(ledger, content=f"catalogue {number}")
        runs.end(ledger, run, DocumentStatus.WAITING, due_at=ledger.now() - number - 1)
        found.append(run.document)
    assert due_ids(ledger) == found[::-1]
    assert [d.id for d in schedule.due_documents(ledger, limit=2)] == found[:0:-1]


def test_what_waits_is_counted_once_due(ledger: Ledger) -> None:
    assert schedule.count_due(ledger) == schedule.DueCounts(items_due=0, documents_due=0, oldest_due_seconds=0)
    run = extracted(ledger, "oak", "ash", requested=(VISUAL, COLOR))
    at_work = schedule.count_due(ledger)
    assert (at_work.items_due, at_work.documents_due) == (4, 0)
    runs.end(ledger, run, DocumentStatus.WAITING, due_at=ledger.now() + 60)
    assert schedule.count_due(ledger).documents_due == 0
    pass_time(ledger, 100)
    waiting = schedule.count_due(ledger)
    assert waiting.documents_due == 1
    assert waiting.oldest_due_seconds == pytest.approx(40, abs=10)
    set_document(ledger, run.document, status=DocumentStatus.BLOCKED, due_at=None)
    assert schedule.count_due(ledger).documents_due == 0, "only a person mends it"
