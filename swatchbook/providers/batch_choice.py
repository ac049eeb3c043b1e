"""Decide which calls go into a provider's batch, and name the formats.

A batch costs half, and its answers come within a day. So only work goes there that nobody waits for: fills, reviews,
and runs of documents that were asked for more than an hour ago; and only if it is many calls.
"""

from typing import Final, NamedTuple
from urllib.parse import urlsplit

from swatchbook.providers.batch_client import BatchWire
from swatchbook.providers.chat import Wire
from swatchbook.providers.endpoint import PUBLIC_URLS, Part, endpoint_url
from swatchbook.providers.wires import anthropic, anthropic_batches, openai, openai_batches
from swatchbook.settings import Settings

FEWEST_CALLS: Final = 20
"""Fewer calls are sent at once: they cost little, and the answers are there in a minute."""

AWAITED_SECONDS: Final = 3_600.0
"""How long after a person has asked for a document its answers are waited for."""

_HOSTS: Final = frozenset(urlsplit(PUBLIC_URLS[vendor]).hostname for vendor in ("openai", "anthropic"))
"""Whose batches cost half. Other servers with the same API seldom have batches."""


class BatchFormat(NamedTuple):
    """How a provider's batches and the calls in them are written."""

    batches: BatchWire
    chat: Wire


def format_of(api: str) -> BatchFormat:
    """Return the format of an API: anthropic or openai."""
    if api == anthropic.API:
        return BatchFormat(anthropic_batches, anthropic)
    return BatchFormat(openai_batches, openai)


def goes_in_batch(settings: Settings, part: Part, calls: int, *, awaited: bool) -> bool:
    """Return whether so many calls to a part's model are sent in a batch. `awaited`: a person waits for them."""
    if settings.batch == "always":
        return calls > 0
    has_batches = urlsplit(endpoint_url(settings, part)).hostname in _HOSTS
    return settings.batch == "auto" and has_batches and not awaited and calls >= FEWEST_CALLS
