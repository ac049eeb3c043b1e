"""Pictures of a scraped batch that are URLs: fetched once, from a real server, and each that cannot be is named."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from swatchbook.domain.errors import DiskFull
from swatchbook.domain.records import Role
from swatchbook.domain.settings import load_settings
from swatchbook.ingest.run import Work
from swatchbook.ingest.scan import is_unchanged, scan
from swatchbook.resources import Resources, open_resources
from swatchbook.store.files import fetch
from swatchbook.store.ledger.claims import cut_batches
from swatchbook.store.ledger.queries.document import read_products, show_document
from swatchbook.store.ledger.queries.report import failures
from swatchbook.store.ledger.source_items import count_items
from swatchbook.store.ledger.tables import items
from tests.ingest.sources.pictures import draw, write
from tests.ingest.test_scan import begin, document_of, scanned, taken
from tests.origin import Origin, origin
from tests.store.ledger import scene
from tests.tables import rows_of

ITEMS = ("oak", "slate", "linen")
NOT_HERE = "does not lead to a public https address"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Origin]:
    """A shop with three pictures."""
    with origin() as running:
        for number, name in enumerate(ITEMS):
            running.files[f"/{name}.png"] = draw(tmp_path / "shop" / f"{name}.png", number).read_bytes()
        yield running


@pytest.fixture
def resources(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Resources]:
    """Tools that trust the host "localhost", by its name alone, and are impatient."""
    monkeypatch.setenv("SWATCHBOOK_FETCH_PRIVATE_HOSTS", "localhost")
    monkeypatch.setenv("SWATCHBOOK_UPLOAD_IDLE_SECONDS", "1")
    monkeypatch.setenv("SWATCHBOOK_MAX_IMAGE_MB", "1")
    monkeypatch.setattr(fetch, "_PAUSES", ())
    with open_resources(load_settings()) as tools:
        yield tools


def at(server: Origin, path: str) -> str:
    return f"http://localhost:{server.port}{path}"


def batch(tmp_path: Path, urls: dict[str, str | list[str]]) -> Path:
    """A batch file: item -> its picture or pictures."""
    lines = [json.dumps({"id": item, "title": item, "images": images}) for item, images in urls.items()]
    return write(tmp_path / "items.jsonl", "\n".join(lines).encode())


def shop(tmp_path: Path, server: Origin) -> Path:
    return batch(tmp_path, {name: at(server, f"/{name}.png") for name in ITEMS})


def reasons(resources: Resources, work: Work) -> dict[str | None, str]:
    """Path -> why it has no picture."""
    return {each.path: each.error for each in failures(resources.ledger, work.document) if each.kind != "pending"}


def asked(server: Origin) -> list[str]:
    return sorted(path for _, path in server.seen)


def test_picture_is_stored_and_placed_by_its_url(resources: Resources, tmp_path: Path, server: Origin) -> None:
    work = begin(resources, shop(tmp_path, server))
    assert scanned(resources, work).read == 3
    shown = show_document(resources.ledger, work.document)
    places = {place["path"]: image for image in shown["images"] for place in image["placements"]}
    assert set(places) == {at(server, f"/{name}.png") for name in ITEMS}
    queued = set(resources.ledger.execute(select(items.c.key).where(items.c.role != Role.TEXT)).scalars())
    assert queued == {image["content_key"] for image in places.values()}
    stored = {file.read_bytes() for file in (resources.settings.home / "files").rglob("*.png")}
    assert stored == set(server.files.values())
    assert list(resources.settings.temporary_folder.iterdir()) == []
    assert server.headers_seen[0]["accept"].startswith("image/")


def test_unchanged_url_is_fetched_again_by_force_alone(resources: Resources, tmp_path: Path, server: Origin) -> None:
    path = shop(tmp_path, server)
    work = taken(resources, path)
    assert is_unchanged(resources, document_of(resources, work))
    assert scanned(resources, work).read == 0
    batch(tmp_path, {name: [at(server, f"/{name}.png")] for name in ITEMS} | {"twin": at(server, "/oak.png")})
    assert scanned(resources, work).read == 1, "only the new item"
    scene.end(resources.ledger, work.run)
    assert len(server.seen) == 4
    assert scanned(resources, begin(resources, path, force=True)).read == 3, "a URL of two items once"
    assert len(server.seen) == 7


def test_changed_url_is_another_picture(resources: Resources, tmp_path: Path, server: Origin) -> None:
    work = taken(resources, batch(tmp_path, {"oak": at(server, "/oak.png")}))
    batch(tmp_path, {"oak": at(server, "/slate.png")})
    assert scanned(resources, work).read == 1
    shown = show_document(resources.ledger, work.document)["images"]
    assert [place["path"] for image in shown for place in image["placements"]] == [at(server, "/slate.png")]


def test_picture_of_an_unavailable_server_is_tried_again(
    resources: Resources, tmp_path: Path, server: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "_PAUSES", (0.01,))
    away, busy = "http://localhost:9/oak.png", at(server, "/status/503")  # no server listens at 9
    work = begin(resources, batch(tmp_path, {"oak": away, "elm": busy, "no": at(server, "/x.png")}))
    for tries in (1, 2):
        scanned(resources, work)
        waiting = [each for each in failures(resources.ledger, work.document) if each.next_retry_at and each.role]
        assert {(each.path, each.attempts) for each in waiting} == {(away, tries), (busy, tries)}
    assert asked(server).count("/status/503") == 4, "a busy server is asked again in the run"
    counts = count_items(resources.ledger, work.document)
    assert (counts.pending_items, counts.bare_items) == (2, 1)
    assert len(read_products(resources.ledger, work.document)) == 3
    assert {each.kind for each in cut_batches(resources.ledger, work.run, 8)} == {"chunk"}, (
        "there is no picture to embed"
    )


def test_bad_urls_are_named_and_none_is_fatal(resources: Resources, tmp_path: Path, server: Origin) -> None:
    server.files |= {"/letter.jpg": b"Dear reader, this is no picture.", "/nothing.jpg": b""}
    server.moved |= {
        "/inside": f"http://127.0.0.1:{server.port}/oak.png",
        "/metadata": "https://169.254.169.254/latest/",
        "/round": "/round",
        "/moved": "/oak.png",
    }
    rows = [(url.replace("PORT", str(server.port)), words) for url, words in rows_of(__file__, "wrong")]
    wrong = {at(server, url) if url.startswith("/") else url: words for url, words in rows}
    named = {f"item {n}": url for n, url in enumerate(wrong)}
    work = taken(resources, batch(tmp_path, named | {"oak": at(server, "/moved"), "slate": at(server, "/slate.png")}))
    told = reasons(resources, work)
    assert set(told) == set(wrong)
    assert [(url, told[url]) for url, words in wrong.items() if words not in told[url]] == []
    counts = count_items(resources.ledger, work.document)
    passing = {"/status/503", "/silent", "/half"}
    assert set(counts.incomplete_ids) == {name for name, url in named.items() if urlsplit(url).path not in passing}
    assert (counts.total_items, counts.pending_items) == (len(wrong) + 2, 5)
    assert "/oak.png" in asked(server), "the redirect within the trusted host"
    assert {host for host, _ in server.seen} == {f"localhost:{server.port}"}, "nothing was asked by another name"


def test_only_what_may_pass_is_tried_again(resources: Resources, tmp_path: Path, server: Origin) -> None:
    server.moved["/late.png"] = "/status/503"
    path = batch(tmp_path, {"late": at(server, "/late.png"), "gone": at(server, "/gone.jpg")})
    work = taken(resources, path)
    assert not is_unchanged(resources, document_of(resources, work))
    server.files["/late.png"] = server.files["/oak.png"]
    del server.moved["/late.png"]
    server.seen.clear()
    assert scanned(resources, work).read == 1
    assert asked(server) == ["/late.png"]
    assert set(reasons(resources, work)) == {at(server, "/gone.jpg")}
    assert is_unchanged(resources, document_of(resources, work))


def test_refused_address_is_fetched_once_it_is_allowed(resources: Resources, tmp_path: Path, server: Origin) -> None:
    work = taken(resources, batch(tmp_path, {"oak": f"http://127.0.0.1:{server.port}/oak.png"}))
    assert NOT_HERE in "".join(reasons(resources, work).values())
    resources.settings = resources.settings.model_copy(update={"fetch_private_hosts": ("127.0.0.1",)})
    assert not is_unchanged(resources, document_of(resources, work))
    assert scanned(resources, work).read == 1
    assert reasons(resources, work) == {}


def test_at_most_eight_are_fetched_at_once(resources: Resources, tmp_path: Path, server: Origin) -> None:
    work = begin(resources, batch(tmp_path, {f"item {n}": at(server, f"/gated?{n}") for n in range(20)}))
    reported = list[tuple[int, int]]()
    scanning = threading.Thread(
        target=scan, args=(resources, work, b""), kwargs={"progress": lambda *counts: reported.append(counts)}
    )
    scanning.start()
    try:
        for _ in range(8):
            assert server.waiting.acquire(timeout=30)
        assert server.most_waiting == 8
    finally:
        server.open.set()
        scanning.join()
    assert (server.most_waiting, len(server.seen)) == (8, 20)
    assert len(reported) == 21, "a slow batch does not look like one that hangs"


def test_full_disk_stops_the_scan(
    resources: Resources, tmp_path: Path, server: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object, **__: object) -> int:
        raise DiskFull("The disk is full.")

    monkeypatch.setattr("swatchbook.store.files.fetch.save", full)
    work = begin(resources, shop(tmp_path, server))
    with pytest.raises(DiskFull):
        scanned(resources, work)
