"""Messages as Anthropic's endpoint speaks them: https://docs.anthropic.com/en/api/messages. Shapes by tool use.

Plain HTTP, for the reasons that `openai.py` gives.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import ValidationError

from swatchbook.errors import ProviderError
from swatchbook.providers.client import Usage, counted
from swatchbook.providers.endpoint import Endpoint
from swatchbook.providers.messages import ChatMessage, ChatReply, ShapeMethod
from swatchbook.providers.reply_shapes import WireModel

URL: Final = "https://api.anthropic.com"
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
    """How the key is presented, and which version of the API is meant."""
    return {"anthropic-version": _VERSION, **({"x-api-key": key} if key else {})}


def body(where: Endpoint, turn: ChatMessage, way: ShapeMethod) -> Mapping[str, Any]:
    """The request."""
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
    """Tokens, as the provider counts them."""
    return Usage(counted(data, "input_tokens"), counted(data, "output_tokens"))


def said(where: Endpoint, data: Mapping[str, Any]) -> ChatReply:
    """What the model said. Raises ProviderError for a reply that is none."""
    try:
        message = _Message.model_validate(data)
        given = [json.dumps(block.input, ensure_ascii=False) for block in message.content if block.type == "tool_use"]
    except (ValidationError, RecursionError) as error:
        raise ProviderError(f"{where.host} answers with no message.") from error
    text = given[0] if given else "".join(block.text for block in message.content)
    return ChatReply(text=text, stop=_STOPS.get(message.stop_reason, "end"))


def _part(part: str | bytes) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    source = {"type": "base64", "media_type": "image/jpeg", "data": base64.b64encode(part).decode()}
    return {"type": "image", "source": source}
