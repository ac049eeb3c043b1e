import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pymupdf
import pytest
from PIL import Image, ImageDraw, ImageFont

from swatchbook.domain.errors import Configuration
from swatchbook.domain.records import Box, Page, PlacementState
from swatchbook.domain.settings import Settings
from swatchbook_base.geometry import area, move, overlap
from swatchbook_base.image_limits import ImageLimits
from swatchbook_catalogue.pdf.extract_pictures import Extractor
from swatchbook_catalogue.pdf.mupdf_document import MupdfDocument
from swatchbook_catalogue.pdf.ocr_engine import Recogniser, has_sense
from swatchbook_catalogue.pdf.ocr_languages import chosen_languages
from swatchbook_catalogue.pdf.ocr_pages import wants_ocr
from swatchbook_catalogue.pdf.ocr_text import (
    Printed,
    PrintedLine,
    add_printed,
    even_sizes,
    is_known,
    known_lines,
    with_zeros,
)
from swatchbook_catalogue.pdf.rasters import raster_texts
from swatchbook_catalogue.pdf.regions import find_regions
from swatchbook_catalogue.pdf.unmapped_fonts import is_garbage
from tests.pdf.making import gradient, png, read_pdf

RASTER = {
    "number": 0, "bbox": (0, 0, 400, 600), "width": 9, "height": 9, "colorspace": 3, "bits": 8,
    "has_mask": False, "size": 9, "transform": (400, 0, 0, 600, 0, 0),
}  # fmt: skip
"""A picture that fills a page."""
NAMES = ("Lounge Oslo", "Bench Turin", "Stool Malmo", "Table Porto")


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def scan(*lines: str, turn: int = 0) -> Image.Image:
    """A page of 500 × 700 pixels with two gradients on white, a line of text below each, and text at the top."""
    page = Image.new("RGB", (500, 700), "white")
    draw = ImageDraw.Draw(page)
    for number, line in enumerate(lines):
        left = 40 + 240 * (number % 2)
        page.paste(gradient(180, 160, seed=number + 1), (left, 120 + 280 * (number // 2)))
        draw.text((left, 290 + 280 * (number // 2)), line, fill="black", font=font(22))
    draw.text((40, 40), "Garden Chairs", fill="black", font=font(40))
    return page.rotate(-turn, expand=True)


def as_pdf(*pages: Image.Image, path: Path, points: float = 1.0) -> Path:
    with pymupdf.open() as document:
        for picture in pages:
            page = document.new_page(width=picture.width * points, height=picture.height * points)
            page.insert_image(page.rect, stream=png(picture))
        document.save(path)
    return path


def page(**given: object) -> Page:
    facts = {"number": 1, "label": "", "box": (0, 0, 400, 600), "rotation": 0, "blocks": (), "drawn": ()}
    return Page.model_validate({**facts, **given})


def is_near(found: Sequence[Box], boxes: Sequence[Box], slack: float = 4) -> bool:
    pairs = zip(found, boxes, strict=True)
    return all(abs(a - b) <= slack for one, box in pairs for a, b in zip(one, box, strict=True))


def test_turned_scans_are_read_and_cut_into_products(tmp_path: Path) -> None:
    path = as_pdf(scan(*NAMES), scan(*NAMES, turn=270), scan(*NAMES, turn=180), path=tmp_path / "scans.pdf")
    _, (upright, sideways, upside_down), found, _ = read_pdf(path, ocr="auto")
    assert (upright.turn, sideways.turn, upside_down.turn) == (0, 90, 180)
    for read in (upright, sideways, upside_down):
        assert read.ocr
        assert {line.text for line in read.lines} == {"Garden Chairs", *NAMES}
        assert all(line.confidence and line.confidence > 0.8 for line in read.lines)
    title = next(line for line in sideways.lines if line.text == "Garden Chairs")
    assert title.bbox[3] - title.bbox[1] > title.bbox[2] - title.bbox[0], "coordinates are those of the page as shown"

    regions = [p for p in found.placements if p.state is PlacementState.SHOWN]
    assert [p.kind for p in found.placements] == ["region"] * 12
    assert len(regions) == 12
    assert {p.caption for p in regions if p.page == 1} == set(NAMES)
    sizes = {picture.content_key: (picture.width, picture.height) for picture in found.pictures}
    for placement in regions:
        width, height = sizes[placement.content_key]
        assert (width, height) == pytest.approx((180, 160), abs=4), "upright, in the raster's resolution"

    assert not any(read.ocr or read.blocks for read in read_pdf(path, ocr="off").pages)


def test_small_page_is_cut_like_a_large_one(tmp_path: Path) -> None:
    _, (read,), found, _ = read_pdf(as_pdf(scan(*NAMES), path=tmp_path / "small.pdf", points=0.15), ocr="auto")
    assert {line.text for line in read.lines} == {"Garden Chairs", *NAMES}
    boxes = [placement.bbox for placement in found.placements if placement.kind == "region"]
    assert boxes == [pytest.approx((x, y, x + 27, y + 24), abs=1.0) for y in (18, 60) for x in (6, 42)]


def test_raster_of_captioned_products_is_read(tmp_path: Path) -> None:
    chart, photograph = scan(*NAMES), gradient(500, 700, seed=3)
    with pymupdf.open() as document:
        for picture in (chart, photograph):
            leaf = document.new_page(width=900, height=740)
            leaf.insert_image((20, 20, 520, 720), stream=png(picture))
            for n in range(6):
                leaf.insert_text((560, 80 + 20 * n), f"Line {n} of the text beside it")
        document.save(path := tmp_path / "beside.pdf")
    _, (of_chart, of_photograph), found, _ = read_pdf(path, ocr="auto")
    assert sorted(line.text for line in of_chart.lines) == sorted(
        ["Garden Chairs", *NAMES, *(f"Line {n} of the text beside it" for n in range(6))]
    )
    assert (of_photograph.ocr, len(list(of_photograph.lines))) == (False, 6)
    assert [(p.page, p.kind) for p in found.placements] == [(1, "region")] * 4 + [(2, "embedded")]
    assert {p.caption for p in found.placements if p.page == 1} == set(NAMES)


def test_child_that_dies_resumes_with_the_next_region(tmp_path: Path) -> None:
    path = as_pdf(scan(*NAMES), path=tmp_path / "scan.pdf")
    lines = [(40.0, 290.0, 180.0, 315.0), (280.0, 290.0, 420.0, 315.0), (40.0, 40.0, 340.0, 90.0)]
    asked = {
        "pages": [1], "content": "c", "limits": ImageLimits.of(Settings(home=tmp_path)),
        "texts": {"1": {"turn": 0, "lines": lines}}, "boxes": {},
    }  # fmt: skip

    def sent(after: int) -> list[tuple[int, object]]:
        with pymupdf.open(path) as document:
            frames = [facts for facts, _ in Extractor({**asked, "after": after})(MupdfDocument(document), 1)]
        begun = [frame for frame in frames if "begun" in frame]
        assert [frame["begun"] for frame in begun] == [frame["number"] for frame in frames if "number" in frame]
        return [(frame["begun"], frame["sighting"]["bbox"]) for frame in begun]

    whole = sent(-1)
    assert len(whole) >= 4
    for done, (number, _) in enumerate(whole, start=1):
        assert sent(number) == whole[done:]


def test_nothing_is_downloaded_and_unread_lines_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: object) -> None:
        raise AssertionError("OCR opens a connection")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    recogniser = Recogniser()

    def pixels_of(document: pymupdf.Document) -> Any:
        pixmap = document[0].get_pixmap()
        return np.frombuffer(pixmap.samples, np.uint8).reshape(pixmap.height, pixmap.width, 3)

    with pymupdf.open() as document:
        page = document.new_page(width=500, height=300)
        for top in (50, 110, 170):
            page.insert_text((30, top), "Стол обеденный из дуба", fontname="china-s", fontsize=30)
        cyrillic = pixels_of(document)
        page.insert_text((30, 230), "Dining table", fontsize=30)
        both = recogniser.read(pixels_of(document), 72)
    assert ([line.text for line in both.lines], len(both.unread)) == (["Dining table"], 3)
    read = recogniser.read(cyrillic, 72)
    assert (read.turn, len(read.unread), read.lines) == (0, 3, ())
    assert recogniser.read(np.full((300, 300, 3), 255, np.uint8), 72) == Printed((), 0, ())

    blank, page_of = Image.new("RGB", (500, 300), "white"), Image.fromarray(cyrillic)
    path = as_pdf(page_of, blank, page_of, path=tmp_path / "a.pdf")
    assert read_pdf(path, ocr="auto").reading.doubts == (
        "Printed text that cannot be read: 6 lines on pages 1, 3 (OCR reads Latin, Chinese and Japanese "
        "letters; other scripts with Tesseract's data of their language, such as Debian's tesseract-ocr-rus).",
    )


PRINT = {
    "ru": ("Стол обеденный из дуба", "Кресло для гостиной", "ТОРШЕР", "МАСТЕР", "Цвет: белый 1204"),
    "fa": ("میز ناهارخوری چوبی", "صندلی راحتی", "رنگ سفید مات"),
    "en": ("Dining table of oak", "Lounge chair", "FLOOR LAMP 1204"),
}


def set_in(lines: Sequence[str], style: str = "") -> Image.Image:
    """A page of 400 × 400 points with lines of any script, as a picture."""
    with pymupdf.open() as document:
        page = document.new_page(width=400, height=400)
        for number, line in enumerate(lines):
            page.insert_htmlbox(
                (30, 30 + 60 * number, 380, 80 + 60 * number), f'<p style="font-size:24px;{style}">{line}</p>'
            )
        pixmap = page.get_pixmap(dpi=144)
        return Image.frombytes("RGB", (pixmap.width, pixmap.height), pixmap.samples)


@pytest.mark.nightly
@pytest.mark.needs("tesseract-ocr-rus", "tesseract-ocr-fas")
def test_print_in_any_chosen_language_is_read(tmp_path: Path) -> None:
    scripts = ("ru", "fa", "en")
    upright = [set_in(PRINT[script]) for script in scripts]
    turned = [upright[1].rotate(90, expand=True)]
    path = as_pdf(*upright, *turned, path=tmp_path / "a.pdf")
    reading, pages, *_ = read_pdf(path, ocr="auto", ocr_languages=("fas", "rus"))
    assert not reading.doubts
    assert [page.turn for page in pages] == [0, 0, 0, 90]
    assert [{line.text for line in page.lines} for page in pages] == [{*PRINT[script]} for script in (*scripts, "fa")]
    assert all(0.6 <= (line.confidence or 0) <= 1 for page in pages for line in page.lines)


def test_language_without_data_names_its_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("rus", "eng", "uzb_cyrl"):
        (tmp_path / f"{name}.traineddata").touch()
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    monkeypatch.delenv("SWATCHBOOK_OCR_LANGUAGES")
    assert chosen_languages(Settings(home=tmp_path).ocr_languages) == ("rus", "uzb_cyrl")
    path = as_pdf(scan("Lounge Oslo"), path=tmp_path / "a.pdf")
    with pytest.raises(Configuration, match="in kor, aze_cyrl cannot be read") as missing:
        read_pdf(path, ocr="auto", ocr_languages=("rus", "kor", "aze_cyrl"))
    assert "tesseract-ocr-kor, tesseract-ocr-aze-cyrl" in (missing.value.advice or "")
    assert read_pdf(path, ocr="off", ocr_languages=("rus", "kor")).reading.page_count == 1


def test_page_keeps_its_text_without_memory_for_print(tmp_path: Path) -> None:
    path = as_pdf(scan("Lounge Oslo"), path=tmp_path / "scan.pdf")
    with pymupdf.open(path) as document:
        document[0].insert_text((300, 600), "Spring")
        document.saveIncr()
    reading, (kept,), *_ = read_pdf(path, ocr="auto", child_memory_mb=300)
    (lost,) = reading.lost
    assert (lost.page, lost.kind, lost.transient) == (1, "out_of_memory", True)
    assert "printed text is lost" in lost.message
    assert [line.text for line in kept.lines] == ["Spring"]
    assert len(kept.drawn) == 1
    reading, (whole,), *_ = read_pdf(path, ocr="auto", child_memory_mb=4_096)
    assert {line.text for line in whole.lines} == {"Spring", "Garden Chairs", "Lounge Oslo"}
    assert not reading.lost


def page_json(text: str, **given: object) -> dict[str, Any]:
    """A page as JSON; its text is one line."""
    span = {"text": text, "bbox": (9, 9, 99, 19), "size": 9, "font": "", "bold": False, "italic": False, "color": 0}
    line = {"bbox": span["bbox"], "spans": [span]}
    return page(blocks=[{"bbox": span["bbox"], "lines": [line]}] if text else (), **given).model_dump()


def test_page_of_garbage_is_read_by_pixels() -> None:
    text = "A chair of oak with arms, oiled by hand"
    assert is_garbage("\ue001\ue002\ufffd ab")
    assert not is_garbage(text)
    assert wants_ocr("auto", page_json("", drawn=[RASTER]))
    assert wants_ocr("auto", page_json("\ue001" * 40, paths=1))
    assert wants_ocr("auto", page_json(text, drawn=[RASTER])), "its captions may be pixels"
    assert not wants_ocr("auto", page_json(text, paths=9))
    assert not wants_ocr("auto", page_json("")), "nothing is painted"
    assert not wants_ocr("off", page_json("", drawn=[RASTER]))
    assert wants_ocr("always", page_json(text))


def test_printed_lines_become_paragraphs_and_are_not_repeated() -> None:
    lines = (
        PrintedLine("Oak table", (10, 10, 90, 34), 0.99),
        PrintedLine("Made by hand", (10, 50, 90, 64), 0.97),
        PrintedLine("in Porto", (10, 66, 60, 79), 0.95),
    )
    read = add_printed(page(), Printed(lines, 0, unread=((10, 90, 90, 99),)))
    assert [[line.text for line in block.lines] for block in read.blocks] == [
        ["Oak table"],
        ["Made by hand", "in Porto"],
    ]
    assert read.ocr
    assert read.unread == ((10, 90, 90, 99),)
    assert all(is_known(line.box, known_lines(read)) for line in lines)
    assert not is_known((10, 80, 90, 94), known_lines(read))
    assert even_sizes([10, 11, 9, 24, 23]) == [10.0, 10.0, 10.0, 23.5, 23.5]


@pytest.mark.parametrize(
    ("read", "text"),
    [
        ("$25O", "$250"),
        ("PRECIO - $3OO", "PRECIO - $300"),
        ("1O.5OO", "10.500"),
        ("2 Oz", "2 Oz"),
        ("H2O", "H2O"),
        ("Fe2O3", "Fe2O3"),
    ],
)
def test_capital_o_among_digits_is_a_zero(read: str, text: str) -> None:
    assert with_zeros(read) == text


def two_goods(*, ground: str = "white") -> tuple[Image.Image, list[tuple[float, float, float, float]]]:
    """A page of 400 × 400 with two pictures on a ground, and their boxes."""
    goods = Image.new("RGB", (400, 400), ground)
    boxes = [(30.0, 120.0, 180.0, 340.0), (220.0, 120.0, 370.0, 340.0)]
    for box in boxes:
        goods.paste("maroon", tuple(map(int, box)))
    return goods, boxes


@pytest.mark.parametrize("about", ["thin frame", "sheet", "curve and rule"])
def test_pictures_are_found_within_what_surrounds_them_all(about: str) -> None:
    texts = [(30.0, 350.0, 130.0, 365.0), (220.0, 350.0, 320.0, 365.0)]
    goods, boxes = two_goods(ground="ivory" if about == "sheet" else "white")
    pen = ImageDraw.Draw(goods)
    if about == "thin frame":
        pen.rectangle((0, 0, 399, 399), outline="goldenrod", width=4)
    elif about == "curve and rule":
        pen.line([(200, 5), (200, 395), (395, 395), (395, 5)], fill="goldenrod", width=3)
        pen.line([(5, 5), (5, 395), (200, 395)], fill="black", width=3)
    else:
        desk = Image.new("RGB", (440, 440), "slategray")
        desk.paste(goods, (20, 20))
        goods = desk
        boxes, texts = ([move(box, 20, 20) for box in listed] for listed in (boxes, texts))
    assert is_near(find_regions(np.asarray(goods), texts, 240_000), boxes)


def test_goods_are_cut_out_and_photographs_stay_whole() -> None:
    texts = [(20.0, 20.0, 120.0, 40.0), (20.0, 50.0, 120.0, 70.0)]
    slab, goods = (Image.new("RGB", (400, 400), "silver") for _ in range(2))
    for n in range(8):
        slab.paste("gray", (30 + 45 * n, 200, 50 + 45 * n, 220))
    for whole in (gradient(400, 400), slab):
        assert find_regions(np.asarray(whole), texts, 240_000) == []
    boxes = [(20.0, 120.0, 180.0, 380.0), (220.0, 120.0, 380.0, 380.0)]
    for box in boxes:
        goods.paste("maroon", tuple(map(int, box)))
    assert find_regions(np.asarray(goods), texts, 240_000) == boxes
    assert find_regions(np.asarray(goods), texts[:1], 240_000) == [], "one caption: one product"
    goods.paste("red", (0, 380, 400, 400))
    assert find_regions(np.asarray(goods), texts, 240_000) == boxes, "a band at the foot touches both"
    goods, boxes = two_goods()
    names = [(60.0, 360.0, 150.0, 375.0), (250.0, 360.0, 340.0, 375.0)]
    for left, top, right, bottom in names:
        goods.paste("orange", (int(left) - 8, int(top) - 6, int(right) + 8, int(bottom) + 6))
        ImageDraw.Draw(goods).text((left, top), "Stool", fill="black", font=font(14))
    assert set(boxes) <= set(find_regions(np.asarray(goods), names, 240_000)), "names on plates are captions, too"


def test_photographs_are_cut_at_narrow_gutters() -> None:
    names = [(30.0, 520.0, 130.0, 535.0), (220.0, 520.0, 320.0, 535.0)]
    page = Image.new("RGB", (400, 600), "white")
    boxes = [(30.0, 60.0, 200.0, 300.0), (203.0, 60.0, 370.0, 179.0), (203.0, 182.0, 370.0, 300.0)]
    for box in boxes:
        page.paste("maroon", tuple(map(int, box)))
    assert sorted(find_regions(np.asarray(page), names, 240_000)) == boxes
    slit = Image.new("RGB", (400, 600), "white")
    pen = ImageDraw.Draw(slit)
    pen.polygon([(200, 60), (30, 300), (370, 300)], fill="maroon")
    pen.rectangle((30, 220, 370, 222), fill="white")
    assert len(find_regions(np.asarray(slit), names, 240_000)) == 1


def test_ground_is_that_under_the_lines() -> None:
    page = Image.new("RGB", (600, 400), (240, 239, 236))
    across, down, flat = gradient(380, 400).split()
    photograph, detail = (220, 0, 600, 400), (20, 40, 200, 160)
    page.paste(Image.merge("RGB", (flat, across, down)), photograph)
    page.paste("maroon", detail)
    lines = [(20.0, 180.0 + 20 * n, 190.0, 194.0 + 20 * n) for n in range(10)]
    found = find_regions(np.asarray(page), lines, 240_000)
    assert tuple(map(float, detail)) in found
    assert any(area(overlap(box, photograph)) >= 0.9 * area(photograph) for box in found)
    assert find_regions(np.asarray(page), lines[:2], 240_000) == [], "two lines may stand on a wall"


def test_lines_of_a_raster_are_captions_unless_huge() -> None:
    unread = ((20.0, 20.0, 120.0, 40.0), (20.0, 50.0, 120.0, 70.0))
    assert raster_texts(page(drawn=[RASTER])) is None
    assert raster_texts(page(drawn=[RASTER], unread=unread)) == {"turn": 0, "lines": list(unread)}
    lines = [PrintedLine("Oak table", (10, 80 + 30 * n, 90, 94 + 30 * n), 0.99) for n in range(9)]
    basin, number = PrintedLine("1", (200, 80, 320, 300), 0.93), PrintedLine("07", (10, 560, 24, 574), 0.99)
    for printed, left_out, captions in (
        (Printed(tuple(lines), 0, unread), {*unread}, lines),  # two of eleven are handles and ornaments
        (Printed((*lines[:3], basin, number), 0, ()), {basin.box}, [*lines[:3], number]),
    ):
        found = raster_texts(add_printed(page(drawn=[RASTER]), printed))
        assert found
        assert len(found["lines"]) == len(captions)
        assert left_out.isdisjoint(map(tuple, found["lines"]))


def test_print_without_sense_is_no_text() -> None:
    sense = {"Dining table": 5.0, "M E T I E R S": 9.0, "Bolt M8 ............ 3,50": 14.0, "4": 1.2, "木桌": 2.2}
    nonsense = {"": 3.0, " ,  . 39, .2": 20.0, "ΦACOBKA": 3.5, "MOΛOKO": 3.0}
    for text, slenderness in (sense | {"120 kΩ 5 µm": 5.0} | nonsense).items():
        assert has_sense(text, slenderness) == (text not in nonsense), text


def test_white_swatch_is_found_by_its_caption() -> None:
    page = Image.new("RGB", (420, 500), (250, 250, 250))
    colours = ["maroon", "navy", "olive", (246, 250, 250), "teal", "purple", (250, 250, 250), "gray", "sienna"]
    boxes = [(30.0 + 130 * column, 60.0 + 110 * row) for row in range(3) for column in range(3)]
    for (left, top), colour in zip(boxes, colours, strict=True):
        page.paste(colour, (int(left), int(top), int(left) + 100, int(top) + 60))
    captions = [(left, top + 66, left + 70, top + 76) for left, top in boxes]
    swatches = [(left, top, left + 100, top + 60) for left, top in boxes]
    title = (30.0, 20.0, 150.0, 34.0)
    empty = swatches[6]
    found = find_regions(np.asarray(page), [title, *captions], 240_000)
    assert found == [swatch for swatch in swatches if swatch != empty]
