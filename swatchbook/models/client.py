"""Calls to a provider over HTTP: policy only. What is asked and how a reply is read stands beside it.

It waits (its pace, Retry-After, at most so many calls at once) and never retries: errors are the tasks' to retry.
Of a call it logs host, model, status, seconds and tokens; never headers or bodies.
"""

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol
from urllib.parse import urlsplit

from pydantic import SecretStr

from swatchbook.errors import (
    Authentication,
    Configuration,
    Failure,
    PayloadTooLarge,
    ProviderDown,
    ProviderError,
    ProviderRejected,
    ProviderTimeout,
)
from swatchbook.models.gate import Gate
from swatchbook.settings import PREFIX, Settings

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

PATIENCE_SECONDS: Final = 600.0
"""How long a call may be told to wait before the provider counts as down."""

MOST_REPLY_BYTES: Final = 64 << 20
_CONNECT_SECONDS: Final = 10.0
_SIGN_OF_LIFE_SECONDS: Final = 30.0  # longest sleep in one piece
_GROWTH, _MOST_GROWTH = 1.5, 2.0  # of the time that a call may take, from attempt to attempt
_TOO_MANY = (429, 529)  # 529: how Anthropic says that it is overloaded
_SAID = 200  # characters of a provider's own words in an error


class Clock(Protocol):
    def now(self) -> float:
        """Seconds, from anywhere on."""

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


Part = Literal["vision", "llm", "text"]


@dataclass(frozen=True)
class Address:
    """Where a provider's model is, and how it may be used. `part`: whose settings it is of, for messages."""

    part: Part
    url: str
    model: str
    key: SecretStr | None = field(default=None, repr=False)
    calls_per_minute: int = 0  # 0: no limit
    tokens_per_minute: int = 0
    at_once: int = 8
    seconds: float = 60.0  # for an answer; a repeated call gets more

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    def setting(self, name: str) -> str:
        """What the environment calls one of its settings."""
        return f"{PREFIX}{self.part}_{name}".upper()


def address(settings: Settings, part: Part, *, url: str | None = None, needs_key: bool = False) -> Address:
    """Of the vision model, the language model or the text encoder. `url`: where it is unless the settings say.

    Raises Configuration or Authentication, naming the setting that is missing.
    """
    found = Address(
        part=part,
        url=(getattr(settings, f"{part}_url") or url or "").rstrip("/"),
        model=getattr(settings, f"{part}_model") or "",
        key=getattr(settings, f"{part}_api_key"),
        calls_per_minute=getattr(settings, f"{part}_calls_per_minute"),
        tokens_per_minute=getattr(settings, f"{part}_tokens_per_minute"),
        at_once=settings.provider_concurrency,
        seconds=settings.provider_seconds,
    )
    for name, given in (("url", found.url), ("model", found.model)):
        if not given:
            raise Configuration(f"{found.setting(name)} is not set.", advice="Set it, or choose the local model.")
    parts = urlsplit(found.url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise Configuration(
            f"{found.setting('url')} is no address of a provider.",
            advice=f"It should be like https://api.example.com/v1; a key goes into {found.setting('api_key')}.",
        )
    if needs_key and found.key is None:
        raise Authentication(f"{found.setting('api_key')} is not set.", advice="Set it, or choose the local model.")
    return found


class Usage(NamedTuple):
    """Tokens of a call, as the provider counts them; None where it does not say."""

    tokens_in: int | None
    tokens_out: int | None


class Call(NamedTuple):
    """What is sent. `tokens`: at most so many, in and out. `usage` reads what they came to from the reply."""

    path: str
    body: Mapping[str, Any]
    tokens: int
    usage: Callable[[Mapping[str, Any]], Usage]


class Reply(NamedTuple):
    data: Mapping[str, Any]
    usage: Usage


class Client:
    """The one way from this process to a provider; threads share it. `header`: how the key is presented."""

    def __init__(
        self,
        where: Address,
        *,
        header: Callable[[str | None], Mapping[str, str]],
        clock: Clock | None = None,
    ) -> None:
        self.where = where
        self.clock = clock or SystemClock()
        self._header = header
        self._gate = Gate(calls_per_minute=where.calls_per_minute, tokens_per_minute=where.tokens_per_minute)
        self._slots = threading.BoundedSemaphore(where.at_once)

    def post(
        self,
        call: Call,
        *,
        attempt: int = 1,
        patience: float = PATIENCE_SECONDS,
        waiting: Callable[[], None] = lambda: None,
    ) -> Reply:
        """Send, once it may be sent, and wait for the reply.

        `attempt`: how often this has been asked, from 1. `waiting` is called now and then while it waits, and may
        raise to end that. Raises ProviderDown (also after `patience` seconds of being told to wait), ProviderTimeout,
        ProviderError, ProviderRejected, PayloadTooLarge, Authentication, Configuration.
        """
        with self._slot(waiting):
            told = None  # since when
            while True:
                self._wait(self._gate.take_place(self.clock.now(), call.tokens), waiting)
                self._wait_as_told((told or self.clock.now()) + patience, waiting)
                sent = self.clock.now()
                if reply := self._try(call, attempt):
                    return reply
                told = told or sent

    def close(self) -> None:
        if "_http" in self.__dict__:
            self._http.close()

    @cached_property
    def _http(self) -> "httpx.Client":
        import httpx

        key = self.where.key
        return httpx.Client(
            headers=self._header(key.get_secret_value() if key else None),
            limits=httpx.Limits(max_connections=self.where.at_once, max_keepalive_connections=self.where.at_once),
        )

    # --- waiting ------------------------------------------------------------------------------------------------------

    @contextmanager
    def _slot(self, waiting: Callable[[], None]) -> Iterator[None]:
        while not self._slots.acquire(timeout=_SIGN_OF_LIFE_SECONDS):
            waiting()
        try:
            yield
        finally:
            self._slots.release()

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

    def _try(self, call: Call, attempt: int) -> Reply | None:
        """The reply; None where we are told to come back later."""
        probe, sent = self._gate.enter(self.clock.now()), self.clock.now()
        try:
            status, headers, body = self._send(call, attempt)
        except ProviderError as error:
            raise self._struck(error, probe) from error.__cause__
        except BaseException:
            self._gate.left(probe)
            raise
        now = self.clock.now()
        if status != 200:
            self._note(status, now - sent, Usage(None, None))
        wait = retry_after(headers)
        if (status in _TOO_MANY and _code(body) != "insufficient_quota") or (status == 503 and wait is not None):
            self._gate.reached(probe)
            self._gate.told(now, sent, wait)
            return None
        self._gate.let_in()
        if status >= 500:
            raise self._struck(_failure(self.where, status, body), probe)
        self._gate.reached(probe)
        if status != 200:
            raise _failure(self.where, status, body)
        data = _read(self.where, body)
        usage = call.usage(data)
        self._note(status, now - sent, usage)
        if None not in usage:
            self._gate.give_back(now, call.tokens - sum(filter(None, usage)))
        return Reply(data, usage)

    def _struck(self, failure: Failure, probe: bool) -> Failure:
        """The failure of a call without connection, or answered with 5xx; ProviderDown where it is one too many."""
        if self._gate.failed(self.clock.now(), probe):
            log.warning("%s is down: %s", self.where.host, failure)
            return ProviderDown(f"{self.where.host} is down: {failure}")
        return failure

    def _send(self, call: Call, attempt: int) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body. Raises ProviderTimeout, ProviderError."""
        import httpx

        seconds = self.where.seconds * min(_GROWTH ** (attempt - 1), _MOST_GROWTH)
        timeout = httpx.Timeout(seconds, connect=min(_CONNECT_SECONDS, seconds), pool=None)
        over, body = time.monotonic() + seconds, bytearray()
        try:
            with self._http.stream("POST", self.where.url + call.path, json=call.body, timeout=timeout) as reply:
                for part in reply.iter_bytes():
                    body += part
                    if time.monotonic() > over:
                        raise httpx.ReadTimeout("")
                    if len(body) > MOST_REPLY_BYTES:
                        raise ProviderError(f"{self.where.host} answers with more than {MOST_REPLY_BYTES >> 20} MiB.")
                return reply.status_code, reply.headers, bytes(body)
        except httpx.ConnectTimeout as error:
            raise ProviderError(f"{self.where.host} cannot be reached.") from error
        except httpx.TimeoutException as error:
            log.info("%s %s: no answer in %.0f s", self.where.host, self.where.model, seconds)
            raise ProviderTimeout(f"{self.where.host} gave no answer in {seconds:.0f} s.") from error
        except httpx.ConnectError as error:
            raise ProviderError(f"{self.where.host} cannot be reached.") from error
        except httpx.TransportError as error:
            raise ProviderError(f"{self.where.host} broke off: {type(error).__name__}.") from error

    def _note(self, status: int, seconds: float, usage: Usage) -> None:
        tokens = "" if usage == (None, None) else f", tokens {usage.tokens_in} in, {usage.tokens_out} out"
        log.info("%s %s: %d in %.1f s%s", self.where.host, self.where.model, status, seconds, tokens)


def may_have_cost(error: BaseException) -> bool:
    """Whether a provider may have charged for a call that ended so: it was sent, and no whole reply came back."""
    import httpx

    return isinstance(error, ProviderTimeout) or (
        isinstance(error, ProviderError)
        and error.__cause__ is not None
        and not isinstance(error.__cause__, httpx.ConnectError | httpx.ConnectTimeout)
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a reply asks to wait: Retry-After as a number or a date (RFC 9110), or OpenAI's milliseconds."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        given = headers.get(name, "")
        if re.fullmatch(r"\d+(\.\d+)?", given):
            return float(given) * unit
        try:
            then = parsedate_to_datetime(given)
        except ValueError:
            continue
        try:  # by its own clock where it tells it
            now = parsedate_to_datetime(headers.get("date", ""))
        except ValueError:
            now = datetime.now(then.tzinfo)
        return max(0.0, (then - now).total_seconds())
    return None


# --- what a reply means -----------------------------------------------------------------------------------------------


def _failure(where: Address, status: int, body: bytes) -> Failure:
    """What a status other than 200 means."""
    code, said = _code(body), _said(where, body)
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
    if status >= 500:
        return ProviderError(f"{host} answers {status}{said}")
    if 300 <= status < 400:
        return Configuration(f"{host} sends us elsewhere ({status}).", advice=f"Check {where.setting('url')}.")
    return ProviderRejected(f"{host} answers {status}{said}")


_NO_MODEL = frozenset({"model_not_found", "invalid_model", "unknown_model"})
_NO_SUCH_MODEL = re.compile(r"\bmodel\b.{0,80}(not found|not exist|not supported|unknown)", re.IGNORECASE)


def _error(body: bytes) -> Mapping[str, Any]:
    """The error object of a reply, as OpenAI, Anthropic, Voyage and FastAPI's servers write it."""
    try:
        data = json.loads(body)
    except ValueError:
        return {}
    if not isinstance(data, dict):
        return {}
    error = data.get("error", data.get("detail", data))
    return error if isinstance(error, dict) else {"message": error}


def _code(body: bytes) -> str:
    error = _error(body)
    return str(error.get("code") or error.get("type") or "")


def _said(where: Address, body: bytes) -> str:
    """A provider's own words as the end of a sentence, short and without the key that it may repeat."""
    said = " ".join(str(_error(body).get("message") or "").split())
    if where.key:
        said = said.replace(where.key.get_secret_value(), "***")
    said = re.sub(r"\b(sk|pa|key)-[\w*.-]{4,}", "***", said)
    return f": {said[:_SAID].rstrip('.')}." if said else "."


def _read(where: Address, body: bytes) -> Mapping[str, Any]:
    try:
        data = json.loads(body)
    except ValueError as error:
        raise ProviderError(f"{where.host} answers with no JSON.") from error
    if not isinstance(data, dict) or data.get("error"):
        raise ProviderError(f"{where.host} answers with an error{_said(where, body)}")
    return data
