"""The chat completions of OpenAI and compatible servers (vLLM, Ollama, llama.cpp …).

https://platform.openai.com/docs/api-reference/chat. Plain HTTP: OpenAI's SDK would add its own retries and rate limits,
and takes longer to import than a picture takes to embed.
"""

import base64
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from swatchbook.domain.errors import ProviderError
from swatchbook.models.providers.endpoint import Endpoint
from swatchbook.models.providers.json_schema import is_strict
from swatchbook.models.providers.messages import ChatMessage, ChatReply, ShapeMethod
from swatchbook_base.reply_shapes import WireModel
from swatchbook_providers.client import Usage, counted

PATH: Final = "/chat/completions"
WAYS: Final[tuple[ShapeMethod, ...]] = ("schema", "tool", "words")
_OWN_HOST: Final = "api.openai.com"


class _Function(WireModel):
    arguments: str


class _ToolCall(WireModel):
    function: _Function


class _Message(WireModel):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(WireModel):
    message: _Message
    finish_reason: str | None = None


class _Completion(WireModel):
    choices: list[_Choice]


def header(key: str | None) -> Mapping[str, str]:
    """Return the HTTP headers for the API key."""
    return {"Authorization": f"Bearer {key}"} if key else {}


def body(where: Endpoint, turn: ChatMessage, way: ShapeMethod) -> Mapping[str, Any]:
    """Return the body of the request."""
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": turn.instructions(way)},
        {"role": "user", "content": [_part(part) for part in turn.question.parts]},
        *turn.correction,
    ]
    # OpenAI's reasoning models reject both max_tokens and a temperature; compatible servers accept nothing else.
    own = {"max_completion_tokens": turn.question.max_tokens}
    limits = own if where.host == _OWN_HOST else {"max_tokens": turn.question.max_tokens, "temperature": 0}
    return {"model": where.model, "messages": messages, **limits, **_shape(turn, way)}


def usage(data: Mapping[str, Any]) -> Usage:
    """Return the tokens that the server counted."""
    return Usage(counted(data, "prompt_tokens"), counted(data, "completion_tokens"))


def read(where: Endpoint, data: Mapping[str, Any]) -> ChatReply:
    """Read the model's reply. Raises ProviderError if it is malformed."""
    try:
        choice = _Completion.model_validate(data).choices[0]
    except (ValidationError, IndexError) as error:
        raise ProviderError(f"{where.host} sent a malformed reply (not a chat completion).") from error
    message = choice.message
    if message.refusal or choice.finish_reason == "content_filter":
        return ChatReply(text=message.refusal or "", stop="refused")
    text = message.tool_calls[0].function.arguments if message.tool_calls else message.content or ""
    return ChatReply(text=text, stop="cut" if choice.finish_reason == "length" else "end")


def _part(part: str | bytes) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    return {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{base64.b64encode(part).decode()}"}}


def _shape(turn: ChatMessage, way: ShapeMethod) -> dict[str, Any]:
    strict = is_strict(turn.shape)
    if way == "schema":
        schema = {"name": turn.name, "schema": turn.shape, "strict": strict}
        return {"response_format": {"type": "json_schema", "json_schema": schema}}
    if way == "tool":
        function = {"name": turn.name, "parameters": turn.shape, "strict": strict}
        choice = {"type": "function", "function": {"name": turn.name}}
        return {"tools": [{"type": "function", "function": function}], "tool_choice": choice}
    return {}
