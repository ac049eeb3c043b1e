"""What looks like a picture on a rendered page, and pages with boxes drawn over them."""

import io
import math
from pathlib import Path

import numpy as np
import pymupdf
import pytest
from PIL import Image

from swatchbook.domain.records import Box, Drawing, DrawnBox, SeenPage
from swatchbook.domain.settings import Settings
from swatchbook_catalogue.pdf import reader
from swatchbook_catalogue.pdf.picture_like import pictures_seen
from tests.pdf.making import Paper, gradient, photo, png, read_pdf

SETTINGS = Settings()
PHOTO: Box = (200, 300, 320, 400)


def unplaced(paper: Paper, folder: Path, placed: list[Box] | None = None) -> list[Box]:
    (seen,) = reader.look(paper.save(folder / "a.pdf"), {1: placed or []}, SETTINGS)
    assert isinstance(seen, SeenPage)
    return [picture.bbox for picture in seen.unplaced]


def is_near(found: Box, expected: Box) -> bool:
    return all(math.isclose(a, b, abs_tol=4) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("rotation", [0, 90])
def test_picture_is_lost_unless_a_placement_covers_it(paper: Paper, tmp_path: Path, rotation: int) -> None:
    page = paper.page("A page with a picture that no placement covers")
    page.insert_image(PHOTO, stream=png(photo()))
    page.set_rotation(rotation)
    x0, y0, x1, y1 = PHOTO
    shown: Box = PHOTO if not rotation else (600 - y1, x0, 600 - y0, x1)
    (found,) = unplaced(paper, tmp_path)
    assert is_near(found, shown)
    assert unplaced(paper, tmp_path, [shown]) == []


def test_panel_around_two_pictures_is_no_picture(paper: Paper, tmp_path: Path) -> None:
    page = paper.page()
    page.draw_rect((20, 200, 380, 500), fill=(0.8, 0.85, 0.9), color=(0, 0, 0))
    for left in (40, 210):
        page.insert_image((left, 250, left + 150, 400), stream=png(photo(left)), keep_proportion=False)
    assert [round(box[0], -1) for box in unplaced(paper, tmp_path)] == [40, 210]


def test_text_tables_gradients_and_shapes_are_no_pictures(paper: Paper, tmp_path: Path) -> None:
    page = paper.page()
    page.draw_rect((0, 0, 400, 60), fill=(0.7, 0.1, 0.1), color=None)
    paper.shade(page, (0, 80, 400, 140))
    for row in range(160, 300, 14):
        page.draw_line((40, row), (360, row))
    for column in range(40, 361, 64):
        page.draw_line((column, 160), (column, 286))
    page.draw_circle((100, 350), 40, fill=(0.2, 0.5, 0.3), color=None)
    outlined = pymupdf.open()  # text that is a picture of letters only, as outlines are
    lines = outlined.new_page(width=300, height=120)
    lines.insert_textbox((0, 0, 300, 120), "Letters without a text layer, several lines of them. " * 8, fontsize=11)
    page.insert_image((50, 420, 350, 540), pixmap=lines.get_pixmap(dpi=200))
    assert unplaced(paper, tmp_path) == []


def test_noise_and_pages_without_area_are_examined_too() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (600, 420, 3), np.uint8)
    assert pictures_seen(noise, [(50, 50, 60, 60)], scale=50 / 72) != []
    assert pictures_seen(np.zeros((1, 1, 3), np.uint8), [(-9, -9, 5000, 5000)], scale=50 / 72) == []


def mosaic(page: pymupdf.Page, box: Box, tile: int) -> None:
    """A picture of filled squares in many colours."""
    for y in range(int(box[1]), int(box[3]), tile):
        for x in range(int(box[0]), int(box[2]), tile):
            page.draw_rect((x, y, x + tile, y + tile), color=None, fill=((x * y) % 97 / 97, x % 31 / 31, y % 17 / 17))


def test_ingest_finds_drawn_pictures_that_no_placement_covers(paper: Paper, tmp_path: Path) -> None:
    drawn, beside, few = paper.pages(3)
    mosaic(drawn, PHOTO, tile=10)
    drawn.insert_text((40, 40), "A mosaic beside a photograph")
    drawn.insert_image((20, 100, 140, 200), stream=png(photo()))
    beside.insert_image(PHOTO, stream=png(photo()))
    mosaic(few, (200, 300, 260, 360), tile=20)
    found = read_pdf(paper.save(tmp_path / "a.pdf")).found.lost_pictures
    assert [picture.page for picture in found] == [1]
    assert is_near(found[0].bbox, PHOTO)
    assert math.isclose(found[0].share, 120 * 100 / (400 * 600), abs_tol=0.005)


def test_boxes_are_drawn_over_the_page_with_notes(paper: Paper, tmp_path: Path) -> None:
    paper.page().insert_image(PHOTO, stream=png(gradient(120, 100)))
    boxes = (
        DrawnBox(bbox=PHOTO, sign="1S", color="#0072b2"),
        DrawnBox(bbox=(-300, -10, -200, 90), sign="2H", color="#a84300", dashes=(10, 6)),
    )
    drawing = Drawing(boxes=boxes, notes="<p>Дуб и オーク</p>" * 40)
    data = reader.draw_page(paper.save(tmp_path / "a.pdf"), 1, drawing, SETTINGS, side=600)
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    assert picture.width > 400
    assert picture.height == 1200, "as high as the notes need"
    near = [picture.getpixel((x, 350)) for x in range(316, 325)]
    assert (0, 114, 178) in near, "the right side of the first box"
    assert picture.getpixel((2, 16)) == (168, 67, 0), "the sign of the second, which lies outside, at the edge"
    assert np.asarray(picture)[:, 420:].min() < 128, "the notes"
