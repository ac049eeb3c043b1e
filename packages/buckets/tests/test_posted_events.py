"""Events that stores post to the service: by MinIO itself, and as Google Pub/Sub pushes them."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from test_bucket_messages import GOOGLE, S3, changed

from devtools import minio
from devtools.weaviate import free_ports
from swatchbook.domain.errors import Configuration, LedgerDown
from swatchbook.domain.records import ObjectEvent
from swatchbook.domain.setting_values import EventSource
from swatchbook_buckets import service as posted_events
from swatchbook_buckets.event_ledger import STATES, list_events
from tests.doors.conftest import ANNA, BERT, KEYS, bearing
from tests.doors.served import Served, serve
from tests.fixtures import ROOT
from tests.origin import PDF
from tests.s3_server import Bucket, S3Server
from tests.waiting import until

__all__ = ["serve"]  # a fixture

SOURCES = (EventSource(url="gs://catalogues", owner="anna"), EventSource(url="s3://berts", owner="bert"))

Serve = Callable[..., Served]


@pytest.fixture
def service(serve: Serve) -> Served:
    return serve(api_keys=KEYS, event_sources=SOURCES)


def post(service: Served, body: str, headers: dict[str, str], query: str = "") -> httpx.Response:
    return httpx.post(f"{service.url}/hooks/events{query}", content=body, headers=headers, timeout=30)


def events(service: Served) -> list[ObjectEvent]:
    return list_events(service.resources.ledger, None, states=STATES)


def of_bert(key: str = "a.pdf") -> str:
    body = changed(S3, "Records/0/s3/bucket/name", "berts")
    return changed(json.loads(body), "Records/0/s3/object/key", key)


def test_pubsub_is_answered_once_the_event_is_stored(service: Served) -> None:
    for told in (1, 0):  # Pub/Sub delivers at least once
        answer = post(service, json.dumps(GOOGLE), {}, query=f"?key={ANNA}")
        assert (answer.status_code, answer.json()) == (202, {"received": told})
    (event,) = events(service)
    assert (event.url, event.owner, event.state) == ("gs://catalogues/spring 2026+.pdf", "anna", "waiting")


def test_sender_of_an_invalid_event_sees_a_refusal(service: Served) -> None:
    for body in ("{", '{"message": {"data": "e30="}, "subscription": "s"}'):
        assert post(service, body, bearing(ANNA)).status_code == 415
    assert events(service) == []
    assert post(service, json.dumps(GOOGLE), bearing("eyJhbGciOiJSUzI1NiJ9.e30.x"), f"?key={ANNA}").status_code == 202
    assert post(service, json.dumps(GOOGLE), bearing(ANNA), "?key=wrong-0123456789abcdef").status_code == 401
    assert post(service, json.dumps(GOOGLE), {}).status_code == 401


def test_without_sources_events_are_disabled(serve: Serve) -> None:
    assert post(serve(api_keys=KEYS), of_bert(), bearing(ANNA)).status_code == 404


def test_key_of_one_owner_announces_nothing_of_another(service: Served) -> None:
    assert post(service, of_bert(), bearing(ANNA)).json() == {"received": 1}
    (ignored,) = events(service)
    assert (ignored.owner, ignored.state) == (None, "ignored")
    assert post(service, of_bert(), bearing(BERT)).json() == {"received": 1}, "it is his own event"
    assert [(each.owner, each.state) for each in events(service) if each.owner] == [("bert", "waiting")]


def test_events_are_listed_in_pages_and_tried_again(service: Served) -> None:
    for number in range(5):
        post(service, of_bert(f"{number}.pdf"), bearing(BERT))
    cursor, seen = "", list[Any]()
    while True:
        page = httpx.get(f"{service.url}/events?limit=2{cursor}", headers=bearing(BERT)).json()
        seen += page["events"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert [each["url"] for each in seen] == [f"s3://berts/{number}.pdf" for number in (4, 3, 2, 1, 0)]
    assert httpx.get(f"{service.url}/events", headers=bearing(ANNA)).json()["events"] == []
    again = f"{service.url}/events/{seen[0]['id']}/retry"
    assert httpx.post(again, headers=bearing(ANNA)).status_code == 404
    assert httpx.post(again, headers=bearing(BERT)).json()["tries"] == 0


@pytest.fixture
def announcing(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Served, Bucket]]:
    """A service, and a bucket of a MinIO that announces to it what becomes of its objects."""
    try:
        minio.find_server()
    except Configuration as reason:
        pytest.skip(str(reason))
    (port,) = free_ports(1)
    server = S3Server(f"http://127.0.0.1:{port}")
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    service = serve(api_keys=KEYS, event_sources=(EventSource(url="s3://announced/shop", owner="anna"),))
    page = (ROOT / "docs" / "bucket-events.md").read_text()
    documented = dict(re.findall(r"^(MINIO_NOTIFY_WEBHOOK_\w+)=(.*)$", page, re.MULTILINE))
    own = {"ENDPOINT": f"{service.url}/hooks/events", "AUTH_TOKEN": ANNA, "QUEUE_DIR": str(tmp_path / "unsent")}
    environment = documented | {f"MINIO_NOTIFY_WEBHOOK_{name}_SWATCHBOOK": value for name, value in own.items()}
    assert len(environment) == len(documented) == 4
    running = minio.start(tmp_path / "minio", port=port, environment=environment)
    try:
        client = server.client()
        client.create_bucket(Bucket="announced")
        client.put_bucket_notification_configuration(
            Bucket="announced",
            NotificationConfiguration={
                "QueueConfigurations": [
                    {"QueueArn": "arn:minio:sqs::SWATCHBOOK:webhook", "Events": ["s3:ObjectCreated:*"]}
                ]
            },
        )
        yield service, Bucket(server, "announced")
    finally:
        running.stop()


@pytest.mark.stack
def test_minio_resends_what_was_not_stored(announcing: tuple[Served, Bucket], monkeypatch: pytest.MonkeyPatch) -> None:
    service, bucket = announcing
    refused, store = list[str](), posted_events.store_message

    def store_at_the_second_try(*given: Any) -> int:
        if not refused:
            refused.append("the ledger is away")
            raise LedgerDown("The database does not answer.")
        return store(*given)

    monkeypatch.setattr(posted_events, "store_message", store_at_the_second_try)
    bucket.put("shop/a.pdf", PDF)
    until(lambda: len(events(service)) == 1, seconds=120)
    assert refused
    assert events(service)[0].state == "waiting"
