"""Every picture that is extracted looks like the part of the page where it is seen."""

from collections.abc import Callable
from pathlib import Path

import pymupdf
from PIL import Image, ImageDraw

from swatchbook.domain.records import PlacementState
from swatchbook_catalogue.pdf.drawings import drawing_boxes
from tests.pdf.likeness import LIKE, difference, stored_pictures
from tests.pdf.making import Paper, deflated, gradient, jpeg, read_pdf

BOX = (50, 100, 250, 200)

Draw = Callable[[Paper, pymupdf.Page], None]
SHOWN: dict[str, tuple[str, Draw]] = {}
"""By name: the kind of the one picture that the page shows, and what paints it."""


def shows(kind: str = "embedded") -> Callable[[Draw], Draw]:
    def add(draw: Draw) -> Draw:
        SHOWN[draw.__name__] = kind, draw
        return draw

    return add


@shows()
def jpeg_in_colour(paper: Paper, page: pymupdf.Page) -> None:
    paper.put(page, paper.image(80, 40, jpeg(gradient(80, 40)), "/DCTDecode"), BOX)


@shows()
def cmyk_jpeg_with_inverted_decode(paper: Paper, page: pymupdf.Page) -> None:
    picture = Image.merge("CMYK", (*gradient(60, 40).split(), Image.new("L", (60, 40), 200)))
    more = "Decode [1 0 1 0 1 0 1 0]"
    paper.put(page, paper.image(60, 40, jpeg(picture), "/DCTDecode", "/DeviceCMYK", more), BOX)


@shows()
def soft_mask_of_another_size(paper: Paper, page: pymupdf.Page) -> None:
    mask = paper.image(160, 80, deflated(Image.radial_gradient("L").resize((160, 80))), "/FlateDecode", "/DeviceGray")
    paper.put(page, paper.image(80, 40, jpeg(gradient(80, 40)), "/DCTDecode", more=f"SMask {mask} 0 R"), BOX)


@shows()
def colour_key(paper: Paper, page: pymupdf.Page) -> None:
    picture = gradient(80, 40)
    ImageDraw.Draw(picture).rectangle((20, 10, 40, 30), fill=(1, 2, 3))
    paper.put(page, paper.image(80, 40, deflated(picture), "/FlateDecode", more="Mask [1 1 2 2 3 3]"), BOX)


@shows()
def stencil_in_the_colour_of_the_page(paper: Paper, page: pymupdf.Page) -> None:
    stencil = "Type /XObject|Subtype /Image|Width 8|Height 4|BitsPerComponent 1|ImageMask true"
    xref = paper.object(stencil, b"\x0f\xf0\x3c\xc3")
    paper.resource(page, f"XObject/P{xref}", f"{xref} 0 R")
    paper.paint(page, b"q 0.8 0.2 0.4 rg 200 0 0 100 50 400 cm /P%d Do Q" % xref)


@shows()
def turned_by_any_angle(paper: Paper, page: pymupdf.Page) -> None:
    paper.draw(page, paper.image(80, 40, jpeg(gradient(80, 40)), "/DCTDecode"), (180, 60, -40, 90, 100, 300))


@shows()
def clipped_to_a_part(paper: Paper, page: pymupdf.Page) -> None:
    xref = paper.image(80, 40, jpeg(gradient(80, 40)), "/DCTDecode")
    paper.resource(page, f"XObject/P{xref}", f"{xref} 0 R")
    paper.paint(page, b"q 90 420 70 60 re W n 200 0 0 100 50 400 cm /P%d Do Q" % xref)


@shows()
def over_the_edge_of_the_page(paper: Paper, page: pymupdf.Page) -> None:
    paper.put(page, paper.image(80, 40, jpeg(gradient(80, 40)), "/DCTDecode"), (300, 500, 500, 700))


@shows()
def partly_under_a_panel(paper: Paper, page: pymupdf.Page) -> None:
    paper.put(page, paper.image(80, 40, jpeg(gradient(80, 40)), "/DCTDecode"), BOX)
    paper.paint(page, b"q 0.9 g 140 390 200 200 re f Q")


@shows()
def in_a_form(paper: Paper, page: pymupdf.Page) -> None:
    xref = paper.image(80, 40, jpeg(gradient(80, 40)), "/DCTDecode")
    words = f"Type /XObject|Subtype /Form|BBox [0 0 100 100]|Resources <</XObject <</P {xref} 0 R>>>>"
    form = paper.object(words, b"q 60 0 0 80 20 10 cm /P Do Q")
    paper.resource(page, f"XObject/F{form}", f"{form} 0 R")
    paper.paint(page, b"q 2 0 0 1.5 100 300 cm /F%d Do Q" % form)


@shows("pattern")
def in_a_tiling_pattern(paper: Paper, page: pymupdf.Page) -> None:
    xref = paper.image(80, 40, jpeg(gradient(80, 40)), "/DCTDecode")
    words = (
        "Type /Pattern|PatternType 1|PaintType 1|TilingType 1|BBox [0 0 100 50]|XStep 100|YStep 50"
        f"|Resources <</XObject <</P {xref} 0 R>>>>"
    )
    pattern = paper.object(words, b"q 80 0 0 40 10 5 cm /P Do Q")
    paper.resource(page, "Pattern/Tile", f"{pattern} 0 R")
    paper.paint(page, b"q /Pattern cs /Tile scn 50 400 200 100 re f Q")


@shows()
def strips_of_different_widths(paper: Paper, page: pymupdf.Page) -> None:
    whole = gradient(120, 60)
    whole.paste("white", (0, 0, 12, 20))
    whole.paste("white", (100, 40, 120, 60))
    for top, left, right in ((0, 12, 120), (20, 0, 120), (40, 0, 100)):
        data = deflated(whole.crop((left, top, right, top + 20)))
        place = (50 + left * 2, 100 + top * 2, 50 + right * 2, 140 + top * 2)
        paper.put(page, paper.image(right - left, 20, data, "/FlateDecode"), place)


@shows()
def page_in_a_high_and_a_low_strip(paper: Paper, page: pymupdf.Page) -> None:
    whole = gradient(200, 270)
    for top, bottom in ((0, 210), (210, 270)):
        data = deflated(whole.crop((0, top, 200, bottom)))
        image = paper.image(200, bottom - top, data, "/FlateDecode")
        paper.put(page, image, (0, 30 + 2 * top, 400, 30 + 2 * bottom))


@shows("drawing")
def drawing_in_lines(paper: Paper, page: pymupdf.Page) -> None:
    for n in range(6):
        page.draw_line((60, 100 + 10 * n), (200, 120 + 15 * n), color=(0, 0, 0.6))
        page.draw_line((60 + 20 * n, 100), (80 + 20 * n, 200), color=(0.6, 0, 0))


@shows("drawing")
def colour_chart(paper: Paper, page: pymupdf.Page) -> None:
    for n, colour in enumerate(((0.8, 0.1, 0.1), (0.1, 0.6, 0.2), (0.2, 0.2, 0.7), (0.9, 0.8, 0.1))):
        page.draw_rect((60 + 50 * n, 100, 100 + 50 * n, 140), color=None, fill=colour)


def test_picture_looks_like_its_place_on_the_page(tmp_path: Path) -> None:
    paper = Paper()
    for page, (_, draw) in zip(paper.pages(len(SHOWN)), SHOWN.values(), strict=True):
        draw(paper, page)
    _, _, extraction, files = read_pdf(path := paper.save(tmp_path / "a.pdf"))
    assert not extraction.unreadable
    stored = stored_pictures(extraction, files)
    passed = {each.content_key for each in extraction.pictures if each.passed_through}
    said: dict[str, object] = {}
    as_they_are = set[str]()
    with pymupdf.open(path) as document:
        for number, (name, (kind, _)) in enumerate(SHOWN.items(), 1):
            placed = [p for p in extraction.placements if p.page == number]
            is_seen = [p.kind for p in placed] == [kind] and placed[0].state is not PlacementState.HIDDEN
            said[name] = is_seen or placed
            as_they_are |= {name for p in placed if p.content_key in passed}
            for placement in placed:
                found = difference(document[number - 1], placement, stored[placement.content_key])
                said[name] = said[name] if found <= LIKE else f"differs by {found:.1f}"
    assert {name: what for name, what in said.items() if what is not True} == {}
    assert as_they_are == {"jpeg_in_colour", "in_a_form"}


def test_empty_frame_is_not_part_of_a_drawing() -> None:
    paper = Paper()
    page = paper.page()
    drawing_in_lines(paper, page)
    page.draw_rect((60, 300, 250, 400), color=(1, 1, 1))  # of a text box: empty, and white on white
    (box,) = drawing_boxes(page.get_cdrawings(), tuple(page.rect), [])
    assert box[3] < 300


def test_frame_of_equal_drawings_is_a_chart() -> None:
    for columns, rows, drawings in ((2, 1, 1), (3, 3, 9)):
        page = Paper().page()
        page.draw_rect((40, 90, 40 + 90 * columns, 90 + 90 * rows))
        for n in range(columns * rows):
            left, top = 50 + 90 * (n % columns), 100 + 90 * (n // columns)
            for step in range(0, 60, 10):
                page.draw_line((left, top + step), (left + 75, top + 60 - step))
            page.draw_circle((left + 37, top + 30), 12)
        boxes = drawing_boxes(page.get_cdrawings(), tuple(page.rect), [])
        assert len(boxes) == drawings
        width = 90 * columns if drawings == 1 else 75
        assert all(abs(box[2] - box[0] - width) <= 2 for box in boxes)


def test_box_about_a_name_is_no_drawing() -> None:
    """A rounded box about a name has four lines and four curves; a drawing has more about it, such as dimensions."""
    for rules, drawings in ((1, 0), (4, 1)):
        page = pymupdf.open().new_page(width=600, height=800)
        page.draw_rect((200, 400, 340, 510), radius=0.1)
        for n in range(rules):
            page.draw_line((180, 420 + 30 * n), (200, 425 + 30 * n))
        assert len(drawing_boxes(page.get_cdrawings(), tuple(page.rect), [])) == drawings


def test_what_later_paint_covers_is_hidden(tmp_path: Path) -> None:
    paper = Paper()
    under = paper.image(80, 40, jpeg(gradient(80, 40)), "/DCTDecode")
    over = paper.image(90, 40, jpeg(gradient(90, 40, seed=3)), "/DCTDecode")
    mask = paper.image(20, 20, deflated(Image.new("L", (20, 20), 90)), "/FlateDecode", "/DeviceGray")
    solid = paper.image(70, 70, jpeg(gradient(70, 70)), "/DCTDecode")
    veil = paper.image(60, 60, jpeg(gradient(60, 60)), "/DCTDecode", more=f"SMask {mask} 0 R")
    rectangle, rounded, picture, multiplied, veiled, cut = pages = paper.pages(6)
    for page in pages:
        paper.put(page, under, BOX)
    paper.paint(rectangle, b"q 0.5 g 40 390 220 120 re f Q")
    paper.paint(rounded, b"q 0.5 g 40 350 m 40 560 l 150 580 l 260 560 l 260 350 l h f Q")
    paper.put(picture, over, BOX)
    paper.resource(multiplied, "ExtGState/Multiply", "<</BM/Multiply>>")
    for page, operators, xref in (
        (multiplied, b"/Multiply gs 200 0 0 100 50 400 cm", over),
        (cut, b"200 0 m 400 300 l 200 600 l 0 300 l h W n 400 0 0 600 0 0 cm", solid),
    ):
        paper.resource(page, f"XObject/P{xref}", f"{xref} 0 R")
        paper.paint(page, b"q %b /P%d Do Q" % (operators, xref))
    paper.put(veiled, veil, (0, 0, 400, 600))
    placements = read_pdf(paper.save(tmp_path / "a.pdf")).found.placements
    hidden = [p.page for p in placements if p.state is PlacementState.HIDDEN]
    assert (hidden, {p.xref for p in placements if p.page in hidden}) == ([1, 2, 3], {under, over})
