"""Whole ways of a person through the pages, from an empty collection: by mouse, and by keyboard alone on a phone."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page

from swatchbook.deployments.tick import tick
from swatchbook.domain.settings import load_settings
from tests.chrome import browser, opened, reach
from tests.doors.served import Served, served

__all__ = ["browser"]  # a fixture

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.stack]

Use = Callable[[Page, Locator], None]
"""Follows a link or presses a button."""


def click(tab: Page, target: Locator) -> None:
    target.click()


def press(tab: Page, target: Locator) -> None:
    reach(tab, target)
    tab.keyboard.press("Enter")


@pytest.fixture
def empty(home: Path) -> Iterator[Served]:
    with served(load_settings()) as service:
        yield service


@pytest.mark.gate
def test_from_an_empty_collection_to_a_mended_name(browser: Browser, empty: Served, small_catalogue: Path) -> None:
    """A catalogue is added, browsed to a product, its picture, its page, and back; twice, by mouse and by keyboard."""
    with opened(browser, empty) as (_, tab):
        tab.goto("/")
        tab.get_by_text("There is nothing here yet.").wait_for()
        tab.get_by_role("link", name="Add documents").click()
        tab.wait_for_url("**/ui/documents")
        tab.set_input_files("#file", small_catalogue)
        tab.locator(".sending", has_text="is stored").wait_for()
        with ThreadPoolExecutor(1) as loop:
            ticked = loop.submit(asyncio.run, tick(empty.resources))  # a round of the service starts the flow
            tab.locator("#rows .state", has_text="completed").wait_for(timeout=300_000)  # without any click
            assert ticked.result().troubles == ()
        mend_a_name(tab, click)
    with opened(browser, empty, viewport={"width": 390, "height": 800}, color_scheme="dark") as (_, tab):
        mend_a_name(tab, press)


def mend_a_name(tab: Page, use: Use) -> None:
    """Go from the first page to a product, a picture of it and its page, change its name, and take that back."""
    tab.goto("/")
    product = tab.locator(".cards.product .name a").first
    name = product.inner_text()
    use(tab, product)
    tab.locator("h1", has_text=name).wait_for()
    use(tab, tab.locator(".cards.pictures .picture").first)
    tab.wait_for_url("**/ui/images/*")
    use(tab, tab.locator("main a[href*='page=']").first)
    tab.wait_for_url("**/ui/documents/*page=*")
    use(tab, tab.locator("main a[href*='/products/']", has_text=name).first)
    tab.locator("h1", has_text=name).wait_for()
    use(tab, tab.locator("summary", has_text="Change the name"))
    field = tab.get_by_label("Name", exact=True)
    if use is press:
        reach(tab, field)
        tab.keyboard.press("Control+a")
        tab.keyboard.type("Larch by hand")
    else:
        field.fill("Larch by hand")
    tab.keyboard.press("Enter")
    tab.locator("h1", has_text="Larch by hand").wait_for()
    use(tab, tab.locator(".toast").get_by_role("button", name="Undo"))
    tab.locator("h1", has_text=name).wait_for()
