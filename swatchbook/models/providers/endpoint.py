"""Read and check a provider's URL, model, key and limits in the settings.

A key is never sent unencrypted over the Internet.
"""

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from swatchbook.domain.errors import Authentication, Configuration
from swatchbook.domain.public_addresses import check_operators_url, is_public
from swatchbook.domain.setting_groups import Provider
from swatchbook.domain.settings import Settings, variable

Part = Literal["vision", "review", "llm", "text"]

_WITHOUT: Mapping[Part, str] = {
    "vision": f"{variable('analyst')}=local",
    "review": f"leave {variable('review.model')} empty",
    "llm": f"{variable('discovery')}=layout",
    "text": f"{variable('text_encoder')}=e5",
}
"""Part -> the setting that does without it."""

PUBLIC_URLS: Mapping[str, str] = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "voyage": "https://api.voyageai.com/v1",
}
"""Vendor -> the URL of its models if the settings name none."""


@dataclass(frozen=True)
class Endpoint:
    """A provider's URL, model, key and limits. `part`: the prefix of its settings, used in messages."""

    part: Part
    url: str
    model: str
    key: SecretStr | None = field(default=None, repr=False)
    per_minute: int = 0  # calls; 0: no limit
    at_once: int = 8  # calls in flight
    seconds: float = 60.0  # timeout of a reply; repeated calls get more

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    def setting(self, name: str) -> str:
        """Return the environment variable of one of the endpoint's settings."""
        return variable(f"{self.part}.{name}")


def endpoint_url(settings: Settings, part: Part) -> str:
    """Return the URL of a part's calls; "" if the settings name none and the part has no public one."""
    if part == "review" and settings.review.url is None:
        part = "vision"
    public = {"vision": settings.vision.api, "review": settings.review.api}
    seeing = {name: api for name, api in public.items() if api == "anthropic"}  # others have no address by default
    vendor = {**seeing, "llm": settings.llm.api, "text": settings.text_encoder}.get(part, "")
    return (getattr(settings, part).url or PUBLIC_URLS.get(vendor, "")).rstrip("/")


def endpoint(settings: Settings, part: Part) -> Endpoint:
    """Return the endpoint of the vision, review or language model, or of the text encoder.

    Raises Configuration or Authentication, naming the setting that is missing or wrong.
    """
    provider: Provider = getattr(settings, part)
    found = Endpoint(
        part=part,
        url=endpoint_url(settings, part),
        model=provider.model or "",
        key=provider.api_key,
        per_minute=provider.per_minute,
        at_once=settings.provider_concurrency,
        seconds=settings.provider_seconds,
    )
    needs_key = provider.url is None and bool(found.url)  # a vendor's own address
    needed = {"url": found.url, "model": found.model, "api_key": found.key or not needs_key}
    if missing := [found.setting(name) for name, given in needed.items() if not given]:
        only_key, one = missing == [found.setting("api_key")], len(missing) == 1
        raise (Authentication if only_key else Configuration)(
            f"{' and '.join(missing)} {'is' if one else 'are'} not set.",
            advice=f"Set {'it' if one else 'them'}, or {_WITHOUT[part]}.",
        )
    if not is_valid_url(found.url):
        raise Configuration(
            f"{found.setting('url')} is not a valid URL of a provider.",
            advice=f"Use the form https://api.example.com/v1, without a key: set that as {found.setting('api_key')}.",
        )
    check_operators_url(found.url, found.setting("url"), settings.fetch_private_hosts)
    if found.key and not re.fullmatch("[!-~]+", found.key.get_secret_value()):
        raise Authentication(
            f"{found.setting('api_key')} contains characters that are not allowed in a key.",
            advice="Set it again, without spaces and line breaks.",
        )
    if found.key and _is_unencrypted_public(found.url):
        raise Configuration(
            f"{found.setting('url')} would send the API key unencrypted over the Internet.",
            advice="Use https, or a private address.",
        )
    return found


def _is_unencrypted_public(url: str) -> bool:
    """Return whether the URL is unencrypted and resolves to a public address; False if it does not resolve."""
    parts = httpx.URL(url)
    if parts.scheme == "https":
        return False
    try:
        addresses = socket.getaddrinfo(parts.raw_host.decode("ascii"), parts.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return any(is_public(str(address[0])) for *_, address in addresses)


def is_valid_url(url: str) -> bool:
    """Return whether this is an http(s) URL to which a path can be appended, without user name, query or fragment."""
    try:
        urlsplit(url)  # refuses brackets that hold no IPv6 address; httpx escapes them
        parts = httpx.URL(url)
        there = parts.scheme in ("http", "https") and parts.host and (parts.port or 0) < 1 << 16
    except (httpx.InvalidURL, ValueError):  # ValueError: brackets, or a host of broken Punycode
        return False
    return bool(there) and not re.search(r"[?#@\s]", url)
