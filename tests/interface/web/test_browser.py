"""The pages in a real Chromium: what a person does with a mouse, a keyboard and a file, without any breach of the
Content-Security-Policy; and axe-core finds nothing wrong in either theme (`axe/`: the npm package axe-core 4.14.1).
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from sqlalchemy import update

from swatchbook.ledger.documents import get_document
from swatchbook.ledger.queries.reviews import find_review_image
from swatchbook.ledger.tables import images
from swatchbook.records import DocumentStatus
from swatchbook.settings import load_settings
from tests.interface.service.served import Served, served
from tests.interface.service.test_docs import CHROMIUM

pytestmark = [pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"), pytest.mark.stack]

AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text()
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def service(filled: Path) -> Iterator[Served]:
    with served(load_settings()) as service:
        yield service


@pytest.fixture
def tab(browser: Browser, service: Served) -> Iterator[Page]:
    """A page of the service; whatever the browser complains of fails the test at its end."""
    complaints = list[str]()

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "status of 415" not in message.text:  # a refused upload
            complaints.append(message.text)

    context = browser.new_context(base_url=service.url)
    page = context.new_page()
    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


def shown_images(tab: Page) -> list[str]:
    return [link.get_attribute("href") or "" for link in tab.locator(".card .picture").all()]


def test_a_product_is_found_by_words_by_likeness_and_by_a_picture(tab: Page, service: Served, tmp_path: Path) -> None:
    tab.goto("/")
    tab.fill("#text", "oak")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/?text=oak&by=image")
    by_words = shown_images(tab)
    assert by_words
    tab.locator("summary", has_text="Why").first.click()
    assert tab.locator(".why meter").first.is_visible()
    tab.locator(".facet a").first.wait_for()
    tab.get_by_text("More like this").first.click()
    tab.wait_for_url("**/?like=*")
    assert by_words[0] not in shown_images(tab)
    # a picture: open the page, choose the file, and the product is the first result
    image = by_words[0].rpartition("/")[2]
    picture = tmp_path / "photo.jpg"
    picture.write_bytes(tab.request.get(f"/images/{image}/file").body())
    tab.goto("/")
    tab.set_input_files("input[type=file]", picture)
    tab.wait_for_url(re.compile(r"/\?picture=[0-9a-f]{64}$"))
    assert shown_images(tab)[0] == by_words[0]
    tab.locator(".card .picture").first.click()
    tab.wait_for_url(f"**{by_words[0]}")
    assert tab.locator("h1").inner_text().startswith("Image")


def test_a_file_is_uploaded_and_deleted(tab: Page, service: Served, small_catalogue: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.pdf"
    shutil.copy(small_catalogue, mine)
    broken = tmp_path / "broken.pdf"
    broken.write_text("no PDF")
    tab.goto("/ui/documents")
    tab.set_input_files("#file", [broken, mine])
    tab.locator(".sending", has_text="mine.pdf is stored").wait_for()
    assert "The file is not a PDF." in tab.locator(".sending").inner_text()
    tab.locator("#rows a", has_text="mine.pdf").wait_for()
    tab.reload()
    tab.locator("#rows a", has_text="mine.pdf").click()
    tab.get_by_text("Delete …").click()
    tab.get_by_role("button", name="Delete it").click()
    tab.wait_for_url("**/ui/documents")
    (gone,) = [each for each in tab.request.get("/documents").json()["documents"] if each["name"] == "mine.pdf"]
    assert get_document(service.resources.ledger, gone["id"]).status is DocumentStatus.DELETING


def test_images_are_reviewed_by_keys(tab: Page, service: Served) -> None:
    (document,) = tab.request.get("/documents").json()["documents"]
    chosen = [each["id"] for each in tab.request.get(f"/documents/{document['id']}/images").json()["images"][:2]]
    with service.resources.ledger.write() as connection:
        connection.execute(update(images).where(images.c.id.in_(chosen)).values(needs_review=True))
    tab.goto("/ui/review")
    tab.locator("text=2 images left").wait_for()
    tab.keyboard.press("a")
    tab.locator("text=1 image left").wait_for()
    tab.keyboard.press("r")
    tab.keyboard.type("It shows a logo.")
    tab.keyboard.press("Enter")
    tab.locator("text=No image needs a review.").wait_for()
    verdicts = {str(find_review_image(service.resources.ledger, each).reviews[-1].verdict.value) for each in chosen}
    assert verdicts == {"accepted", "rejected"}


def test_a_box_on_a_page_leads_to_the_image(tab: Page) -> None:
    (document,) = tab.request.get("/documents").json()["documents"]
    tab.goto(f"/ui/documents/{document['id']}")
    tab.locator(".thumbs a").nth(2).click()
    tab.locator(".sheet a").first.focus()
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/ui/images/*")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_wrong(browser: Browser, service: Served, theme: str) -> None:
    context = browser.new_context(base_url=service.url, color_scheme=theme)  # type: ignore[arg-type]
    tab = context.new_page()
    (document,) = tab.request.get("/documents").json()["documents"]
    image = tab.request.get(f"/documents/{document['id']}/images").json()["images"][0]["id"]
    with service.resources.ledger.write() as connection:
        connection.execute(update(images).where(images.c.id == image).values(needs_review=True))
    wrong, checked = dict[str, list[str]](), 0
    for address in (
        "/", "/?text=oak&color=grey", "/?text=no&material=oakk", "/ui/documents", f"/ui/documents/{document['id']}",
        f"/ui/documents/{document['id']}/delete", f"/ui/images/{image}", "/ui/coverage", "/ui/review", "/?k=0",
    ):  # fmt: skip
        tab.goto(address)
        tab.wait_for_load_state("networkidle")
        tab.evaluate(AXE)
        found = tab.evaluate("axe.run()")
        checked += len(found["passes"])
        if found["violations"]:
            wrong[address] = [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found["violations"]]
        width = tab.evaluate("[innerWidth, document.documentElement.scrollWidth]")
        assert width[1] <= width[0], address
    context.close()
    assert wrong == {}
    assert checked > 100
