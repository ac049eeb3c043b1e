"""What was taught stays, whatever ingests, uploads, cancels and new versions of the stages follow."""

from pathlib import Path

import pytest

from swatchbook.domain.records import UNTAUGHT, DocumentStatus, Example, IngestOptions, TaughtReading, TextRule
from swatchbook.ingest import cache_keys
from swatchbook.ingest.begin_run import begin_work
from swatchbook.ingest.register import register, register_upload
from swatchbook.ingest.run import Work
from swatchbook.resources import Resources
from swatchbook.store.ledger import runs
from swatchbook.store.ledger.document_commands import cancel
from swatchbook.store.ledger.stored_documents import Document, get_document
from swatchbook_teach.kept_readings import accept_reading, list_readings, undo_reading

SHOWN, GIVEN = (
    TaughtReading(
        names=(TextRule(traits={"size": size, "bold": True}),),
        examples=(Example(page=1, box=(size, 2, 30, 40), text="Oak"),),
    )
    for size in (8.0, 9.0)
)
FIRST = IngestOptions(focus=False, batch_size=7, pages=(2,))


def ingest(resources: Resources, path: Path, options: IngestOptions) -> Document:
    """Register the file and let a run of its document begin and end."""
    registered = register(resources, path, owner="anna", options=options)
    work = begin_work(resources, registered)
    if isinstance(work, Work):
        runs.end(resources.ledger, work.run, DocumentStatus.COMPLETED)
    return get_document(resources.ledger, registered.document.id)


def test_nothing_taught_is_lost(resources: Resources, small_catalogue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, document = resources.ledger, ingest(resources, small_catalogue, FIRST).id
    other = register(resources, small_catalogue, owner="bert", options=FIRST.with_taught(SHOWN)).document
    accept_reading(ledger, document, SHOWN, by="anna")
    ingest(resources, small_catalogue, FIRST)
    ingest(resources, small_catalogue, FIRST.with_pages((1,)))
    new = FIRST.with_pages((3, 4))
    register_upload(resources, small_catalogue, owner="anna", options=new, name=small_catalogue.name)
    cancel(ledger, document)
    for name, stage in cache_keys.PURE_STAGES.items():
        raised = stage.model_copy(update={"version": f"{stage.version}+1"})
        monkeypatch.setitem(cache_keys.PURE_STAGES, name, raised)  # type: ignore[arg-type]
    now = ingest(resources, small_catalogue, FIRST)
    assert now.options == FIRST.with_pages({1, 2, 3, 4}).with_taught(SHOWN)
    assert ingest(resources, small_catalogue, FIRST.with_taught(GIVEN)).options.taught == GIVEN
    assert undo_reading(ledger, document, by="anna").reading == GIVEN, "it is recorded before it is undone"
    assert get_document(ledger, document).options.taught == SHOWN
    assert undo_reading(ledger, document, by="anna").reading == SHOWN
    assert get_document(ledger, document).options == FIRST.with_pages({1, 2, 3, 4}).with_taught(UNTAUGHT)
    kept = list_readings(ledger, document=document)
    assert [(each.reading, each.undone_by) for each in kept] == [(SHOWN, "anna"), (GIVEN, "anna")]
    assert get_document(ledger, other.id) == other
