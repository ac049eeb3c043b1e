"""Collections on each ledger and index, and one that was ingested for real."""

import shutil
from pathlib import Path

import pytest

from swatchbook.resources import Resources
from tests.new_collection import NewCollection


@pytest.fixture
def collection(ingested_home: Path, tmp_path: Path, new_collection: NewCollection) -> Resources:
    """A copy of the ingested sample, on SQLite and LanceDB."""
    home = tmp_path / "ingested"
    shutil.copytree(ingested_home, home)
    return new_collection(home=home)
