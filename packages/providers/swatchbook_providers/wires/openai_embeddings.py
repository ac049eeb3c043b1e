"""The embeddings of OpenAI and compatible servers, with limits of 8,191 tokens per text and 256 texts per call.

https://platform.openai.com/docs/api-reference
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from swatchbook_providers.client import Speak, Usage, counted, speak_json

PATH: Final = "/embeddings"  # of Voyage, too

_SHORTENED: Final = "text-embedding-3"  # the model family that accepts `dimensions`; others reject it

InputType = Literal["document", "query"]


class Wire(NamedTuple):
    """The wire format of a family of endpoints, and its limits.

    `body` gets model, texts, kind and dimension; `usage` reads the tokens that the server counted from its reply.
    """

    max_tokens: int  # of one text
    batch_tokens: int  # of one call
    batch_texts: int
    body: Callable[[str, Sequence[str], InputType, int], Mapping[str, Any]]
    usage: Callable[[Mapping[str, Any]], Usage]
    speak: Speak = speak_json


def _body(model: str, texts: Sequence[str], kind: InputType, dimension: int) -> Mapping[str, Any]:
    """Return the body of the request. It is the same for documents and queries."""
    asked = {"model": model, "input": list(texts), "encoding_format": "base64"}
    return {**asked, "dimensions": dimension} if model.startswith(_SHORTENED) else asked


def _usage(data: Mapping[str, Any]) -> Usage:
    """Return the input tokens that the server counted; embeddings have no output tokens."""
    return Usage(counted(data, "prompt_tokens"), 0)


OPENAI: Final = Wire(8_191, 300_000, 256, _body, _usage)
"""OpenAI takes 2,048 texts in a call, some compatible servers far fewer."""
