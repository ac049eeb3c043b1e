"""What PDFs of the library's tests are made of, and where their pages and pictures are kept."""

from pathlib import Path

import pytest

from swatchbook.store.files.file_store import Files, open_files
from swatchbook_catalogue.pdf import reader
from tests.pdf.making import Paper


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return open_files(str(tmp_path / "files"))


@pytest.fixture
def paper() -> Paper:
    return Paper()


@pytest.fixture
def troubled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let PDFs be read by a child that some pages hang or kill."""
    monkeypatch.syspath_prepend(Path(__file__).parents[3])
    monkeypatch.setitem(reader.MODULES, "mupdf", ("tests.pdf.troubled_reader", "pymupdf"))
