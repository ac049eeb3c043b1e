"""Notifications as the stores send them: the formats are those of their documentation, and MinIO's of a running one."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from swatchbook.domain.errors import UnsupportedFormat
from swatchbook_buckets.messages import BucketEvent, read_events
from tests.tables import rows_of

S3, BRIDGE, GOOGLE = (message for (message,) in rows_of(__file__, "messages"))
"""Of S3, of EventBridge, and of Google as it is pushed, by the documentation that the table names."""


def changed(message: dict[str, Any], path: str, value: object) -> str:
    copy = json.loads(json.dumps(message))
    *before, last = [int(name) if name.isdecimal() else name for name in path.split("/")]
    place = copy
    for name in before:
        place = place[name]
    place[last] = value
    return json.dumps(copy)


def one(body: str) -> BucketEvent:
    (event,) = read_events(body)
    return event


def test_s3_names_key_and_version_of_new_objects() -> None:
    event = one(json.dumps(S3))
    assert (event.url, event.is_new) == ("s3://amzn-s3-demo-bucket/spring/red floweré+.jpg", True)
    assert event.version == "096fKKXTRTtl3on89fVO.nfljtsv6qko"
    assert one(changed(S3, "Records/0/s3/object/versionId", None)).version == "d41d8cd98f00b204e9800998ecf8427e"
    for name in ["ObjectRemoved:Delete", "s3:ObjectRemoved:Delete", "ObjectRestore:Completed"]:
        assert not one(changed(S3, "Records/0/eventName", name)).is_new


def test_longer_sequencers_are_compared_as_aws_says() -> None:
    def order(sequencer: str) -> str:
        return one(changed(S3, "Records/0/s3/object/sequencer", sequencer)).order_key

    assert order("0055AED6DCD90281E5") < order("0055AED6DCD90281E501") < order("0055AED6DCD90281E6")
    assert order("0055aed6") == order("0055AED6")
    assert order("") == "1970-01-01T00:00:00.000Z"


def test_messages_of_other_services_are_read() -> None:
    body = changed(S3, "Records/0/eventName", "s3:ObjectCreated:Put")
    body = changed(json.loads(body), "Records/0/s3/object/key", "spring%2Foak+board.png")
    assert one(body).url == "s3://amzn-s3-demo-bucket/spring/oak board.png"
    assert (one(body).event, one(body).is_new) == ("ObjectCreated:Put", True)
    event = one(json.dumps(BRIDGE))
    assert (event.url, event.is_new) == ("s3://amzn-s3-demo-bucket1/example key+.pdf", True)
    assert not one(changed(BRIDGE, "detail-type", "Object Deleted")).is_new
    made, removed = one(json.dumps(GOOGLE)), one(changed(GOOGLE, "message/attributes/eventType", "OBJECT_DELETE"))
    assert (made.url, made.is_new, removed.is_new) == ("gs://catalogues/spring 2026+.pdf", True, False)
    newer = one(changed(GOOGLE, "message/attributes/objectGeneration", "1463757402158001"))
    assert made.order_key < removed.order_key < newer.order_key


def test_anything_else_is_no_notification() -> None:
    for body in (
        "", "{", "[]", "null", '"text"', "{}", "[" * 100_000, '{"Records": []}', '{"Records": [{}]}',
        b"\xff\xfe", '{"message": {"data": "e30="}}',
        changed(S3, "Records/0/s3/object/key", ""), changed(S3, "Records/0/s3/bucket/name", "../other"),
        changed(S3, "Records/0/s3/object/key", "x" * 4_000),
        changed(GOOGLE, "message/attributes/objectGeneration", "x"),
    ):  # fmt: skip
        with pytest.raises(UnsupportedFormat):
            read_events(body)


def paths(message: Any, before: str = "") -> Iterator[str]:
    """The path of every field of a message, also within fields."""
    inner = message.items() if isinstance(message, dict) else enumerate(message)
    for name, value in inner:
        yield f"{before}{name}"
        if isinstance(value, dict | list):
            yield from paths(value, f"{before}{name}/")


@pytest.mark.parametrize("message", [S3, BRIDGE, GOOGLE])
def test_message_with_wrong_field_is_read_or_refused(message: dict[str, Any]) -> None:
    for value in (None, [], {}, 1, True, 1.5e308, "x", "\0", "\ud800", [None], {"key": []}):
        refused = 0
        for path in paths(message):
            try:
                assert all(isinstance(event, BucketEvent) for event in read_events(changed(message, path, value)))
            except UnsupportedFormat:
                refused += 1
        assert refused > 2, value
