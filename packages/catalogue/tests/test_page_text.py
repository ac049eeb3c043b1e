"""The text of a page as a person reads it."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from swatchbook_catalogue.pdf.page_text import LONGEST_LINE
from tests.pdf.making import RAMP, Paper, gradient, jpeg, read_pdf, write_drawn_glyph, write_glyphs


def read(paper: Paper, folder: Path) -> tuple[list[list[str]], Sequence[str]]:
    """Return the lines of the pages of a paper, and the warnings."""
    reading, pages, *_ = read_pdf(paper.save(folder / "a.pdf"))
    assert not reading.lost
    return [[line.text for line in page.lines] for page in pages], reading.warnings


@pytest.fixture
def lines_of(tmp_path: Path) -> Callable[[Paper], list[list[str]]]:
    return lambda paper: read(paper, tmp_path)[0]


def picture(paper: Paper) -> int:
    return paper.image(20, 10, jpeg(gradient(20, 10)), "/DCTDecode")


def test_text_that_nobody_sees_is_left_out(lines_of) -> None:
    paper = Paper()
    clipped, off, white, panel, covered, photo, faint, invisible = pages = paper.pages(8)
    for page in pages:
        page.insert_text((40, 80), "seen")
    paper.paint(clipped, b"q 0 0 100 100 re W n BT /helv 12 Tf 200 300 Td (clipped) Tj ET Q")  # its font is there
    off.insert_text((500, 100), "off the page")
    white.insert_text((40, 300), "white", color=(1, 1, 1))
    panel.draw_rect((0, 200, 400, 330), fill=(1, 1, 0.9), color=None)
    panel.insert_text((40, 300), "light on light", color=(1, 1, 0.9))
    panel.draw_rect((0, 330, 400, 400), fill=(0, 0.3, 0), color=None)
    panel.insert_text((40, 360), "light on dark", color=(1, 1, 0.9))
    covered.insert_text((40, 300), "covered")
    covered.draw_rect((0, 200, 400, 400), fill=(1, 1, 0.9), color=None)
    photo.insert_text((40, 300), "under a photo")
    paper.put(photo, picture(paper), (0, 200, 200, 400))
    photo.insert_text((40, 350), "on a photo", color=(1, 1, 1))
    faint.insert_text((40, 300), "transparent", fill_opacity=0)
    invisible.insert_text((40, 300), "invisible", render_mode=3)
    assert lines_of(paper) == [
        ["seen"], ["seen"], ["seen"], ["seen", "light on dark"], ["seen"], ["seen", "on a photo"], ["seen"],
        ["seen"],
    ]  # fmt: skip


def test_letter_that_is_a_picture_is_no_text(lines_of) -> None:
    paper = Paper()
    drawn = b"1000 0 d0 q 1000 0 0 667 0 0 cm /I Do Q", b"1000 0 d0 0 0 900 900 re f"
    for page, glyph in zip(paper.pages(2), drawn, strict=True):
        page.insert_text((40, 80), "Chair")
        write_drawn_glyph(paper, page, glyph, f"/I {picture(paper)} 0 R", 240)
    assert lines_of(paper) == [["Chair"], ["Chair", "a"]]


def test_unseen_text_of_scans_and_outlines_stays(lines_of) -> None:
    paper = Paper()
    over, _, outlines = pages = paper.pages(3)
    for page in pages[:2]:
        page.insert_text((40, 80), "printed", render_mode=3 if page is over else 0)
        paper.put(page, picture(paper), (0, 0, 400, 600))
    outlines.insert_text((40, 80), "printed", render_mode=3)
    outlines.draw_line((40, 70), (60, 80))
    assert lines_of(paper) == [["printed"]] * 3


def test_text_filled_with_a_gradient_is_seen(lines_of) -> None:
    paper = Paper()
    page = paper.page()
    page.insert_text((40, 40), "plain", color=(1, 1, 1))
    page.draw_rect((0, 0, 400, 60), fill=(0, 0, 0), overlay=False)
    paper.resource(page, "Shading/Ramp", RAMP)
    paper.paint(page, b"q BT /helv 20 Tf 7 Tr 40 400 Td (gradient) Tj ET /Ramp sh Q")
    page.draw_rect((200, 0, 400, 20), fill=(0, 0, 0))
    assert lines_of(paper) == [["plain", "gradient"]]


def test_letter_spaced_words_are_joined(lines_of) -> None:
    printed = {
        b"6 Tc (ALDER) Tj": "ALDER",
        b"6 Tc (SMOKED OAK) Tj": "SMOKED OAK",
        b"[(S)-400(M)-400(O)-400(K)-400(E)-400(D)-700(O)-400(A)-400(K)] TJ": "SMOKED OAK",
        b"(S M O K E D   O A K) Tj": "SMOKED OAK",
        b"[(TO)-400(P)-400(I)-400(C)-400(A)-400(L)-700(WAT)-400(E)-400(R)] TJ": "TOPICAL WATER",
        b"(S) Tj /helv 13 Tf ( M) Tj /helv 12 Tf ( O) Tj /helv 13 Tf ( K E) Tj": "SMOKE",
        b"(sizes S, M, L and XL) Tj": "sizes S, M, L and XL",
        b"(A 4 x 6 B) Tj": "A 4 x 6 B",
    }
    paper = Paper()
    for painted in printed:
        paper.paint(paper.page("font"), b"BT /helv 12 Tf 40 400 Td " + painted + b" ET")
    assert lines_of(paper) == [["font", text] for text in printed.values()]


def test_ligatures_mirrored_signs_and_endless_lines_are_read(lines_of) -> None:
    """So are words from right to left."""
    paper = Paper()
    page = paper.page()
    page.insert_htmlbox((20, 20, 380, 100), "<p>of\ufb01ce \ufb02oor</p>")
    page.insert_htmlbox((20, 200, 380, 300), "<p dir=rtl>שולחן אלון 120</p>")
    page.insert_htmlbox((20, 400, 380, 500), "<p dir=rtl>باب خشب</p>")
    mirrored = paper.page("Catalogue")
    write_glyphs(paper, mirrored, [2, 66, 0])
    write_glyphs(paper, mirrored, [1, 2, 3], letters="\ufd3e\u041f\ufd3f")  # which become no character
    paper.page().insert_text((2, 80), "1" * 2_500, fontsize=0.2)
    words, signs, endless = lines_of(paper)
    assert words == ["office floor", "שולחן אלון 120", "باب خشب"]
    assert signs[0] == "Catalogue"
    assert [len(line) for line in endless] == [LONGEST_LINE, LONGEST_LINE, 500]


def test_glyph_numbers_are_read_by_known_font_orders(tmp_path: Path) -> None:
    paper, words = Paper(), "Rolled steel, 40 x 60 (black)"
    for first in (29, 31):
        write_glyphs(paper, paper.page("Catalogue"), [ord(c) - first for c in words])
    beginning, end = ([ord(c) - 29 for c in part] for part in ("Tavanske ljestve i re", "etka"))
    write_glyphs(paper, paper.page(), [*beginning, 227, *end])  # beyond Latin letters, of TrueType fonts
    write_glyphs(paper, paper.page("Unknown"), range(1, 30))
    found, warnings = read(paper, tmp_path)
    assert found == [*[["Catalogue", words]] * 2, ["Tavanske ljestve i rešetka"], ["Unknown", "\ufffd" * 29]]
    assert any("what is set in them has no text layer" in each for each in warnings)
