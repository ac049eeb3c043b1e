"""Translate a provider's HTTP errors into failures: wrong key, no credit, no such model, too large, server error.

Also here: the provider's error message without the key.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from swatchbook.domain.errors import (
    Authentication,
    Configuration,
    Failure,
    PayloadTooLarge,
    ProviderError,
    ProviderRejected,
    ProviderTimeout,
)
from swatchbook.models.providers.endpoint import Endpoint
from swatchbook_base.reply_shapes import single_line

_MESSAGE_CHARACTERS: Final = 200  # characters of a provider's message that an error quotes
_READ_CHARACTERS: Final = 2_000  # characters of a provider's message that are cleaned before it is cut


def failure(where: Endpoint, status: int, body: bytes) -> Failure:
    """Return the Failure of a status other than 200; its message ends with the provider's own message, if any."""
    code, detail = error_code(body), _message(where, _error(body))
    host = where.host
    if status in (401, 403):
        key = where.setting("api_key")
        return Authentication(f"{host} rejected {key}{detail}", advice=f"Check {key}.")
    if status == 402 or code == "insufficient_quota":
        return Configuration(f"The account at {host} has no credit left{detail}", advice="Add credit to it.")
    if status == 404 or (status in (400, 422) and (code in _NO_MODEL or _NO_SUCH_MODEL.search(detail))):
        return Configuration(
            f"{host} has no model {where.model}{detail}",
            advice=f"Check {where.setting('model')} and {where.setting('url')}.",
        )
    if status == 408:
        return ProviderTimeout(f"{host} timed out waiting for the request{detail}")
    if status == 413:
        return PayloadTooLarge(f"The request is too large for {host}{detail}")
    if status >= 500 or status < 300:  # such as 204: accepted, but without a reply
        return ProviderError(f"{host} returned status {status}{detail}")
    if 300 <= status < 400:
        return Configuration(
            f"{host} redirects to another address ({status}).", advice=f"Check {where.setting('url')}."
        )
    return ProviderRejected(f"{host} rejected the request with status {status}{detail}")


_NO_MODEL = frozenset({"model_not_found", "invalid_model", "unknown_model"})
_NO_SUCH_MODEL = re.compile(
    r"^(?!.*(format|schema|tool|image)).*\bmodel\b.{0,80}(not found|not exist|not supported|unknown)", re.IGNORECASE
)
"""Messages for a missing model; a message about formats, schemas, tools or images has another cause."""


def _error(body: bytes) -> Mapping[str, Any]:
    """Return the error object of a reply in the forms of OpenAI, Anthropic, Voyage and FastAPI; {} if there is none."""
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


def error_code(body: bytes) -> str:
    """Return the provider's error code; "" if there is none."""
    error = _error(body)
    return str(error.get("code") or error.get("type") or "")


def _message(where: Endpoint, error: Mapping[str, Any]) -> str:
    """Return the provider's message as the end of a sentence: shortened, and without the API key it may repeat."""
    message = str(error.get("message") or "")
    if where.key:
        message = message.replace(where.key.get_secret_value(), "***")
    message = re.sub(r"\b(sk|pa|key)-[\w*.-]{4,}", "***", message)
    message = single_line(message[:_READ_CHARACTERS], _MESSAGE_CHARACTERS).rstrip(".")
    return f": {message}." if message else "."


def parse_reply(where: Endpoint, body: bytes) -> Mapping[str, Any]:
    """Return the JSON object of a reply with status 200. Raises ProviderError if it is malformed or an error."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise malformed_reply(where) from error
    return require_answer(where, data)


def malformed_reply(where: Endpoint) -> ProviderError:
    """Return the failure of a reply with status 200 that is not JSON or is nested too deeply."""
    return ProviderError(f"{where.host} sent a malformed reply (not JSON).")


def require_answer(where: Endpoint, data: object) -> Mapping[str, Any]:
    """Return the reply if it is a JSON object without an error. Raises ProviderError otherwise."""
    if not isinstance(data, dict) or data.get("error"):
        raise ProviderError(f"{where.host} returned an error{_message(where, _error_in(data))}")
    return data
