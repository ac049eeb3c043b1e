"""Calls to a provider over HTTP: policy only. What is asked and how a reply is read stands beside it.

It waits (its pace, Retry-After, at most so many calls at once) and never retries: errors are the tasks' to retry.
Of a call it logs host, model, status, seconds and tokens; never headers or bodies.
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

from swatchbook.errors import Failure, ProviderDown, ProviderError, ProviderTimeout
from swatchbook.providers.endpoint import Endpoint
from swatchbook.providers.http_errors import code_of, failure, read, retry_after
from swatchbook.providers.throttle import Throttle

log = logging.getLogger(__name__)

PATIENCE_SECONDS: Final = 600.0
"""How long a call may be told to wait before the provider counts as down."""

MOST_REPLY_BYTES: Final = 64 << 20
MOST_TOKENS: Final = 100_000_000  # more than any call takes: whoever counts more has miscounted
_CONNECT_SECONDS: Final = 10.0
_SIGN_OF_LIFE_SECONDS: Final = 30.0  # longest sleep in one piece
_GROWTH, _MOST_GROWTH = 1.5, 2.0  # of the time that a call may take, from attempt to attempt
_TOO_MANY = (429, 529)  # 529: how Anthropic says that it is overloaded


class Clock(Protocol):
    def now(self) -> float:
        """Seconds, from anywhere on."""

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class Usage(NamedTuple):
    """Tokens of a call, as the provider counts them; None where it does not say."""

    tokens_in: int | None
    tokens_out: int | None


def counted(data: Mapping[str, Any], name: str) -> int | None:
    """What a reply counts under a name; None where that is no number of tokens."""
    usage = data.get("usage")
    count = usage.get(name) if isinstance(usage, Mapping) else None
    return count if isinstance(count, int) and 0 <= count <= MOST_TOKENS else None


class Call(NamedTuple):
    """What is sent. `tokens`: at most so many, in and out. `usage` reads what they came to from the reply."""

    path: str
    body: Mapping[str, Any]
    tokens: int
    usage: Callable[[Mapping[str, Any]], Usage]


class Reply(NamedTuple):
    data: Mapping[str, Any]
    usage: Usage


Exchange = Callable[[str, bytes, float], bytes]
"""Sends a JSON body to a URL and returns the body of the reply, which may take so many seconds in all. It raises what
is not for the caller to handle: a Failure for a status other than 200, or that the call must wait.
"""

Speak = Callable[[Endpoint, Call, float, Exchange], Mapping[str, Any]]
"""Makes the request of a call that may take so many seconds, has it exchanged once, and reads the reply."""


def speak_json(where: Endpoint, call: Call, seconds: float, exchange: Exchange) -> Mapping[str, Any]:
    """Send the call's body as JSON to its path, and read the reply as JSON. Raises ProviderError."""
    content = json.dumps(call.body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    return read(where, exchange(where.url + call.path, content, seconds))


class _ToldToWait(Exception):
    """The provider does not take the call now."""


class Client:
    """The one way from this process to a provider; threads share it.

    `header`: how the key is presented. `speak`: who makes requests and reads replies, a vendor's library perhaps.
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
                "Accept-Encoding": "identity",  # a small answer may not unfold into a large one
            },
            # A connection for each call: what somebody sends too much is no answer to the next question, and no
            # server closes one at the moment that it is taken up again.
            limits=httpx.Limits(max_connections=where.at_once, max_keepalive_connections=0),
        )
        self._gate = Throttle(calls_per_minute=where.calls_per_minute, tokens_per_minute=where.tokens_per_minute)
        self._slots = threading.BoundedSemaphore(where.at_once)

    def post(
        self,
        call: Call,
        *,
        attempt: int = 1,
        patience: float | None = None,
        waiting: Callable[[], None] = lambda: None,
    ) -> Reply:
        """Send, once it may be sent, and wait for the reply.

        `attempt`: how often this has been asked, from 1. `patience`: seconds that it waits, in line, as told and for
        the reply; without it as long as others are before it, PATIENCE_SECONDS as told, and for the reply as the
        address says. `waiting` is called now and then meanwhile, and may raise to end that. Raises ProviderDown (also
        when the patience is at its end), ProviderTimeout, ProviderError, ProviderRejected, PayloadTooLarge,
        Authentication, Configuration.
        """
        at_most = None if patience is None else self.clock.now() + patience
        with self._slot(patience, waiting):
            told = None  # since when
            while True:
                place = self._gate.take_place(self.clock.now(), call.tokens)
                if at_most is not None and place > at_most:
                    raise self._busy()
                self._wait(place, waiting)
                self._wait_as_told(at_most or (told or self.clock.now()) + PATIENCE_SECONDS, waiting)
                sent = self.clock.now()
                if reply := self._try(call, self._seconds(attempt, at_most)):
                    return reply
                told = told or sent

    def close(self) -> None:
        """End its connections."""
        self._http.close()

    # --- waiting ------------------------------------------------------------------------------------------------------

    @contextmanager
    def _slot(self, patience: float | None, waiting: Callable[[], None]) -> Iterator[None]:
        while not self._slots.acquire(timeout=_SIGN_OF_LIFE_SECONDS if patience is None else patience):
            if patience is not None:
                raise self._busy()
            waiting()
        try:
            yield
        finally:
            self._slots.release()

    def _busy(self) -> ProviderDown:
        return ProviderDown(f"{self.where.host} is busy with calls of others.")

    def _wait(self, until: float, waiting: Callable[[], None]) -> None:
        while (left := until - self.clock.now()) > 0:
            if left > 1:
                waiting()
            self.clock.sleep(min(left, _SIGN_OF_LIFE_SECONDS))

    def _wait_as_told(self, at_most: float, waiting: Callable[[], None]) -> None:
        while left := self._gate.closed_for(now := self.clock.now()):
            if now + left > at_most:
                raise ProviderDown(f"{self.where.host} tells us to wait for {left:.0f} s more.")
            self._wait(now + left, waiting)

    # --- one call -----------------------------------------------------------------------------------------------------

    def _seconds(self, attempt: int, at_most: float | None) -> float:
        """That a reply may take."""
        seconds = self.where.seconds * min(_GROWTH ** (attempt - 1), _MOST_GROWTH)
        return seconds if at_most is None else min(seconds, max(1.0, at_most - self.clock.now()))

    def _try(self, call: Call, seconds: float) -> Reply | None:
        """The reply; None where we are told to come back later."""
        sent = self.clock.now()
        try:
            data = self._speak(self.where, call, seconds, self._exchange)
        except _ToldToWait:
            return None
        now, usage = self.clock.now(), call.usage(data)
        self._note(200, now - sent, usage)
        if None not in usage:
            self._gate.give_back(now, call.tokens - sum(filter(None, usage)))
        return Reply(data, usage)

    def _exchange(self, url: str, content: bytes, seconds: float) -> bytes:
        """The body of a reply with status 200. Raises _ToldToWait, and the Failure that another status means."""
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
        if (status in _TOO_MANY and code_of(body) != "insufficient_quota") or (status == 503 and wait is not None):
            self._gate.reached(probe)
            self._gate.told(now, sent, wait)
            raise _ToldToWait
        self._gate.let_in()
        if status >= 500:
            raise self._struck(failure(self.where, status, body), probe)
        self._gate.reached(probe)
        if status != 200:
            raise failure(self.where, status, body)
        return body

    def _struck(self, failure: Failure, probe: bool) -> Failure:
        """The failure of a call without connection, or answered with 5xx; ProviderDown where it is one too many."""
        if self._gate.failed(self.clock.now(), probe):
            log.warning("%s is down: %s", self.where.host, failure)
            return ProviderDown(f"{self.where.host} is down: {failure}")
        return failure

    def _send(self, url: str, content: bytes, seconds: float) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body. Raises ProviderTimeout, ProviderError."""
        timeout = httpx.Timeout(seconds, connect=min(_CONNECT_SECONDS, seconds), pool=None)
        over, body = time.monotonic() + seconds, bytearray()
        try:
            with (
                _hung_up_after(seconds) as trace,
                self._http.stream("POST", url, content=content, timeout=timeout, extensions={"trace": trace}) as reply,
            ):
                if reply.headers.get("content-encoding", "identity") != "identity":
                    raise httpx.DecodingError("compressed, which nobody asked for")
                for part in reply.iter_raw():
                    body += part
                    if len(body) > MOST_REPLY_BYTES:
                        raise httpx.DecodingError(f"more than {MOST_REPLY_BYTES >> 20} MiB")
                if time.monotonic() > over:  # else half of a reply whose end is that of its connection passes for one
                    raise httpx.ReadTimeout("")
                return reply.status_code, reply.headers, bytes(body)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise ProviderError(f"{self.where.host} cannot be reached: {error}.") from error
        except httpx.DecodingError as error:
            raise ProviderError(f"{self.where.host} answers with what cannot be read: {error}.") from error
        except httpx.RequestError as error:
            if isinstance(error, httpx.TimeoutException) or time.monotonic() > over:
                log.info("%s %s: no answer in %.0f s", self.where.host, self.where.model, seconds)
                raise ProviderTimeout(f"{self.where.host} gave no answer in {seconds:.0f} s.") from error
            raise ProviderError(f"{self.where.host} broke off: {type(error).__name__}.") from error

    def _note(self, status: int, seconds: float, usage: Usage) -> None:
        tokens = "" if usage == (None, None) else f", tokens {usage.tokens_in} in, {usage.tokens_out} out"
        log.info("%s %s: %d in %.1f s%s", self.where.host, self.where.model, status, seconds, tokens)


@contextmanager
def _hung_up_after(seconds: float) -> Iterator[Callable[[str, Mapping[str, Any]], None]]:
    """A call within is cut off after so many seconds, however slowly something comes: httpx has limits only between
    one byte and the next. Yields what httpx is to tell of its connection.
    """
    streams = list[Any]()

    def told(event: str, info: Mapping[str, Any]) -> None:
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
        yield told
    finally:
        timer.cancel()


def may_have_cost(error: BaseException) -> bool:
    """Whether a provider may have charged for a call that ended so: it was sent, and no whole reply came back."""
    if not isinstance(error, Failure):  # cut off by the end of the process, or nobody foresaw it
        return True
    cause = error.__cause__
    unsent = (httpx.ConnectError, httpx.ConnectTimeout)
    return isinstance(error, ProviderTimeout) or (cause is not None and not isinstance(cause, unsent))
