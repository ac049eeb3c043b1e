"""Write docs/http.md: every endpoint of the service with what it takes, as its OpenAPI document describes it.

`python -m devtools.http_reference` (`make reference`); `tests/devtools/test_generated_pages.py` fails while it is out
of date.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from devtools.generated_pages import DOCS, Pages, cell, write
from swatchbook.domain.settings import Settings
from swatchbook_service.app import create_app
from swatchbook_service.auth import authenticate, oversee

TARGET: Final = DOCS / "http.md"

GROUPS: Final[Mapping[str, str]] = {
    "documents": r"/documents(/\{document_id\}(/(diff/.*|deletion|embed|lost-pictures|retry|cancel))?)?$",
    "teaching": r"/(documents/\{document_id\}/(teaching|pages/\{number\}/texts)|readings$)",
    "parts of documents": r"/(documents/|products/)",
    "images": r"/(images|reviews)\b",
    "search": r"/(search|facets|stats|near-duplicates|export)$",
    "trash": r"/trash\b",
    "events": r"/(hooks/)?events\b",
    "webhooks": r"/hooks/",
    "operation": r"/(coverage|live|ready|health|metrics)\b",
}
"""Title of a table -> its paths; the first that matches counts."""

_HEAD: Final = """# HTTP endpoints

Every endpoint of the service with what it takes, from its OpenAPI document; `make reference` writes this page. A
running service also has the limits and every field of the answers at `/docs`, to try out and without a network, and
at `/openapi.json` for programs. How keys, errors, limits and notices work: [service.md](service.md).

The key of an endpoint: *a key* sees only what belongs to its owners, *all owners* is a key with `"owners": ["*"]`. A
service without keys takes requests from its own machine and asks for none. Each endpoint may also answer 401, 403, 422,
500 and 503 with a problem ([Errors](service.md#errors)). An answer in JSON to a GET has an `ETag`; sent back as
`If-None-Match` it is answered with 304 if nothing has changed.
"""


class Endpoint(NamedTuple):
    """One operation of the service."""

    method: str
    path: str
    key: str
    described: Mapping[str, Any]


def pages() -> Pages:
    """Return the page: a table for each group of endpoints."""
    app = create_app(Settings(_env_file=None, api_keys=()))  # type: ignore[call-arg]
    schemas = app.openapi()["components"]["schemas"]
    groups: dict[str, list[Endpoint]] = {title: [] for title in GROUPS}
    for endpoint in _endpoints(app):
        groups[group_of(endpoint.path)].append(endpoint)
    parts = [_HEAD]
    for title, endpoints in groups.items():
        parts.append(
            f"\n## {title.capitalize()}\n\n| endpoint | what it does | takes | key |\n| --- | --- | --- | --- |\n"
        )
        for each in endpoints:
            takes = (
                f"`{name}`: {meaning}" if meaning else f"`{name}`" for name, meaning in _takes(each.described, schemas)
            )
            row = (each.described["summary"], "<br>".join(dict.fromkeys(takes)), each.key)
            parts.append(f"| `{each.method} {each.path}` | {' | '.join(map(cell, row))} |\n")
    return {TARGET: "".join(parts)}


def group_of(path: str) -> str:
    """Return the title of the table that a path belongs to. Raises StopIteration if there is none."""
    return next(title for title, pattern in GROUPS.items() if re.match(pattern, path))


def _endpoints(app: FastAPI) -> Iterator[Endpoint]:
    keys: dict[tuple[str, str], str] = {}
    for context in iter_route_contexts(app.routes):
        route = context.route
        if isinstance(route, APIRoute) and route.include_in_schema:
            keys |= {(method, route.path): _key(route) for method in route.methods or ()}
    for path, methods in app.openapi()["paths"].items():
        for method, described in methods.items():
            yield Endpoint(method.upper(), path, keys[method.upper(), path], described)


def _key(route: APIRoute) -> str:
    """Return which key an endpoint needs, by the functions that FastAPI calls before it."""
    called = set(_called(route.dependant))
    if oversee in called:
        return "all owners"
    if authenticate in called:
        return "a key"
    return "signature or token" if route.path.startswith("/hooks/") else "none"


def _called(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for each in dependant.dependencies:
        yield from _called(each)


def _takes(described: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield name and meaning of an operation's parameters that are not in its path, and of the fields of its body."""
    for each in described.get("parameters", ()):
        if each["in"] != "path" and each["name"] != "If-None-Match":
            yield each["name"], each.get("description", "")
    for content in described.get("requestBody", {}).get("content", {}).values():
        for form in _forms(content.get("schema", {}), schemas):
            yield from ((name, field.get("description", "")) for name, field in form.get("properties", {}).items())


def _forms(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the schemas that a body may have."""
    schema = next((each for each in schema.get("anyOf", ()) if each.get("type") != "null"), schema)
    schema = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    for each in schema.get("oneOf", ()):
        yield from _forms(each, schemas)
    if "oneOf" not in schema:
        yield schema


if __name__ == "__main__":
    write(pages())
