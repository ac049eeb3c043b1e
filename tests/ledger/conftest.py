"""A ledger of one's own for every test, copied from one that was migrated once."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from swatchbook.ledger.database import Ledger, open_ledger

_MEMORY = Path("/dev/shm")


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder, in memory where there is such a place: thousands of commits wait for no disk."""
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as name:
        yield Path(name)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite ledger, closed."""
    file = tmp_path_factory.mktemp("template") / "ledger.sqlite"
    open_ledger(f"sqlite:///{file}").close()
    return file


@pytest.fixture(params=["sqlite"])
def url(request: pytest.FixtureRequest, folder: Path) -> str:
    """Where a fresh ledger is, migrated and empty; one parameter a database."""
    template: Path = request.getfixturevalue("template")
    return f"sqlite:///{shutil.copy(template, folder / 'ledger.sqlite')}"


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    opened = open_ledger(url)
    yield opened
    opened.close()
