"""Boxes of the teach page lie on the letters, however the page of the PDF is turned or cut out."""

import io
from pathlib import Path

import numpy as np
import pymupdf
import pytest
from fastapi.testclient import TestClient
from PIL import Image, ImageDraw, ImageFont
from taught_catalogues import ingest
from test_teach_page import fields_of, send

from swatchbook.domain.records import Box, Example
from swatchbook.resources import Resources
from tests.doors.pages import Page, page
from tests.pdf.making import png
from tests.store.ledger import scene

INKS = {"Garnet Vase": (200, 0, 0), "Meadow Bowl": (0, 120, 0), "Harbour Plate": (0, 0, 200)}
"""Words -> the colour in which only they are printed."""
WIDTH = 1_000


@pytest.fixture(autouse=True)
def print_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATCHBOOK_OCR", "auto")


@pytest.fixture
def resources(client: TestClient) -> Resources:
    tools: Resources = client.app.state.resources  # type: ignore[attr-defined]
    return tools


def put(resources: Resources, path: Path, pages: int) -> str:
    """Store a PDF as one that has been read."""
    document = scene.queued(resources.ledger, file=resources.files.put_file(path), size=path.stat().st_size)
    scene.set_document(resources.ledger, document.id, page_count=pages)
    return document.id


def boxes_of(read: Page) -> dict[str, Box]:
    """The words of each text that can be clicked -> its box, in points of the picture."""
    found, at = dict[str, Box](), (0.0, 0.0, 0.0, 0.0)
    for tag, given in read.tags:
        if tag == "foreignobject":
            x, y, width, height = (float(given[side]) for side in ("x", "y", "width", "height"))
            at = x, y, x + width, y + height
        elif tag == "button" and given.get("name") == "click":
            assert given["aria-label"] not in found, "each text is there once"
            found[given["aria-label"]] = at
    return found


def ink_of(picture: Image.Image, color: tuple[int, int, int], scale: float) -> Box:
    """The box around what is printed in a colour, in points."""
    pixels = np.asarray(picture.convert("RGB")).astype(int)
    there = np.abs(pixels - color).sum(axis=2) < 90
    ys, xs = there.nonzero()
    assert len(xs), "nothing is printed so"
    return xs.min() / scale, ys.min() / scale, (xs.max() + 1) / scale, (ys.max() + 1) / scale


def check_page(client: TestClient, document: str, number: int) -> None:
    """Each text's box is around its letters, and not much larger."""
    read = page(client, f"/ui/documents/{document}/teach?page={number}")
    (sheet,) = read.all("svg", class_="sheet taught")
    width, height = map(float, sheet["viewbox"].split()[2:])
    picture = Image.open(io.BytesIO(client.get(f"/documents/{document}/pages/{number}?width={WIDTH}").content))
    scale = picture.width / width
    assert picture.height / height == pytest.approx(scale, rel=0.01), "the boxes have the shape of the picture"
    boxes = boxes_of(read)
    for words, color in INKS.items():
        x0, y0, x1, y1 = boxes[words]
        a0, b0, a1, b1 = ink_of(picture, color, scale)
        assert x0 <= a0 + 1, words
        assert y0 <= b0 + 1, words
        assert a1 - 1 <= x1, words
        assert b1 - 1 <= y1, words
        assert (a1 - a0) * (b1 - b0) > 0.3 * (x1 - x0) * (y1 - y0), f"{words}: the box is much larger"


TURNED = ((90, False), (180, False), (90, True), (180, True), (270, True))
"""Rotation of a page, and whether its letters are sideways: a reader has to turn the screen. Else they are upright."""


def test_boxes_lie_on_turned_letters(client: TestClient, resources: Resources, tmp_path: Path) -> None:
    with pymupdf.open() as pdf:
        for rotation, sideways in TURNED:
            made = pdf.new_page(width=400, height=600)
            made.set_rotation(rotation)
            for line, (words, color) in enumerate(INKS.items()):
                at = pymupdf.Point(60, 90 + 40 * line) * (pymupdf.Matrix(1) if sideways else made.derotation_matrix)
                turn = 0 if sideways else rotation
                made.insert_text(at, words, fontsize=16, rotate=turn, color=[each / 255 for each in color])
        pdf.save(tmp_path / "turned.pdf")
    document = put(resources, tmp_path / "turned.pdf", len(TURNED))
    for number in range(1, len(TURNED) + 1):
        check_page(client, document, number)


def test_boxes_lie_on_the_pictures_of_turned_pages(client: TestClient, resources: Resources, tmp_path: Path) -> None:
    ground, part = (0, 90, 200), (70.0, 100.0, 220.0, 200.0)
    photo = Image.effect_noise((300, 200), 90).convert("RGB")
    photo.paste(ground, (0, 0, 300, 12))
    photo.paste(ground, (0, 188, 300, 200))
    with pymupdf.open() as pdf:
        made = pdf.new_page(width=400, height=600)
        made.insert_image(part, stream=png(photo))
        made.insert_text((60, 300), "Garnet Vase", fontsize=16)
        made.set_rotation(90)
        pdf.save(tmp_path / "pictures.pdf")
    document = ingest(resources, tmp_path / "pictures.pdf").id
    read = page(client, f"/ui/documents/{document}/teach?page=1")
    (button,) = read.all("button", name="picture")
    shown = Image.open(io.BytesIO(client.get(f"/documents/{document}/pages/1?width={WIDTH}").content))
    box = Example.model_validate_json(button["value"]).box
    assert box == pytest.approx(ink_of(shown, ground, shown.width / 600), abs=1.5)
    drawn = send(client, document, fields_of(read) | {"mode": "decoration"}, picture=button["value"])
    assert "1 more picture is decoration" in drawn.text


@pytest.mark.parametrize("turn", [90, pytest.param(270, marks=pytest.mark.nightly)])
def test_boxes_lie_on_the_print_of_turned_scans(
    client: TestClient, resources: Resources, tmp_path: Path, turn: int
) -> None:
    scan = Image.new("RGB", (500, 700), "white")
    for line, (words, color) in enumerate(INKS.items()):
        ImageDraw.Draw(scan).text((60, 90 + 120 * line), words, fill=color, font=ImageFont.load_default(40))
    with pymupdf.open() as pdf:
        made = pdf.new_page(width=700, height=500)
        made.insert_image(made.rect, stream=png(scan.rotate(turn, expand=True)))
        pdf.save(tmp_path / "scan.pdf")
    check_page(client, put(resources, tmp_path / "scan.pdf", 1), 1)
