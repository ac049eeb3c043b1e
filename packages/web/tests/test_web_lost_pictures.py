"""What was seen on a page and not taken stands on the pages of its document, with what a person may say of it."""

import pytest
from fastapi.testclient import TestClient

from swatchbook.domain.records import LostPicture
from swatchbook.resources import Resources
from swatchbook.store.ledger.page_findings import list_lost_pictures, save_lost_pictures
from swatchbook.store.ledger.stored_documents import get_document
from tests.doors.pages import Page, page


@pytest.fixture
def seen(resources: Resources, document: str) -> None:
    found = [LostPicture(page=3, bbox=(10, y, 90, y + 80), share=0.01) for y in (10, 200)]
    with resources.ledger.write() as connection:
        save_lost_pictures(connection, document, found)


def say(sample: TestClient, document: str, boxes: str | list[str], state: str) -> None:
    form = {"boxes": boxes, "state": state, "at": "3"}
    asked = sample.post(f"/ui/documents/{document}/lost-pictures", data=form, follow_redirects=False)
    assert (asked.status_code, asked.headers["location"]) == (303, f"/ui/documents/{document}?page=3#lost")


@pytest.mark.usefixtures("seen")
def test_a_click_dismisses_takes_in_and_puts_back(sample: TestClient, document: str, resources: Resources) -> None:
    first = page(sample, f"/ui/documents/{document}")
    assert "2 possible pictures left out" in first.text
    assert f"/ui/documents/{document}?page=3#lost" in first.links(f"/ui/documents/{document}?page=3")
    shown = page(sample, f"/ui/documents/{document}?page=3")
    assert len(named(shown, "Take in: 3:1")) == 1
    assert len(named(shown, "Not a picture: 3:2")) == 1
    assert "3:1? left out: looks like a picture" in shown.text
    assert "2 possible pictures left out" in page(sample, "/ui/coverage").text
    assert "2 possible pictures left out" in page(sample, "/ui/documents").text

    def states() -> list[str]:
        return [picture.state.value for picture in list_lost_pictures(resources.ledger, document)]

    say(sample, document, "3:1", "dismissed")
    assert (states(), get_document(resources.ledger, document).status) == (["dismissed", "seen"], "completed")
    assert "1 possible picture left out" in page(sample, f"/ui/documents/{document}?page=3").text
    say(sample, document, "3:1", "seen")
    assert "Take in all 2" in page(sample, f"/ui/documents/{document}").text
    say(sample, document, ["3:1", "3:2"], "taken")
    assert (states(), get_document(resources.ledger, document).status) == (["taken", "taken"], "queued")


def named(read: Page, name: str) -> list[dict[str, str]]:
    return [given for tag, given in read.tags if tag == "button" and given.get("aria-label") == name]


def test_invalid_name_of_a_picture_is_refused(sample: TestClient, document: str) -> None:
    for box in ["", "3", "3:0", "x:1", "3:1;", "9" * 8 + ":1"]:
        form = {"boxes": [box], "state": "taken", "at": "3"}
        assert sample.post(f"/ui/documents/{document}/lost-pictures", data=form).status_code == 422
