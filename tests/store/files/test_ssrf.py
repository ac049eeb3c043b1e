"""Addresses by which a stranger tries to make this machine read what only it can reach: each is a failure of ours,
before a connection is made. An audit hook sees every connection of this process, and a socket listens inside.
"""

import asyncio
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from devtools.size import shipped_modules
from swatchbook.domain import tracing
from swatchbook.domain.errors import Configuration, Failure, HostAway, InvalidReference
from swatchbook.domain.setting_groups import VisionProvider
from swatchbook.domain.settings import Settings
from swatchbook.ingest.notify import _post as post
from swatchbook.models.providers.endpoint import endpoint
from swatchbook.store.files.fetch import Fetched
from tests.serving import Answers, StandIn, serving
from tests.store.files.test_fetch import answering
from tests.store.files.test_fetch import get as fetched
from tests.tables import rows_of

ROOT = Path(__file__).parents[3]


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


class Listener(StandIn):
    """A server that gives one answer, and keeps which paths it was asked for."""

    def __init__(self, answer: Callable[[str], bytes]) -> None:
        super().__init__(_Answers)
        self.heard: list[str] = []
        self.port = int(self.server_address[1])
        self.answer = answer


class _Answers(Answers):
    server: Listener

    def do_GET(self) -> None:
        self.server.heard.append(self.path)
        self.wfile.write(self.server.answer(self.path))


@pytest.fixture
def inside() -> Iterator[Listener]:
    with serving(Listener(lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret")) as server:
        yield server


def get(url: str, into: Path, **how: Any) -> Fetched:
    return fetched(url, into, **{"private_hosts": (), **how})


def test_host_that_leads_inwards_is_never_connected(watch: Watch, tmp_path: Path) -> None:
    """By hosts that the system's own resolver knows without asking anybody, so that it would be connected to."""
    for form, host in rows_of(__file__, "by_system"):
        with pytest.raises((InvalidReference, HostAway)):
            get(f"https://{host}/latest/meta-data/", tmp_path / "a")
        assert watch.connected == [], form
    assert not (tmp_path / "a").exists()


def test_name_that_leads_inwards_is_never_connected(watch: Watch, tmp_path: Path) -> None:
    for form, addresses in rows_of(__file__, "by_name"):
        with pytest.raises(InvalidReference, match="does not lead to a public https address") as caught:
            get("https://files.example/a.pdf", tmp_path / "a", resolve=answering(*addresses))
        assert not [address for address in addresses if address and address in str(caught.value)], form
        assert (watch.connected, watch.resolved) == ([], []), form


def test_address_that_misleads_is_never_connected(watch: Watch, tmp_path: Path) -> None:
    """Its names resolve to an address inside, so that one that is let through is refused only then."""
    longest = ("a host of 60 000 letters", f"https://{'a' * 60_000}/")
    for form, address in (*rows_of(__file__, "by_syntax"), longest):
        with pytest.raises(InvalidReference) as caught:
            get(address, tmp_path / "a", resolve=answering("127.0.0.1"))
        assert (watch.connected, "secret" in str(caught.value)) == ([], False), form


def redirect(status: int, *fields: str, body: str = "") -> str:
    return "\r\n".join((f"HTTP/1.1 {status} Moved", *fields, "", body))  # as long as the connection is open


def test_redirect_inwards_is_never_connected(watch: Watch, inside: Listener, tmp_path: Path) -> None:
    for form, answer in rows_of(__file__, "away"):
        with outside(answer, inside) as server:
            with pytest.raises(Failure) as caught:
                get(f"http://files.example:{server.port}/a", tmp_path / "a", **reached(server))
            assert watch.connected == [("127.0.0.1", server.port)], form
        watch.connected.clear()
        assert type(caught.value) is not Failure
    assert inside.heard == []


def outside(answer: str, inside: Listener) -> AbstractContextManager[Listener]:
    filled = answer.replace("{port}", str(inside.port)).encode()
    return serving(Listener(lambda _: filled))


def reached(server: Listener) -> dict[str, Any]:
    return {"resolve": answering("127.0.0.1"), "private_hosts": ("files.example",)}


def test_chain_that_ends_inside_is_refused_there(watch: Watch, inside: Listener, tmp_path: Path) -> None:
    steps = {"/a": "/b", "/b": "c", "/c": "?d", "/c?d": f"http://127.0.0.1:{inside.port}/"}
    with serving(Listener(lambda path: redirect(302, f"Location: {steps[path]}").encode())) as outside:
        with pytest.raises(InvalidReference, match="does not lead to a public"):
            get(f"http://files.example:{outside.port}/a", tmp_path / "a", **reached(outside))
        assert outside.heard == [*steps]
    assert inside.heard == []


def test_only_a_redirect_is_followed(watch: Watch, inside: Listener, tmp_path: Path) -> None:
    for form, answer in rows_of(__file__, "not_followed"):
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


def test_name_that_changes_leads_to_what_was_checked(watch: Watch, inside: Listener, tmp_path: Path) -> None:
    """DNS rebinding: a second question would be answered with an address inside."""
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])

    async def resolve(host: str, port: int) -> list[str]:
        return next(answers)

    with outside(redirect(200, body="public"), inside) as server:
        get(f"http://files.example:{server.port}/a", tmp_path / "a", resolve=resolve, private_hosts=("files.example",))
        assert watch.connected == [("127.0.0.1", server.port)]
    assert next(answers) == ["127.0.0.2"]
    assert watch.resolved == [], "an address needs no resolver"
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
    get(f"http://127.0.0.1:{inside.port}/", tmp_path / "a", private_hosts=("127.0.0.1",))
    assert watch.connected == [("127.0.0.1", inside.port)]
    assert len(inside.heard) == 1
    assert (tmp_path / "a").read_bytes() == b"secret"


METADATA = (
    "169.254.169.254", "2852039166", "[fe80::1]", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]",
    "100.100.100.200",
)  # fmt: skip


def test_no_operator_address_leads_to_a_cloud(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    for host in METADATA:
        url = f"http://{host}/latest"
        settings = Settings(vision=VisionProvider(url=url, model="any"))
        monkeypatch.setenv(tracing.ENDPOINT, url)
        refused = "leads to a link-local address, or to that of a cloud's metadata service"
        with pytest.raises(Configuration, match=f"SWATCHBOOK_VISION__URL {refused}"):
            endpoint(settings, "vision")
        with pytest.raises(Configuration, match=f"{tracing.ENDPOINT} {refused}"):
            tracing.endpoint()
        assert refused in str(asyncio.run(post(settings, url, {}, b"")))
    assert watch.connected == []
    named = settings.model_copy(update={"fetch_private_hosts": ("100.100.100.200",)})
    assert endpoint(named, "vision").url == url
    private = VisionProvider(url="http://10.0.0.7/v1", model="any")
    assert endpoint(Settings(vision=private), "vision").host == "10.0.0.7"


OPENS = re.compile(r"\b(?:httpx\.(?:Async)?Client|httpx\.(?:get|post)|urlopen|create_connection|httpcore\.\w*Pool)\(")
"""How a module opens connections."""


def test_one_module_connects_to_what_strangers_name() -> None:
    found = {str(file.relative_to(ROOT)) for file in shipped_modules() if OPENS.search(file.read_text())}
    assert found == {module for module, _who_says_where_to in rows_of(__file__, "outwards")}
