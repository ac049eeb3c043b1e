"""Where a provider's model is, and how it may be used: as the settings say, or what is missing in them."""

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from pydantic import SecretStr

from swatchbook.errors import Authentication, Configuration
from swatchbook.settings import PREFIX, Settings

Part = Literal["vision", "review", "llm", "text"]


@dataclass(frozen=True)
class Address:
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


def address(settings: Settings, part: Part, *, url: str | None = None, needs_key: bool = False) -> Address:
    """Of the vision model, the one that reviews, the language model or the text encoder. `url`: where it is unless the
    settings say.

    Raises Configuration or Authentication, naming the setting that is missing.
    """
    found = Address(
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
    parts = urlsplit(found.url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise Configuration(
            f"{found.setting('url')} is no address of a provider.",
            advice=f"It should be like https://api.example.com/v1; a key goes into {found.setting('api_key')}.",
        )
    if needs_key and found.key is None:
        raise Authentication(f"{found.setting('api_key')} is not set.", advice="Set it, or choose the local model.")
    return found
