"""Send a call to a provider, with a timeout and a largest reply (64 MiB).

The timeout is 1.5 times longer with each attempt, at most twice as long. After "too many requests" the client waits and
sends again, for at most ten minutes, or a minute for items, which can be given back; after any other failure it never
sends again, because tasks retry. `throttle.py` decides when a call may be sent.

The client logs a call's host, model, status, seconds and tokens; never headers or bodies.
"""

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final, NamedTuple, Protocol

import httpx

from swatchbook.domain.backoff import FIRST_PAUSE, retry_after
from swatchbook.domain.errors import Failure, ProviderDown, ProviderError, ProviderTimeout, RateLimited, reason_of
from swatchbook.domain.tracing import span
from swatchbook.models.providers.endpoint import Endpoint
from swatchbook_providers.http_errors import error_code, failure, parse_reply
from swatchbook_providers.throttle import Throttle

log = logging.getLogger(__name__)

PATIENCE_SECONDS: Final = 600.0
"""The time for which a call is repeated after "too many requests" before the provider counts as down."""

_ITEM_PATIENCE_SECONDS: Final = 60.0  # the same for items, which then leave their place to others
_MOST_REFUSALS: Final = 4  # times that items must wait while other calls are answered: they are the reason

MOST_REPLY_BYTES: Final = 64 << 20
IMPOSSIBLE_TOKENS: Final = 100_000_000  # more than any call can use: a larger count is an error of the provider
_CONNECT_SECONDS: Final = 10.0
_HEARTBEAT_SECONDS: Final = 30.0  # longest wait between two calls of `waiting`
_GROWTH, _MOST_GROWTH = 1.5, 2.0  # factors of a call's timeout, per attempt and in all
_TOO_MANY = (429, 529)  # 529: Anthropic's "overloaded"


class Clock(Protocol):
    def now(self) -> float:
        """Return monotonic seconds."""

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class Usage(NamedTuple):
    """The tokens of a call as counted by the provider; None if it does not report them."""

    tokens_in: int | None
    tokens_out: int | None


def counted(data: Mapping[str, Any], name: str) -> int | None:
    """Return the token count of this name in the reply's `usage`; None if it is missing or implausible."""
    usage = data.get("usage")
    count = usage.get(name) if isinstance(usage, Mapping) else None
    return count if isinstance(count, int) and 0 <= count <= IMPOSSIBLE_TOKENS else None


class Call(NamedTuple):
    """A call to send. `usage`: reads the counted tokens from the reply."""

    path: str
    body: Mapping[str, Any]
    usage: Callable[[Mapping[str, Any]], Usage]


class Reply(NamedTuple):
    data: Mapping[str, Any]
    usage: Usage


Exchange = Callable[[str, bytes, float], bytes]
"""A function that posts a JSON body to a URL with a timeout in seconds, and returns the body of a reply (status 200).

It raises a Failure for another status, and an internal exception if the call must wait.
"""

Speak = Callable[[Endpoint, Call, float, Exchange], Mapping[str, Any]]
"""A function that builds the request of a call, sends it once through the Exchange with a timeout in seconds, and
parses the reply."""


def speak_json(where: Endpoint, call: Call, seconds: float, exchange: Exchange) -> Mapping[str, Any]:
    """Post the call's body as JSON to its path and parse the reply as JSON. Raises ProviderError."""
    content = json.dumps(call.body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    return parse_reply(where, exchange(where.url + call.path, content, seconds))


class _Malformed(Exception):
    """The reply is not one that the request allows."""


class _MustWait(Exception):
    """The provider replied that the call must be sent later."""


class Client:
    """This process's only connection to a provider, shared by all threads.

    `header` returns the HTTP headers for the key; `speak` builds requests and parses replies, perhaps by a library.
    """

    def __init__(
        self,
        where: Endpoint,
        *,
        header: Callable[[str | None], Mapping[str, str]],
        speak: Speak = speak_json,
        clock: Clock | None = None,
    ) -> None:
        self.where = where
        self._speak = speak
        self.clock = clock or SystemClock()
        self._http = httpx.Client(
            headers={
                **header(where.key.get_secret_value() if where.key else None),
                "Content-Type": "application/json",
                "Accept-Encoding": "identity",  # a small compressed reply could expand into a huge one
            },
            # One connection per call: surplus bytes cannot be read as the next call's reply, and a server cannot close
            # an idle connection at the moment of its reuse.
            limits=httpx.Limits(max_connections=where.at_once, max_keepalive_connections=0),
        )
        self._gate = Throttle(where.per_minute)
        self._slots = threading.BoundedSemaphore(where.at_once)

    def post(
        self,
        call: Call,
        *,
        attempt: int = 1,
        patience: float | None = None,
        waiting: Callable[[], None] = lambda: None,
        for_items: bool = False,
    ) -> Reply:
        """Wait until the limits allow the call, send it, and return the reply.

        `attempt` is the number of this attempt, from 1; later ones get a longer timeout. `patience` is in seconds, for
        the queue, requested waits and the reply together; if None, the queue is unlimited, requested waits end after
        PATIENCE_SECONDS, and the reply has the endpoint's timeout. `waiting` is called at least every 30 s while the
        call waits, and may raise to cancel it. `for_items`: raises RateLimited instead of waiting for longer than a
        minute as requested, or for the fourth time although other calls are answered.

        Raises ProviderDown (also when `patience` ends), RateLimited, ProviderTimeout, ProviderError, ProviderRejected,
        PayloadTooLarge, Authentication, Configuration.
        """
        at_most = None if patience is None else self.clock.now() + patience
        with (
            span("provider call", kind="client", model=self.where.model, attempt=attempt) as traced,
            self._slot(patience, waiting),
        ):
            asked_at, refusals = None, 0  # when the provider first asked to wait, and how often
            longest = _ITEM_PATIENCE_SECONDS if for_items else PATIENCE_SECONDS
            while True:
                place = self._gate.take_place(self.clock.now())
                if at_most is not None and place > at_most:
                    raise self._busy()
                self._wait(place, waiting)
                self._wait_as_asked(at_most or (asked_at or self.clock.now()) + longest, waiting, for_items)
                sent = self.clock.now()
                if reply := self._try(call, self._seconds(attempt, at_most)):
                    traced.note(tokens_in=reply.usage.tokens_in, tokens_out=reply.usage.tokens_out)
                    return reply
                asked_at, refusals = asked_at or sent, refusals + 1
                if for_items and refusals >= _MOST_REFUSALS and self._gate.let_in_at > asked_at:
                    raise RateLimited(f"{self.where.host} limits our rate for this alone.", retry_after=FIRST_PAUSE)

    # --- waiting ------------------------------------------------------------------------------------------------------

    @contextmanager
    def _slot(self, patience: float | None, waiting: Callable[[], None]) -> Iterator[None]:
        while not self._slots.acquire(timeout=_HEARTBEAT_SECONDS if patience is None else patience):
            if patience is not None:
                raise self._busy()
            waiting()
        try:
            yield
        finally:
            self._slots.release()

    def _busy(self) -> ProviderDown:
        return ProviderDown(f"{self.where.host} is busy: too many of our calls are queued.")

    def _wait(self, until: float, waiting: Callable[[], None]) -> None:
        while (left := until - self.clock.now()) > 0:
            if left > 1:
                waiting()
            self.clock.sleep(min(left, _HEARTBEAT_SECONDS))

    def _wait_as_asked(self, at_most: float, waiting: Callable[[], None], for_items: bool) -> None:
        while left := self._gate.closed_for(now := self.clock.now()):
            if now + left > at_most:
                message = f"{self.where.host} limits our rate: it asks to wait {left:.0f} s more."
                raise RateLimited(message, retry_after=left) if for_items else ProviderDown(message)
            self._wait(now + left, waiting)

    # --- one call -----------------------------------------------------------------------------------------------------

    def _seconds(self, attempt: int, at_most: float | None) -> float:
        """Return the timeout of a reply, in seconds."""
        seconds = self.where.seconds * min(_GROWTH ** (attempt - 1), _MOST_GROWTH)
        return seconds if at_most is None else min(seconds, max(1.0, at_most - self.clock.now()))

    def _try(self, call: Call, seconds: float) -> Reply | None:
        """Return the reply; None if the provider asks to send the call later."""
        sent = self.clock.now()
        try:
            data = self._speak(self.where, call, seconds, self._exchange)
        except _MustWait:
            return None
        usage = call.usage(data)
        self._note(200, self.clock.now() - sent, usage)
        return Reply(data, usage)

    def _exchange(self, url: str, content: bytes, seconds: float) -> bytes:
        """Return the body of a reply with status 200. Raises _MustWait, or the Failure of another status."""
        probe, sent = self._gate.enter(self.clock.now()), self.clock.now()
        try:
            status, headers, body = self._send(url, content, seconds)
        except ProviderError as error:
            raise self._struck(error, probe) from error.__cause__
        except BaseException:
            self._gate.left(probe)
            raise
        now = self.clock.now()
        if status != 200:
            self._note(status, now - sent, Usage(None, None))
        wait = retry_after(headers)
        if (status in _TOO_MANY and error_code(body) != "insufficient_quota") or (status == 503 and wait is not None):
            self._gate.reached(probe)
            self._gate.pause(now, sent, wait)
            raise _MustWait
        self._gate.let_in(now)
        if status >= 500:
            raise self._struck(failure(self.where, status, body), probe)
        self._gate.reached(probe)
        if status != 200:
            raise failure(self.where, status, body)
        return body

    def _struck(self, failure: Failure, probe: bool) -> Failure:
        """Count a connection error or 5xx; return ProviderDown if there were too many in a row, else the failure."""
        if self._gate.failed(self.clock.now(), probe):
            log.warning("%s is down: %s", self.where.host, failure)
            return ProviderDown(f"{self.where.host} is down: {failure}")
        return failure

    def _send(self, url: str, content: bytes, seconds: float) -> tuple[int, Mapping[str, str], bytes]:
        """Send the request; return status, headers and body. Raises ProviderTimeout, ProviderError."""
        timeout = httpx.Timeout(seconds, connect=min(_CONNECT_SECONDS, seconds), pool=None)
        over, body = time.monotonic() + seconds, bytearray()
        try:
            with (
                _time_limit(seconds) as trace,
                self._http.stream("POST", url, content=content, timeout=timeout, extensions={"trace": trace}) as reply,
            ):
                if reply.headers.get("content-encoding", "identity") != "identity":
                    raise _Malformed("it is compressed, although we did not accept that")
                for part in reply.iter_raw():
                    body += part
                    if len(body) > MOST_REPLY_BYTES:
                        raise _Malformed(f"it is larger than {MOST_REPLY_BYTES >> 20} MiB")
                if time.monotonic() > over:  # a reply that ends with its connection may have been cut off by our timer
                    raise httpx.ReadTimeout("")
                return reply.status_code, reply.headers, bytes(body)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise ProviderError(f"{self.where.host} cannot be reached: {reason_of(error)}.") from error
        except _Malformed as error:
            raise ProviderError(f"{self.where.host} sent a malformed reply: {error}.") from error
        except httpx.RequestError as error:
            if isinstance(error, httpx.TimeoutException) or time.monotonic() > over:
                log.info("%s %s: no reply in %.0f s", self.where.host, self.where.model, seconds)
                raise ProviderTimeout(f"{self.where.host} did not reply in {seconds:.0f} s.") from error
            raise ProviderError(f"{self.where.host} closed the connection.") from error

    def _note(self, status: int, seconds: float, usage: Usage) -> None:
        tokens = "" if usage == (None, None) else f", tokens {usage.tokens_in} in, {usage.tokens_out} out"
        log.info("%s %s: %d in %.1f s%s", self.where.host, self.where.model, status, seconds, tokens)


@contextmanager
def _time_limit(seconds: float) -> Iterator[Callable[[str, Mapping[str, Any]], None]]:
    """Shut down the call's connection when its time is over: httpx only limits the time between two bytes.

    Yields the trace function to pass to httpx, which reports the connection to it.
    """
    streams = list[Any]()

    def trace(event: str, info: Mapping[str, Any]) -> None:
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            streams.append(info["return_value"])

    def hang_up() -> None:
        for stream in streams[-1:]:
            with suppress(OSError):
                socket.socket.shutdown(stream.get_extra_info("socket"), socket.SHUT_RDWR)

    timer = threading.Timer(seconds, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield trace
    finally:
        timer.cancel()
