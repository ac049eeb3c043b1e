"""Teaching in a real Chromium: a doubtful catalogue gets its names by two clicks, by keyboard, and by dragging."""

import asyncio
import csv
import io
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from swatchbook.deployments.tick import tick
from swatchbook.domain.settings import load_settings
from tests.chrome import opened, press_key, reach, started
from tests.doors.served import Served, served

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.stack]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as browser:
        yield browser


@pytest.fixture
def service(filled: Path) -> Iterator[Served]:
    """A service with the sample, whose two products it is not sure of."""
    with served(load_settings()) as service:
        yield service


def document_of(tab: Page) -> str:
    (document,) = tab.request.get("/documents").json()["documents"]
    return str(document["id"])


def text(tab: Page, words: str) -> Locator:
    """A text of the page that can be clicked."""
    return tab.locator(f"button.text[aria-label^='{words}']")


def expect_parts(tab: Page, *shown: str) -> None:
    """Wait until these were shown, and no others."""
    parts = tab.locator("input[name=part]")
    expect(parts).to_have_count(len(shown))
    for each, words in enumerate(shown):
        expect(parts.nth(each)).to_have_value(words)


@pytest.mark.gate
def test_doubtful_catalogue_taught_by_two_clicks_is_exported(browser: Browser, service: Served) -> None:
    with opened(browser, service) as (_, tab):
        document = document_of(tab)
        tab.goto(f"/ui/documents/{document}")
        readings = tab.locator(".readings .card")
        readings.first.locator("rect").first.wait_for()  # without any click
        tab.get_by_role("link", name="None of these").click()
        tab.get_by_role("heading", name="Page 3").wait_for()  # the first page with a name
        tab.get_by_role("button", name="Next").click()
        tab.get_by_role("heading", name="Page 4").wait_for()
        text(tab, "Limed").first.click()
        tab.locator(".shown li").wait_for()
        text(tab, "Smoked").first.click()
        expect_parts(tab, "Limed", "Smoked")
        expect(tab.locator(".count")).to_have_text(re.compile("^2 →"))
        count = tab.locator(".count").inner_text()
        tab.locator("rect.is-new").first.wait_for(state="attached")
        tab.locator(".crops svg").first.wait_for(state="attached")
        tab.get_by_role("button", name="Accept").click()
        tab.locator(".toast", has_text="Accepted").wait_for()
        with ThreadPoolExecutor(1) as loop:  # a round of the service starts the flow
            ticked = loop.submit(asyncio.run, tick(service.resources))
            tab.locator("h1 .state", has_text="completed").wait_for(timeout=300_000)
            assert (ticked.result().worked_off, ticked.result().troubles) == (1, ())
        tab.reload()
        expect(tab.get_by_text("Its names are read the way a person showed.")).to_be_visible()
        tab.get_by_text("Export products").click()
        with tab.expect_download() as download:
            tab.get_by_role("link", name="CSV").click()
        rows = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8-sig"))))
        assert {"Limed", "Smoked"} <= {row["name"] for row in rows}
        assert len({row["name"] for row in rows}) == int(count.split("→")[1].split()[0])


def test_keyboard_alone_shows_names_on_a_phone(browser: Browser, service: Served) -> None:
    with opened(browser, service, viewport={"width": 390, "height": 800}, color_scheme="dark") as (_, tab):
        tab.goto(f"/ui/documents/{document_of(tab)}/teach?page=4")
        reach(tab, text(tab, "Limed").first)
        tab.keyboard.press("Enter")
        tab.locator(".shown li").wait_for()
        expect(text(tab, "Limed, name").first).to_be_focused()
        reach(tab, text(tab, "Smoked").first)
        tab.keyboard.press("Space")
        tab.locator(".shown li").nth(1).wait_for()
        reach(tab, tab.get_by_label("The part that is meant, example 2"))
        tab.keyboard.press("Control+a")
        tab.keyboard.type("Smoke")
        tab.keyboard.press("Tab")
        tab.wait_for_function("() => document.querySelectorAll('[name=example]')[1].value.includes('\"Smoke\"')")
        reach(tab, tab.get_by_role("button", name="Remove Smoke"))
        tab.keyboard.press("Enter")
        expect(tab.locator(".shown li")).to_have_count(1)
        wide = tab.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not wide, "the page must not scroll sideways"
        reach(tab, tab.get_by_role("button", name="Accept"))
        tab.keyboard.press("Enter")
        tab.locator(".toast", has_text="Accepted").wait_for()
        press_key(tab, "u")
        tab.locator(".toast", has_text="Undone").wait_for()


def test_refused_request_is_reported_and_nothing_is_lost(browser: Browser, service: Served) -> None:
    with browser.new_context(base_url=service.url) as context:  # the browser complains of the refusal, as it must
        tab = context.new_page()
        tab.goto(f"/ui/documents/{document_of(tab)}/teach?page=4")
        text(tab, "Limed").first.click()
        tab.locator(".shown li").wait_for()
        tab.route("**/teach", lambda route: route.abort())
        text(tab, "Smoked").first.click()
        tab.get_by_role("alert").get_by_text("try again").wait_for()
        tab.unroute("**/teach")
        text(tab, "Smoked").first.click()
        expect_parts(tab, "Limed", "Smoked")
        expect(tab.locator("#problem")).to_have_text("")
