"""What a collection opened from Python ingests, and does not bring back: through real child processes."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from swatchbook.domain.errors import Configuration, DocumentDeleted, Failure
from swatchbook.domain.records import DocumentStatus, IngestOptions
from swatchbook.ingest.delete import delete_documents
from swatchbook.store.ledger.stored_documents import all_documents
from swatchbook_notebook import Swatchbook
from swatchbook_notebook.ingest import Child
from tests.ingest.sources.pictures import draw

pytestmark = pytest.mark.stack


def test_deleted_document_is_gone(
    home: Path, tmp_path: Path, prefect_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child is given ids: it does not register the folder again, which would undo the delete."""
    draw(tmp_path / "pictures" / "oak.png")
    process = Child.process
    with Swatchbook.open() as book:

        def delete_first(child: Child, documents: Sequence[str], options: IngestOptions) -> Failure | None:
            delete_documents(book._resources, list(documents))
            return process(child, documents, options)

        monkeypatch.setattr(Child, "process", delete_first)
        with pytest.raises(DocumentDeleted):
            book.ingest(tmp_path / "pictures")
        assert all_documents(book._resources.ledger, None) == []


def test_failure_that_ends_the_child_is_raised_unchanged(home: Path, tmp_path: Path, prefect_api: str) -> None:
    draw(tmp_path / "pictures" / "oak.png")
    with Swatchbook.open() as book:
        book._child._environment["SWATCHBOOK_MAX_PAGES"] = "0"
        with pytest.raises(Configuration, match=r"SWATCHBOOK_MAX_PAGES=0 .*greater than or equal to 1"):
            book.ingest(tmp_path / "pictures")
        (registered,) = all_documents(book._resources.ledger, None)
        assert registered.status is DocumentStatus.QUEUED


def test_options_of_an_ingest_reach_the_child(home: Path, tmp_path: Path, prefect_api: str) -> None:
    draw(tmp_path / "pictures" / "oak.png")
    with Swatchbook.open() as book:
        (report,) = book.ingest(tmp_path / "pictures", roles=["visual"])
        assert {role.role for role in book.stats().coverage.roles if role.done} == {"visual"}
        draw(tmp_path / "pictures" / "slate.png", 1)
        (tmp_path / "pictures" / "oak.png").unlink()
        (report,) = book.ingest(tmp_path / "pictures", mirror=True)
        assert (report.images_found, book.count()) == (1, 1)
        assert book.images()["pages"].to_pylist() == [[]]
        assert json.loads(report.model_dump_json())["status"] == "completed"
