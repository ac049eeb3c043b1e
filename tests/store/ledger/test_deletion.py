"""What a delete is said to remove is what it removes."""

from pathlib import Path

import pytest

from swatchbook.domain.records import Deletion, PlacementState
from swatchbook.store.files.file_store import Files, open_files
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.document_commands import count_deletion, count_owner_deletion
from swatchbook.store.ledger.queries.coverage import count_coverage
from swatchbook.store.ledger.retention import collect
from swatchbook.store.ledger.tables import vectors
from tests.store.ledger.scene import (
    EVERYTHING,
    MULTIMODAL,
    begin,
    chunked,
    count,
    delete,
    extraction,
    ingest,
    pass_time,
    placed,
)

WANTS = (*EVERYTHING, MULTIMODAL)


def document(
    ledger: Ledger, *names: str, owner: str = "anna", content: str = "catalogue", text: str = "", hidden: str = ""
) -> str:
    """A completed document that shows these pictures, places one unseen, and says a text beside its own."""
    run = begin(ledger, owner=owner, content=content, requested=WANTS)
    unseen = [placed(run, hidden, page=2, state=PlacementState.HIDDEN)] if hidden else []
    texts = [f"About {content}.", *([text] if text else [])]
    ingest(ledger, run, extraction(*(placed(run, name) for name in names), *unseen), chunked(run, *texts))
    return run.document


def remove(ledger: Ledger, document: str, files: Files) -> None:
    """Delete a document, and collect what nothing uses: pictures after an hour, what is said of them after another."""
    assert delete(ledger, document)
    for _ in range(4):
        collect(ledger, files)
        pass_time(ledger, 3_601)


def test_a_document_alone_takes_all_of_it_along(ledger: Ledger) -> None:
    only = document(ledger, "oak", "ash")
    assert count_deletion(ledger, only) == Deletion(documents=1, images=2, vectors=count(ledger, vectors))


@pytest.mark.parametrize(
    ("names", "given"),
    [
        (("ash", "elm"), {"content": "supplement"}),
        ((), {"content": "supplement", "text": "About catalogue."}),
        (("elm",), {"content": "supplement", "hidden": "oak"}),
    ],
    ids=["the owner's other document", "a text", "hidden elsewhere"],
)
def test_what_other_documents_use_is_neither_counted_nor_removed(
    ledger: Ledger, tmp_path: Path, names: tuple[str, ...], given: dict[str, str]
) -> None:
    kept, gone = document(ledger, *names, **given), document(ledger, "oak", "ash")
    told = count_deletion(ledger, gone)
    before = (count_coverage(ledger).total_images, count(ledger, vectors))
    remove(ledger, gone, open_files(tmp_path))
    assert told.images == before[0] - count_coverage(ledger).total_images
    assert told.vectors == before[1] - count(ledger, vectors)
    assert count_deletion(ledger, kept).vectors == count(ledger, vectors)


def test_what_another_owner_uses_is_counted_and_stays(ledger: Ledger, tmp_path: Path) -> None:
    kept, gone = document(ledger, "oak", owner="bert"), document(ledger, "oak")
    told, before = count_deletion(ledger, gone), count(ledger, vectors)
    assert told == Deletion(documents=1, images=1, vectors=before)
    remove(ledger, gone, open_files(tmp_path))
    assert count_deletion(ledger, kept).vectors == count(ledger, vectors) == before


def test_deleting_an_owner_removes_what_its_documents_share(ledger: Ledger, tmp_path: Path) -> None:
    going = [document(ledger, "oak", "ash"), document(ledger, "oak", content="supplement")]
    told, before = count_owner_deletion(ledger, "anna"), count(ledger, vectors)
    for each in going:
        remove(ledger, each, open_files(tmp_path))
    assert told == Deletion(documents=2, images=2, vectors=before - count(ledger, vectors))
    assert count_owner_deletion(ledger, "anna") == Deletion(documents=0, images=0, vectors=0)
