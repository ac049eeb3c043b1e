"""Describe for a person what a value that pydantic refused must be: its own messages name types of Python."""

import re
from collections.abc import Mapping, Sequence

from pydantic_core import ErrorDetails

_LIST, _OBJECT = "must be a list", "must be an object: names with values"
_WORDS: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "there is no such field",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    **dict.fromkeys(("string_type", "string_unicode"), "must be a text"),
    "string_too_short": "must have {min_length} or more characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must match {pattern}",
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "must be a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "must be a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "must be true or false"),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), _LIST),
    **dict.fromkeys(("dict_type", "mapping_type", "model_type", "model_attributes_type"), _OBJECT),
    "too_short": "must have {min_length} or more entries",
    "too_long": "must have at most {max_length} entries",
    **dict.fromkeys(("uuid_type", "uuid_parsing"), "must be an id such as 1a2b3c4d-0000-5000-8000-000000000000"),
    **dict.fromkeys(("literal_error", "enum"), "must be {expected}"),
    **dict.fromkeys(
        ("datetime_type", "datetime_parsing", "datetime_from_date_parsing"), "must be a time: 2026-11-01T08:00:00Z"
    ),
    "base64_decode": "must be base64",
}
"""Type of a pydantic error -> the message, with the names of its limits in braces."""


def what_it_must_be(error: ErrorDetails) -> str:
    """Return what is wrong with a value as a clause without its name: `must be at most 50`."""
    limits = {name: f"{value:g}" if isinstance(value, float) else value for name, value in error.get("ctx", {}).items()}
    if words := _WORDS.get(error["type"]):
        return words.format_map(limits)
    message = re.sub(r"^(Value error, |Assertion failed, )", "", error["msg"])
    message = re.sub(r"^Input should\b", "must", message)
    return message[:1].lower() + message[1:]


def without_followers(errors: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Return errors without those that only follow from others: a list with wrong entries is also too short."""
    places = [error["loc"] for error in errors]
    return [
        error
        for error in errors
        if error["type"] != "too_short"
        or not any(place[: len(error["loc"])] == error["loc"] != place for place in places)
    ]
