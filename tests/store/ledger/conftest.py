"""A separate ledger for every test, on each database, copied from one that was migrated once."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from swatchbook.store.ledger.database import Ledger, open_ledger
from tests.postgres import POSTGRESQL, RunningPostgres, postgres

__all__ = ["postgres"]

NewLedger = Callable[[], str]


@pytest.fixture(scope="session")
def postgres_copies(postgres: RunningPostgres) -> Callable[[], str]:
    """Names of new PostgreSQL databases, each a migrated, empty ledger."""
    open_ledger(postgres.new_database("template_ledger")).close()
    numbers = itertools.count()

    def copy() -> str:
        name = f"ledger_{next(numbers)}"
        postgres.new_database(name, template="template_ledger")
        return name

    return copy


@pytest.fixture
def new_sqlite(migrated: Path, folder: Path) -> NewLedger:
    numbers = itertools.count()
    return lambda: f"sqlite:///{shutil.copy(migrated, folder / f'ledger-{next(numbers)}.sqlite')}"


@pytest.fixture
def new_postgresql(postgres: RunningPostgres, postgres_copies: Callable[[], str]) -> Iterator[NewLedger]:
    made = list[str]()

    def new() -> str:
        made.append(postgres_copies())
        return postgres.url_of(made[-1])

    yield new
    for name in made:
        postgres.drop_database(name)


@pytest.fixture(params=["sqlite", POSTGRESQL])
def database(request: pytest.FixtureRequest) -> str:
    """What every test here is run on, one after the other."""
    return str(request.param)


@pytest.fixture
def new_ledger(request: pytest.FixtureRequest, database: str) -> NewLedger:
    """Makes a ledger, migrated and empty, and returns its URL."""
    new: NewLedger = request.getfixturevalue(f"new_{database}")
    return new


@pytest.fixture
def url(new_ledger: NewLedger) -> str:
    """Where a fresh ledger is, on each database."""
    return new_ledger()


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    opened = open_ledger(url)
    yield opened
    opened.close()
