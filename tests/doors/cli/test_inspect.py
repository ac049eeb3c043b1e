"""`swatchbook inspect` and `evaluate lost-pictures`: a catalogue's pages with their placements, and what has none."""

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
from swatchbook.domain.records import Drawing, LostPicture, SeenPage
from swatchbook.doors.cli.main import app
from swatchbook.resources import Resources
from swatchbook.store.ledger.page_findings import save_lost_pictures
from swatchbook.store.ledger.stored_documents import Document, find_document
from swatchbook.store.ledger.tables import pages, placements
from swatchbook.upkeep.reports.inspection import inspect, stored_file
from swatchbook.upkeep.reports.inspection_drawing import drawing_of
from tests.deployments.scheduler.conftest import queued
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


def test_part_is_dismissed_and_put_back_by_name(resources: Resources, document: Document) -> None:
    with resources.ledger.write() as connection:
        save_lost_pictures(connection, document.id, [LostPicture(page=3, bbox=(10, 20, 90, 99), share=0.01)])
    assert "1 possible picture left out" in run("evaluate", "lost-pictures", "small.pdf").stdout
    assert "left out" in run("show", "small.pdf").stdout
    assert "1 possible picture left out: `show`" in run("status").stdout
    assert "not a picture" in run("evaluate", "lost-pictures", "small.pdf", "--dismiss", "3:1").stdout
    assert "left out" not in run("show", "small.pdf").stdout
    put_back = run("evaluate", "lost-pictures", "small.pdf", "--put-back", "3:1").stdout
    assert f"swatchbook fill outdated {document.id[:8]} --owner anna --boxes 3:1" in " ".join(put_back.split())
    (listed,) = json.loads(run("evaluate", "lost-pictures", "small.pdf", "--dismiss", "3:1", "--json").stdout)["lost"]
    assert (listed["page"], listed["number"], listed["state"]) == (3, 1, "dismissed")
    run("evaluate", "lost-pictures", "small.pdf", "--dismiss", "3", expect=2)
    run("fill", "outdated", "--all", "--boxes", "3:1", expect=2)
    unknown = CliRunner().invoke(app, ["fill", "outdated", "small.pdf", "--boxes", "3:9", *ANNA])
    assert isinstance(unknown.exception, InvalidReference)
