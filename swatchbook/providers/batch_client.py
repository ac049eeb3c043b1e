"""Speak with a provider about batches: send a file, ask for JSON, download results. Each request is sent once.

A request that may have been accepted although it failed raises ProviderError or ProviderTimeout; any other Failure
means that nothing was accepted. `wires/` has the formats, `upkeep/send_batches.py` decides when to ask again.
"""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, Protocol, TypeVar

import httpx
from pydantic import ValidationError

from swatchbook.errors import PayloadTooLarge, ProviderError, ProviderRejected, ProviderTimeout, RateLimited, reason_of
from swatchbook.providers.client import time_limit
from swatchbook.providers.endpoint import Endpoint
from swatchbook.providers.http_errors import error_code, failure, parse_reply, retry_after
from swatchbook.providers.reply_shapes import WireModel
from swatchbook.records import Record

Shape = TypeVar("Shape", bound=WireModel)

SEND_SECONDS: Final = 600.0
"""The time limit for sending or fetching a file; of any other request it is that of a call."""

_CONNECT_SECONDS: Final = 10.0
_PART_BYTES: Final = 1 << 16
_WAITS: Final = (429, 503, 529)


class GoneAtProvider(ProviderRejected):
    """The provider does not have the batch or file, or keeps it no longer."""


class RemoteBatch(Record):
    """A batch as the provider describes it. `results`: where its answers are, once it has ended.

    `refused`: it never began, and nothing is charged; `again`: because too much was under way at that time.
    """

    id: str
    state: Literal["under way", "ended", "refused"]
    calls: int = 0
    answered: int | None = None  # calls that have a line in the results, where it is said
    created_at: float = 0.0
    expires_at: float | None = None
    results: tuple[str, ...] = ()
    message: str | None = None
    again: bool = False
    checked: bool = True  # whether the provider has read the requests


class BatchLine(Record):
    """One line of the results. `reply`: of a call that was answered; `message`: why it was not.

    `again`: it was not its fault, such as when the batch expired.
    """

    request: str
    reply: dict[str, Any] | None = None
    message: str = ""
    again: bool = False


class BatchWire(Protocol):
    """The format of a provider's batches."""

    @property
    def FRAME(self) -> tuple[bytes, bytes, bytes]:
        """What is before, between and after the calls in the file that is sent."""

    def line(self, request: str, body: bytes) -> bytes:
        """Return a call with its request and body, as the file has it."""

    def submit(self, http: "BatchClient", batch: str, file: Path) -> RemoteBatch:
        """Send a file of calls. `batch`: our id, by which it is found again where the format has a place for it."""

    def look(self, http: "BatchClient", remote: str) -> RemoteBatch: ...

    def find(self, http: "BatchClient", batch: str, calls: int, since: float) -> list[RemoteBatch]:
        """Return the batches that may be the one with our id, sent after `since`, newest first."""

    def is_certain(self) -> bool:
        """Return whether `find` returns only batches with our id; else their results tell."""

    def read(self, data: Mapping[str, Any]) -> BatchLine | None:
        """Read a line of the results; None if it is none."""


class BatchClient:
    """A connection to a provider for one batch."""

    def __init__(self, where: Endpoint, header: Mapping[str, str]) -> None:
        self.where = where
        self._http = httpx.Client(headers={**header, "Accept-Encoding": "identity"}, follow_redirects=False)

    def __enter__(self) -> "BatchClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str) -> Mapping[str, Any]:
        """Return the JSON at a path."""
        return parse_reply(self.where, self._ask("GET", path, self.where.seconds))

    def post(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Post JSON, and return the reply."""
        return parse_reply(self.where, self._ask("POST", path, self.where.seconds, json=body))

    def send_file(self, path: str, file: Path) -> Mapping[str, Any]:
        """Post a file of JSON, and return the reply."""
        headers = {"Content-Type": "application/json", "Content-Length": str(file.stat().st_size)}
        with file.open("rb") as content:
            parts = iter(lambda: content.read(_PART_BYTES), b"")
            return parse_reply(self.where, self._ask("POST", path, SEND_SECONDS, content=parts, headers=headers))

    def upload(self, path: str, fields: Mapping[str, str], name: str, file: Path) -> Mapping[str, Any]:
        """Upload a file as a form, and return the reply."""
        with file.open("rb") as content:
            given = {"data": dict(fields), "files": {"file": (name, content, "application/jsonl")}}
            return parse_reply(self.where, self._ask("POST", path, SEND_SECONDS, **given))

    def download(self, path: str, to: Path) -> None:
        """Write what is at a path to a file."""
        with to.open("wb") as out:
            for part in self._stream("GET", path, SEND_SECONDS):
                out.write(part)

    def parse(self, shape: type[Shape], data: Mapping[str, Any]) -> Shape:
        """Return a reply in its shape. Raises ProviderError."""
        try:
            return shape.model_validate(data)
        except ValidationError as error:
            raise ProviderError(f"{self.where.host} sent a malformed reply (not about a batch).") from error

    def _ask(self, method: str, path: str, seconds: float, **given: Any) -> bytes:
        return b"".join(self._stream(method, path, seconds, **given))

    def _stream(self, method: str, path: str, seconds: float, **given: Any) -> Iterator[bytes]:
        """Send a request once and yield the body of a reply with status 200. Raises the Failure of anything else."""
        url = self.where.url + path
        host, over = self.where.host, time.monotonic() + seconds
        timeout = httpx.Timeout(seconds, connect=min(_CONNECT_SECONDS, seconds))
        try:
            with (
                time_limit(seconds) as trace,
                self._http.stream(method, url, timeout=timeout, extensions={"trace": trace}, **given) as reply,
            ):
                if reply.status_code not in (200, 201):
                    self._raise(reply)
                yield from reply.iter_raw(_PART_BYTES)
                if time.monotonic() > over:
                    raise httpx.ReadTimeout("")
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise ProviderError(f"{host} cannot be reached: {reason_of(error)}.") from error
        except httpx.RequestError as error:
            if isinstance(error, httpx.TimeoutException) or time.monotonic() > over:
                raise ProviderTimeout(f"{host} did not reply in {seconds:.0f} s.") from error
            raise ProviderError(f"{host} closed the connection.") from error

    def _raise(self, reply: httpx.Response) -> None:
        body, status = reply.read(), reply.status_code
        if status in _WAITS and error_code(body) != "insufficient_quota":
            wait = retry_after(reply.headers)
            raise RateLimited(f"{self.where.host} asks to wait (status {status}).", retry_after=wait)
        if status in (404, 410):
            raise GoneAtProvider(f"{self.where.host} does not have it (status {status}).")
        found = failure(self.where, status, body)
        raise ProviderRejected(str(found)) if isinstance(found, PayloadTooLarge) else found
