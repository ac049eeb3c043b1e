"""The types of settings that are more than a number or text: lists and objects in a variable, rate limits, prices, API
keys, senders of webhooks and events; each with its checks.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationInfo,
    model_validator,
)

from swatchbook.domain import plugins
from swatchbook.domain.errors import Configuration
from swatchbook.domain.loopback import is_loopback
from swatchbook.domain.records import DEFAULT_OWNER, Owner, Record, Role


def parse_list(value: Any) -> Any:
    """Parse the text of a variable, `a,b` or a JSON list, into a list."""
    if not isinstance(value, str):
        return value
    return json.loads(value) if value.lstrip().startswith("[") else [part.strip() for part in value.split(",")]


def parse_object(value: Any) -> Any:
    """Parse the text of a variable, a JSON object, into a dict. Raises ValueError for anything else."""
    if not isinstance(value, str):
        return value
    try:
        parsed = json.loads(value)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise ValueError("it should be a JSON object, {…}")  # noqa: TRY004  # pydantic takes ValueError only
    return parsed


def _check_choice(name: str, info: ValidationInfo) -> str:
    """Return the name of something built in, or of an installed plugin, which is not imported here."""
    try:
        plugins.find(plugins.Kind(str(info.field_name)), name)
    except Configuration as failure:
        sentence = str(failure).rstrip(".")
        raise ValueError(sentence[0].lower() + sentence[1:]) from None
    return name


Choice = Annotated[str, AfterValidator(_check_choice)]
"""A name in `plugins.BUILT_IN`, or of a plugin."""

SearchKind = Literal["text", "image"]
WeaviateIndexKind = Literal["flat", "flat_bq", "hnsw", "hnsw_rq", "hnsw_bq", "hnsw_sq", "hnsw_pq"]


def _check_weights(weights: Mapping[str, float]) -> Mapping[str, float]:
    known = {role.value for role in Role if role is not Role.ANALYSIS} | {"keyword", "number"}
    if unknown := sorted(weights.keys() - known):
        raise ValueError(f"no role is called {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    if not any(weights.values()):
        raise ValueError("no role has a weight")
    return weights


Weights = Annotated[
    Mapping[str, Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]], AfterValidator(_check_weights)
]


class Price(Record):
    """Price of a model, in USD per million input and output tokens."""

    input: float = Field(ge=0, le=10_000)
    output: float = Field(ge=0, le=10_000)


class ApiKey(Record):
    """A client of the service: its name, its key, and the owners whose collections it may use (`*` for all)."""

    name: str = Field(min_length=1, max_length=64)
    key: SecretStr = Field(min_length=16, max_length=512)  # shorter keys can be guessed
    owners: tuple[Owner | Literal["*"], ...] = Field(min_length=1, max_length=1_000)


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str | SecretStr) else value


def check_secret(secret: SecretStr) -> SecretStr:
    """Return a signing secret. Raises ValueError for one that Standard Webhooks does not allow."""
    text = secret.get_secret_value()
    try:
        key = base64.b64decode(text.removeprefix("whsec_") + "==")
    except binascii.Error:
        key = b""
    if not text.startswith("whsec_") or len(key) < 24:  # as the Standard Webhooks specification requires
        raise ValueError("it should be whsec_ followed by 24 or more bytes in base64")
    return secret


def check_notice_url(url: SecretStr | None) -> SecretStr | None:
    """Return the URL that notices go to. Raises ValueError where they could be read on their way."""
    if url is None:
        return None
    try:
        parts = urlsplit(url.get_secret_value())
        host = parts.hostname if parts.port != 0 else None
    except ValueError:  # a malformed host or port
        host = None
    schemes = ("https", "http") if is_loopback(host or "") else ("https",)
    if not host or parts.username is not None or parts.scheme not in schemes:
        raise ValueError("it should be an https URL without user name, or an http URL on this machine")
    return url


class WebhookSource(Record):
    """A sender of webhooks.

    `secret` holds its signing secrets: two while the old one is being replaced. `token` is the bearer token of a sender
    that cannot sign. `owners` are the owners it may send documents for; a webhook that names no owner gets the first.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$")
    secret: Annotated[tuple[Annotated[SecretStr, AfterValidator(check_secret)], ...], BeforeValidator(_as_list)] = ()
    token: SecretStr | None = Field(default=None, min_length=16, max_length=512)
    owners: tuple[Owner, ...] = Field(min_length=1, max_length=1_000)

    @model_validator(mode="after")
    def _has_secret_or_token(self) -> Self:
        if not self.secret and self.token is None:
            raise ValueError("it has neither a secret nor a token")
        return self


def check_webhook_sources(sources: tuple[WebhookSource, ...]) -> tuple[WebhookSource, ...]:
    """Return senders. Raises ValueError where two have the same name or secret."""
    _require_distinct("names", [source.name for source in sources])
    # with a shared secret, one sender's signed message would also be valid at another sender's address
    secrets = [{secret.get_secret_value() for secret in source.secret} for source in sources]
    _require_distinct("secrets", [secret for of_source in secrets for secret in of_source])
    return sources


_BUCKET_URL = re.compile(r"(s3|gs)://[A-Za-z0-9][A-Za-z0-9._-]{1,221}(/[^\x00]{0,1024})?")


def _check_bucket_url(url: str) -> str:
    """Return the URL of a bucket or a prefix in it, without a slash at its end."""
    if not _BUCKET_URL.fullmatch(url):
        raise ValueError("it should be s3://bucket or gs://bucket, with a prefix or without")
    return url.rstrip("/")


class EventSource(Record):
    """Objects that are ingested when their store tells `POST /hooks/events` that they are new: those below `url`, for
    the owner.
    """

    url: Annotated[str, AfterValidator(_check_bucket_url)]
    owner: Owner = DEFAULT_OWNER


def check_event_sources(sources: tuple[EventSource, ...]) -> tuple[EventSource, ...]:
    """Return sources of events. Raises ValueError where two have the same URL."""
    _require_distinct("URLs", [source.url for source in sources])
    return sources


def check_keys(keys: tuple[ApiKey, ...]) -> tuple[ApiKey, ...]:
    """Return API keys. Raises ValueError where two have the same name or key."""
    _require_distinct("names", [key.name for key in keys])
    _require_distinct("keys", [key.key.get_secret_value() for key in keys])
    return keys


def _require_distinct(what: str, values: Sequence[str]) -> None:
    if len(set(values)) < len(values):
        raise ValueError(f"two of its {what} are the same")


Folder = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]
"""An absolute path, so that child processes and workers with another working directory use the same folder."""
