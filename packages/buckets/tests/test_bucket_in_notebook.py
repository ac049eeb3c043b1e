"""What is below a URL is ingested from Python and the command line, through real child processes."""

from pathlib import Path

import pytest

from swatchbook_notebook import Swatchbook
from tests.command import run_json
from tests.ingest.sources.pictures import draw
from tests.s3_server import Bucket

pytestmark = pytest.mark.stack


def test_pictures_of_a_bucket_are_ingested(home: Path, tmp_path: Path, prefect_api: str, bucket: Bucket) -> None:
    for number, name in enumerate(("oak.png", "slate.png")):
        bucket.put(f"shop/{name}", draw(tmp_path / name, number).read_bytes())
    with Swatchbook.open() as book:
        (report,) = book.ingest(f"{bucket.url}/shop")
        assert (report.images_complete, book.count()) == (2, 2)
        assert book.ingest(f"{bucket.url}/shop")[0].document_id == report.document_id
    (counted,) = run_json("ingest-images", f"{bucket.url}/shop")["sources"]
    assert (counted["document_id"], counted["skipped_items"]) == (report.document_id, 2)
