"""An attacker over real sockets, with a key and without: whatever he sends, he gets nothing of others, nothing that is
kept from him, and nobody else waits for him.
"""

import http.client
import json
import logging
import re
import socket
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest
from pydantic import SecretStr

from swatchbook.domain.setting_values import WebhookSource
from swatchbook.domain.settings import Settings
from swatchbook.doors.cli.log import Fields
from swatchbook_service import middleware, serve
from tests.doors.conftest import ALL, ANNA, BERT, KEYS, bearing
from tests.doors.served import Served, served
from tests.fixtures import ROOT
from tests.origin import PDF
from tests.store.ledger import scene
from tests.tables import rows_of

SECRETS = ["whsec_" + "c3dhdGNoYm9vay1zd2F0Y2hib29rLXN3YXRjaA", "token-token-token", ANNA, BERT, ALL]
SHOP = WebhookSource(name="shop", secret=(SecretStr(SECRETS[0]),), token=SecretStr(SECRETS[1]), owners=("anna",))


class Target(NamedTuple):
    service: Served
    document: str


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    settings: dict[str, Any] = {"home": tmp_path_factory.mktemp("home"), "api_keys": KEYS, "webhook_sources": (SHOP,)}
    with served(Settings(**settings, upload_idle_seconds=2)) as running:
        run = scene.begin(running.resources.ledger, owner="anna", content="secret-catalogue")
        yield Target(running, run.document)
        assert httpx.get(f"{running.url}/live").status_code == 200  # after all of it


def talk(target: Target, said: bytes, seconds: float = 5.0) -> tuple[bytes, bool]:
    """All that comes back to raw bytes, and whether the service hung up."""
    heard = b""
    with socket.create_connection(("127.0.0.1", target.service.port), timeout=seconds) as connection:
        try:
            connection.sendall(said)
            while piece := connection.recv(1 << 16):
                heard += piece
        except TimeoutError:
            return heard, False
        except ConnectionError:  # it hung up before all was said
            return heard, True
    return heard, True


def head(line: str, *headers: str, key: str | None = ANNA) -> bytes:
    shown = [f"Authorization: Bearer {key}"] if key else []
    return "\r\n".join((f"{line} HTTP/1.1", "Host: x", *shown, *headers, "", "")).encode("latin-1")


HIDDEN = b"GET /documents HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + ANNA.encode() + b"\r\n\r\n"


@pytest.mark.parametrize(
    "said",
    [
        head("POST /documents", "Content-Length: 2", "Content-Length: 40") + b"{}" + HIDDEN,
        head("POST /documents", "Content-Length: 2, 40") + b"{}" + HIDDEN,
        head("POST /documents", "Content-Length: -1"),
        head("POST /documents", "Content-Length: +5") + b"hello",
        head("POST /documents", "Content-Length: \xb2") + b"he",
        head("POST /documents", "Content-Length: " + "9" * 40),
        head("POST /documents", "Transfer-Encoding: xchunked") + b"0\r\n\r\n" + HIDDEN,
        head("POST /documents", "Transfer-Encoding: chunked, identity") + b"0\r\n\r\n" + HIDDEN,
        head("POST /documents", "Transfer-Encoding : chunked") + b"0\r\n\r\n" + HIDDEN,
        head("GET /live", "X: a\0b"),
        head("GET /live", "X: a\rY: b"),
        head("GET /live", *(f"X-{number}: y" for number in range(20_000))),
        head("GET /live", "X: " + "y" * 200_000),
        head("GET /live", "Host: y"),
        b"GET /live HTTP/1.1\r\n\r\n",
        b"GET /live\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    ],
)
def test_invalid_http_is_answered_once_and_disconnected(target: Target, said: bytes) -> None:
    heard, hung_up = talk(target, said)
    assert hung_up
    assert heard.count(b"HTTP/1.1 ") == heard.count(b"HTTP/1.1 400 ") <= 1


def test_head_of_a_request_has_32_kib(target: Target) -> None:
    for path, kibibytes, taken in (
        ("/live", 31, True),
        ("/live", 33, False),
        ("/live", 60, False),
        ("/live?x=", 33, False),
    ):
        size = kibibytes << 10
        lines = (f"{path}{'y' * size}",) if "?" in path else (path, "X: " + "y" * size)
        heard, _ = talk(target, head(f"GET {lines[0]}", *lines[1:], "Connection: close"))
        assert heard.startswith(b"HTTP/1.1 200 ") == taken
        assert heard.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 431 ")) != taken


def test_a_body_that_ends_twice_hides_no_request(target: Target) -> None:
    for said in [b"2\r\n{}\r\n0\r\n\r\n", b"F" * 40 + b"\r\n", b"2\r\n{}\r\nX\r\n\r\n"]:
        path = f"POST /documents/{target.document}/retry"
        heard, hung_up = talk(
            target, head(path, "Content-Length: 4", "Transfer-Encoding: chunked", key=BERT) + said + HIDDEN
        )
        assert hung_up
        assert heard.count(b"HTTP/1.1 ") == 1
        assert b"secret-catalogue" not in heard


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET /li",
        head("GET /live") + b"GET /li",
        head("GET /live", "Content-Length: 1000000") + b"x",
        head("GET /live", "Upgrade: websocket", "Connection: Upgrade", "Content-Length: 9") + b"x",
    ],
)
def test_client_that_does_not_finish_is_disconnected(
    target: Target, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(serve, "HEAD_SECONDS", 0.3)
    assert talk(target, said)[1]


def test_slow_unsigned_body_is_cut_off_soon(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has proved who he is before a webhook's body is read: an upload's patience is not for him."""
    monkeypatch.setattr(middleware, "BODY_SECONDS", 0.5)
    connection = http.client.HTTPConnection("127.0.0.1", target.service.port, timeout=5)
    connection.putrequest("POST", "/hooks/upload")
    connection.putheader("Content-Length", "1000")
    connection.endheaders()
    started = time.monotonic()
    for _ in range(4):
        connection.send(b"{")
        time.sleep(0.1)
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("connection")) == (408, "close")
    assert time.monotonic() - started < 4
    connection.close()


def test_one_sender_does_not_keep_the_others_out(target: Target) -> None:
    """Half of the places are left, however many uploads somebody begins and does not end."""
    begun = head("POST /documents", "Content-Type: multipart/form-data; boundary=b", "Content-Length: 1000")
    slow = [socket.create_connection(("127.0.0.1", target.service.port)) for _ in range(20)]
    try:
        for connection in slow:
            connection.sendall(begun)
        mine = httpx.post(f"{target.service.url}/documents", files={"file": ("b.pdf", PDF)}, headers=bearing(BERT))
        assert mine.status_code == 202
        assert mine.elapsed.total_seconds() < 1.5
    finally:
        for connection in slow:
            connection.close()


@pytest.mark.parametrize(
    "body",
    [
        b'{"force":' * 6_000 + b"1" + b"}" * 6_000, b"[" * 60_000, b"[" * 30_000 + b"]" * 30_000,
        b'{"force":' + b"9" * 60_000 + b"}", b'{"force":NaN}', b'{"force":1e400}', b'{"\\ud800":1}',
        b'{"__proto__":1}', b'{"force":"yes"}', b"\xff\xfe", b"<a/>", b'"' + b"a" * 60_000 + b'"',
    ],
)  # fmt: skip
def test_json_that_is_not_meant_is_refused(target: Target, body: bytes) -> None:
    url = f"{target.service.url}/documents/{target.document}/retry"
    answer = httpx.post(url, content=body, headers=bearing(ANNA) | {"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert len(answer.content) < 4_000


def test_malformed_host_is_refused_in_one_line(target: Target, caplog: pytest.LogCaptureFixture) -> None:
    for path in ["/", "/documents"]:
        for host in ["[", "a]b", "[x]", "a:b", "a:99999", "a/b"]:
            lines = (f"GET {path} HTTP/1.1", f"Host: {host}", "Accept: text/html", "Connection: close", "", "")
            heard, _ = talk(target, "\r\n".join(lines).encode())
            assert heard.startswith(b"HTTP/1.1 400 ")
            assert heard.endswith(b'"detail":"The Host header or the address of the request is malformed."}')
            assert not caplog.records


def test_request_for_what_is_no_path_is_refused(target: Target) -> None:
    for address in ["[", "[::1", "a]b/documents"]:
        heard, _ = talk(target, head(f"GET {address}", "Accept: text/html", "Connection: close", key=None))
        assert heard.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 404 "))
    for path in rows_of(__file__, "paths"):
        heard, _ = talk(target, head(f"GET {path}", "Connection: close"))
        assert heard.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 422 "))
        assert b"x-evil:" not in heard.lower()
        assert b"evil.example" not in heard


def test_one_module_reads_the_addresses_that_callers_choose() -> None:
    """Another parser would read some of them otherwise, or raise."""
    parsers = re.compile(r"\b(urlsplit|urlparse)\b")
    files = [path for name in ("service", "web") for path in (ROOT / "packages" / name).glob("swatchbook_*/*.py")]
    assert [path.name for path in files if parsers.search(path.read_text())] == ["addresses.py"]


def test_answers_and_logs_hold_no_secrets(target: Target, caplog: pytest.LogCaptureFixture) -> None:
    url = target.service.url
    with caplog.at_level(logging.DEBUG):
        answers = [
            *(httpx.get(f"{url}/documents?{name}={key}") for name in ("key", "api_key", "token") for key in SECRETS),
            *(httpx.get(f"{url}/documents?key={key}", headers=bearing(ALL)) for key in SECRETS),
            *(httpx.get(f"{url}/documents/{key}", headers=bearing(ALL)) for key in SECRETS),
            *(httpx.get(f"{url}/documents", headers=bearing(key + "x")) for key in SECRETS),
            *(httpx.get(f"{url}/{key}") for key in SECRETS),
            *(
                httpx.get(f"{url}{path}", headers=bearing(ALL), timeout=30)
                for path in ("/metrics", "/health", "/openapi.json", "/docs")
            ),
            httpx.post(f"{url}/hooks/upload", content=b"{", headers=bearing(SECRETS[1])),
            httpx.post(f"{url}/hooks/upload", content=b'{"url": 1}', headers=bearing(SECRETS[1])),
        ]
    told = "".join(answer.text + str(answer.headers) for answer in answers)
    logged = "".join(Fields().format(record) for record in caplog.records if not record.name.startswith("httpx"))
    assert [secret for secret in SECRETS if secret in told or secret in logged] == []


def test_log_entry_is_one_line_whatever_it_quotes() -> None:
    said = "a\nb\r\nERROR all is lost\x1b[31m\x00\u2028\u202e"
    record = logging.LogRecord("x", logging.INFO, "x.py", 1, "refused: %s", (said,), None)
    record.host = said
    line = Fields().format(record)
    assert line.isprintable()
    assert "a\\nb\\r\\nERROR" in line


def test_names_and_texts_are_served_only_as_json(target: Target) -> None:
    """A page that leads a browser here cannot make one of them into a page."""
    name = "<script>alert(1)</script>.pdf"
    sent = httpx.post(f"{target.service.url}/documents", files={"file": (name, PDF + b"x")}, headers=bearing(BERT))
    listed: Any = httpx.get(f"{target.service.url}/documents", params={"name": "script"}, headers=bearing(BERT))
    for answer in (sent, listed):
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert json.loads(listed.text)["documents"][0]["name"] == "script>.pdf"  # the last part of a path
