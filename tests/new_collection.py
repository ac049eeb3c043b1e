"""Empty collections on each ledger and each index."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from pydantic import SecretStr

from swatchbook.domain.settings import Settings, flatten, variable
from swatchbook.resources import Resources, open_resources
from swatchbook.store.ledger.space_registry import registered
from tests.postgres import RunningPostgres
from tests.weaviate_server import RunningWeaviate

NewCollection = Callable[..., Resources]
_databases = count()


@pytest.fixture
def new_collection(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewCollection]:
    """Make an empty collection on `ledger` (sqlite, postgresql) and `index` (lance, weaviate, tenants)."""
    numbers = count()
    with ExitStack() as opened:

        def make(ledger: str = "sqlite", index: str = "lance", home: Path | None = None) -> Resources:
            given = dict[str, object]()
            if ledger == "postgresql":
                postgres: RunningPostgres = request.getfixturevalue("postgres")
                database = f"collection_{next(_databases)}"
                given["ledger_url"] = postgres.new_database(database)
                opened.callback(postgres.drop_database, database)
            if index != "lance":
                weaviate: RunningWeaviate = request.getfixturevalue("weaviate_server")
                given |= {
                    "index": "weaviate",
                    "weaviate": {
                        "url": weaviate.url, "grpc_port": weaviate.grpc_port, "api_key": SecretStr(weaviate.api_key),
                        "tenants": index == "tenants",
                    },
                }  # fmt: skip
            folder = home or tmp_path / f"collection-{next(numbers)}"
            resources = opened.enter_context(open_resources(Settings(home=folder, **given)))
            if index != "lance":
                opened.callback(_drop_spaces, resources)
            return resources

        yield make


def _drop_spaces(resources: Resources) -> None:
    for each in registered(resources.ledger):
        resources.index.drop(each.space)


def environment_of(resources: Resources) -> dict[str, str]:
    """The variables by which a command finds a collection."""
    settings = resources.settings
    named: dict[str, object] = {"home": settings.home, "ledger_url": settings.ledger_url, "index": settings.index}
    if settings.index == "weaviate":
        key = settings.weaviate.api_key
        named |= {
            "weaviate": {
                "tenants": settings.weaviate.tenants,
                "url": settings.weaviate.url,
                "grpc_port": settings.weaviate.grpc_port,
                "api_key": key.get_secret_value() if key else "",
            }
        }
    return {variable(name): str(value) for name, value in flatten(named).items() if value is not None}
