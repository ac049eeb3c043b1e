"""What was seen and not taken is counted, taken in when a person asks for it, searchable then, and stays in."""

from pathlib import Path

import pytest
from PIL import Image

from benchmarks import bare_ingest
from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import DocumentStatus, IngestOptions, LostState, RunReport
from swatchbook.ingest.register import register
from swatchbook.resources import Resources
from swatchbook.search.request import SearchRequest
from swatchbook.search.search import search
from swatchbook.store.ledger.page_findings import list_lost_pictures
from swatchbook.store.ledger.queries.document import show_document
from swatchbook.store.ledger.queries.report import document_report
from swatchbook.store.ledger.stored_documents import Document, list_documents
from swatchbook.upkeep.queue_again import decide, regenerate
from tests.pdf.making import Paper, photo, png

LOST = (30.0, 450.0, 370.0, 495.0)
"""Where a photograph is too long to be cut out of its raster: nothing takes it."""


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """A page that is one raster of three photographs, two of them with a caption."""
    paper = Paper()
    raster = Image.new("RGB", (360, 500), "white")
    for left in (20, 200):
        raster.paste(photo(left), (left, 40))
    raster.paste(photo(3).resize((340, 45)), (10, 400))
    page = paper.page()
    page.insert_image((20, 50, 380, 550), stream=png(raster))
    for left, name in ((60, "Oak plank"), (240, "Walnut plank")):
        page.insert_text((left, 220), name)
    return paper.save(tmp_path / "planks.pdf")


def ingest(resources: Resources, path: Path) -> tuple[Document, RunReport]:
    bare_ingest.main(path)
    (document,) = list_documents(resources.ledger)
    report = document_report(resources.ledger, document.id)
    assert report.status is DocumentStatus.COMPLETED
    assert report.images_found == report.images_complete, "the account closes"
    return document, report


def taken_images(resources: Resources, document: Document) -> list[str]:
    """The images that a person took in."""
    images = show_document(resources.ledger, document.id)["images"]
    return [
        image["id"] for image in images if ("box", "shown") in {(p["kind"], p["state"]) for p in image["placements"]}
    ]


def test_lost_picture_is_counted_taken_in_and_dismissed(resources: Resources, catalogue: Path, tmp_path: Path) -> None:
    document, before = ingest(resources, catalogue)
    (lost,) = before.lost_pictures
    assert (lost.id, before.images_found) == ("1:1", 2)
    assert all(abs(a - b) < 12 for a, b in zip(lost.bbox, LOST, strict=True))
    with pytest.raises(InvalidReference, match="no part 1:7"):
        regenerate(resources, document, boxes=("1:7",), by="anna")

    assert regenerate(resources, document, boxes=("1:1",), by="anna")
    document, taken = ingest(resources, catalogue)
    (image,) = taken_images(resources, document)
    assert (taken.images_found, taken.lost_pictures) == (3, ())
    slip = tmp_path / "slip.png"
    photo(3).resize((340, 45)).save(slip)
    assert search(resources, SearchRequest(image=slip, k=1))[0].id == image

    assert not regenerate(resources, document, boxes=("1:1",), by="anna"), "it is taken in already"
    assert register(resources, catalogue, owner="default", options=IngestOptions()).unchanged
    assert regenerate(resources, document, force=True)
    document, again = ingest(resources, catalogue)
    assert (taken_images(resources, document), again.images_found, again.lost_pictures) == ([image], 3, ())

    assert decide(resources, document, ["1:1"], LostState.DISMISSED, by="anna")
    document, dismissed = ingest(resources, catalogue)
    assert (taken_images(resources, document), dismissed.images_found, dismissed.lost_pictures) == ([], 2, ())
    assert [each.state for each in list_lost_pictures(resources.ledger, document.id)] == [LostState.DISMISSED]
