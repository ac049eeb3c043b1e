"""What was seen and not taken is counted, taken in when a person asks for it, searchable then, and stays in."""

from pathlib import Path

import pytest
from PIL import Image

from swatchbook.errors import InvalidReference
from swatchbook.ledger.documents import Document, list_documents
from swatchbook.ledger.queries.document import show_document
from swatchbook.ledger.queries.lost_pictures import list_lost_pictures
from swatchbook.ledger.queries.report import document_report
from swatchbook.pipeline.register import register
from swatchbook.records import DocumentStatus, IngestOptions, LostState, RunReport
from swatchbook.resources import Resources
from swatchbook.search.search import search
from swatchbook.upkeep.lost_pictures import decide
from swatchbook.upkeep.queue_missing import regenerate
from tests.flows.conftest import Ingest
from tests.pdf.making import Paper, png
from tests.pdf.test_picture_like import photo

pytestmark = pytest.mark.stack

LEFT = (30.0, 450.0, 370.0, 495.0)
"""Where a photograph is too long to be cut out of its raster: nothing takes it."""


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """A page that is one raster of three photographs with two captions."""
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


def boxes(resources: Resources, document: Document) -> list[tuple[str, str]]:
    """Kind and state of the document's placements."""
    shown = show_document(resources.ledger, document.id)
    return [(place["kind"], place["state"]) for image in shown["images"] for place in image["placements"]]


def test_a_picture_that_no_box_covers_is_counted_taken_in_and_put_back(
    resources: Resources, ingest: Ingest, catalogue: Path, tmp_path: Path
) -> None:
    slip = tmp_path / "slip.png"
    photo(3).resize((340, 45)).save(slip)
    before = ingest(catalogue, owner="anna")
    (document,) = list_documents(resources.ledger)
    (lost,) = before.lost_pictures
    assert (lost.id, before.images_found, before.images_complete) == ("1:1", 2, 2)
    assert all(abs(a - b) < 12 for a, b in zip(lost.bbox, LEFT, strict=True))
    with pytest.raises(InvalidReference, match="no part 1:7"):
        regenerate(resources, document, boxes=("1:7",), by="anna")

    assert regenerate(resources, document, boxes=("1:1",), by="anna")
    taken: RunReport = ingest(catalogue, owner="anna")
    assert taken.status is DocumentStatus.COMPLETED
    assert (taken.images_found, taken.images_complete, taken.lost_pictures) == (3, 3, ())
    assert boxes(resources, document).count(("box", "shown")) == 1
    assert not regenerate(resources, list_documents(resources.ledger)[0], boxes=("1:1",), by="anna")
    assert register(resources, catalogue, owner="anna", options=IngestOptions()).unchanged
    picture = next(
        image["id"]
        for image in show_document(resources.ledger, document.id)["images"]
        if image["placements"][0]["kind"] == "box"
    )
    assert search(resources, image=slip, owner="anna", k=1)[0].id == picture

    again = ingest(catalogue, owner="anna", force=True)
    assert (again.images_found, again.images_complete, again.lost_pictures) == (3, 3, ())
    assert decide(resources, document, ["1:1"], LostState.DISMISSED, by="anna")
    gone = ingest(catalogue, owner="anna")
    assert (gone.images_found, gone.images_complete, gone.lost_pictures) == (2, 2, ())
    assert [each.state for each in list_lost_pictures(resources.ledger, document.id)] == [LostState.DISMISSED]
    assert document_report(resources.ledger, document.id).images_found == 2
