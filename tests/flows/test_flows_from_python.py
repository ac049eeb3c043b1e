"""Flows are functions: called from a program, what they ingest is in the collection that the program has open."""

import asyncio
from pathlib import Path

import pytest

from flows.ingest_images import ingest_images
from swatchbook import Swatchbook
from swatchbook.resources import Resources
from tests.sources.pictures import draw


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a picture, from which flows may read; before `resources` reads the settings."""
    monkeypatch.setenv("SWATCHBOOK_INPUT_ROOTS", str(tmp_path))
    return draw(tmp_path / "pictures" / "oak.png").parent


def test_flow_fills_the_open_collection(folder: Path, resources: Resources) -> None:
    with Swatchbook.open(home=resources.settings.home) as book:
        assert book.count() == 0
        assert asyncio.run(ingest_images(str(folder))).images_complete == 1
        assert [each.title for each in book.search("oak")] == ["oak"]
        (report,) = book.ingest(folder)
        assert report.items
        assert (report.items.processed_items, report.items.skipped_items) == (0, 1)
