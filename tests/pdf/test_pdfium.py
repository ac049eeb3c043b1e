"""PDFium as the reader: what it reads is what MuPDF reads, what it loses is named, and MuPDF is not imported."""

from pathlib import Path

import pytest

from swatchbook.pdf import reader
from swatchbook.pdf.reader import reader_module
from swatchbook.pipeline.extract import extract
from swatchbook.records import Extraction, Page, Reading
from swatchbook.settings import Settings
from swatchbook.storage.files import Files
from tests.pdf.making import Paper, all_pages, gradient, jpeg, png


def read_with(name: str, path: Path) -> tuple[Reading, list[Page], Extraction]:
    settings = Settings.model_validate(
        {"home": path.parent / name, "pdf_reader": name, "page_seconds": 30, "ocr": "off"}
    )
    files = Files(str(settings.home / "files"))
    reading = reader.read(path, files, settings)
    found = extract(path, "d", reading, all_pages(reading.page_count), files, settings)
    return reading, list(reader.iter_pages(files, reading)), found


@pytest.fixture
def paper() -> Paper:
    return Paper()


def test_it_reads_the_words_and_pictures_that_mupdf_reads(small_catalogue: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(small_catalogue.read_bytes())
    (_, pages, found), (reading, others, same) = (read_with(name, path) for name in ("mupdf", "pdfium"))
    assert (reading.page_count, reading.lost) == (len(pages), ())
    for page, read in zip(pages, others, strict=True):
        assert (read.box, read.label) == (page.box, page.label)
        assert sorted(read.text.split()) == sorted(page.text.split())
        sizes = [{round(line.size) for line in each.lines} for each in (page, read)]
        assert sizes[0] == sizes[1]
    assert len(found.placements) > 5
    for place, other in zip(found.placements, same.placements, strict=True):
        assert (place.page, place.state, place.caption) == (other.page, other.state, other.caption)
        assert place.bbox == pytest.approx(other.bbox, abs=1.5)
    jpegs = [{picture.content_key for picture in each.pictures if picture.passed_through} for each in (found, same)]
    assert jpegs[0] == jpegs[1]


def test_a_hidden_picture_is_told_also_beside_a_mask(paper: Paper, tmp_path: Path) -> None:
    page = paper.page("Two over one")
    under, over = gradient(80, 40, seed=1), gradient(80, 40, seed=2)
    paper.put(page, paper.image(80, 40, jpeg(under), "/DCTDecode"), (50, 100, 250, 200))
    paper.put(page, paper.image(80, 40, jpeg(over), "/DCTDecode"), (50, 100, 250, 200))
    masked = gradient(80, 40, seed=3).convert("RGBA")
    masked.paste((0, 0, 0, 0), (20, 10, 60, 30))
    paper.put(page, paper.image(80, 40, jpeg(gradient(80, 40, seed=4)), "/DCTDecode"), (50, 300, 250, 400))
    page.insert_image((50, 300, 250, 400), stream=png(masked))
    _, _, found = read_with("pdfium", paper.save(tmp_path / "a.pdf"))
    states = [(round(p.bbox[1]), p.state.value) for p in found.placements]
    assert [state for _, state in states] == ["hidden", "shown", "shown", "shown"]


def test_text_that_is_not_seen_is_left_out(paper: Paper, tmp_path: Path) -> None:
    page = paper.page("Seen")
    page.insert_text((40, 80), "white on white", color=(1, 1, 1))
    page.insert_text((40, 120), "never painted", render_mode=3)
    page.insert_text((40, 160), "painted over")
    page.draw_rect((30, 140, 300, 210), fill=(0.2, 0.4, 0.2))
    page.insert_text((40, 200), "light on dark", color=(1, 1, 1))
    _, (read,), _ = read_with("pdfium", paper.save(tmp_path / "a.pdf"))
    assert read.text.split("\n") == ["Seen", "light on dark"]


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_turned_pages_have_their_texts_and_pictures_where_mupdf_has_them(
    paper: Paper, tmp_path: Path, turn: int
) -> None:
    page = paper.page("Tile Alba", rotation=turn)
    paper.put(page, paper.image(80, 40, jpeg(gradient(80, 40)), "/DCTDecode"), (50, 100, 250, 200))
    path = paper.save(tmp_path / "a.pdf")
    (_, (one,), found), (_, (other,), same) = (read_with(name, path) for name in ("mupdf", "pdfium"))
    assert other.box == one.box
    assert other.drawn[0].transform == pytest.approx(one.drawn[0].transform, abs=0.1)
    (line,), (alike,) = one.lines, other.lines
    assert alike.text == line.text == "Tile Alba"
    assert alike.bbox == pytest.approx(line.bbox, abs=3)
    assert found.placements[0].bbox == pytest.approx(same.placements[0].bbox, abs=0.5)


@pytest.mark.parametrize("filters", ["/DCTDecode", "/JPXDecode"])
def test_a_picture_that_cannot_be_decoded_is_named(paper: Paper, tmp_path: Path, filters: str) -> None:
    paper.put(paper.page("Tile Alba"), paper.image(40, 20, b"no picture", filters), (50, 100, 250, 200))
    _, _, found = read_with("pdfium", paper.save(tmp_path / "a.pdf"))
    assert [(each.kind, bool(each.message)) for each in found.unreadable] == [("unreadable_image", True)]


def test_tables_are_named_as_not_read(tmp_path: Path) -> None:
    paper = Paper()
    page = paper.page()
    for row in range(5):
        for column, cell in enumerate(("Code", "Size", "Price")):
            page.insert_text((40 + 100 * column, 60 + 20 * row), f"{cell} {row}")
    path = paper.save(tmp_path / "a.pdf")
    settings = Settings.model_validate({"home": tmp_path, "pdf_reader": "pdfium", "ocr": "off"})
    reading = reader.read(path, Files(str(settings.files)), settings)
    assert reading.table_pages == (1,)
    (warning,) = reader.tables(path, reading.table_pages, settings).warnings
    assert "reads no tables" in warning


def test_the_reader_is_chosen_by_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reader_module(Settings()) == "swatchbook.pdf.mupdf_document"
    monkeypatch.setenv("SWATCHBOOK_PDF_READER", "pdfium")
    assert reader_module(Settings()) == "swatchbook.pdf.pdfium_document"
