"""JSON schemas of the shapes that chat models are asked for; find the JSON in a reply, and say what in it does not
fit.
"""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from swatchbook.providers.reply_shapes import single_line

_LONGEST_COMPLAINT = 200  # characters a line: names of fields may be the model's own

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
    if "$ref" in schema:  # no other keyword may be beside it
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


def json_in(text: str) -> str:
    """Return the JSON object in a model's reply, without its reasoning, code fences and other text; "" if none."""
    answer = re.sub(r"^.*</think>", "", text, flags=re.DOTALL)
    start, end = answer.find("{"), answer.rfind("}")
    return answer[start : end + 1] if 0 <= start < end else ""


def complaint(error: ValidationError) -> str:
    """Return what is wrong with an answer, for the model to correct: at most ten lines, without its values."""
    details = error.errors(include_url=False, include_input=False, include_context=False)
    lines = [f"{'.'.join(map(str, each['loc'])) or 'the whole'}: {each['msg']}" for each in details[:10]]
    return "\n".join(single_line(line, _LONGEST_COMPLAINT) for line in lines)
