"""The command `search` asked of a running service, over a real socket."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from pydantic import SecretStr

from interface.cli.ask_service import read_address, search_at_service
from swatchbook.errors import Authentication, Configuration, Failure, InvalidReference, ProviderDown
from swatchbook.index.base import Where
from swatchbook.records import SearchResults
from swatchbook.settings import Settings, load_settings
from tests.command import attempt, run, run_json
from tests.conftest import free_port
from tests.interface.conftest import ANNA
from tests.interface.service.served import served


def ask(url: str, *, key: str | None = None, owner: str | None = "anna", text: str = "oak") -> SearchResults:
    settings = Settings(service_url=url, service_key=SecretStr(key) if key else None)
    found = {"text": text, "image": None, "like": (), "unlike": (), "owner": owner, "where": Where(), "documents": ()}
    return search_at_service(settings, **found, by="image", k=10, offset=0, weights=None)  # type: ignore[arg-type]


@pytest.fixture
def nowhere() -> str:
    return f"http://127.0.0.1:{free_port()}"


def test_it_says_what_a_search_here_says(filled: Path, keys: None, tmp_path: Path) -> None:
    picture = next(file for file in sorted((filled / "files").rglob("*")) if file.suffix in (".jpg", ".png"))
    asked = (
        ("oak", "--owner", "anna", "-k", "3"),
        ("oak", "--owner", "anna", "--by", "product", "--where", "page=2", "--where", "price_max=1000000"),
        ("oak", "--owner", "anna", "--by", "product", "--where", "currency=eur"),
        ("--image", str(picture), "--owner", "anna"),
        ("oak", "--owner", "anna", "--by", "chunk", "--where", "material=rovere"),
    )
    counted = ("--owner", "anna", "--by", "product", "--where", "color=grey", "--where", "price_max=90")
    here = [run_json("search", *arguments) for arguments in asked]
    assert all(here[n] for n in (0, 2, 3, 4))
    table = run("search", *asked[0], "--explain")
    facets = run_json("facets", *counted)
    assert facets["total"] == 1
    with served(load_settings()) as service:
        there = {"SWATCHBOOK_SERVICE_URL": service.url, "SWATCHBOOK_SERVICE_KEY": ANNA}
        there["SWATCHBOOK_HOME"] = str(tmp_path / "empty")
        assert [run_json("search", *arguments, **there) for arguments in asked] == here
        assert run("search", *asked[0], "--explain", **there) == table
        assert run_json("facets", *counted, **there) == facets
        missed = attempt("search", "tile", "--owner", "anna", "--where", "material=oack", **there)
        assert (missed[0], "Nothing has material=oack. Nearest: European oak on spruce core" in missed[2]) == (0, True)


@pytest.mark.parametrize(("key", "owner"), [(None, "anna"), ("unknown-0123456789", "anna"), (ANNA, "bert")])
def test_refused_key_is_named_with_what_to_do(home: Path, keys: None, key: str | None, owner: str) -> None:
    with served(load_settings()) as service, pytest.raises(Authentication, match="SWATCHBOOK_SERVICE_KEY") as refused:
        ask(service.url, key=key, owner=owner)
    assert not key or key not in str(refused.value)


def test_service_that_is_not_there_is_named_with_what_to_do(nowhere: str) -> None:
    with pytest.raises(ProviderDown, match=r"No service responds at .*swatchbook serve"):
        ask(nowhere)


def test_what_the_service_refuses_is_said(home: Path) -> None:
    with served(load_settings()) as service, pytest.raises(InvalidReference):
        ask(service.url, text="a" * 1_001)


@pytest.mark.parametrize("url", ["shop", "ftp://shop", "https://user:secret@shop", "https://shop/?a=b", "http://[shop"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(Configuration, match="not a valid address") as refused:
        read_address(Settings(service_url=url))
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["http://shop.example.com", "http://192.168.0.7:8420"])
def test_key_goes_to_no_other_machine_without_encryption(url: str) -> None:
    with pytest.raises(Configuration, match="without encryption"):
        read_address(Settings(service_url=url, service_key=SecretStr(ANNA)))
    assert not read_address(Settings(service_url=url)).tls
    assert read_address(Settings(service_url=url.replace("http:", "https:"), service_key=SecretStr(ANNA))).tls


class Elsewhere(BaseHTTPRequestHandler):
    """Leads everybody to another address, and keeps who came."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.send_response(302 if self.path.startswith("/search") else 200)
        self.send_header("Location", "/led")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *said: object) -> None: ...


@pytest.fixture
def elsewhere() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), Elsewhere)
    server.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_redirect_is_not_followed(elsewhere: HTTPServer) -> None:
    with pytest.raises(Failure, match="redirects are not followed"):
        ask(f"http://127.0.0.1:{elsewhere.server_port}", key=ANNA)
    assert len(elsewhere.asked) == 1  # type: ignore[attr-defined]
