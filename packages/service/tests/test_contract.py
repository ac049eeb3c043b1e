"""The whole API as its own description says, whatever is sent: by schemathesis, in this process."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
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

from swatchbook.domain.settings import Settings, load_settings
from swatchbook_service.app import create_app
from tests.doors.conftest import ADDRESS, asking
from tests.doors.served import rest
from tests.postgres import RunningPostgres

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance,
]  # fmt: skip
EXAMPLES = min(6, settings().max_examples // 10)  # of each operation and way of asking
Operations = list[APIOperation]


@pytest.fixture
def operations(filled: Path) -> Iterator[Operations]:
    yield from described()


def described() -> Iterator[Operations]:
    """All operations of a service with the environment's settings, until it is ended."""
    api = schemathesis.openapi.from_asgi("/openapi.json", create_app(load_settings(), loop=rest))
    yield [found.ok() for found in api.get_all_operations()]
    shutdown_lifespans()


def hold_to_contract(operation: APIOperation, mode: GenerationMode, known: Mapping[str, str | int]) -> None:
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
        case.call_and_validate(base_url=ADDRESS, checks=CHECKS)

    ask()


def known_ids_of(client: httpx.Client) -> dict[str, str | int]:
    (document,) = client.get("/documents").json()["documents"]
    (hit,) = client.get("/search?text=oak&k=1").json()["hits"]
    (product, *_) = client.get(f"/documents/{document['id']}/products").json()["products"]
    of_document = dict.fromkeys(("document_id", "newer_id"), document["id"])
    return {**of_document, "image_id": hit["id"], "product_id": product["id"], "number": 3}


UNPAGED = {"/near-duplicates", "/trash"}
"""Lists that come whole: the largest groups, of a limited number; what was deleted within a day."""


def references(node: Any) -> Iterator[str]:
    """All references of a description, those of discriminators included."""
    if isinstance(node, list):
        for each in node:
            yield from references(each)
    elif isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        yield from node.get("discriminator", {}).get("mapping", {}).values()
        for each in node.values():
            yield from references(each)


def test_every_reference_resolves() -> None:
    described = create_app(Settings(home=Path("nowhere")), loop=rest).openapi()
    found = set(references(described))
    assert len(found) > 50
    for reference in found:
        node: Any = described
        for part in reference.removeprefix("#/").split("/"):
            assert part in node, reference
            node = node[part]


def test_everything_is_described() -> None:
    """Each operation, parameter and error has words and a type; each list has pages; each JSON answer has a tag."""
    described = create_app(Settings(home=Path("nowhere")), loop=rest).openapi()
    names = [operation["operationId"] for methods in described["paths"].values() for operation in methods.values()]
    assert len(names) == len(set(names)) > 30
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert all(operation.get(word) for word in ("summary", "description", "tags")), path
            parameters = {each["name"]: each for each in operation.get("parameters", ())}
            assert all(each.get("description") for each in parameters.values()), (path, parameters)
            for status, answer in operation["responses"].items():
                kinds = set(answer.get("content", {}))
                if status[0] in "45" and path not in ("/ready", "/health"):
                    assert kinds == {"application/problem+json"}, (path, status)
                if status == "200" and method == "get" and "application/json" in kinds:
                    schema = answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
                    properties = described["components"]["schemas"][schema]["properties"]
                    is_list = any(each.get("type") == "array" for each in properties.values()) and len(properties) <= 2
                    assert not is_list or path in UNPAGED or {"limit", "cursor"} <= parameters.keys(), path
                    assert "ETag" in answer["headers"], path
                    assert "304" in operation["responses"], path
                    assert "If-None-Match" in parameters, path


def test_unchanged_answer_is_not_sent_again(filled: Path) -> None:
    with asking() as client:
        known, asked = known_ids_of(client), 0
        for path, methods in client.get("/openapi.json").json()["paths"].items():
            answers = methods.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
            if "application/json" not in answers:
                continue
            address = path.format(**known) + ("?text=oak" if path == "/search" else "")
            first = client.get(address)
            assert first.headers["cache-control"] == "private, no-cache", path
            again = client.get(address, headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"]), path
            assert "content-type" not in again.headers
            assert client.get(address, headers={"If-None-Match": '"other"'}).content == first.content
            asked += 1
        assert asked > 15
        missing = client.get("/documents/00000000-0000-0000-0000-000000000000")
        assert (missing.headers.get("etag"), missing.headers["cache-control"]) == (None, "no-store")
        assert "etag" not in client.post(f"/documents/{known['document_id']}/retry").headers


@pytest.mark.parametrize(
    "mode", [GenerationMode.POSITIVE, pytest.param(GenerationMode.NEGATIVE, marks=pytest.mark.nightly)]
)
def test_anybody_on_this_machine_gets_what_is_described(operations: Operations, mode: GenerationMode) -> None:
    known = known_ids_of(TestClient(operations[0].app, base_url=ADDRESS))
    for operation in operations:
        takes_anything = any(map(len, (operation.path_parameters, operation.query, operation.body)))
        if mode is GenerationMode.POSITIVE or takes_anything:
            hold_to_contract(operation, mode, known)


def test_a_ledger_in_postgresql_takes_it_all_too(
    home: Path, postgres: RunningPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWATCHBOOK_LEDGER_URL", postgres.new_database("service_contract"))
    for operations in described():
        for operation in operations:
            hold_to_contract(operation, GenerationMode.POSITIVE, {})
