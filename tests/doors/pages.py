"""Pages as a browser reads them."""

import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from swatchbook.domain.settings import Settings
from swatchbook.resources import Resources
from swatchbook_service.app import create_app
from tests.doors.conftest import ADDRESS, asking
from tests.doors.served import rest

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source"}


class Page(HTMLParser):
    """The tags of a page with their attributes, its text, and whether each tag is closed where it must be."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attributes}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attributes}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        """The tags of this name that have these attributes (`class_` for class)."""
        asked = {name.rstrip("_"): value for name, value in attributes.items()}
        return [given for name, given in self.tags if name == tag and asked.items() <= given.items()]

    def links(self, begin: str) -> list[str]:
        """The addresses that begin so, each once."""
        found = (given.get("href", "") for _, given in self.tags)
        return list(dict.fromkeys(address for address in found if address.startswith(begin)))


@pytest.fixture
def sample(filled: Path) -> Iterator[TestClient]:
    """Somebody on this machine, of a service with anna's sample."""
    with asking() as client:
        yield client


@pytest.fixture(scope="module")
def one_sample(ingested_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The same for all tests of a file, which leave the sample as it is."""
    home = shutil.copytree(ingested_home, tmp_path_factory.mktemp("sample") / "home")
    with TestClient(create_app(Settings(home=home), loop=rest), base_url=ADDRESS) as client:
        yield client


@pytest.fixture
def resources(sample: TestClient) -> Resources:
    tools: Resources = sample.app.state.resources  # type: ignore[attr-defined]
    return tools


@pytest.fixture
def document(sample: TestClient) -> str:
    (only,) = sample.get("/documents").json()["documents"]
    return str(only["id"])


def send(client: TestClient, address: str, **fields: str) -> httpx.Response:
    """Send a form as a browser does, which does not follow where it leads."""
    headers = {**BROWSER, "Origin": str(client.base_url).rstrip("/")}
    return client.post(address, data=fields, headers=headers, follow_redirects=False)


def page(client: TestClient, address: str, status: int = 200) -> Page:
    got = client.get(address, headers=BROWSER)
    assert got.status_code == status, got.text
    assert got.headers["content-type"].startswith("text/html")
    return Page(got.text)
