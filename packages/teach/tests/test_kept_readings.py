"""Readings are kept with their document, accepted and undone in order, and the document is queued with each change."""

import pytest

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import (
    UNTAUGHT,
    Cut,
    DocumentStatus,
    Example,
    IngestOptions,
    TaughtReading,
    TextRule,
)
from swatchbook.store.ledger import runs
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.document_commands import mark_deleting
from swatchbook.store.ledger.stored_documents import FOLDER, Document, get_document
from swatchbook.store.ledger.trashed_documents import move_to_trash, restore_trashed
from swatchbook_teach import kept_readings
from swatchbook_teach.kept_readings import accept_reading, list_readings, undo_reading
from tests.store.ledger.scene import begin, begin_again, delete, queued

LARGE = TaughtReading(
    names=(TextRule(traits={"size": 12.0, "bold": True, "font": "Arial"}, cut=Cut(after="REF: ")),),
    examples=(Example(page=5, box=(10, 20, 30.5, 40), text="POLO B"), Example(page=6, box=(1, 2, 3, 4), right=False)),
)


def completed(ledger: Ledger) -> Document:
    """A document whose run has ended."""
    run = begin_again(ledger, queued(ledger, options=IngestOptions(focus=False)))
    runs.end(ledger, run, DocumentStatus.COMPLETED)
    return get_document(ledger, run.document)


def test_accepted_reading_queues_the_document_once(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    document = completed(ledger)
    with monkeypatch.context() as patch:
        patch.setattr(kept_readings, "request_again", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            accept_reading(ledger, document.id, LARGE, by="anna")
    assert (list_readings(ledger), get_document(ledger, document.id)) == ([], document), "halfway, nothing changes"
    kept = accept_reading(ledger, document.id, LARGE, by="anna")
    now = get_document(ledger, document.id)
    assert (kept.number, kept.in_use, kept.reading, kept.by) == (1, True, LARGE, "anna")
    assert now.options == document.options.with_taught(LARGE)
    assert (now.status, now.fingerprint, now.launches) == (DocumentStatus.QUEUED, None, document.launches + 1)
    assert accept_reading(ledger, document.id, LARGE, by="bert") == kept
    assert get_document(ledger, document.id) == now


def test_live_run_ends_before_another_reading(ledger: Ledger) -> None:
    run = begin(ledger)
    accept_reading(ledger, run.document, LARGE, by="anna")
    assert get_document(ledger, run.document).status is DocumentStatus.RUNNING
    runs.end(ledger, run, DocumentStatus.COMPLETED)
    ended = get_document(ledger, run.document)
    assert (ended.status, ended.options.taught) == (DocumentStatus.WAITING, LARGE)


def test_what_cannot_be_taught_stays(ledger: Ledger) -> None:
    folder = queued(ledger, content="pictures", kind=FOLDER)
    deleting, trashed = (queued(ledger, content=state) for state in ("deleting", "trashed"))
    mark_deleting(ledger, deleting.id)
    move_to_trash(ledger, trashed.id)
    for document, said in (
        (folder.id, "items of a folder"), (deleting.id, "being deleted"), (trashed.id, "in the trash"),
        ("00000000-0000-0000-0000-000000000000", "There is no document"),
    ):  # fmt: skip
        with pytest.raises(InvalidReference, match=said):
            accept_reading(ledger, document, LARGE, by="anna")
        with pytest.raises(InvalidReference, match=said):
            undo_reading(ledger, document, by="anna")
    with pytest.raises(InvalidReference, match="no rules"):
        accept_reading(ledger, completed(ledger).id, UNTAUGHT, by="anna")
    assert list_readings(ledger) == []
    assert get_document(ledger, folder.id) == folder


def test_readings_share_their_documents_trash_and_delete(ledger: Ledger) -> None:
    document = completed(ledger)
    accept_reading(ledger, document.id, LARGE, by="anna")
    before = list_readings(ledger)
    move_to_trash(ledger, document.id)
    assert list_readings(ledger) == []
    restore_trashed(ledger, document.id)
    assert list_readings(ledger) == before
    delete(ledger, document.id)
    assert list_readings(ledger) == []
