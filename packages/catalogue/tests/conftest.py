"""What PDFs of the library's tests are made of, and where their pages and pictures are kept."""

from pathlib import Path

import pytest

from swatchbook.store.files.file_store import Files, open_files
from tests.pdf.making import Paper


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return open_files(str(tmp_path / "files"))


@pytest.fixture
def paper() -> Paper:
    return Paper()
