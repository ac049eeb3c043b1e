"""A ledger of one's own for every test, copied from one that was migrated once."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from swatchbook.ledger.database import Ledger, open_ledger


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite ledger, closed."""
    file = tmp_path_factory.mktemp("template") / "ledger.sqlite"
    open_ledger(f"sqlite:///{file}").close()
    return file


@pytest.fixture(params=["sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a fresh ledger is, migrated and empty; one parameter a database."""
    template: Path = request.getfixturevalue("template")
    return f"sqlite:///{shutil.copy(template, tmp_path / 'ledger.sqlite')}"


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    opened = open_ledger(url)
    yield opened
    opened.close()
