"""Pages and thumbnails over HTTP: of the size asked for, under limits, made once."""

import io
import socket
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
import pymupdf
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from swatchbook.domain.settings import Settings, load_settings
from swatchbook.resources import Resources
from swatchbook_catalogue.pdf import reader
from tests.deployments.conftest import queued
from tests.doors.pages import resources
from tests.doors.served import served
from tests.store.ledger import scene
from tests.waiting import until

__all__ = ["resources"]  # a fixture


def picture(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_page_is_rendered_once_at_the_requested_width(
    sample: TestClient, resources: Resources, document: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = sample.get(f"/documents/{document}/pages/3", params={"width": 300})
    assert (first.status_code, first.headers["content-type"]) == (200, "image/png")
    assert picture(first.content).size == (300, 425)
    assert picture(first.content).format == "PNG"
    assert first.headers["content-security-policy"].startswith("sandbox")
    assert picture(sample.get(f"/documents/{document}/pages/3").content).size[0] == 800
    assert len(list(resources.previews.paths())) == 2
    monkeypatch.setattr(reader, "reader_module", lambda _: "no.such.module")
    monkeypatch.setattr("swatchbook_catalogue.stages.render_page", None)
    assert sample.get(f"/documents/{document}/pages/3", params={"width": 300}).content == first.content


def put(resources: Resources, data: bytes) -> str:
    """A document of one page whose file is these bytes; its id."""
    file = resources.files.put_bytes(data, ".pdf")
    document = queued(resources, "odd", content=file[:64], file=file, size=len(data))
    scene.set_document(resources.ledger, document.id, page_count=1)
    return document.id


def test_pages_that_cannot_be_shown_say_why(sample: TestClient, resources: Resources, document: str) -> None:
    refused = sample.get(f"/documents/{put(resources, b'%PDF-1.7 and nothing else')}/pages/1")
    assert (refused.status_code, refused.json()["kind"]) == (422, "unreadable_document")
    gone = put(resources, b"%PDF-1.7 gone")
    (path,) = (path for path in Path(resources.files.url).rglob("*.pdf") if path.read_bytes() == b"%PDF-1.7 gone")
    path.unlink()
    assert sample.get(f"/documents/{gone}/pages/1").json()["kind"] == "file_missing"
    assert list(resources.previews.paths()) == []
    refused = sample.get(f"/documents/{document}/pages/7")
    assert (refused.status_code, refused.json()["detail"]) == (404, "Page 7 not found: the document has 6 pages.")
    assert sample.get(f"/documents/{document}/pages/0").status_code == 422
    new = queued(resources)
    assert "not been read" in sample.get(f"/documents/{new.id}/pages/1").json()["detail"]
    strip = pymupdf.open()
    strip.new_page(width=10, height=14_000)
    rendered = sample.get(f"/documents/{put(resources, strip.tobytes())}/pages/1?width=2000")
    width, height = picture(rendered.content).size
    assert width < 10
    assert height == reader.MOST_HEIGHT


def test_thumbnail_is_a_jpeg_of_the_requested_size(sample: TestClient, resources: Resources, document: str) -> None:
    (shown, *_) = sample.get(f"/documents/{document}/images").json()["images"]
    path = f"/images/{shown['id']}/thumbnail"
    sent = sample.get(path)
    assert sent.headers["content-type"] == "image/jpeg"
    assert max(picture(sent.content).size) == 256
    assert max(picture(sample.get(path, params={"side": 64}).content).size) == 64
    assert max(picture(sample.get(path, params={"side": 1024}).content).size) == 1024
    assert picture(sent.content).format == "JPEG"
    assert len(list(resources.previews.paths())) == 3
    assert [sample.get(path, params={"side": side}).status_code for side in (15, 1025)] == [422, 422]


def test_pages_that_a_browser_left_are_not_rendered(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = list[int]()

    def render(path: Path, number: int, settings: Settings, *, width: int) -> bytes:
        made.append(width)
        time.sleep(0.5)
        return b"a picture"

    monkeypatch.setattr("swatchbook_catalogue.stages.render_page", render)
    with served(load_settings()) as service, ExitStack() as opened:
        (document,) = httpx.get(f"{service.url}/documents").json()["documents"]
        path = f"/documents/{document['id']}/pages/1?width="
        for width in range(101, 109):
            connection = opened.enter_context(socket.create_connection(("127.0.0.1", service.port)))
            connection.sendall(f"GET {path}{width} HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\n\r\n".encode())
        until(lambda: len(made) == 2, seconds=30)
        opened.close()
        assert httpx.get(f"{service.url}{path}200").content == b"a picture"
    assert len(made) == 3
