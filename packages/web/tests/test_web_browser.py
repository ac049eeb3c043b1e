"""The pages in a real Chromium, on one service with one ingested sample: what a person does with a mouse, a keyboard
and files, without any breach of the Content-Security-Policy and without asking another host; and axe-core finds nothing
wrong in either theme (`axe/`: the npm package axe-core 4.14.1). A test leaves the sample as it found it.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Response, Route, expect
from sqlalchemy import select
from test_web_pages import MOST_BYTES

from swatchbook.domain.settings import load_settings
from swatchbook.store.ledger.stored_documents import get_document
from swatchbook.store.ledger.tables import documents, images, placements, products
from tests.chrome import browser, opened, press_key
from tests.doors.served import Served, served
from tests.store.ledger.scene import change
from tests.tables import rows_of

__all__ = ["browser"]  # a fixture

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.stack]

AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text()
ADDRESSES = rows_of(__file__, "addresses")
MOST_SHIFT = 0.05
TEXTS = {"document", "script", "stylesheet", "xhr"}
"""What a page loads beside pictures."""

SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) if (!each.hadRecentInput) window.shifted += each.value;
}).observe({ type: "layout-shift", buffered: true });
"""


@pytest.fixture(scope="module")
def service(ingested_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("browser")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SWATCHBOOK_HOME", str(shutil.copytree(ingested_home, folder / "home")))
        patched.chdir(folder)  # no stray .env
        with served(load_settings()) as service:
            yield service


@pytest.fixture
def tab(browser: Browser, service: Served) -> Iterator[Page]:
    with opened(browser, service) as (_, page):
        yield page


@pytest.fixture(scope="module")
def document(service: Served) -> str:
    """The sample, anna's."""
    return str(service.resources.ledger.execute(select(documents.c.id).where(documents.c.owner == "anna")).scalar_one())


@pytest.fixture(scope="module")
def picture(service: Served, document: str) -> Any:
    """The first shown placement of the sample on a page with products: its image, page and content key."""
    query = (
        select(placements.c.id, placements.c.image, placements.c.page, images.c.content_key)
        .join_from(placements, images)
        .where(placements.c.document == document, placements.c.state == "shown", placements.c.page > 1)
        .order_by(placements.c.ordinal)
    )
    return service.resources.ledger.execute(query).first()


def shown_images(tab: Page) -> list[str]:
    return [link.get_attribute("href") or "" for link in tab.locator(".card .picture").all()]


def test_product_is_found_by_words_and_by_picture(tab: Page, tmp_path: Path) -> None:
    tab.goto("/")
    tab.fill("#text", "oak")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/?text=oak&by=image")
    by_words = shown_images(tab)
    assert by_words
    tab.locator("summary", has_text="Why").first.click()
    expect(tab.locator(".why meter").first).to_be_visible()
    tab.locator(".facet a").first.wait_for()
    tab.get_by_text("Weights", exact=True).click()
    tab.locator("input[name=weight-keyword]").fill("1")
    expect(tab.locator(".slider", has_text="keyword").locator("output")).to_have_text("1")
    tab.get_by_role("button", name="Apply weights").click()
    tab.wait_for_url("**weight-keyword=1**")
    # a picture, in two actions: choose the file, and open the first result
    image = by_words[0].rpartition("/")[2]
    picture = tmp_path / "photo.jpg"
    picture.write_bytes(tab.request.get(f"/images/{image}/file").body())
    tab.goto("/")
    tab.set_input_files("input[type=file]", picture)
    tab.wait_for_url(re.compile(r"/\?(by=image&)?picture=[0-9a-f]{64}$"))
    assert shown_images(tab)[0] == by_words[0]
    tab.locator(".card .picture").first.click()
    tab.get_by_role("link", name="Open its page").click()
    tab.wait_for_url(f"**{by_words[0]}")


def test_a_picture_is_found_by_browsing(tab: Page) -> None:
    tab.goto("/?k=5")
    grid = tab.locator(".cards.image")
    begun = grid.locator(".card").count()
    grid.locator(".more").scroll_into_view_if_needed()
    grid.locator(".card").nth(begun).wait_for()  # more came while scrolling
    chosen, other = grid.locator("a.picture").nth(2), grid.locator("a.picture").nth(3)
    chosen.focus()
    tab.keyboard.press("Enter")
    viewer = tab.locator("dialog.viewer")
    page = viewer.get_by_role("link", name="Open its page")
    addresses = [each.get_attribute("href") or "" for each in (chosen, other)]
    expect(page).to_have_attribute("href", re.compile(f"{addresses[0]}$"))
    for key, address in (("j", addresses[1]), ("ArrowLeft", addresses[0]), ("ArrowRight", addresses[1])):
        tab.keyboard.press(key)
        expect(page).to_have_attribute("href", re.compile(f"{address}$"))
    tab.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    expect(other).to_be_focused()  # where one has got to
    tab.keyboard.press("Enter")
    tab.get_by_role("link", name="Open its page").click()
    tab.wait_for_url(f"**{addresses[1]}")
    title = tab.locator("h1").inner_text()
    press_key(tab, "ArrowRight")
    expect(tab.locator("h1")).not_to_have_text(title)
    press_key(tab, "ArrowLeft")
    expect(tab.locator("h1")).to_have_text(title)


def test_page_picture_is_asked_for_again_after_503(tab: Page, service: Served, document: str) -> None:
    busy = iter((True,))  # a busy machine adds its own, and the page gives up after four

    def answer(route: Route) -> None:
        if next(busy, False):
            route.fulfill(status=503)
        else:
            route.fallback()

    tab.route("**/pages/*?width=600", answer)
    product = tab.request.get(f"/documents/{document}/products").json()["products"][0]["id"]
    tab.goto(f"/products/{product}")
    sheet = tab.locator(".overlaid img").first
    sheet.scroll_into_view_if_needed()
    expect(sheet).to_have_js_property("naturalWidth", 600)
    assert next(busy, None) is None


@pytest.mark.gate
def test_filters_are_a_drawer_on_a_phone(browser: Browser, service: Served) -> None:
    with opened(browser, service, viewport={"width": 390, "height": 800}) as (_, tab):
        tab.goto("/")
        expect(tab.locator("#filters")).to_be_hidden()
        tab.get_by_role("link", name="Filters").click()
        tab.locator("#filters .facet a").first.wait_for()
        tab.keyboard.press("Escape")
        tab.locator("#filters").wait_for(state="hidden")
        tab.get_by_role("link", name="Filters").click()
        tab.locator("#filters .facet a").first.click()
        tab.wait_for_url("**/?*=*")
        expect(tab.locator("#filters")).to_be_hidden()
        expect(tab.locator(".card").first).to_be_visible()
        wide = tab.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not wide, "the page must not scroll sideways"


def test_file_is_chosen_and_sent_without_a_script(browser: Browser, service: Served) -> None:
    with opened(browser, service, java_script_enabled=False) as (_, tab):
        tab.goto("/ui/documents")
        tab.get_by_role("button", name="Upload").wait_for()
        expect(tab.locator("#file")).to_be_visible()


@pytest.mark.parametrize(("event", "holder"), [("paste", "clipboardData"), ("drop", "dataTransfer")])
def test_pasted_or_dropped_picture_is_searched_with(tab: Page, picture: Any, event: str, holder: str) -> None:
    tab.goto("/")
    tab.evaluate(
        """async ([image, event, holder]) => {
          const bytes = await (await fetch(`/images/${image}/file`)).blob();
          const given = new DataTransfer();
          given.items.add(new File([bytes], "photo.png", { type: bytes.type }));
          const kind = event === "paste" ? ClipboardEvent : DragEvent;
          document.body.dispatchEvent(new kind(event, { bubbles: true, cancelable: true, [holder]: given }));
        }""",
        [picture.image, event, holder],
    )
    tab.wait_for_url(re.compile(r"/\?(by=image&)?picture=[0-9a-f]{64}$"))
    assert shown_images(tab)[0] == f"/ui/images/{picture.image}"


def test_pictures_and_batch_files_are_uploaded(tab: Page, service: Served, tmp_path: Path) -> None:
    sent = [tmp_path / name for name in ("a.png", "b.png", "notes.txt", "shop.jsonl", "Shop.CSV")]
    for path in sent[:2]:
        Image.new("RGB", (32, 32), "red").save(path)
    for path, text in zip(
        sent[2:],
        ("no picture", '{"id": "1", "title": "A", "images": []}\n', "id,title,image\n1,Oak floor,oak.jpg\n"),
        strict=True,
    ):
        path.write_text(text)
    tab.goto("/ui/documents")
    tab.set_input_files("#file", sent)
    tab.locator(".sending li", has_text="1 of 1 files were refused").wait_for()
    for name in ("shop.jsonl", "Shop.CSV"):  # each has its page, and no page is left for one of several
        tab.locator(".sending li", has_text=name).get_by_role("link").wait_for()
    tab.locator(".sending li", has_text="pictures is stored").wait_for()
    tab.locator(".sending li", has_text="shop.jsonl").get_by_role("link").click()
    tab.get_by_role("button", name="Start").click()
    tab.locator(".waiting").get_by_role("link", name="Shop.CSV").click()
    tab.get_by_role("button", name="Start").click()
    for name in ("pictures", "shop.jsonl", "Shop.CSV"):
        tab.locator("#rows a", has_text=re.compile(f"^{name}$")).wait_for()
    listed = tab.request.get("/documents").json()["documents"]
    kinds = {each["name"]: get_document(service.resources.ledger, each["id"]).kind for each in listed}
    assert (kinds["pictures"], kinds["shop.jsonl"], kinds["Shop.CSV"]) == ("folder", "batch", "batch")


def test_pages_of_a_document_are_turned_by_keys(tab: Page, document: str) -> None:
    tab.goto(f"/ui/documents/{document}?page=2")
    for key, number in (("j", 3), ("ArrowRight", 4), ("k", 3), ("ArrowLeft", 2)):
        press_key(tab, key)
        tab.wait_for_url(f"**page={number}#page")
    tab.locator("summary", has_text="Export products").press("Enter")
    expect(tab.get_by_role("link", name="Excel")).to_be_visible()


@pytest.mark.parametrize("theme", [pytest.param("light", marks=pytest.mark.gate), "dark"])
def test_axe_finds_nothing_wrong_and_nothing_moves(
    browser: Browser, service: Served, document: str, picture: Any, theme: str
) -> None:
    """In the dark theme at the width of a phone. A page and what it loads, without pictures, is under the limit."""
    wrong, checked = dict[str, list[str]](), 0
    product = (
        service.resources.ledger.execute(select(products.c.id).where(products.c.document == document)).scalars().first()
    )
    width = 390 if theme == "dark" else 1280
    size = {"width": width, "height": 800}
    change(service.resources.ledger, images, images.c.id == picture.image, needs_review=True)
    for template in ADDRESSES:
        address = template.format(document=document, picture=picture, product=product)
        with opened_plain(browser, service, theme, size) as tab:
            loaded = list[Response]()
            tab.on("response", lambda got, loaded=loaded: loaded.append(got))
            tab.goto(address)
            tab.wait_for_load_state("load")
            tab.wait_for_timeout(500)
            texts = [each for each in loaded if each.request.resource_type in TEXTS]
            assert 0 < sum(len(each.body()) for each in texts) <= MOST_BYTES, address
            assert tab.evaluate("window.shifted") <= MOST_SHIFT, address
            assert tab.evaluate("document.documentElement.scrollWidth") <= width, address
            tab.evaluate(AXE)
            found = tab.evaluate("axe.run()")
            checked += len(found["passes"])
            if found["violations"]:
                wrong[address] = [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found["violations"]]
    assert wrong == {}
    assert checked > 100


@contextmanager
def opened_plain(browser: Browser, service: Served, theme: Any, size: Any) -> Iterator[Page]:
    """A page with an empty cache."""
    context = browser.new_context(base_url=service.url, color_scheme=theme, viewport=size)
    context.add_init_script(SHIFTS)
    yield context.new_page()
    context.close()
