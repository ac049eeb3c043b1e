"""Anthropic's Messages API: https://docs.anthropic.com/en/api/messages. Shapes are requested by tool use.

Plain HTTP, for the reasons given in `openai.py`.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import ValidationError

from swatchbook.domain.errors import ProviderError
from swatchbook.models.providers.endpoint import Endpoint
from swatchbook.models.providers.messages import ChatMessage, ChatReply, ShapeMethod
from swatchbook_base.reply_shapes import WireModel
from swatchbook_providers.client import Usage, counted

PATH: Final = "/v1/messages"
WAYS: Final[tuple[ShapeMethod, ...]] = ("tool", "words")
_VERSION: Final = "2023-06-01"
_STOPS: Final[Mapping[str | None, Literal["cut", "refused"]]] = {"max_tokens": "cut", "refusal": "refused"}


class _Block(WireModel):
    type: str
    text: str = ""
    input: Any = None


class _Message(WireModel):
    content: list[_Block]
    stop_reason: str | None = None


def header(key: str | None) -> Mapping[str, str]:
    """Return the HTTP headers for the API key and the version of the API."""
    return {"anthropic-version": _VERSION, **({"x-api-key": key} if key else {})}


def body(where: Endpoint, turn: ChatMessage, way: ShapeMethod) -> Mapping[str, Any]:
    """Return the body of the request."""
    first = {"role": "user", "content": [_part(part) for part in turn.question.parts]}
    asked = {
        "model": where.model,
        "max_tokens": turn.question.max_tokens,
        "system": turn.instructions(way),
        "messages": [first, *turn.correction],
    }
    if way == "words":
        return asked
    tool = {"name": turn.name, "description": "Takes the answer.", "input_schema": turn.shape}
    return {**asked, "tools": [tool], "tool_choice": {"type": "tool", "name": turn.name}}


def usage(data: Mapping[str, Any]) -> Usage:
    """Return the tokens that the provider counted."""
    return Usage(counted(data, "input_tokens"), counted(data, "output_tokens"))


def read(where: Endpoint, data: Mapping[str, Any]) -> ChatReply:
    """Read the model's reply. Raises ProviderError if it is malformed."""
    try:
        message = _Message.model_validate(data)
        inputs = [json.dumps(block.input, ensure_ascii=False) for block in message.content if block.type == "tool_use"]
    except (ValidationError, RecursionError) as error:
        raise ProviderError(f"{where.host} sent a malformed reply (not a message).") from error
    text = inputs[0] if inputs else "".join(block.text for block in message.content)
    return ChatReply(text=text, stop=_STOPS.get(message.stop_reason, "end"))


def _part(part: str | bytes) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    source = {"type": "base64", "media_type": "image/jpeg", "data": base64.b64encode(part).decode()}
    return {"type": "image", "source": source}
