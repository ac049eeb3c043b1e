"""Teaching pictures in a real Chromium: by dragging and by keyboard."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from taught_catalogues import COLUMNS, ROWS, SHEET, cell_at, ingested_sheets
from test_teach_browser import document_of

from swatchbook.domain.settings import load_settings
from swatchbook.store.ledger.stored_documents import get_document
from tests.chrome import opened, reach, started
from tests.doors.served import Served, served

__all__ = ["ingested_sheets"]  # a fixture

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.stack]

WIDTH = 400.0  # points of a page
CELLS = COLUMNS * ROWS


DRAWN = "wide => Math.abs(document.querySelector('rect.drawing').getAttribute('width') - wide) < 2"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as browser:
        yield browser


@pytest.fixture
def service(home: Path, ingested_sheets: Path) -> Iterator[Served]:
    """A service with a catalogue of three pages, each with one picture of twelve products, and with a logo."""
    shutil.copytree(ingested_sheets, home)
    with served(load_settings()) as service:
        yield service


def show(tab: Page, mode: str) -> str:
    """Open the first page to show something of its pictures; return the document."""
    document = document_of(tab)
    tab.goto(f"/ui/documents/{document}/teach?page=1")
    tab.wait_for_load_state("load")
    tab.get_by_role("radio", name=mode, exact=True).check()
    return document


def at(tab: Page, x: float, y: float) -> tuple[float, float]:
    """Where a point of the page is in the window."""
    box = tab.locator(".sheet.taught").bounding_box()
    assert box
    return box["x"] + x * box["width"] / WIDTH, box["y"] + y * box["width"] / WIDTH


def drag(tab: Page, box: tuple[float, float, float, float]) -> None:
    """Drag a box on the page, from its lower right corner."""
    tab.locator(".sheet.taught").scroll_into_view_if_needed()
    tab.mouse.move(*at(tab, box[2], box[3]))
    tab.mouse.down()
    tab.mouse.move(*at(tab, box[0] + 20, box[1] + 20))
    tab.mouse.move(*at(tab, box[0], box[1]))
    tab.wait_for_function(DRAWN, arg=box[2] - box[0])
    tab.mouse.up()


def expect_examples(tab: Page, count: int) -> None:
    expect(tab.locator(".shown li")).to_have_count(count)


def side_of(tab: Page, name: str) -> Locator:
    """The number of a side of the box."""
    return tab.get_by_role("spinbutton", name=name)


def expect_cells(tab: Page) -> None:
    expect(tab.locator(".sheet rect.is-cell")).to_have_count(CELLS)


def test_one_cell_is_dragged_and_accepted(browser: Browser, service: Served) -> None:
    with opened(browser, service, viewport={"width": 1280, "height": 1500}) as (_, tab):
        document = show(tab, "One cell")
        tab.mouse.click(*at(tab, 60, 110))
        corner = tab.get_by_text("Now the opposite corner.")
        corner.wait_for()
        tab.keyboard.press("Escape")
        corner.wait_for(state="hidden")
        for x in (60, 62):
            tab.mouse.click(*at(tab, x, 110))
        tab.get_by_role("alert").get_by_text("The box is too small").wait_for()  # a slip of the hand
        expect_examples(tab, 0)
        expect(tab.locator("button.text").first).to_be_hidden()  # texts are not in the way
        drag(tab, cell_at(0, 0))
        expect_examples(tab, 1)
        expect_cells(tab)
        expect(tab.locator(".picture-changes", has_text=f"3 pictures are cut into {3 * CELLS}")).to_be_visible()
        expect(tab.locator(".cutout")).to_be_visible()
        tab.get_by_label("Pictures are").select_option("above the name")
        tab.locator(".rules", has_text="above the name").wait_for()
        tab.get_by_role("button", name="Accept").click()
        tab.locator(".toast", has_text="Accepted").wait_for()
        taught = get_document(service.resources.ledger, document).options.taught
        assert (len(taught.grids), taught.side) == (1, "above")


def test_cell_is_drawn_by_keyboard_alone(browser: Browser, service: Served) -> None:
    with opened(browser, service) as (_, tab):
        tab.goto(f"/ui/documents/{document_of(tab)}/teach?page=1")
        reach(tab, tab.get_by_role("radio", name="Name", exact=True))
        for _ in range(5):  # to the sixth choice
            tab.keyboard.press("ArrowRight")
        expect(tab.get_by_role("radio", name="One cell")).to_be_checked()
        reach(tab, tab.get_by_role("button", name="Picture 1,").first)
        tab.keyboard.press("Enter")
        for name, number in zip(("Left", "Top", "Right", "Bottom"), SHEET, strict=True):
            expect(side_of(tab, name)).to_have_value(re.compile(rf"^{number:g}(\.0)?$"))
        for label, side in zip(("Right", "Bottom"), cell_at(0, 0)[2:], strict=True):
            reach(tab, side_of(tab, label))
            tab.keyboard.press("Control+a")
            tab.keyboard.type(str(side))
        tab.keyboard.press("Enter")
        expect_examples(tab, 1)
        expect_cells(tab)
