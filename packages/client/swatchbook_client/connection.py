"""Requests to a service: what is sent, and how the answer is read."""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar
from urllib.parse import SplitResult, quote, urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from swatchbook.domain.errors import reason_of
from swatchbook.domain.loopback import is_loopback
from swatchbook.doors.replies import Problem
from swatchbook_client.errors import BY_STATUS, InvalidAddress, NoAnswer, ServiceFailed

TIMEOUT_SECONDS = 60.0
"""The longest wait for an answer. A service that has just started loads its models before the first search."""

PAGE_ENTRIES = 200
"""Entries of a list that are asked for at once."""

M = TypeVar("M", bound=BaseModel)


class SentFile(NamedTuple):
    """A file of a form: its field, its name, its path or bytes, and its media type."""

    field: str
    name: str
    content: Path | bytes
    media_type: str


class Connection:
    """A connection to a service.

    Paths are as in the OpenAPI document, with a name in braces for each id. Values that are None are left out of
    `params` and `fields`. An `owner` that is None is that of the client.
    """

    def __init__(
        self, url: str, *, key: str | None = None, owner: str | None = None, timeout: float = TIMEOUT_SECONDS
    ) -> None:
        """Raise InvalidAddress for an address that is not http or https, or a key that would travel without TLS.

        Redirects are not followed: the key is for this address.
        """
        address = _parse_address(url)
        if key and address.scheme == "http" and not is_loopback(address.hostname or ""):
            raise InvalidAddress(f"The key would be sent to {address.hostname} without encryption: use https.")
        if key and not (key.isascii() and key.isprintable()):
            raise InvalidAddress("The key contains characters that are invalid in a key.")
        self.url, self.owner = url.rstrip("/"), owner
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(timeout=timeout, base_url=self.url, headers=headers)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _record(self, model: type[M], method: str, path: str, *ids: str | int, **request: Any) -> M:
        """Return the record that answers a request. `request`: arguments of `_bytes`."""
        try:
            return model.model_validate_json(
                self._bytes(method, path, *ids, **request),
                extra="ignore",  # a newer service may say more
            )
        except ValidationError as error:
            raise NoAnswer(f"The server at {self.url} is not a Swatchbook service of this version.") from error

    def _each(
        self, model: type[BaseModel], field: str, path: str, *ids: str, params: Mapping[str, Any] | None = None
    ) -> Iterator[Any]:
        """Yield the entries of a list that comes in portions of PAGE_ENTRIES, which each answer has as `field`."""
        cursor = None
        while True:
            asked = {**(params or {}), "limit": PAGE_ENTRIES, "cursor": cursor}
            page: Any = self._record(model, "GET", path, *ids, params=asked)
            yield from getattr(page, field)
            if (cursor := page.next) is None:
                return

    def _bytes(
        self,
        method: str,
        path: str,
        *ids: str | int,
        params: Mapping[str, Any] | None = None,
        json: Mapping[str, Any] | None = None,
        fields: Mapping[str, Any] | None = None,
        file: SentFile | None = None,
        answers: Collection[int] = (),
    ) -> bytes:
        """Return the body that answers a request. `answers`: statuses of errors whose body is an answer, too.

        Raises ServiceError for a refusal, and OSError.
        """
        named = iter(ids)
        address = re.sub(r"\{\w+\}", lambda _: quote(str(next(named)), safe=""), path)
        with ExitStack() as stack:
            files = None
            if file is not None:
                content = file.content
                stream = content if isinstance(content, bytes) else stack.enter_context(content.open("rb"))
                files = {file.field: (file.name, stream, file.media_type)}
            try:
                response = self._http.request(
                    method, address, params=self._given(params), json=json and self._owned(json),
                    data=self._given(fields), files=files,
                )  # fmt: skip
            except httpx.HTTPError as error:
                began = not isinstance(error, httpx.TimeoutException | httpx.ConnectError)
                reason = "the connection was closed" if began else reason_of(error)
                raise NoAnswer(f"No answer from {self.url}: {reason}.") from error
        if not response.is_success and response.status_code not in answers:
            _raise_problem(response, self.url)
        return response.content

    def _owned(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values, with the client's owner where one may be named and none is."""
        named = {"owner": values["owner"] or self.owner} if "owner" in values else {}
        return {**values, **named}

    def _given(self, values: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """Return the values that are not None."""
        return values and {name: value for name, value in self._owned(values).items() if value is not None}


def _raise_problem(response: httpx.Response, url: str) -> None:
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:
        raise NoAnswer(
            f"The server at {url} is not a Swatchbook service: it answered {response.status_code}."
        ) from None
    after = response.headers.get("Retry-After", "")
    kind = BY_STATUS.get(response.status_code, ServiceFailed)
    seconds = float(after) if after.isdecimal() else None
    raise kind(problem.detail or problem.title, problem, retry_after=seconds)


def _parse_address(url: str) -> SplitResult:
    """Return the address of a service. Raises InvalidAddress, which does not quote it: it may hold a password."""
    with suppress(ValueError, httpx.InvalidURL):
        httpx.URL(url)
        parts = urlsplit(url)
        others = "@" in parts.netloc or parts.query or parts.fragment or parts.port == 0  # a port over 65535 raises
        if parts.scheme in ("http", "https") and parts.hostname and not others:
            return parts
    raise InvalidAddress("The address of the service is not one such as https://swatchbook.example.com.")
