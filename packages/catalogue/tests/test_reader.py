import os
import re
import subprocess
import sys
from pathlib import Path

import pymupdf
import pytest

from swatchbook.domain.errors import (
    CrashedWorker,
    Failure,
    FileMissing,
    InvalidReference,
    TooLarge,
    TooSlow,
    UnreadableDocument,
    UnsupportedFormat,
)
from swatchbook.domain.records import Page
from swatchbook.domain.settings import Settings
from swatchbook.store.files.file_store import Files
from swatchbook_base.reading import iter_pages
from swatchbook_catalogue.pdf import reader
from tests.pdf.making import Paper, gradient, jpeg

ROOT = Path(__file__).parents[3]


def settings(**changed: object) -> Settings:
    return Settings.model_validate({"page_seconds": 20, **changed})


def pages(path: Path, files: Files) -> list[Page]:
    return list(iter_pages(files, reader.read(path, files, settings())))


def test_text_keeps_style_and_shading_is_no_picture(paper: Paper, files: Files, tmp_path: Path) -> None:
    page = paper.page()
    page.insert_text((50, 100), "Terrazzo Grey", fontsize=20, fontname="hebo", color=(1, 0, 0))
    page.insert_text((50, 130), "a floor of chips", fontsize=9, fontname="heit")
    paper.put(page, paper.image(20, 10, jpeg(gradient(20, 10)), "/DCTDecode"), (10, 10, 110, 60))
    paper.shade(page, (0, 500, 200, 600))
    (read,) = pages(paper.save(tmp_path / "a.pdf"), files)
    title, note = read.lines
    assert (title.text, title.size, title.bold) == ("Terrazzo Grey", 20, True)
    assert title.spans[0].color == 0xFF0000
    assert note.spans[0].italic
    assert not note.bold
    x0, _, x1, y1 = title.bbox
    assert x0 == pytest.approx(50, abs=2)
    assert 100 < y1 < 110
    assert x1 > 150
    assert read.box == (0, 0, 400, 600)
    assert [one.gradient for one in read.drawn] == [False, True]


def test_boxes_are_of_the_page_as_shown(paper: Paper, files: Files, tmp_path: Path) -> None:
    boxes = {90: (500, 0, 600, 200), 180: (200, 500, 400, 600), 270: (0, 200, 100, 400)}
    picture = paper.image(20, 10, jpeg(gradient(20, 10)), "/DCTDecode")
    for rotation in boxes:
        page = paper.page()
        paper.put(page, picture, (0, 0, 200, 100))
        page.insert_text((40, 40), "corner", fontsize=12)
        page.set_rotation(rotation)
    for read, (rotation, expected) in zip(pages(paper.save(tmp_path / "a.pdf"), files), boxes.items(), strict=True):
        assert read.box == ((0, 0, 400, 600) if rotation == 180 else (0, 0, 600, 400))
        assert read.drawn[0].bbox == pytest.approx(expected)
        (line,) = read.lines
        x, y = (line.bbox[0] + line.bbox[2]) / 2, (line.bbox[1] + line.bbox[3]) / 2
        assert {90: (x > 540, y < 90), 180: (x > 310, y > 540), 270: (x < 60, y > 310)}[rotation] == (True, True)


def test_outline_labels_title_and_progress_match_the_pages(paper: Paper, files: Files, tmp_path: Path) -> None:
    for n in range(12):
        paper.page(f"page {n}")
    paper.document.set_toc([[1, "Tiles", 2], [2, "Oak", 3]])
    paper.document.set_metadata({"title": "Spring 2026"})
    paper.document.set_page_labels([{"startpage": 0, "style": "r"}, {"startpage": 1, "style": "D", "firstpagenum": 7}])
    seen, path = list[tuple[int, int]](), paper.save(tmp_path / "a.pdf")
    reading = reader.read(path, files, settings(), progress=lambda done, of, note: seen.append((done, of)))
    assert [(e.level, e.title, e.page) for e in reading.outline] == [(1, "Tiles", 2), (2, "Oak", 3)]
    assert reading.title == "Spring 2026"
    assert [page.label for page in iter_pages(files, reading)] == ["i", *map(str, range(7, 18))]
    assert [page.number for page in iter_pages(files, reading, pages=(2, 11))] == [2, 11]
    assert seen == [(done, 12) for done in range(13)]


def test_only_aligned_columns_hint_at_a_table(paper: Paper, files: Files, tmp_path: Path) -> None:
    cells = [("Thickness", "9 mm"), ("Slip rating", "R10"), ("Size", "60x120"), ("Weight", "2 kg")]
    for rows, step in ((cells, 20), (cells[:2], 20), (cells[:3], 150)):  # the last are cards far apart
        page = paper.page()
        for row, texts in reversed([*enumerate(rows)]):
            for column, cell in enumerate(texts):
                page.insert_text((50 + 150 * column, 100 + step * row), cell)
    prose = paper.page()
    for row in range(8):
        prose.insert_text((50, 100 + 14 * row), "Our floors are made by hand in small batches.")
    found = [page.has_table for page in pages(paper.save(tmp_path / "a.pdf"), files)]
    assert found == [True, False, False, False]


def test_tables_come_out_as_rows(paper: Paper, tmp_path: Path) -> None:
    page = paper.page("Specification")
    rows = [
        ("Property", "Value", "Unit"),
        ("Thickness", "9", "mm"),
        ("Water absorption", "0.1", "%"),
        ("Mass", "2", "kg"),
    ]
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            page.insert_text((50 + 110 * column, 100 + 20 * row), cell, fontsize=10)
        page.draw_line((45, 86 + 20 * row), (380, 86 + 20 * row))
    (table,) = reader.tables(paper.save(tmp_path / "a.pdf"), [1], settings()).tables
    assert table.rows == tuple(rows)
    assert table.header
    assert table.page == 1


@pytest.mark.usefixtures("troubled")
def test_page_without_its_layout_keeps_its_tables(
    paper: Paper, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for title in ("plain", "ODD"):
        page = paper.page(title)
        for row, cells in enumerate([("Wood", "Size"), ("Oak", "60 x 60"), ("Ash", "60 x 120")]):
            for column, cell in enumerate(cells):
                page.insert_text((50 + 110 * column, 100 + 20 * row), cell, fontsize=10)
                x, y = 110 * column, 20 * row
                page.draw_rect(pymupdf.Rect(45 + x, 86 + y, 155 + x, 106 + y))
    found = reader.tables(paper.save(tmp_path / "a.pdf"), [1, 2], settings())
    assert [table.page for table in found.tables] == [1, 2]
    assert found.tables[1].rows[1][0] == "Oak"
    assert found.warnings == (
        "Page 2: the layout reader (pymupdf4llm) failed on its tables (see the log); PyMuPDF's find_tables read them.",
    )
    assert found.on([2]).warnings == ()
    assert "ModuleNotFoundError" in caplog.text


def imported_with(module: str) -> set[str]:
    code = f"import sys, {module}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_child_imports_little_and_its_parent_no_parser() -> None:
    heavy = {"torch", "prefect", "sqlalchemy", "pymupdf4llm", "numpy", "pydantic", "PIL"}
    assert not heavy & imported_with("swatchbook_catalogue.pdf.mupdf_document")
    assert not {"torch", "prefect", "pymupdf", "pypdfium2"} & imported_with("swatchbook_catalogue.pdf.reader")


def failure(path: Path, files: Files, **changed: object) -> Failure:
    with pytest.raises(Failure) as caught:
        reader.read(path, files, settings(**changed))
    assert caught.value.advice, "an error says what to do"
    return caught.value


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user to become")
def test_file_without_permission_raises(paper: Paper, files: Files, tmp_path: Path) -> None:
    paper.page("x")
    path = paper.save(tmp_path / "a.pdf")
    path.chmod(0)
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(0o755)
    os.seteuid(65534)
    try:
        assert isinstance(failure(path, files), InvalidReference)
    finally:
        os.seteuid(0)


def test_file_that_is_no_pdf_raises(files: Files, tmp_path: Path) -> None:
    without_pages = (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
        b"trailer<</Root 1 0 R/Size 3>>\n%%EOF"
    )
    for data, kind, says in (
        (b"", UnreadableDocument, "empty"),
        (b"PK\x03\x04 a zip", UnsupportedFormat, "not a PDF"),
        (b"%PDF-1.7\n%%EOF", UnreadableDocument, "broken"),
        (without_pages, UnreadableDocument, "no pages"),
    ):
        (tmp_path / "a.pdf").write_bytes(data)
        error = failure(tmp_path / "a.pdf", files)
        assert isinstance(error, kind)
        assert says in error.message
    assert isinstance(failure(tmp_path / "none.pdf", files), FileMissing)
    assert isinstance(failure(tmp_path, files), InvalidReference)


def test_damaged_document_raises_or_is_read_with_warning(paper: Paper, files: Files, tmp_path: Path) -> None:
    paper.page("x")
    data, damaged = paper.save(tmp_path / "a.pdf").read_bytes(), tmp_path / "b.pdf"
    damaged.write_bytes(data.replace(b"/Count 1/", b"/Count-9/"))
    assert isinstance(failure(damaged, files), UnreadableDocument)
    damaged.write_bytes(data[: len(data) // 6])
    error = failure(damaged, files)
    assert isinstance(error, UnreadableDocument)
    assert "truncated" in error.message
    damaged.write_bytes(data[: data.rindex(b"xref\n0")])
    reading = reader.read(damaged, files, settings())
    assert reading.page_count == 1
    assert any("repaired" in said for said in reading.warnings)


def test_document_too_large_raises_before_it_is_read(paper: Paper, files: Files, tmp_path: Path) -> None:
    paper.pages(4)
    large = tmp_path / "large.pdf"
    with large.open("wb") as file:
        file.write(b"%PDF-1.7")
        file.truncate(300 << 20)  # sparse
    for path, says in ((paper.save(tmp_path / "a.pdf"), "4 pages; 3"), (large, "limit of 200 MiB")):
        error = failure(path, files, max_pages=3)
        assert isinstance(error, TooLarge)
        assert says in error.message


@pytest.mark.usefixtures("troubled")
def test_bad_pages_are_lost_alone(paper: Paper, files: Files, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for text in ("one", "LOOP", "three", "ABORT", "RAISE", "six", "KILL"):
        paper.page(text)
    path = paper.save(tmp_path / "a.pdf")
    reading = reader.read(path, files, settings(page_seconds=8))
    assert [page.text for page in iter_pages(files, reading)] == ["one", "three", "six"]
    assert [(lost.page, lost.kind, lost.transient) for lost in reading.lost] == [
        (2, "too_slow", False),
        (4, "crashed_worker", False),
        (5, "unexpected", False),
        (7, "crashed_worker", True),
    ]
    assert reading.lost[2].message == "The page could not be read (see the log)."
    assert "cannot find page object" in caplog.text
    assert "SIGABRT" in reading.lost[1].message
    assert "SIGKILL" in reading.lost[3].message
    assert "invalid pointer" in caplog.text


@pytest.mark.usefixtures("troubled")
def test_document_without_any_readable_page_fails(files: Files, tmp_path: Path) -> None:
    """A title ends the child when it opens the document."""
    for title, texts, raised, says in (
        ("", ("ABORT",), UnreadableDocument, "No page could be read"),
        ("", ("ABORT", "KILL"), CrashedWorker, "No page could be read.*SIGKILL"),
        ("", ("LOOP",), TooSlow, "No page could be read"),
        ("KILL", ("one",), CrashedWorker, "SIGKILL"),
        ("ABORT", ("one",), UnreadableDocument, "SIGABRT"),
    ):
        paper = Paper()
        for text in texts:
            paper.page(text)
        paper.document.set_metadata({"title": title})
        seconds = 3.2 if texts == ("LOOP",) else 20
        with pytest.raises(raised, match=says) as caught:
            reader.read(paper.save(tmp_path / "a.pdf"), files, settings(page_seconds=seconds))
        assert caught.value.advice


@pytest.mark.usefixtures("troubled")
def test_killed_parser_is_replaced_once(paper: Paper, files: Files, tmp_path: Path) -> None:
    texts = ["KILL ONCE", "two", "ABORT ONCE", "KILL ONCE LATE", "five"]
    for text in texts:
        paper.page(text)
    paper.document.set_metadata({"title": "KILL ONCE"})
    reading = reader.read(paper.save(tmp_path / "a.pdf"), files, settings())
    assert reading.lost == ()
    assert [page.text for page in iter_pages(files, reading)] == texts


@pytest.mark.nightly
@pytest.mark.usefixtures("troubled")
def test_document_time_limit_holds_when_every_page_hangs(paper: Paper, files: Files, tmp_path: Path) -> None:
    paper.page("one")
    for _ in range(9):
        paper.page("LOOP")
    path = paper.save(tmp_path / "a.pdf")
    reading = reader.read(path, files, settings(page_seconds=2))  # 1.6 s in all
    assert [lost.page for lost in reading.lost] == list(range(2, 11))
    tried = [lost for lost in reading.lost if "as a whole" not in lost.message]
    assert 1 <= len(tried) <= 6
    assert {lost.transient for lost in reading.lost} == {False}


@pytest.mark.nightly
@pytest.mark.usefixtures("troubled")
def test_tables_lost_to_hanging_or_crashing_are_named(paper: Paper, tmp_path: Path) -> None:
    for text in ("LOOP", "ABORT"):  # and none whose tables are read: on a busy machine that may take longer
        paper.page(text)
    found = reader.tables(paper.save(tmp_path / "a.pdf"), [1, 2], settings(page_seconds=8))
    assert [(lost.page, lost.kind, lost.transient) for lost in found.lost] == [
        (1, "too_slow", False),
        (2, "crashed_worker", False),
    ]
    assert all("tables" in lost.message for lost in found.lost)
    assert found.on([2]).lost == found.lost[1:]


def test_warnings_beyond_those_kept_are_counted(paper: Paper, files: Files, tmp_path: Path) -> None:
    page = paper.page("x")
    paper.paint(page, b" ".join(b"q /Missing%d gs Q" % n for n in range(9)))
    reading = reader.read(paper.save(tmp_path / "a.pdf"), files, settings())
    assert len(reading.warnings) == 6
    assert re.search(r"and \d more", reading.warnings[-1])


def test_too_many_lines_are_cut_with_a_warning(paper: Paper, files: Files, tmp_path: Path) -> None:
    words = b"".join(
        b"1 0 0 1 %d %.1f Tm (oak %d) Tj " % (10 + 40 * (n % 9), 595 - n // 9 * 0.9, n) for n in range(5_400)
    )
    page = paper.page()
    paper.resource(page, "Font/F", f"{paper.object('Type /Font|Subtype /Type1|BaseFont /Helvetica', b'')} 0 R")
    paper.paint(page, b"BT /F 4 Tf " + words + b"ET")
    reading = reader.read(paper.save(tmp_path / "full.pdf"), files, settings())
    (read,) = iter_pages(files, reading)
    assert len(list(read.lines)) == 5_000
    assert "5000" in reading.warnings[0]


def test_control_characters_never_leave_the_child(paper: Paper, files: Files, tmp_path: Path) -> None:
    mapping = (
        b"/CIDInit/ProcSet findresource begin 12 dict begin begincmap 1 begincodespacerange<00><ff>endcodespacerange "
        b"1 beginbfchar<41><D800>endbfchar endcmap end end"
    )
    page = paper.page()
    letters = paper.object("Type /CMap", mapping)
    font = paper.object(f"Type /Font|Subtype /Type1|BaseFont /Helvetica|ToUnicode {letters} 0 R", b"")
    paper.resource(page, "Font/F", f"{font} 0 R")
    paper.paint(page, b"BT /F 12 Tf 40 500 Td (oAk) Tj ET")
    title = "Oak\x1b]0;\x07\x7f\x9b31m".encode("utf-16-be").hex()
    paper.document.set_toc([[1, "Oak", 1]])
    for xref in range(1, paper.document.xref_length()):
        if paper.document.xref_get_key(xref, "Title")[0] == "string":
            paper.document.update_object(xref, paper.document.xref_object(xref).replace("(Oak)", f"<FEFF{title}>"))
    reading = reader.read(paper.save(tmp_path / "odd.pdf"), files, settings())
    assert [page.text for page in iter_pages(files, reading)] == ["o\N{REPLACEMENT CHARACTER}k"]
    assert [entry.title for entry in reading.outline] == ["Oak]0;31m"]
