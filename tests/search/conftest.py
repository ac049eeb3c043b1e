"""The index server for tests of search, and a collection to search."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from swatchbook.domain.settings import Settings
from swatchbook.resources import Resources, open_resources
from tests.weaviate_server import weaviate_server

__all__ = ["weaviate_server"]


@pytest.fixture(scope="module")
def sample(ingested_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resources]:
    home = tmp_path_factory.mktemp("sample") / "home"
    shutil.copytree(ingested_home, home)
    with open_resources(Settings(home=home)) as resources:
        yield resources
