"""The Python clients have a method for each route of the service, with each of its parameters, and its answer."""

import inspect
from pathlib import Path
from typing import Any

import pytest

from swatchbook.domain.records import Rename, TaughtReading
from swatchbook.domain.settings import Settings
from swatchbook.index.contract import FilterArguments
from swatchbook_client import AsyncClient, Client
from swatchbook_client import calls as calls_of_clients
from swatchbook_client.request import Call, Pages
from swatchbook_service.app import create_app
from tests.doors.served import rest

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


def named() -> dict[str, Any]:
    """Return the functions that describe a request."""
    return {
        name: function
        for name, function in vars(calls_of_clients).items()
        if inspect.isfunction(function) and function.__module__ == calls_of_clients.__name__ and name[0] != "_"
    }


def sample(name: str, **more: Any) -> Call[Any]:
    """Return the request of a function, with all filters and what it requires."""
    signature = inspect.signature(named()[name])
    given: dict[str, Any] = {}
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            given |= dict.fromkeys(FilterArguments.__annotations__)
        elif parameter.default is parameter.empty:
            given[parameter.name] = EDITS[name] if parameter.name == "edit" else ARGUMENTS[parameter.name]
    call = named()[name](**(given | more))
    return call.portion(None) if isinstance(call, Pages) else call


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
def calls() -> dict[tuple[str, str], Call[Any]]:
    """Return a request for each method and path."""
    made = [*map(sample, named()), sample("search", image=b"picture")]
    return {(call.method, call.path): call for call in made}


def test_every_route_has_a_method(described: dict[Any, Any], calls: dict[Any, Any]) -> None:
    assert set(described) - set(calls) == set(WITHOUT_A_METHOD)
    assert set(calls) <= set(described)


def test_every_method_is_in_both_clients() -> None:
    assert len(named()) > 40
    for client in (Client, AsyncClient):
        for name, function in named().items():
            method = getattr(client, name)
            assert (method.__name__, method.__doc__) == (name, function.__doc__)
            assert [*inspect.signature(method).parameters][1:] == [*inspect.signature(function).parameters]
        assert {each for each in dir(client) if not each.startswith("_")} - set(named()) == {"SETTLED", "close", "wait"}
    assert "-> swatchbook.doors.replies.ShownDocument" in str(inspect.signature(Client.status))
    assert "-> collections.abc.AsyncIterator[" in str(inspect.signature(AsyncClient.products))


def test_parameters_and_answers_are_those_of_the_route(described: dict[Any, Any], calls: dict[Any, Any]) -> None:
    for route, call in calls.items():
        operation = described[route]
        asked = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
        assert set(call.params or ()) == asked, route
        assert len(call.ids) == sum(each["in"] == "path" for each in operation.get("parameters", ())), route
        for media_type, body in operation.get("requestBody", {}).get("content", {}).items():
            schema = body["schema"]
            schema = operation["schemas"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
            sent = call.json if media_type == "application/json" else {**call.fields, call.file.field: b""}
            if "properties" in schema:  # an edit is one of several
                optional = {"start", "side"}  # of a proposal: left out, they are those of the document
                assert set(sent) == set(schema["properties"]) - (optional - set(sent)), route
        answers = [
            operation["responses"][status] for status in ("200", "201", "202") if status in operation["responses"]
        ]
        schema = answers[0]["content"].get("application/json", {}).get("schema", {}).get("$ref", "")
        assert (call.model.__name__ if call.model else "") == schema.rpartition("/")[2], route
