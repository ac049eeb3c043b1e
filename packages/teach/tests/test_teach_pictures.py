"""Pictures on the teach page: a box is drawn, a cell cuts its picture on all pages, a click makes decoration."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from taught_catalogues import SHEET, cell_at, ingested_sheets
from test_teach_page import fields_of, send, shown
from test_web_documents import post_and_tell

from swatchbook.domain.records import PictureSide, Shown, TaughtReading
from swatchbook.resources import Resources
from swatchbook.store.ledger.stored_documents import get_document
from swatchbook.store.ledger.tables import placements
from swatchbook_teach.kept_readings import list_readings
from swatchbook_teach.placed_pictures import read_placed
from tests.doors.conftest import asking
from tests.doors.pages import Page, page
from tests.store.ledger.scene import change

__all__ = ["ingested_sheets"]  # a fixture

Numbers = dict[str, str]


@pytest.fixture
def sample(home: Path, ingested_sheets: Path) -> Iterator[TestClient]:
    shutil.copytree(ingested_sheets, home)
    with asking() as client:
        yield client


def numbers(box: tuple[float, ...]) -> Numbers:
    return dict(zip(("x0", "y0", "x1", "y1"), map(str, box), strict=True))


def opened(client: TestClient, document: str, number: int = 1) -> Page:
    return page(client, f"/ui/documents/{document}/teach?page={number}")


def draw(client: TestClient, document: str, read: Page, box: tuple[float, ...], mode: str = "picture") -> Page:
    """Draw a box by its numbers."""
    return send(client, document, fields_of(read) | {"mode": mode} | numbers(box), draw="true")


def picture(read: Page, begin: str) -> dict[str, str]:
    """The button of a picture on the page, by the begin of its name."""
    return next(each for each in read.all("button", name="picture") if each["aria-label"].startswith(begin))


def marks(read: Page, kind: str) -> int:
    """How many places of the page are marked so."""
    rects = [given for given in read.all("rect", class_=f"is-{kind}") if "rx" not in given]
    return sum(given["x"] != "1.5" for given in rects)


def test_one_cell_cuts_the_pictures_of_all_pages(sample: TestClient, resources: Resources, document: str) -> None:
    read = opened(sample, document)
    assert marks(read, "cell") == 0
    read = draw(sample, document, read, cell_at(0, 0), "cell")
    (cell,) = shown(read)
    assert (cell.what, cell.page, cell.box) == (Shown.CELL, 1, cell_at(0, 0))
    assert "3 pictures are cut into 36: pages" in read.text
    assert "Products with a picture:" in read.text
    assert "300 × 480 points: cut into 3 × 4" in read.text, "the rule is said, too"
    for box, said in ((cell_at(2, 1), "1 picture is taken in as drawn: page"), ((370, 300, 395, 340), "1 box shows")):
        read = draw(sample, document, read, box)
        assert said in read.text
    assert (marks(read, "taken"), marks(read, "empty")) == (1, 1)
    read = send(sample, document, fields_of(read), go="3")
    assert marks(read, "cell") == 12
    post_and_tell(sample, f"/ui/documents/{document}/teach/accept", **fields_of(read))  # type: ignore[arg-type]
    (kept,) = list_readings(resources.ledger)
    assert len(kept.reading.grids) == 1
    assert "Its pictures are read the way a person showed." in page(sample, f"/ui/documents/{document}").text


def test_wrong_box_is_reported_and_keeps_its_numbers(sample: TestClient, document: str) -> None:
    for given, said in (
        (("40", "90", "140", ""), "Give all four sides of the box"),
        (("40", "90", "140", "nan"), "Give all four sides of the box"),
        (("40", "90", "140", "1e9"), "Give all four sides of the box"),
        (("40", "90", "42", "190"), "The box is too small"),
    ):
        read = draw(sample, document, opened(sample, document), given)  # type: ignore[arg-type]
        assert said in read.text
        assert shown(read) == []
        assert fields_of(read)["x0"] == "40"
        assert read.all("details", class_="numbers for-drawing", open="")
    read = draw(sample, document, opened(sample, document), (360, 500, 390, 530), "cell")
    assert "1 place has no picture: draw it first" in read.text


def test_picture_sets_the_numbers_and_corners_may_swap(sample: TestClient, document: str) -> None:
    read = opened(sample, document)
    sheet = picture(read, "Picture 1, 300 × 480 points")
    read = send(sample, document, fields_of(read) | {"mode": "cell"}, picture=sheet["value"])
    assert {name: fields_of(read)[name] for name in numbers(SHEET)} == {
        name: side.removesuffix(".0") for name, side in numbers(SHEET).items()
    }
    assert shown(read) == []
    x0, y0, x1, y1 = cell_at(1, 1)
    read = draw(sample, document, read, (x1, y1, x0, y0), "cell")
    assert [each.box for each in shown(read)] == [cell_at(1, 1)]
    assert fields_of(read)["x0"] == ""


def test_clicks_say_what_is_decoration(sample: TestClient, resources: Resources, document: str) -> None:
    logo = next(each.placement for each in read_placed(resources.ledger, document, 1) if each.placement.bbox != SHEET)
    change(resources.ledger, placements, placements.c.id == logo.id, state="decorative")
    read = opened(sample, document)
    sheet = picture(read, "Picture 1, 300 × 480 points")
    logo = next(each for each in read.all("button", name="picture") if "decoration" in each["aria-label"])
    read = send(sample, document, fields_of(read) | {"mode": "decoration"}, picture=sheet["value"])
    assert [(each.what, each.right, each.box) for each in shown(read)] == [(Shown.DECORATION, True, SHEET)]
    assert "1 more picture is decoration: page" in read.text
    assert picture(read, "Picture 1,")["aria-pressed"] == "true"
    read = send(sample, document, fields_of(read), picture=sheet["value"])
    assert shown(read) == []
    read = send(sample, document, fields_of(read), picture=logo["value"])
    assert [(each.what, each.right) for each in shown(read)] == [(Shown.DECORATION, False)]
    assert "1 picture shows a product again: page" in read.text
    read = send(sample, document, fields_of(read) | {"mode": "no-picture"}, picture=sheet["value"])
    assert [(each.what, each.right) for each in shown(read)][1:] == [(Shown.PICTURE, False)]


def test_side_of_names_is_taught_without_an_example(sample: TestClient, resources: Resources, document: str) -> None:
    read = send(sample, document, fields_of(opened(sample, document)) | {"side": "above"})
    assert read.all("option", value="above", selected="")
    assert "above the name" in read.text.partition("What is taken")[2]
    post_and_tell(sample, f"/ui/documents/{document}/teach/accept", **fields_of(read))  # type: ignore[arg-type]
    assert get_document(resources.ledger, document).options.taught.side is PictureSide.ABOVE
    read = opened(sample, document)
    assert read.all("option", value="above", selected="")
    read = send(sample, document, fields_of(read) | {"side": "found"})
    assert TaughtReading.model_validate_json(str(fields_of(read)["start"])).side is None
    assert read.all("button", form="undo"), "what is in use can be undone though nothing is shown"


def test_names_and_pictures_are_shown_together(sample: TestClient, document: str) -> None:
    read = draw(sample, document, opened(sample, document), cell_at(0, 0), "cell")
    name = next(each for each in read.all("button", name="click") if each["aria-label"].startswith("Jade 1"))
    read = send(sample, document, fields_of(read) | {"mode": "name"}, click=name["value"])
    assert [(each.what, each.text) for each in shown(read)] == [(Shown.CELL, None), (Shown.NAME, "Jade 1")]
    fields = fields_of(read)
    assert len(fields["example"]) == len(fields["part"]), "each has its field, so that none gets another one's part"
    read = send(sample, document, fields | {"part": ["forged", "Jade"]})
    assert [each.text for each in shown(read)] == [None, "Jade"]
