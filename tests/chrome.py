"""A page of a service in Chromium. Whatever the browser complains of fails the test, and so does a request to any other
host.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect, sync_playwright

from tests.doors.served import Served
from tests.needs import chromium

expect.set_options(timeout=30_000)  # ms, as Playwright's other waits; 5 s are too few on a busy machine

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
MOST_TABS = 300


@contextmanager
def started() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as browser:
        yield browser


@contextmanager
def opened(browser: Browser, service: Served, **options: Any) -> Iterator[tuple[BrowserContext, Page]]:
    complaints = list[str]()

    def note(message: ConsoleMessage) -> None:
        expected = re.search("status of (415|503)", message.text)  # a refused upload, a picture that is asked for again
        if message.type in ("error", "warning") and not expected:
            complaints.append(f"{message.text} {message.location.get('url')}")

    context = browser.new_context(base_url=service.url, **options)
    context.on(
        "request", lambda asked: urlsplit(asked.url).hostname in ("127.0.0.1", None) or complaints.append(asked.url)
    )
    page = context.new_page()
    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield context, page
    context.close()
    assert complaints == []


def press_key(tab: Page, key: str) -> None:
    """Press a key when the page has loaded: before, its script does not listen yet."""
    tab.wait_for_load_state("load")
    tab.keyboard.press(key)


def reach(tab: Page, target: Locator) -> None:
    """Move the focus to an element by the Tab key alone, from where it is."""
    target.wait_for()
    tab.wait_for_load_state("load")
    for _ in range(MOST_TABS):
        tab.keyboard.press("Tab")
        if target.evaluate("each => each === document.activeElement"):
            return
    raise AssertionError(f"{target} cannot be reached by the Tab key.")
