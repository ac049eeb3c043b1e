"""Embeddings from Voyage, by its client library `voyageai`: https://docs.voyageai.com/reference/embeddings-api.

The library makes the request and reads the reply. Between the two it sends by the connection of `client.py` instead of
one of its own, so that the limits of time and size, the pace, the waits and the failure classes are those of every
provider, and the key is never given to the library. Used is `voyageai.Embedding.create`, which is what
`voyageai.Client.embed` calls once per try: it never retries (as `max_retries=0`), and it keeps what `Client.embed`
drops, each vector's index and a token count that is missing.

Import this module only where Voyage is chosen: importing the library takes about a second (docs/providers.md).
"""

import logging
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any, Final, Literal, NamedTuple

import voyageai
import voyageai.util

from swatchbook.providers.client import Call, Exchange, Usage, counted
from swatchbook.providers.endpoint import Endpoint
from swatchbook.providers.http_errors import malformed_reply, require_answer

URL: Final = "https://api.voyageai.com/v1"
PATH: Final = "/embeddings"  # the library's own
MAX_TOKENS: Final = 32_000  # of one text
BATCH_TOKENS: Final = 120_000  # of one call: what the most demanding of its models takes
BATCH_TEXTS: Final = 1_000

_NO_KEY: Final = "withheld"
"""What the library gets for a key. It must get one, or it would take VOYAGE_API_KEY from the environment."""

_EXCHANGE: Final = ContextVar[Exchange]("exchange")
"""How the call under way in this context is sent: the library knows one session for the whole process."""


class _Reply(NamedTuple):
    """What the library reads of a `requests.Response`. Other statuses than 200 never reach it."""

    content: bytes
    headers: Mapping[str, str] = {}
    status_code: int = 200


class _Session:
    """Stands in for the `requests.Session` that the library would make."""

    proxies: Final = None

    def request(self, method: str, url: str, *, data: bytes, timeout: float, **_: object) -> _Reply:
        """Send by our own connection. The library's headers, with the key that it has not, are left out."""
        return _Reply(_EXCHANGE.get()(url, data, timeout))

    def close(self) -> None:
        """There is nothing to close: each call has a connection of its own."""


def _take_over() -> None:
    """Make the library send by our connection only, and log nothing: it would log the texts and the replies."""
    voyageai.requestssession = _Session
    voyageai.util.VOYAGE_LOG = None  # else the variable of this name has it print them
    logging.getLogger("voyage").addFilter(lambda _: False)


_take_over()


def header(key: str | None) -> Mapping[str, str]:
    """How the key is presented."""
    return {"Authorization": f"Bearer {key}"} if key else {}


def body(model: str, texts: Sequence[str], kind: Literal["document", "query"], dimension: int) -> Mapping[str, Any]:
    """What `voyageai.Embedding.create` is given. Texts that are too long were cut before: here they are an error."""
    return {
        "model": model,
        "input": list(texts),
        "input_type": kind,
        "output_dimension": dimension,
        "truncation": False,
        "encoding_format": "base64",
    }


def speak(where: Endpoint, call: Call, seconds: float, exchange: Exchange) -> Mapping[str, Any]:
    """Ask once by the library. Raises ProviderError for a reply that it cannot read, and what `exchange` raises."""
    before = _EXCHANGE.set(exchange)
    try:
        data = voyageai.Embedding.create(api_key=_NO_KEY, base_url=where.url, request_timeout=seconds, **call.body)
    except (voyageai.error.VoyageError, ValueError, RecursionError) as error:
        # its message repeats the reply, so that only its class is kept as the cause
        raise malformed_reply(where) from ValueError(type(error).__name__)
    finally:
        _EXCHANGE.reset(before)
    return require_answer(where, data)


def usage(data: Mapping[str, Any]) -> Usage:
    """Tokens, as the provider counts them; nothing comes out but vectors."""
    return Usage(counted(data, "total_tokens"), 0)
