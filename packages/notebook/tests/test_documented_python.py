"""The Python of README.md and docs/notebook.md, as it is printed, where a catalogue, pictures and a photo are."""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from swatchbook_notebook import Swatchbook
from tests.fixtures import ROOT
from tests.ingest.sources.pictures import draw
from tests.test_tutorials import blocks

pytestmark = pytest.mark.stack


@pytest.fixture
def folder(
    home: Path, tmp_path: Path, small_catalogue: Path, prefect_server: str, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The working directory."""
    monkeypatch.setenv("PREFECT_API_URL", prefect_server)
    shutil.copy(small_catalogue, tmp_path / "catalogue.pdf")
    draw(tmp_path / "pictures" / "oak.png")
    draw(tmp_path / "photo.jpg", 1)
    return tmp_path


def test_collections_are_filled_and_searched(folder: Path) -> None:
    (of_readme,) = blocks(ROOT / "README.md", "python")
    of_notebook, of_tables, of_items, _ = blocks(ROOT / "docs" / "notebook.md", "python")
    for example in (of_readme, of_notebook):
        exec(compile(example, "example", "exec"), {})
    row = SimpleNamespace(sku="7", name="Slate", price=12, photo=str(folder / "photo.jpg"), detail=folder / "photo.jpg")
    with Swatchbook.open() as book:
        assert book.count() == 14 + 1
        names: dict[str, Any] = {"book": book}
        exec(compile(of_tables, "example", "exec"), names)
        assert names["alike"].shape == (15, 15)
        exec(compile(of_items, "example", "exec"), {"book": book, "rows": [row]})
        assert [each.title for each in book.search("slate", by="product", k=1)] == ["Slate"]


def test_flow_is_called_as_a_function(folder: Path) -> None:
    example = blocks(ROOT / "docs" / "notebook.md", "python")[-1].replace("/data", str(folder))
    body = textwrap.indent(example + "print(report.images_complete)\n", "  ")
    program = f"import asyncio\nasync def main():\n{body}asyncio.run(main())"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1:] == ["1"], done.stderr[-2000:]
    with Swatchbook.open(home=folder / "collection") as book:
        assert book.count() == 1
