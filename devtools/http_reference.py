"""Write docs/http.md and docs/http/: every endpoint of the service, as its OpenAPI document describes it.

`python -m devtools.http_reference` (`make reference`); `tests/devtools/test_http_reference.py` fails while a page is
out of date.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from devtools.generated_pages import DOCS, Pages, cell, write
from swatchbook.domain.settings import Settings
from swatchbook.doors.service.app import create_app
from swatchbook.doors.service.auth import authenticate, oversee

TARGET: Final = DOCS / "http.md"
FOLDER: Final = DOCS / "http"

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
"""Title of a page -> its paths; the first that matches counts."""

COMMON: Final = ("401", "403", "422", "500", "503")
"""Statuses that each endpoint may answer with, so that they are named once."""

_HEAD: Final = """# HTTP endpoints

Every endpoint of the service, from its OpenAPI document; `make reference` writes these pages. A running service has the
same at `/docs`, to try out with every field of each answer, and at `/openapi.json`. How keys, errors, limits and
notices work: [service.md](service.md).

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

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def anchor(self) -> str:
        return re.sub(r"[^\w\- ]", "", self.name.lower()).replace(" ", "-")


def pages() -> Pages:
    """Return the list of all endpoints, and a page for each group with parameters and statuses."""
    app = create_app(Settings(_env_file=None, api_keys=()))  # type: ignore[call-arg]
    schemas = app.openapi()["components"]["schemas"]
    groups: dict[str, list[Endpoint]] = {title: [] for title in GROUPS}
    for endpoint in _endpoints(app):
        groups[group_of(endpoint.path)].append(endpoint)
    made = {}
    index = [_HEAD]
    for title, endpoints in groups.items():
        page = FOLDER / f"{title.replace(' ', '-')}.md"
        index.append(f"\n## {title.capitalize()}\n\n| endpoint | what it does | key |\n| --- | --- | --- |\n")
        index += [
            f"| [`{each.name}`](http/{page.name}#{each.anchor}) | {cell(each.described['summary'])} | {each.key} |\n"
            for each in endpoints
        ]
        parts = [
            f"# HTTP: {title}\n\nThe endpoints of {title}, with parameters and statuses. All: [http.md](../http.md).\n"
        ]
        for each in endpoints:
            parts += _section(each, schemas)
        made[page] = "".join(parts)
    return {TARGET: "".join(index)} | made


def group_of(path: str) -> str:
    """Return the title of the page that a path belongs to. Raises StopIteration if there is none."""
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


def _section(endpoint: Endpoint, schemas: Mapping[str, Any]) -> Iterator[str]:
    """Yield the section of an endpoint: what it does, its key, its answers, its parameters."""
    described = endpoint.described
    yield f"\n## {endpoint.name}\n\n{described['summary']}. {_text(described.get('description', ''))}\n\n"
    yield f"Key: {endpoint.key}. Answers: {'; '.join(_answers(described['responses']))}.\n"
    rows = [*_parameters(described.get("parameters", ()), schemas), *_fields(described.get("requestBody", {}), schemas)]
    if rows:
        yield "\n| parameter | in | values | meaning |\n| --- | --- | --- | --- |\n"
        yield from (f"| {' | '.join(map(cell, row))} |\n" for row in rows)


def _answers(responses: Mapping[str, Any]) -> Iterator[str]:
    """Yield the statuses, with the type of the answer or what one of success means."""
    for status, response in sorted(responses.items()):
        if status in COMMON:
            continue
        content = response.get("content", {})
        kind = ", ".join(
            f"`{_name(each)}`" for each in (media.get("schema", {}) for media in content.values()) if _name(each)
        )
        described = response["description"].rstrip(".")
        if int(status) == 304 or int(status) >= 400:
            yield status
        elif described == "Successful Response":
            yield f"{status} {kind or ', '.join(f'`{media}`' for media in sorted(content))}".strip()
        else:
            yield f"{status} {described}"


def _name(schema: Mapping[str, Any]) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2] or str(
        schema.get("title", "") if "properties" in schema else ""
    )


Row = tuple[str, str, str, str]


def _parameters(parameters: Any, schemas: Mapping[str, Any]) -> Iterator[Row]:
    for each in parameters:
        if each["name"] != "If-None-Match":
            need = ", required" if each.get("required") and each["in"] != "path" else ""
            yield (
                f"`{each['name']}`",
                each["in"] + need,
                _values(_resolved(each["schema"], schemas)),
                each.get("description", ""),
            )


def _fields(body: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the fields of a body; of one that has several forms, those of each."""
    for media, content in body.get("content", {}).items():
        where = "form" if media == "multipart/form-data" else "JSON" if media == "application/json" else media
        for schema in _forms(content.get("schema", {}), schemas):
            if schema.get("type") == "string":
                yield "body", where, _values(schema), schema.get("description", "")
            required = schema.get("required", ())
            for name, field in schema.get("properties", {}).items():
                need = ", required" if name in required else ""
                yield f"`{name}`", where + need, _values(_resolved(field, schemas)), field.get("description", "")


def _forms(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    schema = _resolved(schema, schemas)
    forms = schema.get("oneOf")
    if forms:
        for each in forms:
            yield from _forms(each, schemas)
    else:
        yield schema


def _resolved(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a schema without references: what it names, or the one that may be left out, with its own default."""
    value = next((each for each in schema.get("anyOf", ()) if each.get("type") != "null"), schema)
    found = schemas[_name(value)] if "$ref" in value else value
    return {**found, **{key: value for key, value in schema.items() if key == "default"}}


def _values(schema: Mapping[str, Any]) -> str:
    """Return in words what a value may be: its choices or type, its range, its default."""
    if "const" in schema:
        return f"`{schema['const']}`"
    parts = [", ".join(f"`{each}`" for each in schema["enum"]) if "enum" in schema else _type(schema)]
    low, high = schema.get("minimum", schema.get("exclusiveMinimum")), schema.get("maximum")
    if low is not None and high is not None:
        parts.append(f"{_number(low)} to {_number(high)}")
    elif low is not None:
        parts.append(f"from {_number(low)}")
    if (default := schema.get("default")) not in (None, [], "", {}):
        parts.append(f"default `{str(default).lower() if isinstance(default, bool) else default}`")
    return ", ".join(parts)


def _number(limit: float) -> str:
    return f"{int(limit) if limit == int(limit) else limit:,}"


def _type(schema: Mapping[str, Any]) -> str:
    if schema.get("type") == "array":
        inner: Mapping[str, Any] = schema.get("items") or next(iter(schema.get("prefixItems", ())), {})
        return f"{_values(inner)}, repeated"
    if schema.get("format") in ("uuid", "binary"):
        return {"uuid": "an id", "binary": "a file"}[schema["format"]]
    names = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    return names.get(schema.get("type", ""), "object")


def _text(text: str) -> str:
    """Return a description as paragraphs of one line each."""
    return "\n\n".join(" ".join(each.split()) for each in re.split(r"\n\s*\n", text))


if __name__ == "__main__":
    write(pages(), FOLDER)
