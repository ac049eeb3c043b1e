"""Pictures that go on over the fold, and those that only meet there."""

import io
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pymupdf
from PIL import Image, ImageDraw

from swatchbook.domain.records import Extraction, PlacementState
from swatchbook.domain.settings import Settings
from swatchbook.store.files.file_store import Files
from swatchbook_catalogue.extract import extract
from swatchbook_catalogue.pdf import reader
from tests.pdf.making import Paper, all_pages, deflated, jpeg

WIDTH, HEIGHT = 400, 600  # points of a page
TOP, BOTTOM = 100, 400
LEFT_PART = 300  # points of the picture that are on the left page


def scene(seed: int) -> Image.Image:
    """A photograph, 1200 × 600: things of many sizes and colours on a shaded ground."""
    chance = np.random.default_rng(seed)
    shade = np.linspace(90, 230, 600)[:, None, None] + chance.normal(0, 6, (600, 1200, 3))
    picture = Image.fromarray(shade.clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for _ in range(60):
        (x, y), (w, h) = chance.integers(-100, (1200, 600)), chance.integers(40, 260, 2)
        draw.ellipse((x, y, x + w, y + h), fill=tuple(chance.integers(20, 240, 3).tolist()))
    return picture


def put(paper: Paper, page: pymupdf.Page, picture: Image.Image, left: float, right: float) -> None:
    data = deflated(picture)
    xref = paper.image(picture.width, picture.height, data, "/FlateDecode")
    paper.put(page, xref, (left, TOP, right, BOTTOM))


def two_objects(paper: Paper) -> None:
    left, right = paper.pages(2)
    put(paper, left, scene(1).crop((0, 0, 600, 600)), WIDTH - LEFT_PART, WIDTH)
    put(paper, right, scene(1).crop((600, 0, 1200, 600)), 0, LEFT_PART)


def one_object(paper: Paper) -> None:
    pages = paper.pages(2)
    xref = paper.image(1200, 600, jpeg(scene(2)), "/DCTDecode")
    for page, x in zip(pages, (WIDTH - LEFT_PART, -LEFT_PART), strict=True):
        paper.put(page, xref, (x, TOP, x + 2 * LEFT_PART, BOTTOM))


def read_from_right_to_left(paper: Paper) -> None:
    right, left = paper.pages(2)
    put(paper, left, scene(3).crop((0, 0, 600, 600)), WIDTH - LEFT_PART, WIDTH)
    put(paper, right, scene(3).crop((600, 0, 1200, 600)), 0, LEFT_PART)


def narrow_half(paper: Paper) -> None:
    """A photograph of which 20 points lie on the right page."""
    left, right = paper.pages(2)
    put(paper, left, scene(5).crop((0, 0, 1125, 600)), WIDTH - LEFT_PART, WIDTH)
    put(paper, right, scene(5).crop((1125, 0, 1200, 600)), 0, LEFT_PART / 15)


def photograph_and_narrow_band(paper: Paper) -> None:
    left, right = paper.pages(2)
    put(paper, left, scene(6).crop((0, 0, 600, 600)), WIDTH - LEFT_PART, WIDTH)
    put(paper, right, scene(7).crop((0, 0, 75, 600)), 0, LEFT_PART / 15)


def two_photographs(paper: Paper) -> None:
    left, right = paper.pages(2)
    put(paper, left, scene(1).crop((0, 0, 600, 600)), WIDTH - LEFT_PART, WIDTH)
    put(paper, right, scene(2).crop((0, 0, 600, 600)), 0, LEFT_PART)


def template(paper: Paper) -> None:
    """Pages as pictures: the same bands at every edge, and other things between them."""
    for page, seed in zip(paper.pages(3), (7, 8, 9), strict=True):
        whole = Image.new("RGB", (800, 1200), (250, 246, 230))
        whole.paste((40, 40, 44), (0, 0, 800, 90))
        whole.paste((230, 120, 20), (0, 1150, 800, 1180))
        whole.paste(scene(seed).crop((0, 0, 600, 600)), (100, 200))
        xref = paper.image(800, 1200, jpeg(whole), "/DCTDecode")
        paper.put(page, xref, (0, 0, WIDTH, HEIGHT))


def swatches_of_one_ground(paper: Paper) -> None:
    left, right = paper.pages(2)
    for page, x, grey in ((left, WIDTH - LEFT_PART, 120), (right, 0, 124)):
        plain = np.random.default_rng(grey).normal(grey, 5, (300, 300, 3)).clip(0, 255)
        put(paper, page, Image.fromarray(plain.astype(np.uint8)), x, x + LEFT_PART)


def spread(paper: Paper, first: Image.Image, second: Image.Image) -> None:
    page = paper.document.new_page(width=2 * WIDTH, height=HEIGHT)
    put(paper, page, first, WIDTH - LEFT_PART, WIDTH)
    put(paper, page, second, WIDTH, WIDTH + LEFT_PART)


def one_photograph_on_a_spread(paper: Paper) -> None:
    spread(paper, scene(4).crop((0, 0, 600, 600)), scene(4).crop((600, 0, 1200, 600)))


def two_photographs_on_a_spread(paper: Paper) -> None:
    spread(paper, scene(5).crop((0, 0, 600, 600)), scene(6).crop((0, 0, 600, 600)))


def drawn(draws: Sequence[Callable[[Paper], None]], files: Files, tmp_path: Path) -> Extraction:
    """Extract a document with an empty page after each of these."""
    paper = Paper()
    for draw in draws:
        draw(paper)
        paper.page()
    path, settings = paper.save(tmp_path / "a.pdf"), Settings(home=tmp_path)
    reading = reader.read(path, files, settings)
    return extract(path, "document", reading, all_pages(reading.page_count), files, settings)


def likeness(files: Files, file: str, whole: Image.Image) -> float:
    """Return the mean absolute difference, of 255, between a stored picture and a whole one."""
    stored = Image.open(io.BytesIO(files.read(file))).convert("RGB").resize(whole.size)
    return float(np.abs(np.asarray(stored, float) - np.asarray(whole, float)).mean())


def test_picture_across_the_fold_is_one_picture_with_both_places(files: Files, tmp_path: Path) -> None:
    draws = [two_objects, one_object, read_from_right_to_left, one_photograph_on_a_spread, narrow_half]
    extraction = drawn(draws, files, tmp_path)
    pages_of = defaultdict[str, list[int]](list)
    for place in extraction.placements:
        assert place.state is PlacementState.SHOWN or place.page == 13
        pages_of[place.content_key].append(place.page)
    assert list(pages_of.values()) == [[1, 2], [4, 5], [7, 8], [10], [12, 13]]
    assert extraction.placements[-3].bbox == (WIDTH - LEFT_PART, TOP, WIDTH + LEFT_PART, BOTTOM)
    assert [picture.passed_through for picture in extraction.pictures] == [False, True, False, False, False]
    for seed, picture in enumerate(extraction.pictures, start=1):
        assert likeness(files, picture.file, scene(seed)) < 8


def test_pictures_that_only_meet_at_the_fold_stay_apart(files: Files, tmp_path: Path) -> None:
    draws = [
        two_photographs, template, swatches_of_one_ground, two_photographs_on_a_spread, photograph_and_narrow_band,
    ]  # fmt: skip
    extraction = drawn(draws, files, tmp_path)
    assert len(extraction.placements) == 2 + 3 + 2 + 2 + 2
    for place in extraction.placements:
        (picture,) = (each for each in extraction.pictures if each.content_key == place.content_key)
        assert picture.width <= 2 * WIDTH  # a half, or a page; not both
