"""A collection to search."""

import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from swatchbook.domain.settings import Settings
from swatchbook.resources import Resources, open_resources
from tests.ingest.sources.pictures import draw
from tests.ingest.test_scan import begin, end, scanned


@pytest.fixture(scope="module")
def sample(ingested_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resources]:
    home = tmp_path_factory.mktemp("sample") / "home"
    shutil.copytree(ingested_home, home)
    with open_resources(Settings(home=home)) as resources:
        yield resources


def ingest(resources: Resources, folder: Path) -> str:
    """Ingest a folder of anna's up to its products; return its document."""
    work = begin(resources, folder)
    scanned(resources, work)
    end(resources, work)
    return work.document


def ingest_items(resources: Resources, folder: Path, items: Iterable[Any]) -> str:
    """Ingest items of a shop that all show the same picture."""
    draw(folder / "seat.png")
    lines = (json.dumps({**item, "images": ["seat.png"]}) for item in items)
    (folder / "items.jsonl").write_text("\n".join(lines))
    return ingest(resources, folder)
