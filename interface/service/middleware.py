"""What every request passes: a bound on its body, safe headers, a count, an answer to what nobody foresaw."""

import asyncio
import time
from collections.abc import Collection

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from interface.service import docs
from interface.service.metrics import Requests
from interface.service.problems import unexpected

BODY_BYTES = 64 << 10  # of a body that is no upload
BODY_SECONDS = 30.0  # for it to arrive

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


class Edge:
    """ASGI middleware. `streams` are the paths that take uploads: their endpoints bound the body themselves.

    `wake` is set with every 202: something waits to be done.
    """

    def __init__(self, app: ASGIApp, *, requests: Requests, streams: Collection[str], wake: asyncio.Event) -> None:
        self._app, self._requests, self._streams, self._wake = app, requests, streams, wake

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0
        body = _Body(scope, receive, bounded=scope["path"] not in self._streams)

        async def send_safely(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if status == 202:
                    self._wake.set()
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"] == docs.PATH:
                    headers["Content-Security-Policy"] = docs.POLICY
                if not body.whole or body.ends_twice:  # else its sender could go on for ever, or hide a request in it
                    headers["Connection"] = "close"
            await send(message)

        try:
            await self._app(scope, body.receive, send_safely)
        except ClientDisconnect:  # who has gone needs no answer
            status = status or 499
        except Exception as error:  # the boundary between requests: the log has it, the caller its id
            answer = unexpected(error)
            if status:
                raise  # too late for another answer: the connection breaks
            await answer(scope, receive, send_safely)
        finally:
            self._requests.count(scope, status, time.perf_counter() - started)


class _Body:
    """A request's body as it is read; a bounded one is small and comes soon, or whoever reads it gets 413 or 408."""

    def __init__(self, scope: Scope, receive: Receive, *, bounded: bool) -> None:
        headers = Headers(scope=scope)
        self.whole = "transfer-encoding" not in headers and headers.get("content-length", "0") == "0"
        self.ends_twice = "transfer-encoding" in headers and "content-length" in headers  # a proxy may see the other
        self._receive, self._bounded = receive, bounded
        self._size = 0
        self._end = asyncio.get_running_loop().time() + BODY_SECONDS

    async def receive(self) -> Message:
        if self.whole:  # only the end of the connection is still to come
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._end if self._bounded else None):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, f"The body did not arrive in {BODY_SECONDS:g} s.") from None
        self._size += len(message.get("body", b""))
        if self._bounded and self._size > BODY_BYTES:
            raise HTTPException(413, f"The body is over {BODY_BYTES >> 10} KiB.")
        self.whole = not message.get("more_body", False)
        return message
