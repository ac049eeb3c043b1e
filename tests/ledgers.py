"""A separate ledger for every test, on each database, copied from one that was migrated once."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from swatchbook.store.ledger.database import Ledger, open_ledger
from tests.postgres import POSTGRESQL, RunningPostgres

NewLedger = Callable[[], str]


@pytest.fixture(scope="session")
def postgres_template(postgres: RunningPostgres) -> str:
    """The name of a migrated, empty ledger in PostgreSQL."""
    open_ledger(postgres.new_database("template_ledger")).close()
    return "template_ledger"


@pytest.fixture(params=["sqlite", POSTGRESQL])
def database(request: pytest.FixtureRequest) -> str:
    """What every test here is run on, one after the other."""
    return str(request.param)


@pytest.fixture
def new_ledger(request: pytest.FixtureRequest, database: str, migrated: Path, folder: Path) -> Iterator[NewLedger]:
    """Makes a ledger, migrated and empty, and returns its URL."""
    if database == "sqlite":
        yield lambda: f"sqlite:///{shutil.copy(migrated, folder / f'ledger-{uuid4().hex}.sqlite')}"
        return
    template, made = request.getfixturevalue("postgres_template"), list[str]()
    server: RunningPostgres = request.getfixturevalue("postgres")

    def new() -> str:
        made.append(f"ledger_{uuid4().hex}")
        return server.new_database(made[-1], template=template)

    yield new
    for name in made:
        server.drop_database(name)


@pytest.fixture
def url(new_ledger: NewLedger) -> str:
    """Where a fresh ledger is, on each database."""
    return new_ledger()


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    opened = open_ledger(url)
    yield opened
    opened.close()
