"""Events of a bucket in moto's S3: each new object is registered once, in order, or has a reason."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from test_bucket_messages import S3, changed

from swatchbook.domain.errors import Unexpected
from swatchbook.domain.records import DocumentStatus, ObjectEvent, sha256
from swatchbook.domain.settings import load_settings
from swatchbook.ingest import register
from swatchbook.ingest.find_sources import find_sources
from swatchbook.resources import Resources
from swatchbook.store.ledger.document_commands import mark_deleting
from swatchbook.store.ledger.schedule import last_rounds
from swatchbook.store.ledger.stored_documents import Document, all_documents
from swatchbook_buckets import take_events as taking
from swatchbook_buckets.bucket_copy import ObjectCopier, copy_bucket
from swatchbook_buckets.event_ledger import CLAIM_SECONDS, LONGEST_PAUSE, STATES, TRIES, list_events, try_again
from swatchbook_buckets.take_events import store_message, take_events
from tests.command import run_json
from tests.fixtures import ROOT
from tests.origin import PDF
from tests.pdf.making import gradient, jpeg
from tests.s3_server import SECRET, Bucket, leave_unanswered
from tests.store.ledger.scene import begin_again, pass_time


def tell(shop: Resources, bucket: Bucket, key: str, sequencer: str = "01", name: str = "ObjectCreated:Put") -> int:
    """Store the event of an object, as its store posts it."""
    message = json.loads(changed(S3, "Records/0/s3/object", {"key": quote_plus(key), "sequencer": sequencer}))
    message["Records"][0]["s3"]["bucket"]["name"] = bucket.name
    message["Records"][0]["eventName"] = name
    return store_message(shop, json.dumps(message), shop.settings.event_sources)


def put(shop: Resources, bucket: Bucket, key: str, content: bytes) -> None:
    """Put an object into a bucket, which tells of it."""
    bucket.put(key, content)
    tell(shop, bucket, key, f"{next(_SEQUENCERS):04X}")


_SEQUENCERS = count(16)


@pytest.fixture
def shop(home: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[Resources]:
    """A collection that takes what is below `shop` for anna."""
    source = {"url": f"{bucket.url}/shop", "owner": "anna"}
    monkeypatch.setenv("SWATCHBOOK_EVENT_SOURCES", json.dumps([source]))
    resources = Resources(load_settings())
    yield resources
    resources.close()


def events(resources: Resources) -> dict[str, ObjectEvent]:
    """Key below the source, or what it was -> the event."""
    found = list_events(resources.ledger, None, states=STATES)
    return {each.url.partition("/shop/")[2] or each.url: each for each in found}


def states(resources: Resources) -> dict[str, str]:
    return {name: event.state for name, event in events(resources).items()}


def documents(resources: Resources) -> list[Document]:
    return all_documents(resources.ledger, None)


def test_new_pdf_belongs_to_the_source_owner(shop: Resources, bucket: Bucket) -> None:
    put(shop, bucket, "shop/spring 2026+é.pdf", PDF)
    assert take_events(shop) == taking.EventRound(registered=1)
    (document,) = documents(shop)
    assert (document.owner, document.name, document.content) == ("anna", "spring 2026+é.pdf", sha256(PDF))
    assert document.status == DocumentStatus.QUEUED
    assert events(shop)["spring 2026+é.pdf"].document == document.id
    assert take_events(shop) == taking.EventRound()


def test_pictures_join_the_folder_that_ingest_would_make(shop: Resources, bucket: Bucket) -> None:
    for name in ("oak/a.jpg", "ash/b.jpg"):
        put(shop, bucket, f"shop/{name}", jpeg(gradient(200, 200)))
    put(shop, bucket, "shop/scraped/items.jsonl", b'{"id": "1", "name": "Oak"}')
    assert take_events(shop).registered == 3
    copied = copy_bucket(shop.settings, f"{bucket.url}/shop", takes=bool)
    found = find_sources(copied.path)
    assert {(document.content, document.kind) for document in documents(shop)} == {
        (str(source.path), source.kind) for source in found
    }
    assert len(found) == 2


def test_running_folder_is_read_again_for_new_pictures(shop: Resources, bucket: Bucket) -> None:
    put(shop, bucket, "shop/a.jpg", jpeg(gradient(200, 200)))
    take_events(shop)
    (folder,) = documents(shop)
    run = begin_again(shop.ledger, folder)
    put(shop, bucket, "shop/b.jpg", jpeg(gradient(100, 200)))
    take_events(shop)
    (after,) = documents(shop)
    assert (after.run, after.launches, after.fingerprint) == (run.token, folder.launches + 1, None)


def test_event_told_twice_starts_nothing_twice(shop: Resources, bucket: Bucket) -> None:
    put(shop, bucket, "shop/a.pdf", PDF)
    take_events(shop)
    document = documents(shop)
    (row,) = events(shop).values()
    assert [tell(shop, bucket, "shop/b.pdf") for _ in range(2)] == [1, 0]
    put(shop, bucket, "shop/b.pdf", PDF)  # a third event, of the same bytes as a.pdf
    take_events(shop)
    assert documents(shop) == document
    assert events(shop)["a.pdf"] == row
    assert len(list_events(shop.ledger, "anna", states=STATES)) == 3  # type: ignore[arg-type]


KILLED = """
import os, signal, sys
from swatchbook_buckets import event_ledger
from swatchbook_buckets import take_events
from swatchbook.resources import Resources
from swatchbook.domain.settings import load_settings

steps = {
    "before the document is registered": (take_events, "register_upload"),
    "before it is recorded as done": (event_ledger, "record_done"),
}
setattr(*steps[sys.argv[1]], lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
take_events.take_events(Resources(load_settings()))
"""


@pytest.mark.parametrize(
    ("step", "documents_left"),
    [
        pytest.param("before the document is registered", 0, marks=pytest.mark.nightly),
        ("before it is recorded as done", 1),
    ],
)
def test_kill_at_any_step_leaves_one_document(shop: Resources, bucket: Bucket, step: str, documents_left: int) -> None:
    put(shop, bucket, "shop/a.pdf", PDF)
    killed = subprocess.run([sys.executable, "-c", KILLED, step], cwd=ROOT, check=False, timeout=120)
    assert killed.returncode == -signal.SIGKILL
    assert (states(shop), len(documents(shop))) == ({"a.pdf": "waiting"}, documents_left)
    pass_time(shop.ledger, CLAIM_SECONDS)  # for which the dead process has the event
    take_events(shop)
    assert (states(shop), len(documents(shop))) == ({"a.pdf": "done"}, 1)


def test_poisoned_events_are_dead_with_their_reason(shop: Resources, bucket: Bucket) -> None:
    put(shop, bucket, "shop/report.pdf", b"MZ no PDF at all")
    put(shop, bucket, "shop/good.pdf", PDF)
    for key in ("missing.pdf", "a/../escape.pdf", "a//escape.pdf"):
        tell(shop, bucket, f"shop/{key}")
    assert take_events(shop).registered == 1
    found = events(shop)
    assert (found["report.pdf"].state, found["report.pdf"].failure_kind) == ("dead", "unsupported_format")
    kept = ("good.pdf", "a/../escape.pdf", "a//escape.pdf")
    assert [found[name].state for name in kept] == ["done", "ignored", "dead"]
    missing = found["missing.pdf"]
    assert (missing.state, missing.tries) == ("waiting", 1)
    assert "There is no object" in (missing.message or "")
    for _ in range(TRIES):
        pass_time(shop.ledger, LONGEST_PAUSE)
        take_events(shop)
    assert states(shop)["missing.pdf"] == "dead"
    assert not list(shop.settings.home.parent.rglob("escape.pdf"))
    bucket.put("shop/missing.pdf", PDF + b"late")
    try_again(shop.ledger, missing)
    take_events(shop)
    assert len(documents(shop)) == 2


def test_ignored_objects_are_recorded_with_a_reason(shop: Resources, bucket: Bucket) -> None:
    for key in ("shop/notes.txt", "shop/folder/", "shop/.hidden/a.pdf", "shops/a.pdf", "b.pdf"):
        tell(shop, bucket, key)
    tell(shop, bucket, "shop/a.pdf", "09", "ObjectRemoved:Delete")
    assert take_events(shop) == taking.EventRound()
    found = list_events(shop.ledger, None, states=STATES)
    assert {each.state for each in found} == {"ignored"}
    assert len(found) == 6
    assert {each.owner for each in found if "/shop/" not in each.url} == {None}
    assert all(each.message for each in found)
    assert documents(shop) == []


def test_outage_spends_no_try(shop: Resources, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    put(shop, bucket, "shop/a.pdf", PDF)
    with monkeypatch.context() as away:
        leave_unanswered(away)
        (trouble,) = take_events(shop).troubles
    assert "does not answer" in trouble
    event = events(shop)["a.pdf"]
    assert (event.state, event.tries, event.message) == ("waiting", 0, trouble)
    assert take_events(shop) == taking.EventRound(registered=1)


def test_wrong_keys_are_retried(shop: Resources, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    put(shop, bucket, "shop/a.pdf", PDF)

    def refused(*_: object) -> None:
        raise PermissionError("AccessDenied")

    import s3fs

    with monkeypatch.context() as patched:
        patched.setattr(s3fs.S3FileSystem, "info", refused)
        assert take_events(shop) == taking.EventRound()
    event = events(shop)["a.pdf"]
    assert (event.state, event.failure_kind, event.tries) == ("waiting", "authentication", 1)
    assert SECRET not in repr(event)


def test_bucket_no_longer_a_source_is_not_read(shop: Resources, bucket: Bucket) -> None:
    put(shop, bucket, "shop/a.pdf", PDF)
    with closing(Resources(load_settings(event_sources=({"url": "s3://another"},)))) as other:
        take_events(other)
    event = events(shop)["a.pdf"]
    assert (event.state, documents(shop)) == ("dead", [])
    assert "SWATCHBOOK_EVENT_SOURCES" in (event.message or "")


def test_unexpected_failure_leaves_others(shop: Resources, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.pdf", "b.pdf"):
        put(shop, bucket, f"shop/{name}", PDF + name.encode())
    copy = ObjectCopier.copy

    def failing(copier: ObjectCopier, name: str) -> Path:
        if name == "a.pdf":
            raise ZeroDivisionError("secret words")
        return copy(copier, name)

    monkeypatch.setattr(ObjectCopier, "copy", failing)
    assert take_events(shop).registered == 1
    event = events(shop)["a.pdf"]
    assert (event.state, event.failure_kind) == ("waiting", Unexpected.kind)
    assert "secret" not in (event.message or "")


def test_object_waits_while_its_document_is_being_deleted(
    shop: Resources, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(shop, bucket, "shop/a.pdf", PDF)
    take_events(shop)
    (document,) = documents(shop)
    mark_deleting(shop.ledger, document.id)
    tell(shop, bucket, "shop/a.pdf", "F")
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(register, "finish_delete", lambda *_, **__: False)  # another process is at it
        assert take_events(shop).registered == 0
    (waiting,) = list_events(shop.ledger, "anna")
    assert (waiting.tries, waiting.message) == (0, "a.pdf is being deleted.")
    assert take_events(shop).registered == 0
    pass_time(shop.ledger, 60)
    assert take_events(shop).registered == 1
    assert [each.status for each in documents(shop)] == [DocumentStatus.QUEUED]


@pytest.mark.stack
def test_round_ingests_what_a_bucket_announces(shop: Resources, bucket: Bucket, small_catalogue: Path) -> None:
    put(shop, bucket, "shop/small.pdf", small_catalogue.read_bytes())
    done = run_json("upkeep", "tick")
    assert (done["registered"], done["worked_off"], done["troubles"]) == (1, 1, [])
    (document,) = documents(shop)
    assert document.status == DocumentStatus.COMPLETED
    assert last_rounds(shop.ledger, 1)[0].done == {"registered": 1, "worked_off": 1}
