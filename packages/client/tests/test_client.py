"""The Python client against the real service on a real socket."""

import ast
import asyncio
import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from swatchbook.domain.records import DocumentStatus, IngestOptions
from swatchbook.index.contract import FILTERS, FilterArguments, Filters
from swatchbook.resources import Resources
from swatchbook.store.ledger.stored_documents import get_document
from swatchbook_client import Client
from swatchbook_client.errors import Conflict, Denied, Invalid, NoAnswer, NotFound, ServiceError, Unavailable
from tests.doors.conftest import ALL, ANNA
from tests.doors.served import Served, answering
from tests.fixtures import ROOT
from tests.store.ledger import scene
from tests.tables import rows_of
from tests.test_tutorials import blocks

NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def anna(service: Served) -> Iterator[Client]:
    with Client(service.url, key=ANNA) as client:
        yield client


@pytest.fixture
def document(anna: Client) -> str:
    (listed,) = anna.documents()
    return listed.id


def set_status(resources: Resources, document: str, status: DocumentStatus) -> None:
    scene.set_document(resources.ledger, document, status=status)


def test_every_filter_is_an_argument() -> None:
    assert FilterArguments.__annotations__.keys() == {*FILTERS, "editions"} == {*Filters.model_fields}


def test_the_examples_of_the_documentation_run(
    service: Served, small_catalogue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(small_catalogue, tmp_path / "catalogue.pdf")
    for example in blocks(ROOT / "docs" / "service.md", "python")[:2]:
        assert '"http://127.0.0.1:8420"' in example
        example = example.replace("http://127.0.0.1:8420", service.url).replace("4f1c…", ANNA)
        if running := eval(compile(example, "docs/service.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), {}):
            asyncio.run(running)
    first, *found, oak, terrazzo = capsys.readouterr().out.splitlines()
    assert first == "completed 14"
    assert found[0].startswith("Nordvik Oak € 82.50 per m² ['")
    assert any(line.startswith("Palladio Terrazzo 0.") for line in found)
    assert "Nordvik Oak" in oak
    assert "Palladio Terrazzo" in terrazzo


def test_file_is_sent_and_lists_come_in_portions(
    anna: Client, service: Served, tmp_path: Path, document: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "new.pdf").write_bytes(b"%PDF-1.7 new %%EOF")
    sent = anna.upload(tmp_path / "new.pdf", name="Spring.pdf", options=IngestOptions(focus=False))
    assert (sent.owner, sent.name, sent.status) == ("anna", "Spring.pdf", "queued")
    stored = get_document(service.resources.ledger, sent.id)
    assert service.resources.files.read(str(stored.file)) == b"%PDF-1.7 new %%EOF"
    assert stored.options.focus is False
    monkeypatch.setattr("swatchbook_client.request.PAGE_ENTRIES", 1)
    assert [each.id for each in anna.documents()] == [sent.id, document]
    assert [each.id for each in anna.documents(status="queued", name="spring")] == [sent.id]
    with pytest.raises(Conflict, match="Nothing to stop"):
        anna.cancel(document)


def test_wait_ends_when_the_document_is_settled(anna: Client, service: Served, document: str) -> None:
    set_status(service.resources, document, DocumentStatus.RUNNING)
    with pytest.raises(TimeoutError, match="running"):
        anna.wait(document, timeout=0.05, every=0.02)
    later = threading.Timer(0.2, set_status, (service.resources, document, DocumentStatus.BLOCKED))
    later.start()
    assert anna.wait(document, timeout=20, every=0.02).status == "blocked"
    later.join()
    assert anna.wait(document, timeout=0).status == "blocked"
    with pytest.raises(NotFound):
        anna.wait(NOBODY)


def test_wait_outlives_an_outage(anna: Client, service: Served, document: str, monkeypatch: pytest.MonkeyPatch) -> None:
    set_status(service.resources, document, DocumentStatus.RUNNING)
    asked: list[int] = []
    real = anna.status

    def status(wanted: str) -> object:
        asked.append(1)
        if len(asked) == 2:
            raise NoAnswer("away")
        if len(asked) == 3:
            set_status(service.resources, document, DocumentStatus.COMPLETED)
        return real(wanted)

    monkeypatch.setattr(anna, "status", status)
    assert anna.wait(document, timeout=20, every=0.01).status == "completed"
    assert len(asked) == 3


def test_search_takes_text_pictures_and_filters(anna: Client, document: str) -> None:
    (product,) = anna.search("oak", by="product", k=1)
    assert (product.title, product.images[0]) == ("Nordvik Oak", anna.product(product.id).pictures[0].id)
    everything = anna.search("oak", k=100)
    there = anna.search("oak", k=100, page=3, document=document, category=["terrazzo", "wood"])
    assert 0 < len(there) < len(everything)
    assert anna.search("oak", k=100, price_max=1) == []
    assert everything.unmatched == ()
    picture = anna.image_file(product.images[0])
    for nothing in (anna.search("oak", material="porcelin"), anna.search(image=picture, material="porcelin")):
        (missed,) = nothing.unmatched
        assert (nothing, missed.field, missed.asked) == ([], "material", ("porcelin",))
    (similar,) = anna.search(image=picture, k=1, explain=True, page=[3, 4])
    assert similar.why
    assert similar.id in [image.id for image in anna.images(document)]


def test_state_is_answered_even_when_service_is_down(service: Served, anna: Client) -> None:
    assert anna.live().status == "ok"
    assert anna.ready().status == "ready"
    with Client(service.url, key=ALL) as operator:
        assert (operator.health().status, operator.health().stats.owners) == ("ok", 1)
        assert "swatchbook_index_up 1.0" in operator.metrics()
        with pytest.raises(Denied):
            anna.metrics()
    body = b'{"status": "not ready", "database": "down", "index": "ok", "disk": "ok"}'
    with answering(503, body) as address, Client(address) as client:
        assert (client.ready().status, client.ready().database) == ("not ready", "down")
        with pytest.raises(NoAnswer):
            client.stats()


def test_every_refusal_is_a_class_that_says_why(anna: Client, service: Served, document: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="not found") as unknown:
        anna.status(NOBODY)
    assert (unknown.value.status, unknown.value.kind) == (404, None)
    with pytest.raises(Invalid) as wrong:
        anna.search("oak", k=1_000)
    assert [each.where for each in wrong.value.errors] == ["query.k"]
    (tmp_path / "a.pdf").write_text("no PDF")
    with pytest.raises(Invalid):
        anna.upload(tmp_path / "a.pdf")
    with pytest.raises(Denied):
        list(anna.documents(owner="bert"))
    with Client(service.url, key="nobody-0123456789abcdef") as stranger, pytest.raises(Denied):
        stranger.status(document)
    with (
        Client(service.url, key=ALL, owner="ana") as careless,
        pytest.raises(NotFound, match=r"Known owners: anna, bert\."),
    ):
        list(careless.documents())
    with pytest.raises(NotFound):
        anna.status("../health")


def test_an_outage_says_when_to_try_again(anna: Client, service: Served, document: str) -> None:
    (image, *_) = [each for each in anna.images(document) if each.state == "complete"]
    for stored in Path(service.resources.files.url).rglob("*.*"):
        stored.unlink()
    with pytest.raises(Unavailable) as away:
        anna.image_file(image.id)
    assert (away.value.status, away.value.kind, away.value.retry_after) == (503, "file_missing", 15)
    assert away.value.id


def test_silent_address_is_an_error_without_waiting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with Client(address, timeout=0.1) as silent, pytest.raises(NoAnswer, match="No answer"):
            silent.status(NOBODY)
    started = time.monotonic()
    with Client(address) as gone, pytest.raises(NoAnswer):
        gone.wait(NOBODY)
    assert time.monotonic() - started < 10


def test_other_answers_and_addresses_are_refused() -> None:
    for status, body, expected in rows_of(__file__, "other_answers"):
        with answering(status, body.encode()) as url, Client(url) as client, pytest.raises(ServiceError) as raised:
            client.search("oak")
        assert type(raised.value).__name__ == expected
    for url in rows_of(__file__, "invalid"):
        with pytest.raises(ValueError, match="address") as refused:
            Client(url)
        assert "secret" not in str(refused.value)
    for url in ("http://swatchbook.example", "HTTP://192.168.0.7:8420"):
        with pytest.raises(ValueError, match="https"):
            Client(url, key=ANNA)
    with pytest.raises(ValueError, match="characters"):
        Client("https://swatchbook.example", key="schlüssel")
    for url in ("https://swatchbook.example", "http://localhost:8420", "http://[::1]:8420"):
        Client(url, key=ANNA).close()
    assert ANNA not in repr(Client("http://localhost", key=ANNA))


def test_unknown_fields_of_a_newer_service_are_ignored(anna: Client, document: str) -> None:
    product = next(anna.products(document))
    newer = json.loads(product.model_dump_json()) | {"new": 1}
    newer["pictures"][0] |= {"newer": {"a": 1}}
    with answering(200, json.dumps(newer).encode()) as address, Client(address) as client:
        assert client.product(product.id) == product
