"""JSON schemas of the shapes that chat models are asked for, and the JSON that they answer with."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from swatchbook.providers.reply_shapes import single_line

_LONGEST_COMPLAINT = 200  # characters a line: names of fields may be the model's own

_UNSAID = frozenset({"title", "default", "minLength", "maxLength", "uniqueItems"})
"""Keywords that strict structured outputs refuse or need not know: the shape itself checks them."""


def schema_of(shape: type[BaseModel]) -> dict[str, Any]:
    """The shape's schema as strict structured outputs want it: every property required, none other allowed."""
    return _strict(shape.model_json_schema())  # type: ignore[no-any-return]


def is_strict(schema: Any) -> bool:
    """Whether all objects in it have named properties; a free mapping cannot be asked for strictly."""
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
    if "$ref" in schema:  # nothing may stand beside it
        return {"$ref": schema["$ref"]}
    strict = dict[str, Any]()
    for keyword, value in schema.items():
        if keyword in ("properties", "$defs"):
            strict[keyword] = {name: _strict(part) for name, part in value.items()}
        elif keyword not in _UNSAID:
            strict["anyOf" if keyword == "oneOf" else keyword] = _strict(value)
    strict.pop("discriminator", None)
    if "properties" in strict:
        strict |= {"required": list(strict["properties"]), "additionalProperties": False}
    return strict


def json_in(text: str) -> str:
    """The JSON object in what a model said: without its thoughts, a code fence, words before and after."""
    said = re.sub(r"^.*</think>", "", text, flags=re.DOTALL)
    start, end = said.find("{"), said.rfind("}")
    return said[start : end + 1] if 0 <= start < end else ""


def complaint(error: ValidationError) -> str:
    """What is wrong with an answer, for the model to mend: at most ten lines, no values repeated."""
    wrong = error.errors(include_url=False, include_input=False, include_context=False)
    lines = [f"{'.'.join(map(str, w['loc'])) or 'the whole'}: {w['msg']}" for w in wrong[:10]]
    return "\n".join(single_line(line, _LONGEST_COMPLAINT) for line in lines)
