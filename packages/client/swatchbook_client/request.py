"""Requests to a service, as data: what is sent, and how the answer is read."""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import update_wrapper
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar, cast, get_args
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

T = TypeVar("T")
U = TypeVar("U")
M = TypeVar("M", bound=BaseModel)


class SentFile(NamedTuple):
    """A file of a form: its field, its name, its path or bytes, and its media type."""

    field: str
    name: str
    content: Path | bytes
    media_type: str


@dataclass(frozen=True, kw_only=True)
class Call(Generic[T]):
    """One request, and how its answer becomes a T.

    `path`: as in the OpenAPI document, with a name in braces for each of `ids`. Values that are None are left out of
    `params` and `fields`. An `owner` that is None is that of the client. `model`: of the answer, None for bytes.
    `answers`: statuses whose body is an answer although they are errors.
    """

    method: str
    path: str
    ids: tuple[str | int, ...] = ()
    params: Mapping[str, Any] | None = None
    json: Mapping[str, Any] | None = None
    fields: Mapping[str, Any] | None = None
    file: SentFile | None = None
    model: type[BaseModel] | None = None
    read: Callable[[bytes], T]
    answers: frozenset[int] = frozenset()

    def then(self, pick: Callable[[T], U]) -> "Call[U]":
        """Return the same request whose answer is what `pick` makes of it."""
        return replace(cast("Call[Any]", self), read=lambda content: pick(self.read(content)))

    @contextmanager
    def opened(self, owner: str | None) -> Iterator[dict[str, Any]]:
        """Yield the arguments of `httpx.Client.request`, with the file open. Raises OSError."""
        ids = iter(self.ids)
        request: dict[str, Any] = {
            "method": self.method,
            "url": re.sub(r"\{\w+\}", lambda _: quote(str(next(ids)), safe=""), self.path),
        }
        if self.params is not None:
            request["params"] = _given(_owned(self.params, owner))
        if self.json is not None:
            request["json"] = _owned(self.json, owner)
        if self.fields is not None:
            request["data"] = _given(_owned(self.fields, owner))
        with ExitStack() as stack:
            if self.file is not None:
                field, name, content, media_type = self.file
                stream = content if isinstance(content, bytes) else stack.enter_context(content.open("rb"))
                request["files"] = {field: (name, stream, media_type)}
            yield request

    def answer(self, response: httpx.Response, url: str) -> T:
        """Return what the service answered. Raises ServiceError for a refusal, and for what is no such service."""
        if not response.is_success and response.status_code not in self.answers:
            _raise_problem(response, url)
        try:
            return self.read(response.content)
        except ValidationError as error:
            raise NoAnswer(f"The server at {url} is not a Swatchbook service of this version.") from error


@dataclass(frozen=True, kw_only=True)
class Pages(Generic[T]):
    """A list that comes in portions of PAGE_ENTRIES: the `field` of each answer has its entries."""

    model: type[BaseModel]
    field: str
    path: str
    ids: tuple[str | int, ...] = ()
    params: Mapping[str, Any] | None = None

    def portion(self, cursor: str | None) -> Call[tuple[Sequence[T], str | None]]:
        """Return the request for the entries after a cursor; its answer is these, and the next cursor or None."""
        asked = {**(self.params or {}), "limit": PAGE_ENTRIES, "cursor": cursor}
        call: Call[Any] = record(self.model, "GET", self.path, *self.ids, params=asked)
        return call.then(lambda page: (getattr(page, self.field), page.next))


def record(model: type[M], method: str, path: str, *ids: str | int, **request: Any) -> Call[M]:
    """Return a request whose answer is a record. `request`: more fields of `Call`."""

    def read(content: bytes) -> M:
        return model.model_validate_json(content, extra="ignore")  # a newer service may say more

    return Call(method=method, path=path, ids=ids, model=model, read=read, **request)


def content(path: str, *ids: str | int, **request: Any) -> Call[bytes]:
    """Return a request whose answer is bytes, such as a picture."""
    return Call(method="GET", path=path, ids=ids, read=bytes, **request)


# --- methods ----------------------------------------------------------------------------------------------------------


def described(method: Callable[..., Any], build: Callable[..., Any], returns: Any) -> None:
    """Give a method the name, text and parameters of the function that describes its request, for `help`."""
    update_wrapper(method, build)
    signature = inspect.signature(build)
    itself = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    (answer,) = get_args(signature.return_annotation)
    method.__signature__ = signature.replace(  # type: ignore[attr-defined]  # what `inspect.signature` reads
        parameters=[itself, *signature.parameters.values()], return_annotation=returns[answer] if returns else answer
    )


# --- connections ------------------------------------------------------------------------------------------------------


def connection(url: str, key: str | None) -> dict[str, Any]:
    """Return the arguments of an httpx client for a service. Raises InvalidAddress.

    Redirects are not followed: the key is for this address.
    """
    address = _parse_address(url)
    if key and address.scheme == "http" and not is_loopback(address.hostname or ""):
        raise InvalidAddress(f"The key would be sent to {address.hostname} without encryption: use https.")
    if key and not (key.isascii() and key.isprintable()):
        raise InvalidAddress("The key contains characters that are invalid in a key.")
    return {"base_url": url, "headers": {"Authorization": f"Bearer {key}"} if key else {}}


def no_answer(url: str, error: httpx.HTTPError) -> NoAnswer:
    """Return the error of a request that was not answered."""
    began = not isinstance(error, httpx.TimeoutException | httpx.ConnectError)
    reason = "the connection was closed" if began else reason_of(error)
    return NoAnswer(f"No answer from {url}: {reason}.")


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


def _owned(values: Mapping[str, Any], owner: str | None) -> dict[str, Any]:
    """Return the values, with the client's owner where one may be named and none is."""
    named = {"owner": values["owner"] or owner} if "owner" in values else {}
    return {**values, **named}


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that are not None."""
    return {name: value for name, value in values.items() if value is not None}
