"""The client of a provider, against a real server that misbehaves."""

import json
import logging
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from email.utils import formatdate
from itertools import count, cycle, islice
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any, NamedTuple

import pytest
import voyageai.util
from pydantic import SecretStr

from swatchbook.domain.backoff import FIRST_PAUSE, retry_after
from swatchbook.domain.errors import (
    Authentication,
    Configuration,
    Failure,
    ProviderDown,
    ProviderError,
    ProviderTimeout,
    RateLimited,
    RunRevoked,
)
from swatchbook.domain.settings import Settings
from swatchbook.models.providers.endpoint import Endpoint, endpoint
from swatchbook_providers import http_errors
from swatchbook_providers.call_cache import may_have_cost
from swatchbook_providers.client import Call, Client, Speak, speak_json
from swatchbook_providers.throttle import STRIKES
from swatchbook_providers.wires import anthropic, openai, voyage
from swatchbook_providers.wires.openai_embeddings import PATH
from tests.models.providers.clocks import FastClock, SetClock
from tests.models.providers.standin import KEY, Asked, Provider, provider
from tests.tables import rows_of


class Way(NamedTuple):
    """A call, who speaks it, and where its answer and its count of tokens stand in the reply."""

    speak: Speak
    call: Call
    answer: str
    tokens_in: str
    tokens_out: int | None = None  # where the reply does not say


QUESTION = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
PLAIN = Way(speak_json, Call("/chat/completions", QUESTION, openai.usage), "choices", "prompt_tokens")
TEXTS = voyage.body("m", ["hello"], "query", 8)
LIBRARY = Way(voyage.speak, Call(PATH, TEXTS, voyage.usage), "data", "total_tokens", tokens_out=0)


@pytest.fixture(params=[PLAIN, LIBRARY], ids=["plain", "voyageai"])
def way(request: pytest.FixtureRequest) -> Way:
    """What a vendor's library has a part in holds as it does by plain HTTP."""
    return request.param  # type: ignore[no-any-return]


def client(there: Provider, way: Way = PLAIN, *, clock: Any = None, key: str = KEY, **changed: Any) -> Client:
    where = Endpoint("llm", there.openai_url, "m", SecretStr(key), seconds=10)
    return at(replace(where, **changed), way, clock)


def at(where: Endpoint, way: Way, clock: Any = None) -> Client:
    return Client(where, header=openai.header, speak=way.speak, clock=clock)


@pytest.mark.parametrize(("fault", "failure", "paid"), rows_of(__file__, "faults"))
def test_each_fault_has_its_class(there: Provider, fault: str, failure: str, paid: bool, way: Way) -> None:
    there.script.append(fault)
    with pytest.raises(Failure) as raised:
        client(there, way).post(way.call)
    assert (type(raised.value).__name__, may_have_cost(raised.value)) == (failure, paid)
    assert len(there.asked) == 1


def test_attempt_after_a_timeout_has_more_time(there: Provider, way: Way) -> None:
    there.script.extend(["hang", "hang"])
    impatient, waited = client(there, way, seconds=0.2), []
    for attempt in (1, 2):
        started = time.monotonic()
        with pytest.raises(ProviderTimeout) as raised:
            impatient.post(way.call, attempt=attempt)
        waited.append(time.monotonic() - started)
        assert may_have_cost(raised.value)
    assert waited[0] >= 0.2
    assert waited[1] >= 0.3


def test_wrong_key_names_its_setting_without_its_value(there: Provider, way: Way) -> None:
    there.refusal = "Incorrect API key provided: sk-another-secret."
    with pytest.raises(Authentication, match="SWATCHBOOK_LLM__API_KEY") as raised:
        client(there, way, key="sk-another-secret").post(way.call)
    assert "Incorrect API key" in str(raised.value)
    assert "another-secret" not in str(raised.value)


def test_missing_model_names_its_setting(there: Provider, way: Way) -> None:
    there.models = {"another"}
    with pytest.raises(Configuration, match="SWATCHBOOK_LLM__MODEL"):
        client(there, way).post(way.call)


@pytest.mark.parametrize(("body", "failure"), rows_of(__file__, "bad_requests"))
def test_bad_request_blames_the_model_or_the_question(body: object, failure: str) -> None:
    where = Endpoint("text", "https://api.example.com/v1", "m")
    assert type(http_errors.failure(where, 400, json.dumps(body).encode())).__name__ == failure


def test_an_address_where_nobody_listens_costs_nothing(way: Way) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(ProviderError, match="cannot be reached") as raised:
        at(Endpoint("llm", url, "m"), way).post(way.call)
    assert not may_have_cost(raised.value)


DEEP = b"[" * 200_000


def test_harmful_reply_may_have_cost(there: Provider, monkeypatch: pytest.MonkeyPatch, way: Way) -> None:
    for reply, headers in (
        (DEEP.decode(), {}),
        ('{"n": ' + "1" * 5_000 + "}", {}),
        ({"choices": []}, {"Content-Encoding": "gzip, gzip"}),  # a small one would unfold into gigabytes
        ("x" * 2_000, {}),
    ):
        if reply == "x" * 2_000:
            monkeypatch.setattr("swatchbook_providers.client.MOST_REPLY_BYTES", 1_000)
        there.rewrite, there.headers = lambda _, reply=reply: reply, headers  # type: ignore[misc]
        with pytest.raises(ProviderError) as raised:
            client(there, way).post(way.call)
        assert may_have_cost(raised.value)


def test_provider_error_is_shown_as_one_plain_line() -> None:
    said = json.dumps({"error": {"message": "\x1b[2Jall\n gone \u202e" + "x" * 9_000}}).encode()
    error = http_errors.failure(Endpoint("llm", "http://host/v1", "m"), 400, said)
    assert str(error).startswith("host rejected the request with status 400: [2Jall gone xxx")
    assert len(str(error)) < 270


@pytest.mark.parametrize("counted", [-5, 10**40, 1.5, "12", True, None, [1], float("nan")])
def test_tokens_are_numbers_of_tokens_or_not_known(there: Provider, counted: object, way: Way) -> None:
    there.rewrite = lambda reply: {**reply, "usage": {way.tokens_in: counted}}
    usage = 1 if counted is True else None, way.tokens_out
    assert client(there, way).post(way.call).usage == usage
    there.rewrite = lambda reply: {**reply, "usage": [counted]}
    assert client(there, way).post(way.call).usage == (None, way.tokens_out)


@contextmanager
def a_server_that(says: Callable[[int], Iterator[bytes]]) -> Iterator[str]:
    """Its address; `says`: what the connection of that number is sent once it has asked, piece by piece."""
    numbers = count()

    class Connection(BaseRequestHandler):
        def handle(self) -> None:
            while self.request.recv(65_536):
                for piece in says(next(numbers)):
                    self.request.sendall(piece)

    with ThreadingTCPServer(("127.0.0.1", 0), Connection) as server:
        server.daemon_threads, server.block_on_close = True, False
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def slowly(first: bytes, again: bytes) -> Callable[[int], Iterator[bytes]]:
    """What never ends, and never pauses for long."""

    def say(_: int) -> Iterator[bytes]:
        yield first
        for _ in range(200):
            time.sleep(0.05)
            yield again

    return say


def test_endless_reply_is_cut_off_in_time(way: Way) -> None:
    for first, again in (
        (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        (b"HTTP/1.1 200 OK\r\n\r\n{}", b" "),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x"),
    ):
        with a_server_that(slowly(first, again)) as url:
            started = time.monotonic()
            with pytest.raises(ProviderTimeout) as raised:
                at(Endpoint("llm", url, "m", seconds=0.5), way).post(way.call)
            assert time.monotonic() - started < 3
            assert may_have_cost(raised.value)


def test_surplus_reply_does_not_answer_the_next_question(way: Way) -> None:
    def twice(_: int) -> Iterator[bytes]:
        said = [
            f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}" for body in ('{"n": 1}', '{"n": "stray"}')
        ]
        yield "".join(said).encode()

    with a_server_that(twice) as url:
        asking = at(Endpoint("llm", url, "m"), way)
        assert [asking.post(way.call).data["n"] for _ in range(3)] == [1, 1, 1]


@pytest.mark.parametrize("status", [302, 308])
def test_nothing_follows_a_redirect_neither_question_nor_key(there: Provider, status: int, way: Way) -> None:
    def elsewhere(_: int) -> Iterator[bytes]:
        yield f"HTTP/1.1 {status} Moved\r\nLocation: {there.openai_url}\r\nContent-Length: 0\r\n\r\n".encode()

    with a_server_that(elsewhere) as url, pytest.raises(Configuration, match="SWATCHBOOK_LLM__URL"):
        at(Endpoint("llm", url, "m", SecretStr(KEY)), way).post(way.call)
    assert not there.asked


@pytest.mark.parametrize("fault", ["rate_limited", "rate_limited_date", "rate_limited_silent", "overloaded"])
def test_client_asked_to_wait_waits_and_asks_again(there: Provider, fault: str, way: Way) -> None:
    there.script.append(fault)
    there.retry_after = 3
    clock = SetClock()
    began = clock.now()
    assert client(there, way, clock=clock).post(way.call).data[way.answer]
    assert len(there.asked) == 2
    expected = 3 if fault.startswith("rate_limited") and fault != "rate_limited_silent" else 1
    assert clock.now() - began == pytest.approx(expected, abs=1.01)  # a date has whole seconds


def test_what_one_call_is_told_all_wait_for(there: Provider) -> None:
    there.retry_after, there.scale = 4, 10.0
    there.script.append("rate_limited")
    clock = FastClock(10)
    shared = client(there, clock=clock)
    with ThreadPoolExecutor(9) as threads:
        told = threads.submit(shared.post, PLAIN.call)
        while not shared._gate.closed_for(clock.now()):
            time.sleep(0.001)
        list(threads.map(lambda _: shared.post(PLAIN.call), range(24)))
        told.result()
    assert len(there.asked) == 26
    assert not there.early


@pytest.mark.parametrize("header", [{"Retry-After": "0"}, {"Retry-After": formatdate(0)}, {"retry-after-ms": "1"}])
def test_provider_asking_for_0_s_is_not_flooded(there: Provider, header: dict[str, str]) -> None:
    there.headers = header
    there.script.extend(["rate_limited_silent"] * 100)
    with pytest.raises(ProviderDown, match="limits our rate"):
        client(there, clock=SetClock()).post(PLAIN.call)
    assert len(there.asked) < 20


def test_long_pause_fails_fast_and_sends_nothing(there: Provider) -> None:
    there.retry_after = 3_600
    there.script.append("rate_limited")
    clock, began = SetClock(), SetClock().now()
    told = client(there, clock=clock)
    for _ in range(3):
        with pytest.raises(ProviderDown, match=r"3600|3599"):
            told.post(PLAIN.call)
    assert (len(there.asked), clock.now()) == (1, began)
    clock.sleep(3_601)
    told.post(PLAIN.call)


@pytest.mark.parametrize(("fault", "least"), [("rate_limited", 3_600), ("rate_limited_silent", 30)])
def test_items_with_a_long_wait_are_given_back(there: Provider, fault: str, least: float) -> None:
    there.retry_after = 3_600
    there.script.extend([fault] * 20)
    clock = SetClock()
    began = clock.now()
    with pytest.raises(RateLimited) as raised:
        client(there, clock=clock).post(PLAIN.call, for_items=True)
    assert clock.now() <= began + 60
    assert raised.value.retry_after == pytest.approx(least, abs=5)


def test_item_that_alone_must_wait_is_given_back(there: Provider) -> None:
    slow = PLAIN.call._replace(body=QUESTION | {"slow": 1})
    asked = list[str]()

    def first_is_slow(question: Asked) -> str | None:
        asked.append(question.key)
        return "rate_limited_silent" if question.key == asked[0] else None

    there.meets = first_is_slow  # type: ignore[method-assign]

    class Busy(SetClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            shared.post(PLAIN.call)  # another one's turn

    shared = client(there, clock=Busy())
    with pytest.raises(RateLimited, match="for this alone") as raised:
        shared.post(slow, for_items=True)
    assert raised.value.retry_after == FIRST_PAUSE
    assert asked.count(asked[0]) == 4


def test_waiting_call_shows_life_and_can_be_cancelled(there: Provider) -> None:
    there.retry_after = 300
    there.script.append("rate_limited")
    signs = list[int]()

    def alive() -> None:
        signs.append(1)
        if len(signs) == 5:
            raise RunRevoked("cancelled")

    with pytest.raises(RunRevoked):
        client(there, clock=SetClock()).post(PLAIN.call, waiting=alive)


@pytest.mark.parametrize(("headers", "seconds"), rows_of(__file__, "retry_after"))
def test_retry_after_is_number_date_or_nothing(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_provider_down_for_an_hour_comes_back(there: Provider) -> None:
    clock = SetClock()
    over = clock.now() + 3_600
    asking = client(there, clock=clock)
    failures, answered = list[Failure](), False
    faults = cycle(["unavailable", "vanish", "error"])
    while not answered:
        there.script.clear()
        if clock.now() < over:
            there.script.extend(islice(faults, 1))
        try:
            asking.post(PLAIN.call)
            answered = True
        except Failure as failure:
            failures.append(failure)
            clock.sleep(10)
    assert {type(failure) for failure in failures[: STRIKES - 1]} == {ProviderError}
    assert {type(failure) for failure in failures[STRIKES - 1 :]} == {ProviderDown}
    assert clock.now() - over <= 610
    assert len(there.asked) <= STRIKES + 12  # in an hour
    assert asking.post(PLAIN.call).data[PLAIN.answer]


def test_calls_at_once_are_no_more_than_allowed(there: Provider) -> None:
    now, most = list[int](), list[int]()

    def delay() -> float:
        now.append(1)
        most.append(len(now))
        time.sleep(0.02)
        now.pop()
        return 0.0

    there.delay = delay
    shared = client(there, at_once=3)
    with ThreadPoolExecutor(12) as threads:
        list(threads.map(lambda _: shared.post(PLAIN.call), range(24)))
    assert max(most) == 3


def test_no_secret_is_logged(
    there: Provider, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    chat = {**QUESTION, "messages": [{"role": "user", "content": "confidential-words"}]}
    asked = Call("/chat/completions", chat, openai.usage)
    texts = Call(PATH, {**TEXTS, "input": ["confidential-words"]}, voyage.usage)
    there.answer = lambda _: "said-in-confidence"
    there.script.extend([None, "error", "rejected", "cut", "garbage"])
    where = Endpoint("llm", there.openai_url, "m", SecretStr(KEY))
    for header, speak, call in (
        (openai.header, speak_json, asked),
        (anthropic.header, speak_json, asked),
        (openai.header, voyage.speak, texts),
    ):
        talking = Client(where, header=header, speak=speak)
        for _ in range(3):
            with suppress(Failure):
                talking.post(call)
        there.script.extend(["cut", "garbage"])
    said = "\n".join([*(record.getMessage() for record in caplog.records), *capfd.readouterr()])
    assert "m: 200 in" in said
    assert "tokens" in said
    for secret in (KEY, "confidential-words", "said-in-confidence"):
        assert secret not in said
    assert KEY not in repr(where)
    assert voyageai.util.VOYAGE_LOG is None, "the variable VOYAGE_LOG would make it print texts"


@pytest.mark.parametrize(("settings", "names"), rows_of(__file__, "wrong"))
def test_what_is_missing_or_wrong_is_named(settings: dict[str, str], names: str) -> None:
    with pytest.raises((Configuration, Authentication), match=names) as raised:
        endpoint(Settings(**settings), "vision")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(("url", "overheard"), rows_of(__file__, "overheard"))
def test_key_does_not_cross_the_internet_unencrypted(url: str, overheard: bool) -> None:
    endpoint(Settings(vision={"url": url, "model": "m"}), "vision")  # there is none
    with pytest.raises(Configuration, match=r"SWATCHBOOK_VISION__URL.*https") if overheard else nullcontext():
        endpoint(Settings(vision={"url": url, "model": "m", "api_key": "k"}), "vision")


def test_key_in_a_reply_is_in_no_traceback(there: Provider) -> None:
    there.rewrite = lambda _: {"choices": f"Bearer {KEY}"}
    asking = client(there)
    reply = asking.post(PLAIN.call)
    with pytest.raises(ProviderError) as raised:
        openai.read(asking.where, reply.data)
    assert KEY not in "".join(traceback.format_exception(raised.value))


def test_a_providers_own_address_needs_a_key() -> None:
    with pytest.raises(Authentication, match="SWATCHBOOK_TEXT__API_KEY"):
        endpoint(Settings(text_encoder="voyage"), "text")


def test_unreadable_reply_is_in_no_traceback(there: Provider) -> None:
    for reply in ("Bearer KEY", '{"detail": "KEY"', '{"error": "KEY"}', '["KEY"]', '"KEY"', DEEP.decode() + "KEY"):
        there.rewrite = lambda _, reply=reply: reply.replace("KEY", KEY)  # type: ignore[misc]
        with pytest.raises(ProviderError) as raised:
            client(there, LIBRARY).post(LIBRARY.call)
        assert KEY not in "".join(traceback.format_exception(raised.value))


def test_library_gets_no_key_and_takes_none(there: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOYAGE_API_KEY", "pa-of-somebody-else")
    client(there, LIBRARY).post(LIBRARY.call)
    there.key = None
    at(Endpoint("text", there.openai_url, "m"), LIBRARY).post(LIBRARY.call)
    sent = [asked.headers["Authorization"] for asked, _ in there.asked]
    assert sent == [f"Bearer {KEY}", None]


def test_each_thread_asks_its_own_provider(there: Provider) -> None:
    with provider() as other, ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda to: client(to, LIBRARY).post(LIBRARY.call), [there, other] * 10))
        assert (len(there.asked), len(other.asked)) == (10, 10)
