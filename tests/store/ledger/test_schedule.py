"""Which documents are due, and in which order."""

import pytest

from swatchbook.domain.errors import UnreadableImage
from swatchbook.domain.records import DocumentStatus
from swatchbook.store.ledger import publishing, runs, schedule, stage_results
from swatchbook.store.ledger.database import Ledger
from tests.store.ledger.scene import (
    begin,
    complete,
    due_ids,
    extraction,
    image,
    make_all,
    pass_time,
    placed,
    publish_all,
    set_document,
)
from tests.tables import rows_of


@pytest.mark.gate
def test_due_documents_are_unfinished_or_changed(ledger: Ledger) -> None:
    run = begin(ledger)
    stage_results.save_extraction(ledger, run, extraction(placed(run, "oak")))
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
    again = begin(ledger, fingerprint="another")
    stage_results.save_extraction(ledger, again, extraction(placed(again, "oak")))
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
