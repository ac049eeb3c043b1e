"""`swatchbook inspect`: a catalogue's page with its placements and products, drawn."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import delete
from typer.testing import CliRunner

from swatchbook.domain.errors import FileMissing, InvalidReference
from swatchbook.domain.records import Drawing, SeenPage
from swatchbook.doors.cli.main import app
from swatchbook.resources import Resources
from swatchbook.store.ledger.stored_documents import Document, find_document
from swatchbook.store.ledger.tables import pages, placements
from swatchbook_web.inspection import inspect, stored_file
from swatchbook_web.inspection_drawing import drawing_of
from tests.deployments.conftest import queued
from tests.doors.pages import Page
from tests.store.ledger.scene import change

pytestmark = pytest.mark.usefixtures("filled")

ANNA = ("--owner", "anna")
HOSTILE = '</p><script>alert("1")</script><img src=x onerror=alert(2)>\u202e'


@pytest.fixture
def document(resources: Resources) -> Document:
    return find_document(resources.ledger, "small.pdf", "anna")


def run(*words: str | Path, expect: int = 0) -> Any:
    result = CliRunner().invoke(app, [*map(str, words), *ANNA])
    assert result.exit_code == expect, result.output + str(result.exception)
    return result


def drawn(resources: Resources, document: Document, page: int) -> Drawing:
    (view,) = inspect(resources.ledger, document, page)
    with resources.files.local(stored_file(document)) as path:
        placed = {page: [mark.bbox for mark in view.marks]}
        (seen,) = resources.catalogue.look(path, placed, resources.settings)
    assert isinstance(seen, SeenPage)
    return drawing_of(view, seen)


def test_a_page_is_drawn_with_placements_and_products(resources: Resources, document: Document, tmp_path: Path) -> None:
    report = json.loads(CliRunner().invoke(app, ["show", "small.pdf", *ANNA, "--json"]).stdout)
    on_page = [place for image in report["images"] for place in image["placements"] if place["page"] == 3]
    named = [each for product in report["products"] for each in product["occurrences"] if each["page"] == 3]
    drawing = drawn(resources, document, 3)
    assert len(drawing.boxes) == len(on_page) + len(named) > len(on_page) > 0
    assert re.search(r"Nordvik Oak (?:photo|variant|drawing|detail|scene) [01]\.\d\d", drawing.notes)
    png = tmp_path / "new" / "a.png"
    assert run("inspect", document.id, "--page", 3, "--png", png).stdout.strip() == str(png)
    assert Image.open(png).format == "PNG"
    assert png.stat().st_size > 10_000


def test_documents_texts_are_no_markup_on_drawings(resources: Resources, document: Document) -> None:
    hostile = {"caption": HOSTILE, "state": "hidden", "reason": HOSTILE, "bbox": [-90, -90, -10, -10]}
    change(resources.ledger, placements, placements.c.page == 3, **hostile)
    drawing = drawn(resources, document, 3)
    assert {tag for tag, _ in Page(drawing.notes).tags} == {"h3", "p", "b"}
    assert "<script>" in Page(drawing.notes).text
    assert any(box.sign.endswith("?") for box in drawing.boxes), "the pictures, whose placements are elsewhere now"


def test_ingest_that_ended_early_shows_its_pages(resources: Resources, document: Document) -> None:
    with resources.ledger.write() as connection:
        connection.execute(delete(pages).where(pages.c.number > 2))
        connection.execute(delete(placements))
    assert "the ingest did not come so far" in drawn(resources, document, 3).notes


def test_what_has_no_pages_is_refused(resources: Resources, tmp_path: Path) -> None:
    page = ("--page", "1", "--png", str(tmp_path / "a.png"))
    for kind, message in (("folder", "it is a folder of pictures"), ("pdf", "has not been read yet")):
        refused = CliRunner().invoke(app, ["inspect", *page, queued(resources, kind, kind=kind).id, *ANNA])
        assert isinstance(refused.exception, InvalidReference)
        assert message in str(refused.exception)
    for words, error in ((("--page", "7", *page[2:]), InvalidReference), (page, FileMissing)):
        assert isinstance(CliRunner().invoke(app, ["inspect", "small.pdf", *words, *ANNA]).exception, error)
        shutil.rmtree(resources.files.url, ignore_errors=True)
    assert list(tmp_path.glob("*.png")) == []
