"""Where a provider's model is, and how it may be used: as the settings say, or what is missing in them."""

import re
import socket
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from swatchbook.errors import Authentication, Configuration
from swatchbook.settings import PREFIX, Settings
from swatchbook.storage.fetch import is_public

Part = Literal["vision", "review", "llm", "text"]


@dataclass(frozen=True)
class Endpoint:
    """Where a provider's model is, and how it may be used. `part`: whose settings it is of, for messages."""

    part: Part
    url: str
    model: str
    key: SecretStr | None = field(default=None, repr=False)
    calls_per_minute: int = 0  # 0: no limit
    tokens_per_minute: int = 0
    at_once: int = 8
    seconds: float = 60.0  # for an answer; a repeated call gets more

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    def setting(self, name: str) -> str:
        """What the environment calls one of its settings."""
        return f"{PREFIX}{self.part}_{name}".upper()


def endpoint(settings: Settings, part: Part, *, url: str | None = None, needs_key: bool = False) -> Endpoint:
    """Of the vision model, the one that reviews, the language model or the text encoder. `url`: where it is unless the
    settings say.

    Raises Configuration or Authentication, naming the setting that is missing.
    """
    found = Endpoint(
        part=part,
        url=(getattr(settings, f"{part}_url") or url or "").rstrip("/"),
        model=getattr(settings, f"{part}_model") or "",
        key=getattr(settings, f"{part}_api_key"),
        calls_per_minute=getattr(settings, f"{part}_calls_per_minute"),
        tokens_per_minute=getattr(settings, f"{part}_tokens_per_minute"),
        at_once=settings.provider_concurrency,
        seconds=settings.provider_seconds,
    )
    for name, given in (("url", found.url), ("model", found.model)):
        if not given:
            raise Configuration(f"{found.setting(name)} is not set.", advice="Set it, or choose the local model.")
    if not _is_valid_url(found.url):
        raise Configuration(
            f"{found.setting('url')} is no address of a provider.",
            advice=f"It should be like https://api.example.com/v1; a key goes into {found.setting('api_key')}.",
        )
    if needs_key and found.key is None:
        raise Authentication(f"{found.setting('api_key')} is not set.", advice="Set it, or choose the local model.")
    if found.key and not re.fullmatch("[!-~]+", found.key.get_secret_value()):
        raise Authentication(
            f"{found.setting('api_key')} holds characters that stand in no key.",
            advice="Set it again, without spaces and line ends.",
        )
    if found.key and _is_overheard(found.url):
        raise Configuration(
            f"{found.setting('url')} would have its key sent over the Internet for all to read.",
            advice="Use https, or a private address.",
        )
    return found


def _is_overheard(url: str) -> bool:
    """Whether it leads to a public address without encryption. Nobody hears what is said to an unknown one."""
    parts = httpx.URL(url)
    if parts.scheme == "https":
        return False
    try:
        found = socket.getaddrinfo(parts.raw_host.decode("ascii"), parts.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return any(is_public(str(address[0])) for *_, address in found)


def _is_valid_url(url: str) -> bool:
    """Whether paths may be put behind it, and nothing in it is secret."""
    try:
        parts = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        return False
    there = parts.scheme in ("http", "https") and parts.host and (parts.port or 0) < 1 << 16
    return bool(there) and not re.search(r"[?#@\s]", url)
