"""`swatchbook inspect` and `evaluate lost-pictures`: a catalogue's pages with their placements, and what has none."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import delete, update
from typer.testing import CliRunner

from swatchbook.domain.errors import FileMissing, InvalidReference
from swatchbook.domain.records import IngestOptions, LostPicture
from swatchbook.doors.cli.main import app
from swatchbook.resources import Resources
from swatchbook.store.ledger.page_findings import add_audited
from swatchbook.store.ledger.stored_documents import Document, find_document, queue
from swatchbook.store.ledger.tables import documents, pages, placements
from swatchbook.upkeep.gc import Swept, sweep
from tests.doors.pages import Page
from tests.doors.service.test_docs import QUIET
from tests.needs import chromium

pytestmark = pytest.mark.usefixtures("filled")

ANNA = ("--owner", "anna")
HOSTILE = '</td></svg><script>alert("1")</script><img src=x onerror=alert(2)>\x00\u202e'


@pytest.fixture
def document(resources: Resources) -> Document:
    return find_document(resources.ledger, "small.pdf", "anna")


def run(*words: str | Path, expect: int = 0) -> Any:
    result = CliRunner().invoke(app, [*map(str, words), *ANNA])
    assert result.exit_code == expect, result.output + str(result.exception)
    return result


def change(resources: Resources, page: int, **values: object) -> None:
    with resources.ledger.write() as connection:
        connection.execute(update(placements).where(placements.c.page == page).values(**values))


def boxes(page: Page, name: str) -> int:
    """Return the number of boxes of a look, without that of the legend."""
    return sum(given.get("class") == f"b-{name}" for _, given in page.tags) - 1


def test_documents_texts_load_and_run_nothing(resources: Resources, document: Document, tmp_path: Path) -> None:
    change(resources, 4, caption=HOSTILE.replace("\x00", ""), state="decorative", reason=HOSTILE.replace("\x00", ""))
    with resources.ledger.write() as connection:
        connection.execute(update(documents).values(name=f"{HOSTILE[:50]}.pdf"))
    html, png = tmp_path / "a.html", tmp_path / "a.png"
    assert run("inspect", document.id, "--page", 4, "--html", html).stdout.strip() == str(html)
    page = Page(html.read_text())
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "img", "iframe", "link", "base"})
    links = [given[name] for _, given in page.tags for name in ("src", "href") if given.get(name)]
    assert links
    assert all(re.match(r"#|data:image/jpeg;base64,", link or "") for link in links)
    assert not any(name.startswith("on") or name == "style" for _, given in page.tags for name in given)
    (policy,) = (given["content"] for _, given in page.tags if given.get("http-equiv") == "Content-Security-Policy")
    assert str(policy).startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    run("inspect", document.id, "--page", 4, "--png", png)
    assert Image.open(png).format == "PNG"
    assert png.stat().st_size > 10_000


@pytest.mark.needs("chromium")
@pytest.mark.nightly
def test_a_browser_applies_the_style_and_reports_no_breach(tmp_path: Path) -> None:
    run("inspect", "small.pdf", "--page", 3, "--html", tmp_path / "a.html")
    shown = subprocess.run(
        [str(chromium()), *QUIET, "--enable-logging=stderr", f"--user-data-dir={tmp_path / 'browser'}",
         f"--screenshot={tmp_path / 'a.png'}", "--window-size=1200,900", (tmp_path / "a.html").as_uri()],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert "Content Security Policy" not in shown.stderr
    colors = {color for _, color in Image.open(tmp_path / "a.png").convert("RGB").getcolors(1 << 24) or ()}
    assert (0, 114, 178) in colors, "the boxes of what is shown"


def test_an_ingest_that_ended_half_way_shows_its_pages(resources: Resources, document: Document) -> None:
    with resources.ledger.write() as connection:
        connection.execute(delete(pages).where(pages.c.number > 2))
        connection.execute(delete(placements))
        connection.execute(update(documents).values(status="failed", message="The disk is full."))
    page = Page(Path(run("inspect", "small.pdf").stdout.strip()).read_text())
    assert sum(tag == "image" for tag, _ in page.tags) == 6
    assert page.text.count("the ingest did not come so far") == 4
    assert boxes(page, "lost") > 0, "the pictures have no placements"


def test_what_has_no_pages_is_refused(resources: Resources, document: Document, tmp_path: Path) -> None:
    for kind, message in (("folder", "it is a folder of pictures"), ("pdf", "has not been read yet")):
        name = f"new-{kind}"
        queue(
            resources.ledger, owner="anna", content=name, kind=kind, name=name, file=None, size=1,
            options=IngestOptions(),
        )  # fmt: skip
        for command in (["inspect"], ["evaluate", "lost-pictures"]):
            refused = CliRunner().invoke(app, [*command, name, *ANNA])
            assert isinstance(refused.exception, InvalidReference)
            assert message in str(refused.exception)
    assert isinstance(
        CliRunner().invoke(app, ["inspect", "small.pdf", "--page", "7", *ANNA]).exception, InvalidReference
    )
    for words in (("--png", tmp_path / "a.png"), ("--page", 1, "--png", tmp_path / "a.png", "--html", tmp_path / "a")):
        run("inspect", "small.pdf", *words, expect=2)
    shutil.rmtree(resources.files.url)
    lost = CliRunner().invoke(app, ["inspect", "small.pdf", "--html", str(tmp_path / "a.html"), *ANNA])
    assert isinstance(lost.exception, FileMissing)
    assert list(tmp_path.glob("*.html")) == []


def test_the_audit_lists_what_no_placement_covers(resources: Resources, document: Document) -> None:
    assert "0 possible pictures left out, on 6 pages" in run("evaluate", "lost-pictures", "small.pdf").stdout
    before = json.loads(run("evaluate", "lost-pictures", "small.pdf", "--json").stdout)
    with resources.ledger.write() as connection:
        on_page = (placements.c.page == 5, placements.c.state == "shown")
        boxes = [row.bbox for row in connection.execute(placements.select().where(*on_page))]
        connection.execute(delete(placements).where(*on_page))
    found = json.loads(run("evaluate", "lost-pictures", "small.pdf", "--json").stdout)
    lost = [each for each in found["lost"] if each["page"] == 5]
    assert len(lost) == len(boxes) > 0
    assert found["skipped"] == before["skipped"]
    with resources.ledger.write() as connection:
        connection.execute(update(pages).where(pages.c.number == 5).values(label="3"))
    assert json.loads(run("evaluate", "lost-pictures", "small.pdf", "--json").stdout)["labels"]["5"] == "3"
    assert run("evaluate", "lost-pictures", "small.pdf").stdout.count("5 (printed 3)") == len(lost)


def test_a_part_is_dismissed_and_put_back_by_its_name(resources: Resources, document: Document) -> None:
    add_audited(resources.ledger, document.id, [LostPicture(page=3, bbox=(10, 20, 90, 99), share=0.01)])
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


def test_every_page_is_shown_with_placements_and_products(resources: Resources, document: Document) -> None:
    written = Path(run("inspect", "small.pdf", "--page", 2).stdout.strip())
    assert sweep(resources).previews == 0
    gone = written.with_name(written.name.replace(document.id, "0" * 36))
    written.rename(gone)
    assert sweep(resources, dry_run=True) == Swept(previews=1, bytes=gone.stat().st_size)
    assert sweep(resources).previews == 1
    assert not gone.exists()
    change(resources, 3, state="hidden", reason="off the page or clipped away", bbox=[-90, -90, -10, -10])
    written = Path(run("inspect", "small.pdf").stdout.strip())
    assert written.name == f"small-{document.id}.html"
    page = Page(written.read_text())
    assert [given["id"] for tag, given in page.tags if tag == "section"] == [f"p{number}" for number in range(1, 7)]
    assert sum(tag == "image" for tag, _ in page.tags) == 6
    report = json.loads(CliRunner().invoke(app, ["show", "small.pdf", *ANNA, "--json"]).stdout)
    states = [place["state"] for image in report["images"] for place in image["placements"]]
    assert {name: boxes(page, name) for name in ("shown", "hidden", "decorative", "failed", "skipped")} == {
        "shown": states.count("shown"), "hidden": states.count("hidden"), "decorative": states.count("decorative"),
        "failed": 0, "skipped": sum(len(page["pictures"]) for page in report["skipped_pages"]),
    }  # fmt: skip
    assert boxes(page, "lost") > 0, "the pictures of page 3, whose placements are elsewhere now"
    places = sum(len(product["occurrences"]) for product in report["products"])
    assert boxes(page, "product") == 2 * places > 0, "the name, and its part of the page"
    for text in ("skipped page: cover", "Palladio Terrazzo", "off the page or clipped away"):
        assert text in page.text
    assert re.search(r"Palladio Terrazzo (?:photo|variant|drawing|detail|scene) [01]\.\d\d", page.text)
