"""Addresses by which a stranger tries to make this machine read what only it can reach: each is a failure of ours,
before a connection is made. An audit hook sees every connection of this process, and a socket listens inside.
"""

import asyncio
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from devtools.size import shipped_modules
from swatchbook.domain.errors import Failure, HostAway, InvalidReference
from swatchbook.store.files.fetch import Fetched, Resolve, fetch

ROOT = Path(__file__).parents[3]
PUBLIC = "93.184.215.14"


class Watch:
    """The addresses that this process connects to, and the names that it resolves with Python, while a test runs."""

    def __init__(self) -> None:
        self.on = False
        self.connected: list[Any] = []
        self.resolved: list[Any] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.on and event == "socket.connect":
            self.connected.append(arguments[1])
        elif self.on and event == "socket.getaddrinfo":
            self.resolved.append(arguments[0])


WATCH = Watch()
"""An audit hook cannot be taken away: there is one for all tests of this file, asleep between them."""


@pytest.fixture(scope="module", autouse=True)
def hooked() -> None:
    sys.addaudithook(WATCH)


@pytest.fixture
def watch() -> Iterator[Watch]:
    WATCH.connected, WATCH.resolved, WATCH.on = [], [], True
    yield WATCH
    WATCH.on = False


class Listener:
    """A server that answers every request with the same bytes, and keeps what it was asked."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self.heard: list[bytes] = []
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                head = b""
                while b"\r\n\r\n" not in head and (piece := connection.recv(4096)):
                    head += piece
                if not head:
                    return
                self.heard.append(head)
                connection.sendall(self._answer(head))

    def close(self) -> None:
        socket.create_connection(("127.0.0.1", self.port)).close()  # without a request: its thread ends
        self._thread.join()
        self._socket.close()


@contextmanager
def listening(answer: Callable[[bytes], bytes]) -> Iterator[Listener]:
    server = Listener(answer)
    try:
        yield server
    finally:
        server.close()


@pytest.fixture
def inside() -> Iterator[Listener]:
    """What only this machine can reach."""
    with listening(lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret") as server:
        yield server


def get(url: str, into: Path, *, resolve: Resolve | None = None, trusted: tuple[str, ...] = ()) -> Fetched:
    """Fetch, by the system's resolver if none is given."""
    given: dict[str, Any] = {} if resolve is None else {"resolve": resolve}
    return asyncio.run(fetch(url, into, max_bytes=1 << 20, private_hosts=trusted, seconds=5, idle_seconds=2, **given))


def answering(*addresses: str) -> Resolve:
    async def resolve(host: str, port: int) -> list[str]:
        return list(addresses)

    return resolve


# --- the address itself -----------------------------------------------------------------------------------------------

BY_SYSTEM: Mapping[str, str] = {
    # IPv4 in the notations of inet_aton
    "dotted": "127.0.0.1", "two parts": "127.1", "three parts": "127.0.1", "one number": "2130706433",
    "hexadecimal": "0x7f000001", "octal": "017700000001", "parts of three bases": "0177.0x0.1",
    "octal with more zeros": "0000000177.0.0.0000001", "nought": "0", "unspecified": "0.0.0.0",
    "other loopback": "127.255.255.254", "broadcast": "255.255.255.255", "number of the metadata": "2852039166",
    "hexadecimal parts of the metadata": "0xa9.0xfe.0xa9.0xfe", "address ends with a dot": "127.0.0.1.",
    # networks that only this machine or its neighbours reach
    "metadata of clouds": "169.254.169.254", "metadata of containers": "169.254.170.2",
    "metadata behind a carrier's addresses": "100.100.100.200", "metadata among protocol assignments": "192.0.0.192",
    "largest private network": "10.255.0.1", "middle private network": "172.31.255.255",
    "private network of homes": "192.168.0.1", "benchmarks": "198.19.0.1", "multicast": "239.255.255.250",
    "reserved": "250.1.2.3",
    # IPv6
    "loopback of IPv6": "[::1]", "unspecified of IPv6": "[::]", "IPv4 mapped": "[::ffff:127.0.0.1]",
    "IPv4 compatible": "[::127.0.0.1]", "IPv4 translated": "[::ffff:0:127.0.0.1]",
    "NAT64": "[64:ff9b::169.254.169.254]", "NAT64 of one network": "[64:ff9b:1::127.0.0.1]",
    "6to4": "[2002:7f00:1::1]", "Teredo": "[2001:0:4136:e378:8000:63bf:80ff:fffe]", "ORCHID": "[2001:20::1]",
    "metadata in IPv6": "[fd00:ec2::254]", "link": "[fe80::1]", "ISATAP": "[fe80::5efe:127.0.0.1]",
    "site": "[fec0::1]", "multicast of IPv6": "[ff02::1]", "segment routing": "[5f00::1]",
    # signs that become others
    "circled digits": "①②⑦.⓪.⓪.①", "wide digits": "１２７.０.０.１", "ideographic dots": "127。0。0。1",
    "wide letters": "ｌｏｃａｌｈｏｓｔ", "long s": "localho\u017ft", "capital letters": "LocalHost",
    "root of names": "localhost.",
}  # fmt: skip
"""Form -> a host that the system's own resolver knows without asking anybody, so that it would be connected to."""


def test_host_that_leads_inwards_is_never_connected(watch: Watch, tmp_path: Path) -> None:
    for form, host in BY_SYSTEM.items():
        with pytest.raises((InvalidReference, HostAway)):
            get(f"https://{host}/latest/meta-data/", tmp_path / "a")
        assert watch.connected == [], form
    assert not (tmp_path / "a").exists()


BY_NAME: Mapping[str, tuple[str, ...]] = {
    "a public name of this machine": ("127.0.0.1",), "a public name of IPv6's loopback": ("::1",),
    "the name of the metadata": ("169.254.169.254",), "a public address first": (PUBLIC, "10.0.0.1"),
    "a public address last": ("10.0.0.1", PUBLIC), "a public address of the other family": (PUBLIC, "fd00::1"),
    "a private one behind those that are tried": (*(f"93.184.215.{n}" for n in range(20)), "127.0.0.1"),
    "mapped in the answer": ("::ffff:10.0.0.1",), "translated in the answer": ("64:ff9b::a00:1",),
    "with a zone": ("fe80::1%2",), "with a zone behind a public address": (f"{PUBLIC}%lo",),
    "a name instead of an address": ("localhost",), "an octal answer": ("0177.0.0.1",), "an empty answer": (),
    "an empty address": ("",),
}  # fmt: skip
"""What a name resolves to -> the addresses of it, as a resolver returns them."""


def test_name_that_leads_inwards_is_never_connected(watch: Watch, tmp_path: Path) -> None:
    for form, addresses in BY_NAME.items():
        with pytest.raises(InvalidReference, match="does not lead to a public https address"):
            get("https://files.example/a.pdf", tmp_path / "a", resolve=answering(*addresses))
        assert (watch.connected, watch.resolved) == ([], []), form


BY_SYNTAX: Mapping[str, str] = {
    # whose host one reader takes for another
    "user that looks like a host": "https://files.example@127.0.0.1/",
    "user and password that look like a host and port": "https://files.example:443@127.0.0.1/",
    "an encoded at sign": "https://files.example%40127.0.0.1/",
    "a backslash before the at sign": "https://127.0.0.1\\@files.example/",
    "backslashes for slashes": "https:\\\\127.0.0.1\\", "a slash and a backslash": "https:/\\127.0.0.1/",
    "no slashes": "https:127.0.0.1/", "three slashes": "https:///127.0.0.1/",
    "a fragment before the at sign": "https://127.0.0.1#@files.example/",
    "a query before the at sign": "https://127.0.0.1?@files.example/",
    "a semicolon": "https://127.0.0.1;files.example/", "two hosts": "https://files.example,127.0.0.1/",
    "a percent-encoded host": "https://%31%32%37.0.0.1/", "a slash in brackets": "https://[::1]%2f@files.example/",
    "a zone": "https://[fe80::1%25lo]/", "an address of the future": "https://[v1.127.0.0.1]/",
    "brackets that are not closed": "https://[::1/", "signs that are nothing": "https://local\u00adhost/",
    "joiners of width nought": "https://local\u200dhost/", "Punycode of nothing": "https://xn--/",
    "a password": "https://user:secret@files.example/", "nothing": "", "no host": "https://", "no scheme": "//a/b",
    "a script": "javascript:alert(1)", "a space in the host": "https://a b/",
    # signs that end a line or a text
    "a tab in the host": "https://127.0\t.0.1/", "a line break in the host": "https://files.example\r\n.127.0.0.1/",
    "a NUL in the host": "https://files.example\0.127.0.0.1/",
    "a second request in the path": "https://files.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /",
    "a space in front": " https://127.0.0.1/",
    # ports
    "a port of a service": "https://files.example:6379/", "port 0": "https://files.example:0/",
    "a port that overflows to 443": "https://files.example:65979/", "a negative port": "https://files.example:-443/",
    "two ports": "https://files.example:443:22/",
    # other schemes
    "without TLS": "http://files.example/", "a file": "file:///etc/passwd",
    "a file of a host": "file://127.0.0.1/etc/passwd", "Gopher": "gopher://127.0.0.1:6379/_FLUSHALL",
    "Dict": "dict://127.0.0.1:11211/stats", "FTP": "ftp://127.0.0.1/a", "LDAP": "ldap://127.0.0.1/",
    "a socket of this machine": "http+unix://%2Fvar%2Frun%2Fdocker.sock/info",
    "data": "data:application/pdf;base64,JVBERi0=", "an archive": "jar:https://files.example!/a",
    "a scheme in a scheme": "url:https://127.0.0.1/", "a chain of file systems": "simplecache::https://127.0.0.1/",
    "a view of a source": "view-source:https://127.0.0.1/",
    # lengths
    "a host of 60 000 letters": "https://" + "a" * 60_000 + "/",
    "a label of 64 letters": "https://" + "a" * 64 + ".example/",
    "a host of 127 labels": "https://" + "a." * 127 + "127.0.0.1/",
}  # fmt: skip
"""What another reader of addresses would be misled by -> the address."""


def test_address_that_misleads_is_never_connected(watch: Watch, tmp_path: Path) -> None:
    """Its names resolve to an address inside, so that one that is let through is refused only then."""
    for form, address in BY_SYNTAX.items():
        with pytest.raises(InvalidReference) as caught:
            get(address, tmp_path / "a", resolve=answering("127.0.0.1"))
        assert (watch.connected, "secret" in str(caught.value)) == ([], False), form


# --- where an answer leads --------------------------------------------------------------------------------------------


def redirect(status: int, *fields: str, body: str = "") -> str:
    return "\r\n".join((f"HTTP/1.1 {status} Moved", *fields, "", body))  # as long as the connection is open


def location(target: str, status: int = 302) -> str:
    return redirect(status, f"Location: {target}")


AWAY: Mapping[str, str] = {
    **{f"status {status}": location("http://127.0.0.1:{port}/", status) for status in (301, 302, 303, 307, 308)},
    "over TLS": location("https://127.0.0.1:{port}/"),
    "the same scheme, another host": location("//127.0.0.1:{port}/"),
    "a name of this machine": location("http://localhost:{port}/"),
    "loopback of IPv6": location("http://[::1]:{port}/"),
    "one number": location("http://2130706433:{port}/"),
    "metadata": location("http://169.254.169.254/latest/meta-data/"),
    "a user that looks like the host": location("http://files.example@127.0.0.1:{port}/"),
    "a file": location("file:///etc/passwd"),
    "Gopher": location("gopher://127.0.0.1:{port}/_GET"),
    "FTP": location("ftp://127.0.0.1:{port}/"),
    "data": location("data:text/plain,secret"),
    "another port of the same host by another name": location("http://FILES.EXAMPLE.:{port}/"),
    "a line break": redirect(302, "Location: http://127.0.0.1:{port}/\n X: y"),
    "a control sign": location("https://exa\x01mple/"),
    "a malformed address": location("http://[127.0.0.1:{port}/"),
    "Punycode of nothing": location("http://xn--:{port}/"),
    "signs outside ASCII": location("http://①②⑦.0.0.1:{port}/"),
}  # fmt: skip
"""Where a host that is trusted redirects to -> its answer."""


def test_redirect_inwards_is_never_connected(watch: Watch, inside: Listener, tmp_path: Path) -> None:
    for form, answer in AWAY.items():
        with outside(answer, inside) as server:
            with pytest.raises(Failure) as caught:
                get(f"http://files.example:{server.port}/a", tmp_path / "a", **reached(server))
            assert watch.connected == [("127.0.0.1", server.port)], form
        watch.connected.clear()
        assert type(caught.value) is not Failure
    assert inside.heard == []


def outside(answer: str, inside: Listener) -> AbstractContextManager[Listener]:
    """A server that gives this answer, with the port of what is inside in it."""
    filled = answer.replace("{port}", str(inside.port)).encode()
    return listening(lambda _: filled)


def reached(server: Listener) -> dict[str, Any]:
    """Let `files.example` be trusted, and every name lead to this machine."""
    return {"resolve": answering("127.0.0.1"), "trusted": ("files.example",)}


def test_chain_that_ends_inside_is_refused_there(watch: Watch, inside: Listener, tmp_path: Path) -> None:
    steps = {b"/a": "/b", b"/b": "c", b"/c": "?d", b"/c?d": f"http://127.0.0.1:{inside.port}/"}
    with listening(lambda head: location(steps[head.split(b" ")[1]]).encode()) as outside:
        with pytest.raises(InvalidReference, match="does not lead to a public"):
            get(f"http://files.example:{outside.port}/a", tmp_path / "a", **reached(outside))
        assert [head.split(b" ")[1] for head in outside.heard] == [*steps]
    assert inside.heard == []


NOT_FOLLOWED: Mapping[str, str] = {
    "a field for browsers": redirect(200, "Refresh: 0; url=http://127.0.0.1:{port}/", body="x"),
    "a page for browsers": redirect(200, body='<meta http-equiv="refresh" content="0; url=http://127.0.0.1:{port}/">'),
    "another place of the service": redirect(200, 'Alt-Svc: http/1.1="127.0.0.1:{port}"', body="x"),
    "where the content is": redirect(200, "Content-Location: http://127.0.0.1:{port}/", body="x"),
    "a link": redirect(200, "Link: <http://127.0.0.1:{port}/>; rel=preload", body="x"),
    "several choices": redirect(300, "Location: http://127.0.0.1:{port}/"),
    "what was made": redirect(201, "Location: http://127.0.0.1:{port}/"),
    "a proxy that must be used": redirect(305, "Location: http://127.0.0.1:{port}/"),
    "a password that is asked for": redirect(401, 'WWW-Authenticate: Basic realm="http://127.0.0.1:{port}/"'),
    "another protocol": redirect(101, "Upgrade: h2c", "Connection: Upgrade"),
}  # fmt: skip
"""What else an answer can name -> the answer of a host that is trusted."""


def test_only_a_redirect_is_followed(watch: Watch, inside: Listener, tmp_path: Path) -> None:
    for form, answer in NOT_FOLLOWED.items():
        with outside(answer, inside) as server:
            url, how = f"http://files.example:{server.port}/a", reached(server)
            if answer.startswith("HTTP/1.1 200"):
                get(url, tmp_path / "a", **how)
            else:
                with pytest.raises(Failure):
                    get(url, tmp_path / "a", **how)
            assert {port for _, port in watch.connected} == {server.port}, form
        watch.connected.clear()
    assert inside.heard == []


# --- between the check and the connection -----------------------------------------------------------------------------


def test_name_that_changes_leads_to_what_was_checked(watch: Watch, inside: Listener, tmp_path: Path) -> None:
    """DNS rebinding: a second question would be answered with an address inside."""
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])

    async def resolve(host: str, port: int) -> list[str]:
        return next(answers)

    with listening(lambda _: redirect(200, body="public").encode()) as outside:
        get(f"http://files.example:{outside.port}/a", tmp_path / "a", resolve=resolve, trusted=("files.example",))
        assert watch.connected == [("127.0.0.1", outside.port)]
    assert next(answers) == ["127.0.0.2"]
    assert watch.resolved == ["127.0.0.1"], "an address, which needs no resolver"
    assert (tmp_path / "a").read_bytes() == b"public"


def test_proxy_of_the_environment_is_not_asked(
    watch: Watch, inside: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would resolve the name again, and connect to what it likes."""
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{inside.port}")
    with outside(redirect(200, body="public"), inside) as server:
        get(f"http://files.example:{server.port}/a", tmp_path / "a", **reached(server))
        assert watch.connected == [("127.0.0.1", server.port)]
    assert inside.heard == []


def test_hook_and_listener_notice_a_connection(watch: Watch, inside: Listener, tmp_path: Path) -> None:
    """Else the tests above could not fail."""
    get(f"http://127.0.0.1:{inside.port}/", tmp_path / "a", trusted=("127.0.0.1",))
    assert watch.connected == [("127.0.0.1", inside.port)]
    assert len(inside.heard) == 1
    assert (tmp_path / "a").read_bytes() == b"secret"


OPENS = re.compile(r"\b(?:httpx\.(?:Async)?Client|httpx\.(?:get|post)|urlopen|create_connection|httpcore\.\w*Pool)\(")
"""How a module opens connections."""

OUTWARDS: Mapping[str, str] = {
    "swatchbook/store/files/fetch.py": "addresses of strangers; the tests above",
    "swatchbook/ingest/notify.py": "SWATCHBOOK_NOTICE_URL, a setting",
    "swatchbook/models/providers/client.py": "addresses of providers, settings",
    "swatchbook/index/weaviate_connection.py": "SWATCHBOOK_WEAVIATE__URL, a setting",
    "deployments/scheduler/launch.py": "PREFECT_API_URL, a setting",
    "swatchbook/doors/service/serve.py": "the service's own address",
    "swatchbook/doors/cli/ask_service.py": "SWATCHBOOK_SERVICE_URL, a setting",
    "packages/client/swatchbook_client/client.py": "the address that a program gives to its own client",
    "packages/client/swatchbook_client/async_client.py": "the same",
    "swatchbook/doors/prefect_server.py": "PREFECT_API_URL, a setting, and the server that a command starts",
}
"""Module that opens connections -> who says where to."""


def test_one_module_connects_to_what_strangers_name() -> None:
    found = {str(file.relative_to(ROOT)) for file in shipped_modules() if OPENS.search(file.read_text())}
    assert found == OUTWARDS.keys()
