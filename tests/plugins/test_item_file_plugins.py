"""A format of files of items from a package: the reader of docs/plugins.md."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from swatchbook.domain.plugins import Kind
from swatchbook.domain.records import NO_MAPPING
from swatchbook.ingest.sources import item_files
from swatchbook.ingest.sources.batch import is_batch, list_batch
from tests.ingest.sources.pictures import draw
from tests.plugins.conftest import Install
from tests.plugins.test_plugins import CODE


@pytest.fixture(autouse=True)
def _ask_readers_again() -> Iterator[None]:
    for known in (item_files.readers, item_files.any_shape, item_files.suffixes):
        known.cache_clear()
    yield
    for known in (item_files.readers, item_files.any_shape, item_files.suffixes):
        known.cache_clear()


def test_reader_of_the_page_lists_items(install: Install, tmp_path: Path) -> None:
    install(CODE["Lines"], {Kind.ITEM_FILES: {"lines": "Lines"}})
    draw(tmp_path / "shop" / "a.png")
    (tmp_path / "shop" / "items.lines").write_text("7;Chair;a.png\n8;Lamp;gone.png\n")
    assert is_batch(tmp_path / "shop")
    chair, lamp = list_batch(tmp_path / "shop", NO_MAPPING, max_bytes=1 << 20)
    assert (chair.item, chair.title, [each.path for each in chair.pictures]) == ("7", "Chair", ["a.png"])
    assert "gone.png" in str(lamp.problem)
