"""Make JSON schemas of the shapes that chat models are asked for."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

_OMITTED = frozenset({"title", "default", "minLength", "maxLength", "uniqueItems"})
"""Keywords that strict structured outputs reject or do not need: pydantic checks them in the reply."""


def schema_of(shape: type[BaseModel]) -> dict[str, Any]:
    """Return the shape's schema for strict structured outputs: all properties required, no others allowed."""
    return _strict(shape.model_json_schema())  # type: ignore[no-any-return]


def is_strict(schema: Any) -> bool:
    """Return whether all objects in the schema have named properties; strict outputs do not support free mappings."""
    if isinstance(schema, list):
        return all(map(is_strict, schema))
    if not isinstance(schema, Mapping):
        return True
    free = schema.get("type") == "object" and "properties" not in schema
    return not free and all(map(is_strict, schema.values()))


def _strict(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strict(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    if "$ref" in schema:  # no other keyword may be next to it
        return {"$ref": schema["$ref"]}
    strict = dict[str, Any]()
    for keyword, value in schema.items():
        if keyword in ("properties", "$defs"):
            strict[keyword] = {name: _strict(part) for name, part in value.items()}
        elif keyword not in _OMITTED:
            strict["anyOf" if keyword == "oneOf" else keyword] = _strict(value)
    strict.pop("discriminator", None)
    if "properties" in strict:
        strict |= {"required": list(strict["properties"]), "additionalProperties": False}
    return strict
