"""The embeddings of OpenAI and compatible servers, with limits of 8,191 tokens per text and 256 texts per call.

https://platform.openai.com/docs/api-reference
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from swatchbook.models.providers.client import Usage, counted
from swatchbook.models.providers.client import speak_json as speak
from swatchbook.models.providers.wires.openai import header

__all__ = ["BATCH_TEXTS", "BATCH_TOKENS", "MAX_TOKENS", "PATH", "body", "header", "speak", "usage"]

PATH: Final = "/embeddings"
MAX_TOKENS: Final = 8_191  # tokens of one text
BATCH_TOKENS: Final = 300_000  # tokens of one call
BATCH_TEXTS: Final = 256  # OpenAI accepts 2,048, some compatible servers far fewer

_SHORTENED: Final = "text-embedding-3"  # the model family that accepts `dimensions`; others reject it


def body(model: str, texts: Sequence[str], kind: Literal["document", "query"], dimension: int) -> Mapping[str, Any]:
    """Return the body of the request. It is the same for documents and queries."""
    asked = {"model": model, "input": list(texts), "encoding_format": "base64"}
    return {**asked, "dimensions": dimension} if model.startswith(_SHORTENED) else asked


def usage(data: Mapping[str, Any]) -> Usage:
    """Return the input tokens that the server counted; embeddings have no output tokens."""
    return Usage(counted(data, "prompt_tokens"), 0)
