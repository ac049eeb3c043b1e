"""A separate ledger for every test, on each database, copied from one that was migrated once."""

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from swatchbook.ledger.database import Ledger, open_ledger
from tests.postgres import RunningPostgres, postgres

__all__ = ["postgres"]

_MEMORY = Path("/dev/shm")

NewLedger = Callable[[], str]


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
def new_sqlite(template: Path, folder: Path) -> NewLedger:
    numbers = itertools.count()
    return lambda: f"sqlite:///{shutil.copy(template, folder / f'ledger-{next(numbers)}.sqlite')}"


@pytest.fixture
def new_postgresql(postgres: RunningPostgres, postgres_copies: Callable[[], str]) -> Iterator[NewLedger]:
    made = list[str]()

    def new() -> str:
        made.append(postgres_copies())
        return postgres.url_of(made[-1])

    yield new
    for name in made:
        postgres.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
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
