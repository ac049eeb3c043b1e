"""The Python client has a method for each route of the service, with each of its parameters, and its answer."""

import inspect
from pathlib import Path
from typing import Any

import pytest

from swatchbook.domain.records import Rename, TaughtReading
from swatchbook.domain.settings import Settings
from swatchbook.doors.service.app import create_app
from swatchbook.index.contract import FilterArguments
from swatchbook_client import Client
from tests.doors.service.served import rest

WITHOUT_A_METHOD = {
    ("POST", "/hooks/upload"): "an object store or another service sends it, signed with its own key",
    ("POST", "/hooks/events"): "an object store sends it",
}

ARGUMENTS: dict[str, Any] = {
    "after": "b", "before": "a", "boxes": ["5:1"], "document": "a", "event": "e", "file": "a.pdf", "image": "i",
    "kind": "crashed", "number": 1, "page": 1, "product": "p", "reading": TaughtReading(),
    "state": "dismissed", "verdict": "accept",
}  # fmt: skip
"""A value for each argument that calls require."""

EDITS = {"undo": 1, "edit": Rename[str](product="p", name="n")}


class Sent(Exception):
    """A request: its arguments."""


class Recording(Client):
    """A client that raises each request instead of sending it, and keeps the record that answers it."""

    model: str = ""

    def _record(self, model: type[Any], method: str, path: str, *ids: str | int, **request: Any) -> Any:
        self.model = model.__name__
        return super()._record(model, method, path, *ids, **request)

    def _bytes(self, method: str, path: str, *ids: str | int, **request: Any) -> bytes:
        raise Sent({"method": method, "path": path, "ids": ids, "model": self.model, **request})


def methods() -> list[str]:
    """Return the names of the methods that send a request."""
    listed = inspect.getmembers(Client, inspect.isfunction)
    return [name for name, _ in listed if name[0] != "_" and name not in ("wait", "close")]


def sample(name: str, **more: Any) -> dict[str, Any]:
    """Return the request of a method, with all filters and what it requires."""
    given: dict[str, Any] = {}
    with Recording("http://localhost") as client:
        method = getattr(client, name)
        for parameter in inspect.signature(method).parameters.values():
            if parameter.kind is parameter.VAR_KEYWORD:
                given |= dict.fromkeys(FilterArguments.__annotations__)
            elif parameter.default is parameter.empty:
                given[parameter.name] = EDITS[name] if parameter.name == "edit" else ARGUMENTS[parameter.name]
        with pytest.raises(Sent) as sent:
            next(method(**(given | more)))
    request: dict[str, Any] = sent.value.args[0]
    return request


@pytest.fixture(scope="module")
def described() -> dict[tuple[str, str], dict[str, Any]]:
    """Return the operations of the OpenAPI document by method and path."""
    document = create_app(Settings(home=Path("nowhere")), loop=rest).openapi()
    return {
        (method.upper(), path): operation | {"schemas": document["components"]["schemas"]}
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


@pytest.fixture(scope="module")
def calls() -> dict[tuple[str, str], dict[str, Any]]:
    """Return a request for each method and path."""
    made = [*map(sample, methods()), sample("search", image=b"picture")]
    return {(call["method"], call["path"]): call for call in made}


def test_every_route_has_a_method(described: dict[Any, Any], calls: dict[Any, Any]) -> None:
    assert set(described) - set(calls) == set(WITHOUT_A_METHOD)
    assert set(calls) <= set(described)


def test_every_parameter_and_answer_is_that_of_the_route(described: dict[Any, Any], calls: dict[Any, Any]) -> None:
    for route, call in calls.items():
        operation = described[route]
        asked = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
        assert set(call.get("params") or ()) == asked, route
        assert len(call["ids"]) == sum(each["in"] == "path" for each in operation.get("parameters", ())), route
        for media_type, body in operation.get("requestBody", {}).get("content", {}).items():
            schema = body["schema"]
            schema = operation["schemas"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
            sent = call["json"] if media_type == "application/json" else {**call["fields"], call["file"].field: b""}
            if "properties" in schema:  # an edit is one of several
                optional = {"start", "side"}  # of a proposal: left out, they are those of the document
                assert set(sent) == set(schema["properties"]) - (optional - set(sent)), route
        answers = [
            operation["responses"][status] for status in ("200", "201", "202") if status in operation["responses"]
        ]
        schema = answers[0]["content"].get("application/json", {}).get("schema", {}).get("$ref", "")
        assert call["model"] == schema.rpartition("/")[2], route
