"""Base classes of the replies that chat models are asked for, with texts cut to 200 or 600 characters.

Also here: the digest of a prompt, which gives a changed prompt a new tag.
"""

import hashlib
import json
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from swatchbook_base.one_line import one_line

_SHORT, _LONG = 200, 600  # characters


class WireModel(BaseModel):
    """Base of the provider's envelope around an answer. Validation errors, and so logs, do not contain its values."""

    model_config = ConfigDict(hide_input_in_errors=True)


class ReplyShape(BaseModel):
    """Base of all requested shapes. Unknown fields are errors; a field without a value is null, never left out."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def single_line(text: str, most: int) -> str:
    """Return the text as one line of at most `most` characters, without control and formatting characters."""
    return one_line(text)[:most].rstrip()


ShortText = Annotated[str, AfterValidator(lambda text: single_line(text, _SHORT))]
"""A name, a value or a few words. Longer text is truncated, not rejected: another answer would cost again."""
LongText = Annotated[str, AfterValidator(lambda text: single_line(text, _LONG))]


def recipe(instructions: str, shape: type[ReplyShape]) -> str:
    """Return eight hex digits of the prompt's and shape's digest; part of a tag, so that a new prompt has a new tag."""
    content = json.dumps([instructions, shape.model_json_schema()], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:8]
