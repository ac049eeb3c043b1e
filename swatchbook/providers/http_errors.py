"""What a provider's reply means: when to come back, which failure it is, what it says of itself."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from swatchbook.errors import (
    Authentication,
    Configuration,
    Failure,
    PayloadTooLarge,
    ProviderError,
    ProviderRejected,
    ProviderTimeout,
)
from swatchbook.providers.endpoint import Endpoint
from swatchbook.providers.reply_shapes import single_line

_SAID: Final = 200  # characters of a provider's own words in an error
_LOOKED_AT: Final = 2_000  # of what it sent as such


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a reply asks to wait: Retry-After as a number or a date (RFC 9110), or OpenAI's milliseconds."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        given = headers.get(name, "")
        if re.fullmatch(r"\d+(\.\d+)?", given):
            return float(given) * unit
        if then := _time(given):
            now = _time(headers.get("date", "")) or datetime.now(UTC)  # by its own clock where it tells it
            return max(0.0, (then - now).total_seconds())
    return None


def _time(given: str) -> datetime | None:
    """An HTTP date; None for what is none. One without a zone is of Greenwich, as all of them."""
    try:
        time = parsedate_to_datetime(given)
    except (ValueError, OverflowError):
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def failure(where: Endpoint, status: int, body: bytes) -> Failure:
    """What a status other than 200 means."""
    code, said = code_of(body), _said(where, _error(body))
    host = where.host
    if status in (401, 403):
        key = where.setting("api_key")
        return Authentication(f"{host} does not take {key}{said}", advice=f"Check {key}.")
    if status == 402 or code == "insufficient_quota":
        return Configuration(f"The account at {host} has nothing left to spend{said}", advice="Top it up.")
    if status == 404 or (status in (400, 422) and (code in _NO_MODEL or _NO_SUCH_MODEL.search(said))):
        return Configuration(
            f"{host} knows no model {where.model}{said}",
            advice=f"Check {where.setting('model')} and {where.setting('url')}.",
        )
    if status == 408:
        return ProviderTimeout(f"{host} gave up waiting{said}")
    if status == 413:
        return PayloadTooLarge(f"{host} finds it too large{said}")
    if status >= 500 or status < 300:  # 204 and the like: taken, and not answered
        return ProviderError(f"{host} answers {status}{said}")
    if 300 <= status < 400:
        return Configuration(f"{host} sends us elsewhere ({status}).", advice=f"Check {where.setting('url')}.")
    return ProviderRejected(f"{host} answers {status}{said}")


_NO_MODEL = frozenset({"model_not_found", "invalid_model", "unknown_model"})
_NO_SUCH_MODEL = re.compile(
    r"^(?!.*(format|schema|tool|image)).*\bmodel\b.{0,80}(not found|not exist|not supported|unknown)", re.IGNORECASE
)
"""Where a code does not say it; a model that does not know formats or tools is there, all the same."""


def _error(body: bytes) -> Mapping[str, Any]:
    """The error object of a reply, as OpenAI, Anthropic, Voyage and FastAPI's servers write it."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return _error_in(data)


def _error_in(data: object) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        return {}
    error = data.get("error", data.get("detail", data))
    return error if isinstance(error, dict) else {"message": error}


def code_of(body: bytes) -> str:
    """A provider's own name of the error; "" where it gives none."""
    error = _error(body)
    return str(error.get("code") or error.get("type") or "")


def _said(where: Endpoint, error: Mapping[str, Any]) -> str:
    """A provider's own words as the end of a sentence, short and without the key that it may repeat."""
    said = str(error.get("message") or "")
    if where.key:
        said = said.replace(where.key.get_secret_value(), "***")
    said = re.sub(r"\b(sk|pa|key)-[\w*.-]{4,}", "***", said)
    said = single_line(said[:_LOOKED_AT], _SAID).rstrip(".")
    return f": {said}." if said else "."


def read(where: Endpoint, body: bytes) -> Mapping[str, Any]:
    """The reply of a call that went well. Raises ProviderError for what is none."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise unreadable(where) from error
    return require_answer(where, data)


def unreadable(where: Endpoint) -> ProviderError:
    """The failure of a reply with status 200 that is no JSON, or too deep to read."""
    return ProviderError(f"{where.host} answers with no JSON that can be read.")


def require_answer(where: Endpoint, data: object) -> Mapping[str, Any]:
    """The JSON object of a reply with status 200. Raises ProviderError for anything else and for an error."""
    if not isinstance(data, dict) or data.get("error"):
        raise ProviderError(f"{where.host} answers with an error{_said(where, _error_in(data))}")
    return data
