"""PDFs with scripts, programs to start, files and addresses to open: none of them is run or opened."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.origin import Origin, origin
from tests.pdf.making import Paper, gradient, jpeg, read_pdf

TOLD = "the content of a file that a PDF names"


@pytest.fixture
def elsewhere() -> Iterator[Origin]:
    with origin() as running:
        yield running


def actions(elsewhere: Origin, folder: Path) -> dict[str, str]:
    """Return the actions that a document can request when it is opened."""
    url, program = f"http://127.0.0.1:{elsewhere.port}/called", folder / "program.sh"
    return {
        "script": f"<</S/JavaScript/JS(app.launchURL('{url}', true); this.submitForm('{url}');)>>",
        "address": f"<</S/URI/URI({url})>>",
        "form": f"<</S/SubmitForm/F<</FS/URL/F({url})>>/Fields[]>>",
        "data": f"<</S/ImportData/F({url})>>",
        "program": f"<</S/Launch/F({program})/Unix({program})>>",
        "document": f"<</S/GoToR/F({folder / 'told.txt'})/D[0/BatchSize]>>",
    }


def test_actions_on_opening_are_not_run(elsewhere: Origin, tmp_path: Path) -> None:
    (tmp_path / "program.sh").write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    (tmp_path / "program.sh").chmod(0o755)
    (tmp_path / "told.txt").write_text(TOLD)
    for kind, action in actions(elsewhere, tmp_path).items():
        paper = two_pages()
        paper.document.xref_set_key(paper.document.pdf_catalog(), "OpenAction", action)
        paper.document.xref_set_key(paper.document.pdf_catalog(), "AA", f"<</WC {action}/DS {action}>>")
        paper.document.xref_set_key(paper.document[1].xref, "AA", f"<</O {action}/C {action}>>")
        read = read_pdf(paper.save(tmp_path / "a.pdf")).pages
        assert [page.text for page in read] == ["Tile Alba", "Tile Bruna"]
        assert elsewhere.seen == [], kind
        assert not (tmp_path / "started").exists(), kind


def two_pages() -> Paper:
    paper = Paper()
    for words in ("Tile Alba", "Tile Bruna"):
        paper.page().insert_text((40, 40), words)
    return paper


def test_streams_that_lie_elsewhere_are_not_fetched(elsewhere: Origin, tmp_path: Path) -> None:
    """A stream's dictionary may name a file or an address that holds its data."""
    (tmp_path / "told.txt").write_text(TOLD)
    places = (f"({tmp_path / 'told.txt'})", f"<</FS/URL/F(http://127.0.0.1:{elsewhere.port}/called)>>")
    paper = Paper()
    for page, place in zip(paper.pages(len(places)), places, strict=True):
        page.insert_text((40, 40), "Tile Alba")
        page.insert_image((40, 80, 240, 280), stream=jpeg(gradient(30, 30)))
        for xref in (*page.get_contents(), page.get_images()[0][0]):
            paper.document.xref_set_key(xref, "F", place)
    read = read_pdf(paper.save(tmp_path / "a.pdf")).pages
    assert len(read) == len(places)
    assert TOLD not in "".join(page.model_dump_json() for page in read)
    assert elsewhere.seen == []


def test_page_of_any_size_is_read_or_named(tmp_path: Path) -> None:
    for box in ("[0 0 1e9 1e9]", "[0 0 -400 -600]", "[0 0 0 0]", "[nan inf 1 1]", "[600]", "[[0] 0 1 1]"):
        paper = two_pages()
        paper.document.xref_set_key(paper.document[0].xref, "MediaBox", box)
        reading, pages, *_ = read_pdf(paper.save(tmp_path / "a.pdf"))
        assert pages[-1].text == "Tile Bruna", box
        assert len(pages) + len(reading.lost) == 2, box
