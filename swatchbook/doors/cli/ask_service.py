"""Answer `swatchbook search` and `stats facets` through a running service (SWATCHBOOK_SERVICE_URL).

Its errors become failures with advice, and `document=` needs the full id. No ledger is opened, and no model is
loaded.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, TypeVar, cast

import httpx

from swatchbook.domain.errors import (
    KINDS,
    Authentication,
    Configuration,
    Failure,
    InvalidReference,
    ProviderDown,
    reason_of,
)
from swatchbook.domain.records import ID
from swatchbook.domain.settings import Settings
from swatchbook.doors.client_errors import Denied, InvalidAddress, NoAnswer, NotFound, ServiceError
from swatchbook.doors.client_request import TIMEOUT_SECONDS, Call, connection, no_answer
from swatchbook.index.contract import FILTERS, FilterArguments, Where

T = TypeVar("T")

_OR_LOCAL = "or unset SWATCHBOOK_SERVICE_URL to search on this machine."


@contextmanager
def service_of(settings: Settings) -> Iterator["Service"]:
    """Yield the service in the settings. Its errors, and those of reading a picture, become failures."""
    key = settings.service_key.get_secret_value() if settings.service_key else None
    url = (settings.service_url or "").rstrip("/")
    try:
        arguments = connection(url, key)
    except InvalidAddress as error:
        advice = "Set SWATCHBOOK_SERVICE_URL to an address such as https://swatchbook.example.com or "
        advice += "http://127.0.0.1:8420, and SWATCHBOOK_SERVICE_KEY to one of its keys."
        raise Configuration(str(error), advice=advice) from None
    try:
        with httpx.Client(timeout=TIMEOUT_SECONDS, **arguments) as http:
            yield Service(http, url)
    except ServiceError as error:
        raise _failure(error, url) from error
    except OSError as error:
        raise InvalidReference(f"{error.filename}: {reason_of(error)}.", advice="Check the path.") from error


class Service(NamedTuple):
    """A connection to a service."""

    http: httpx.Client
    url: str

    def ask(self, call: Call[T]) -> T:
        """Send a request and return its answer. Raises ServiceError."""
        with call.opened(None) as request:
            try:
                response = self.http.request(**request)
            except httpx.HTTPError as error:
                raise no_answer(self.url, error) from error
        return call.answer(response, self.url)


def client_filters(where: Where, documents: Sequence[str]) -> FilterArguments:
    """Return filters as requests take them. `documents`: as given; raises InvalidReference unless they are ids."""
    for document in documents:
        if not ID.fullmatch(document):
            raise InvalidReference(
                f"document={document}: SWATCHBOOK_SERVICE_URL is set, so the filter needs the full document id.",
                advice="`search --json` shows it as `document_id`.",
            )
    given = {name: getattr(where, name) for name in FILTERS} | {"document": documents, "editions": where.editions}
    return cast(FilterArguments, {name: value for name, value in given.items() if value not in ((), None)})


def _failure(error: ServiceError, url: str) -> Failure:
    """Return what the service refused as the failure that it is on this machine, else what keeps it from answering."""
    if isinstance(error, Denied):
        return Authentication(
            f"The service at {url} denied access: {error.message}",
            advice="Set SWATCHBOOK_SERVICE_KEY to one of its SWATCHBOOK_API_KEYS, and --owner to an owner of that key.",
        )
    if isinstance(error, NoAnswer):
        advice = f"Start it with `swatchbook serve`, correct SWATCHBOOK_SERVICE_URL, {_OR_LOCAL}"
        return ProviderDown(error.message, advice=advice)
    if isinstance(error, NotFound) and error.kind is None:
        return Configuration(f"The service at {url} is of another version.", advice=f"Update it, {_OR_LOCAL}")
    if (error.status or 0) >= 500:
        return ProviderDown(
            f"The service at {url} failed: {error.message}.", advice=f"See its log. Try again later, {_OR_LOCAL}"
        )
    return KINDS.get(error.kind or "", InvalidReference)(error.message, advice=error.advice)
