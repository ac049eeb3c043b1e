"""PDFium as the reader: what it reads is what MuPDF reads, what it loses is named, and MuPDF is not imported."""

import json
from pathlib import Path
from typing import Final

import pytest

from swatchbook.domain.errors import Configuration, Failure, Unexpected
from swatchbook.domain.records import Drawing, DrawnBox, Extraction, Page
from swatchbook.domain.settings import Settings
from swatchbook_catalogue.pdf import reader
from swatchbook_catalogue.pdf.reader import reader_module
from tests.command import Command, bare_environment
from tests.fixtures import SOAK
from tests.pdf.hostile import HOSTILE
from tests.pdf.making import Paper, ReadPdf, gradient, jpeg, png, read_pdf, write_drawn_glyph, write_glyphs


def read_with(name: str, path: Path) -> ReadPdf:
    folder = path.parent / name
    return read_pdf(path, home=folder, pdf_reader=name, page_seconds=30, ocr="off", child_memory_mb=1_024)


def read_alike(path: Path) -> tuple[list[Page], list[Page], Extraction, Extraction]:
    """Return the pages and pictures of both readers, which are about the same."""
    (_, pages, found, _), (reading, others, same, _) = (read_with(name, path) for name in ("mupdf", "pdfium"))
    assert (reading.page_count, reading.lost) == (len(pages), ())
    for page, read in zip(pages, others, strict=True):
        assert (read.box, read.label) == (page.box, page.label)
        assert sorted(read.text.split()) == sorted(page.text.split())
        sizes = [{round(line.size) for line in each.lines} for each in (page, read)]
        assert sizes[0] == sizes[1]
    for place, other in zip(found.placements, same.placements, strict=True):
        assert (place.page, place.state, place.caption) == (other.page, other.state, other.caption)
        assert place.bbox == pytest.approx(other.bbox, abs=1.5)
    return pages, others, found, same


def test_pdfium_reads_the_words_and_pictures_mupdf_reads(small_catalogue: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(small_catalogue.read_bytes())
    _, _, found, same = read_alike(path)
    assert len(found.placements) > 5
    jpegs = [{picture.content_key for picture in each.pictures if picture.passed_through} for each in (found, same)]
    assert jpegs[0] == jpegs[1]


def test_turned_pages_cells_and_masks_match_mupdf(paper: Paper, tmp_path: Path) -> None:
    picture = paper.image(80, 40, jpeg(gradient(80, 40)), "/DCTDecode")
    for turn in (0, 90, 180, 270):
        paper.put(paper.page("Tile Alba", rotation=turn), picture, (50, 100, 250, 200))
    page = paper.page()
    page.insert_text((40, 100), "40", fontsize=12)
    page.insert_text((40 + 13.4 + 0.85 * 12, 100), "Lily", fontsize=12)
    page = paper.page("Adhesive tape")
    mask = paper.image(80, 40, b"\xb4" * 3_200, "[]", "/DeviceGray")
    tape = paper.image(80, 40, jpeg(gradient(80, 40)), "/DCTDecode", more=f"SMask {mask} 0 R")
    paper.put(page, paper.image(80, 40, jpeg(gradient(80, 40, seed=2)), "/DCTDecode"), (30, 60, 370, 210))
    for bottom, clipped in ((400, 60), (250, 100), (100, 100)):
        paper.paint(page, f"q 50 {bottom} 200 {clipped} re W n".encode())
        paper.draw(page, tape, (200, 0, 0, 100, 50, bottom))
        paper.paint(page, b"Q")
    pages, others, *pictures = read_alike(paper.save(tmp_path / "a.pdf"))
    for one, other in zip(pages[:4], others[:4], strict=True):
        assert other.drawn[0].transform == pytest.approx(one.drawn[0].transform, abs=0.1)
        (line,), (alike,) = one.lines, other.lines
        assert alike.text == line.text == "Tile Alba"
        assert alike.bbox == pytest.approx(line.bbox, abs=3)
    for read in (pages[4], others[4]):
        assert [line.text for line in read.lines] == ["40", "Lily"]
    for found in pictures:
        assert len({place.content_key for place in found.placements if place.page == 6}) == 3, "each of its clips"


def test_letter_pictures_are_reported_and_covered_ones_hidden(paper: Paper, tmp_path: Path) -> None:
    """A picture next to a mask is, too; and one that paints nothing hides no other."""
    image = paper.image(60, 40, jpeg(gradient(60, 40)), "/DCTDecode")
    write_drawn_glyph(paper, paper.page("Chair"), b"1000 0 d0 q 1000 0 0 667 0 0 cm /I Do Q", f"/I {image} 0 R", 240)
    under, over, beside = (paper.image(80, 40, jpeg(gradient(80, 40, seed=n)), "/DCTDecode") for n in (1, 2, 4))
    masked, clear = (gradient(80, 40, seed=3).convert("RGBA") for _ in range(2))
    masked.paste((0, 0, 0, 0), (20, 10, 60, 30))
    clear.putalpha(0)
    covered, under_clear, under_none = pages = paper.pages(3)
    for page in pages:
        paper.put(page, under, (50, 100, 250, 200))
    paper.put(covered, over, (50, 100, 250, 200))
    paper.put(covered, beside, (50, 300, 250, 400))
    covered.insert_image((50, 300, 250, 400), stream=png(masked))
    under_clear.insert_image((0, 0, 400, 600), stream=png(clear))
    paper.put(under_none, paper.image(40, 20, b"no picture", "/JPXDecode"), (0, 0, 400, 600))
    reading, _, found, _ = read_with("pdfium", paper.save(tmp_path / "a.pdf"))
    assert any("Large signs that may be pictures" in each for each in reading.warnings)
    assert [place.state.value for place in found.placements if place.page > 1] == [
        "hidden", "shown", "shown", "shown", "shown", "hidden", "shown", "unreadable",
    ]  # fmt: skip


def test_text_is_what_is_seen_whatever_its_glyphs(paper: Paper, tmp_path: Path) -> None:
    page = paper.page("Seen")
    page.insert_text((40, 80), "white on white", color=(1, 1, 1))
    page.insert_text((40, 120), "never painted", render_mode=3)
    page.insert_text((40, 160), "painted over")
    page.draw_rect((30, 140, 300, 210), fill=(0.2, 0.4, 0.2))
    page.insert_text((40, 200), "light on dark", color=(1, 1, 1))
    page = paper.page()
    write_glyphs(paper, page, [1, 3, 2], letters=["ffi", "x", "\U0001f4de"])
    page.insert_font("helv")
    slanted = "1 0 0.5 1"
    paper.paint(page, f"BT /helv 12 Tf {slanted} 20 500 Tm (Tile) Tj {slanted} 42.4 500 Tm (Alba) Tj ET".encode())
    words = "Rolled steel, 40 x 60 (black)"
    for first in (29, 31):
        write_glyphs(paper, paper.page("Catalogue"), [ord(c) - first for c in words])
    reading, pages, *_ = read_with("pdfium", paper.save(tmp_path / "a.pdf"))
    assert [read.text.split("\n") for read in pages] == [
        ["Seen", "light on dark"], ["ffi\U0001f4dex", "Tile Alba"], *[["Catalogue", words]] * 2,
    ]  # fmt: skip
    assert any("were read by the order of glyphs" in each for each in reading.warnings)


def test_tables_are_named_as_not_read(paper: Paper, tmp_path: Path) -> None:
    page = paper.page()
    for row in range(5):
        for column, cell in enumerate(("Code", "Size", "Price")):
            page.insert_text((40 + 100 * column, 60 + 20 * row), f"{cell} {row}")
    path = paper.save(tmp_path / "a.pdf")
    reading, *_ = read_with("pdfium", path)
    assert reading.table_pages == (1,)
    (warning,) = reader.tables(path, reading.table_pages, Settings.model_validate({"pdf_reader": "pdfium"})).warnings
    assert "reads no tables" in warning


def test_the_reader_is_chosen_by_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reader_module(Settings()) == "swatchbook_catalogue.pdf.mupdf_document"
    monkeypatch.setenv("SWATCHBOOK_PDF_READER", "pdfium")
    assert reader_module(Settings()) == "swatchbook_catalogue.pdf.pdfium_document"


@pytest.fixture
def forbidden(tmp_path: Path) -> Path:
    """A folder whose modules are found before MuPDF's and cannot be imported."""
    folder = tmp_path / "forbidden"
    folder.mkdir()
    for name in ("pymupdf", "pymupdf4llm", "fitz"):
        (folder / f"{name}.py").write_text("raise ImportError('MuPDF is imported')")
    return folder


def test_the_child_does_everything_without_mupdf(
    small_catalogue: Path, forbidden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(small_catalogue.read_bytes())
    monkeypatch.syspath_prepend(forbidden)
    with pytest.raises(Configuration, match="does not start"):
        read_with("mupdf", path)
    reading, _, found, _ = read_with("pdfium", path)
    assert (reading.lost, found.lost, found.unreadable) == ((), (), ())
    settings = Settings.model_validate({"home": tmp_path, "pdf_reader": "pdfium"})
    assert reader.render_page(path, 1, settings, width=200).startswith(b"\x89PNG")
    drawing = Drawing(boxes=(DrawnBox(bbox=(10, 10, 50, 50), sign="1", color="#ff0000"),), notes="<p>One</p>")
    assert reader.draw_page(path, 1, drawing, settings, side=300).startswith(b"\x89PNG")
    (seen,) = reader.look(path, {1: []}, settings, side=200)
    assert seen.jpeg.startswith(b"\xff\xd8")


@pytest.mark.nightly
def test_ingest_imports_no_mupdf_and_its_account_closes(small_catalogue: Path, forbidden: Path, tmp_path: Path) -> None:
    environment = bare_environment() | {
        "SWATCHBOOK_HOME": str(tmp_path / "home"), "SWATCHBOOK_PDF_READER": "pdfium", "SWATCHBOOK_OCR": "off",
        "SWATCHBOOK_ENCODER": "descriptors", "PYTHONPATH": str(forbidden),
    }  # fmt: skip
    status, out, err = Command("ingest", str(small_catalogue), **environment).wait(500)
    assert status == 0, out + err
    _, stats, _ = Command("stats", "--all-owners", "--json", **environment).wait(100)
    images = json.loads(stats)["images"]
    assert images["found"] == images["complete"] == 14


LONG: Final = {
    "header bomb", "a million letters", "font with a map of signs that unpacks to 10 MiB", "10 000 tiny pictures",
    "forms that double 24 times",
}  # fmt: skip
"""Faults that take PDFium seconds: only `make soak` tries them."""


TRIED: Final = sorted(HOSTILE.keys() - (set() if SOAK else LONG))


@pytest.mark.parametrize(
    "fault", [pytest.param(fault, marks=[] if fault in TRIED[::8] else [pytest.mark.nightly]) for fault in TRIED]
)
def test_fault_is_named_and_leaves_the_other_page(tmp_path: Path, fault: str) -> None:
    (tmp_path / "a.pdf").write_bytes(HOSTILE[fault][0]())
    texts, kinds, warnings = list[str](), set[str](), tuple[str, ...]()
    try:
        reading, pages, found, _ = read_with("pdfium", tmp_path / "a.pdf")
    except Failure as failure:
        kinds = {failure.kind}
    else:
        texts, warnings = [page.text for page in pages], found.warnings
        kinds = {each.kind for each in (*reading.lost, *found.lost, *found.unreadable)}
    assert Unexpected.kind not in kinds
    assert not texts or "Tile Bruna" in texts or "font" in fault
    if fault in ("Flate of garbage", "a picture of half its bytes"):
        assert any("fewer bytes than pixels" in warning for warning in warnings)
