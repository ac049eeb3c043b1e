"""The embeddings of Voyage through its library `voyageai` (https://docs.voyageai.com/reference/embeddings-api).

Its limits are 32,000 tokens per text and 1,000 texts per call.

The library builds the request and reads the reply, but sends through the connection of `client.py`, so that Voyage has
the same limits, waits and failures as every provider, and the library never gets the key. We call
`voyageai.Embedding.create`, which `voyageai.Client.embed` calls once per try: it never retries, and it returns what
`Client.embed` drops, each vector's index and a missing token count.

Import this module only if Voyage is chosen: importing the library takes about a second (docs/providers.md).
"""

import logging
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any, Final, NamedTuple

import voyageai
import voyageai.util

from swatchbook.models.providers.endpoint import Endpoint
from swatchbook_providers.client import Call, Exchange, Usage, counted
from swatchbook_providers.http_errors import malformed_reply, require_answer
from swatchbook_providers.wires.openai_embeddings import InputType, Wire

_NO_KEY: Final = "withheld"
"""Passed to the library as the key; without one it would read VOYAGE_API_KEY from the environment."""

_EXCHANGE: Final = ContextVar[Exchange]("exchange")
"""The Exchange of the current call; the library has one session for the whole process."""


class _Reply(NamedTuple):
    """The part of `requests.Response` that the library reads. It only gets replies with status 200."""

    content: bytes
    headers: Mapping[str, str] = {}
    status_code: int = 200


class _Session:
    """The replacement of the `requests.Session` that the library would create."""

    proxies: Final = None

    def request(self, method: str, url: str, *, data: bytes, timeout: float, **_: object) -> _Reply:
        """Send through our own connection, without the library's headers, which would contain its placeholder key."""
        return _Reply(_EXCHANGE.get()(url, data, timeout))

    def close(self) -> None:
        """Do nothing: each call has its own connection."""


def _take_over() -> None:
    """Make the library send through our connection and log nothing: it would log texts and replies."""
    voyageai.requestssession = _Session  # the library's own setting for its sessions; no call takes one
    voyageai.util.VOYAGE_LOG = None  # else the environment variable VOYAGE_LOG makes it print them
    logging.getLogger("voyage").addFilter(lambda _: False)


_take_over()


def body(model: str, texts: Sequence[str], kind: InputType, dimension: int) -> Mapping[str, Any]:
    """Return the arguments of `voyageai.Embedding.create`. Long texts are truncated before; here they are an error."""
    return {
        "model": model,
        "input": list(texts),
        "input_type": kind,
        "output_dimension": dimension,
        "truncation": False,
        "encoding_format": "base64",
    }


def speak(where: Endpoint, call: Call, seconds: float, exchange: Exchange) -> Mapping[str, Any]:
    """Send a call once through the library. Raises ProviderError for a malformed reply, and what `exchange` raises."""
    before = _EXCHANGE.set(exchange)
    try:
        data = voyageai.Embedding.create(api_key=_NO_KEY, base_url=where.url, request_timeout=seconds, **call.body)
    except (voyageai.error.VoyageError, ValueError, RecursionError) as error:
        # The error's message repeats the reply, so only its class is kept as the cause.
        raise malformed_reply(where) from ValueError(type(error).__name__)
    finally:
        _EXCHANGE.reset(before)
    return require_answer(where, data)


def usage(data: Mapping[str, Any]) -> Usage:
    """Return the input tokens that the provider counted; embeddings have no output tokens."""
    return Usage(counted(data, "total_tokens"), 0)


VOYAGE: Final = Wire(32_000, 120_000, 1_000, body, usage, speak)  # tokens of a call: the lowest limit of its models
