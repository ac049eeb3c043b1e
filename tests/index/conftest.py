"""The two indexes, and a space of one's own in them."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from swatchbook.index.base import Index, Space
from swatchbook.index.lance import LanceIndex
from swatchbook.records import Role
from swatchbook.resources import Resources, open_resources
from swatchbook.settings import load_settings
from tests.postgres import RunningPostgres, postgres
from tests.weaviate_server import weaviate_server

__all__ = ["postgres", "weaviate_server"]

numbers = count()


@pytest.fixture(params=["lance", "weaviate"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    if request.param == "lance":
        made = LanceIndex(tmp_path / "index")
    else:
        made = request.getfixturevalue("weaviate_server").index()
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def resources(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Resources]:
    """The tools on a fresh home, with the ledger in each database."""
    server: RunningPostgres | None = None
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        monkeypatch.setenv("SWATCHBOOK_LEDGER_URL", server.new_database("published"))
    with open_resources(load_settings()) as tools:
        yield tools
    if server:
        server.drop_database("published")


@pytest.fixture
def space(index: Index) -> Iterator[Space]:
    """An empty space that nobody else has."""
    own = Space(role=Role.VISUAL, tag=f"test@{next(numbers)}/plain", dimension=8)
    index.ensure(own)
    yield own
    index.drop(own)
