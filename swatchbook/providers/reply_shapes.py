"""What replies of chat models are made of: strict shapes, bounded strings, and the short name of what was asked."""

import hashlib
import json
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

_SHORT, _LONG = 200, 600  # characters


class WireModel(BaseModel):
    """Base of what providers send around an answer: what stands in it is in no error, and so in no log."""

    model_config = ConfigDict(hide_input_in_errors=True)


class ReplyShape(BaseModel):
    """Base of all shapes that are asked for: an unknown field is an error. What is unknown is null, never left out."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def single_line(text: str, most: int) -> str:
    """One line of at most so many characters, without control and formatting characters."""
    visible = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    shown = "".join(c for c in visible if unicodedata.category(c) not in ("Cf", "Cs", "Co", "Cn"))
    return " ".join(shown.split())[:most].rstrip()


ShortText = Annotated[str, AfterValidator(lambda text: single_line(text, _SHORT))]
"""A name, a value, a few words: cut rather than refused, for an answer asked again costs as much as the first."""
LongText = Annotated[str, AfterValidator(lambda text: single_line(text, _LONG))]


def recipe(instructions: str, shape: type[ReplyShape]) -> str:
    """What is asked and in which shape, as eight hex digits: another prompt is another maker."""
    asked = json.dumps([instructions, shape.model_json_schema()], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()[:8]
