"""The whole API as its own description says, whatever is sent: by schemathesis, in this process."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.python.asgi import shutdown_lifespans
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from interface.service.app import create_app
from swatchbook.settings import load_settings
from tests.interface.conftest import ADDRESS, ANNA, BERT, bearing
from tests.interface.service.served import rest
from tests.postgres import RunningPostgres, postgres

__all__ = ["postgres"]

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 6  # of each operation and way of asking
OPEN = {"/live", "/ready"}
"""What is told without a key."""

Operations = list[APIOperation]


@pytest.fixture
def operations(filled: Path) -> Iterator[Operations]:
    """All there are, of a service that holds anna's sample."""
    yield from described()


def described() -> Iterator[Operations]:
    """All operations of a service with the environment's settings, until it is ended."""
    api = schemathesis.openapi.from_asgi("/openapi.json", create_app(load_settings(), loop=rest))
    yield [found.ok() for found in api.get_all_operations()]
    shutdown_lifespans()


def hold_to_contract(
    operation: APIOperation,
    mode: GenerationMode,
    known: Mapping[str, str | int],
    headers: dict[str, str],
    refused: bool = False,
) -> None:
    """Ask the operation in many ways; where it takes an id, mostly one that is known (except for its end)."""

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: schemathesis.Case) -> None:
        if case.method != "DELETE":
            given_ids = set(known) & set(case.path_parameters or {})
            case.path_parameters.update({name: known[name] for name in given_ids})
        for name in ("authorization", "x-api-key", "host", "origin"):
            case.headers.pop(name, None)
        answer = case.call_and_validate(base_url=ADDRESS, headers=headers, checks=CHECKS)
        assert not refused or answer.status_code in (401, 404, 405)

    ask()


def takes_anything(operation: APIOperation) -> bool:
    """Whether there is something that can be asked wrongly."""
    return any(map(len, (operation.path_parameters, operation.query, operation.body)))


def known_ids(operations: Operations, headers: dict[str, str]) -> dict[str, str | int]:
    client = TestClient(operations[0].app, base_url=ADDRESS, headers=headers)
    (document,) = client.get("/documents").json()["documents"]
    (hit,) = client.get("/search?text=oak&k=1").json()["hits"]
    (product, *_) = client.get(f"/documents/{document['id']}/products").json()["products"]
    return {"document_id": document["id"], "image_id": hit["id"], "product_id": product["id"], "number": 3}


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_anybody_on_this_machine_gets_what_is_described(operations: Operations, mode: GenerationMode) -> None:
    known = known_ids(operations, {})
    for operation in operations:
        if mode is GenerationMode.POSITIVE or takes_anything(operation):
            hold_to_contract(operation, mode, known, {})


@pytest.mark.usefixtures("keys")
def test_a_caller_with_a_key_gets_what_is_described(operations: Operations) -> None:
    known = known_ids(operations, bearing(ANNA))
    for key in (ANNA, BERT):
        for operation in operations:
            hold_to_contract(operation, GenerationMode.POSITIVE, known, bearing(key))


@pytest.mark.usefixtures("keys")
def test_without_a_key_everything_else_is_refused(operations: Operations) -> None:
    known = known_ids(operations, bearing(ANNA))
    for operation in operations:
        hold_to_contract(operation, GenerationMode.POSITIVE, known, {}, refused=operation.path not in OPEN)


def test_a_ledger_in_postgresql_takes_it_all_too(
    home: Path, postgres: RunningPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWATCHBOOK_LEDGER_URL", postgres.new_database("service_contract"))
    for operations in described():
        for operation in operations:
            hold_to_contract(operation, GenerationMode.POSITIVE, {}, {})
