"""Embeddings as Voyage's endpoint speaks them: https://docs.voyageai.com/reference/embeddings-api.

Plain HTTP, not the voyageai SDK: importing it brings langchain, aiohttp, requests and the Hugging Face hub (eight times
the time that httpx takes), it counts tokens with tokenizers that it downloads, has no limit on the whole time of a
call, and writes replies and headers into its errors.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from swatchbook.providers.client import Usage, counted

URL: Final = "https://api.voyageai.com/v1"
PATH: Final = "/embeddings"
MAX_TOKENS: Final = 32_000  # of one text
BATCH_TOKENS: Final = 120_000  # of one call: what the most demanding of its models takes
BATCH_TEXTS: Final = 1_000


def header(key: str | None) -> Mapping[str, str]:
    """How the key is presented."""
    return {"Authorization": f"Bearer {key}"} if key else {}


def body(model: str, texts: Sequence[str], kind: Literal["document", "query"], dimension: int) -> Mapping[str, Any]:
    """The request. What is too long is an error, as we have cut it already and said so."""
    return {
        "model": model,
        "input": list(texts),
        "input_type": kind,
        "output_dimension": dimension,
        "truncation": False,
        "encoding_format": "base64",
    }


def usage(data: Mapping[str, Any]) -> Usage:
    """Tokens, as the provider counts them; nothing comes out but vectors."""
    return Usage(counted(data, "total_tokens"), 0)
