"""Apply the rules of every request: limits of bodies, security headers, ETags, unexpected errors, wake-ups.

- A head over 32 KiB is refused, and a malformed Host header or address: reading its parts would raise anywhere.
- A body that is no upload has 64 KiB and 30 s (uploads: `uploads.py`; connections: `serve.py`).
- Every JSON answer to a GET has an ETag; a client that has the answer already gets 304.
- An unexpected error is a 500 without details.
- Each 202 and 303 wakes up the background loop.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from swatchbook.domain.tracing import span
from swatchbook_service import docs
from swatchbook_service.addresses import has_sound_address
from swatchbook_service.metrics import METHODS, Requests
from swatchbook_service.problems import describe, problem_of, respond

HEAD_BYTES = 32 << 10  # of the address and the headers
BODY_BYTES = 64 << 10  # of a body that is not an upload
BODY_SECONDS = 30.0  # for such a body to arrive

_STREAMS = "streams_body"
"""Attribute of an endpoint that limits the body itself."""

_UNTRACED = ("/live", "/ready", "/health", "/metrics", "/ui/static/")
"""Paths that are asked for all the time, and say nothing of what was done."""

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


E = TypeVar("E", bound=Callable[..., Any])


def streams_body(endpoint: E) -> E:
    """Mark an endpoint that limits the body of its requests itself, while it streams in."""
    setattr(endpoint, _STREAMS, True)
    return endpoint


class ServiceMiddleware:
    """Middleware of the service.

    `wake` is set with every 202, and with every 303, the answer to a form: there may be work for the background loop.
    """

    def __init__(self, app: ASGIApp, *, requests: Requests, wake: asyncio.Event) -> None:
        self._app, self._requests, self._wake = app, requests, wake

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"].startswith(_UNTRACED):
            await self._answer(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        with span(method, parent=Headers(scope=scope).get("traceparent"), kind="server") as traced:
            status = await self._answer(scope, receive, send)
            route = getattr(scope.get("route"), "path", None)  # as it is declared, never as it was asked for
            traced.note(method=method, route=route, status=status)
            traced.rename(" ".join(filter(None, (method, route))))
            if status >= 500:
                traced.fail(str(status))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Answer a request and count it; return the status of the answer, 0 where none was sent."""
        started, status = time.perf_counter(), 0
        body = _Body(scope, receive)

        async def send_safely(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if status in (202, 303):
                    self._wake.set()
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"] == docs.PATH:
                    headers["Content-Security-Policy"] = docs.POLICY
                if not body.complete or body.is_ambiguous:  # else the client could send for ever, or smuggle a request
                    headers["Connection"] = "close"
            await send(message)

        tagged = _Tagged(scope, send_safely)
        try:
            if refused := _refuse(scope):
                await refused(scope, receive, send_safely)
            else:
                await self._app(scope, body.receive, tagged.send)
        except ClientDisconnect:  # no one to respond to
            status = status or 499
        except Exception as error:  # isolates requests: the log gets the error, the caller its id
            response = respond(problem_of(error))
            if status:
                raise  # the response has started: only the connection can be closed
            await response(scope, receive, send_safely)
        finally:
            self._requests.count(scope, status, time.perf_counter() - started)
        return status


def _refuse(scope: Scope) -> Response | None:
    """Return the answer to a request whose head is malformed or too large, None to any other.

    The parser limits only a head that comes in pieces.
    """
    size = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
    size += len(scope["raw_path"]) + len(scope["query_string"])
    if size > HEAD_BYTES:
        error = HTTPException(431, f"Address and headers of the request are larger than {HEAD_BYTES >> 10} KiB.")
    elif not has_sound_address(scope):
        error = HTTPException(400, "The Host header or the address of the request is malformed.")
    else:
        return None
    return respond(*describe(error))


class _Tagged:
    """Wraps the sending of an answer: a JSON answer to a GET gets a strong ETag, and is 304 where the caller has it.

    Only answers that come in one piece; the others, such as events, are sent as they come.
    """

    def __init__(self, scope: Scope, send: Send) -> None:
        self._send, self._is_get = send, scope["method"] in ("GET", "HEAD")
        self._known = Headers(scope=scope).get("if-none-match", "")
        self._start: Message | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and self._is_get and message["status"] == 200:
            if Headers(raw=message["headers"]).get("content-type", "") == "application/json":
                self._start = message
                return
        elif self._start is not None:
            start, self._start = self._start, None
            if not message.get("more_body", False):
                message = self._tag(start, message)
            await self._send(start)
        await self._send(message)

    def _tag(self, start: Message, message: Message) -> Message:
        """Add the ETag to the start of an answer; return its body, which is empty if the caller has it."""
        headers, tag = MutableHeaders(scope=start), f'"{hashlib.sha256(message.get("body", b"")).hexdigest()[:32]}"'
        headers["ETag"] = tag
        headers["Cache-Control"] = "private, no-cache"  # kept by the caller alone, and asked for again each time
        if tag not in (each.strip().removeprefix("W/") for each in self._known.split(",")):
            return message
        start["status"] = 304
        for name in ("content-length", "content-type"):
            del headers[name]
        return {**message, "body": b""}


class _Body:
    """Wraps a request's body: reading a limited one raises 413 when it is too large, 408 when it is too slow."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        headers = Headers(scope=scope)
        self.complete = "transfer-encoding" not in headers and headers.get("content-length", "0") == "0"
        # a proxy may use the other length
        self.is_ambiguous = "transfer-encoding" in headers and "content-length" in headers
        self._receive, self._scope = receive, scope
        self._size = 0
        self._end = asyncio.get_running_loop().time() + BODY_SECONDS

    async def receive(self) -> Message:
        if self.complete:  # only the disconnect is still to come
            return await self._receive()
        limited = not hasattr(self._scope.get("endpoint"), _STREAMS)  # it is known when it reads
        try:
            async with asyncio.timeout_at(self._end if limited else None):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, f"The request body did not arrive within {BODY_SECONDS:g} s.") from None
        self._size += len(message.get("body", b""))
        if limited and self._size > BODY_BYTES:
            raise HTTPException(413, f"The request body is larger than {BODY_BYTES >> 10} KiB.")
        self.complete = not message.get("more_body", False)
        return message
