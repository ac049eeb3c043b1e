"""What a collection opened from Python ingests, and does not bring back: through real child processes."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from swatchbook import Swatchbook
from swatchbook.errors import Configuration, DocumentDeleted, Failure
from swatchbook.interface.notebook_ingest import Child
from swatchbook.ledger.stored_documents import all_documents
from swatchbook.pipeline.delete import delete_documents
from swatchbook.records import DocumentStatus, IngestOptions
from tests.command import run_json
from tests.s3_server import Bucket, bucket, moto_server
from tests.sources.pictures import draw

pytestmark = pytest.mark.stack

__all__ = ["bucket", "moto_server"]


def test_document_deleted_meanwhile_stays_deleted(
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


def test_what_ends_the_child_is_raised_as_what_it_is(home: Path, tmp_path: Path, prefect_api: str) -> None:
    draw(tmp_path / "pictures" / "oak.png")
    with Swatchbook.open() as book:
        book._child._environment["SWATCHBOOK_MAX_PAGES"] = "0"
        with pytest.raises(Configuration, match=r"SWATCHBOOK_MAX_PAGES=0 .*greater than or equal to 1"):
            book.ingest(tmp_path / "pictures")
        (registered,) = all_documents(book._resources.ledger, None)
        assert registered.status is DocumentStatus.QUEUED


def test_pictures_and_pdfs_of_a_bucket_are_ingested(
    home: Path, tmp_path: Path, prefect_api: str, bucket: Bucket
) -> None:
    for number, name in enumerate(("oak.png", "slate.png")):
        bucket.put(f"shop/{name}", draw(tmp_path / name, number).read_bytes())
    with Swatchbook.open() as book:
        (report,) = book.ingest(f"{bucket.url}/shop")
        assert (report.images_complete, book.count()) == (2, 2)
        assert book.ingest(f"{bucket.url}/shop")[0].document_id == report.document_id
    (counted,) = run_json("ingest-images", f"{bucket.url}/shop")["sources"]
    assert (counted["document_id"], counted["skipped_items"]) == (report.document_id, 2)
    cleared = run_json("ingest-images", f"{bucket.url}/shop", "--clear", "--yes")
    assert [each["document_id"] for each in cleared["sources"]] == [report.document_id]
    with Swatchbook.open() as book:
        assert book.count() == 0


def test_options_of_an_ingest_reach_the_child(home: Path, tmp_path: Path, prefect_api: str) -> None:
    draw(tmp_path / "pictures" / "oak.png")
    with Swatchbook.open() as book:
        (report,) = book.ingest(tmp_path / "pictures", roles=["visual"])
        assert {role.role for role in book.stats().coverage.roles if role.done} == {"visual"}
        draw(tmp_path / "pictures" / "slate.png", 1)
        (tmp_path / "pictures" / "oak.png").unlink()
        (report,) = book.ingest(tmp_path / "pictures", mirror=True)
        assert (report.images_found, book.count()) == (1, 1)
        assert json.loads(report.model_dump_json())["status"] == "completed"
