"""Read notifications of object stores: of stores like Amazon S3, of S3 itself by EventBridge, and of Google by Pub/Sub.

An event names an object, and its place among the events of the same object: the sequencer of S3, the generation of
Google, or the time where there is neither. Keys are as the store has them, not as a notification escapes them.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import unquote_plus

from pydantic import AliasChoices, BaseModel, Field, StringConstraints, ValidationError

from swatchbook.domain.errors import UnsupportedFormat
from swatchbook.domain.records import Record

_MAX_EVENTS = 1_000
"""Events of one message: stores send one, or a few."""

_ORDER_CHARACTERS = 64
"""Characters of a sequencer, filled with zeros: AWS compares them so, and says that they may get longer."""

_GENERATION_DIGITS = 24

_Bucket = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,221}$")]
_Key = Annotated[str, StringConstraints(min_length=1, max_length=1_024)]
_EscapedKey = Annotated[str, StringConstraints(min_length=1, max_length=3_072)]  # as S3 sends it
_Word = Annotated[str, StringConstraints(max_length=1_024)]


class BucketEvent(Record):
    """What became of an object. `is_new`: it was created or replaced; `event`: what the store calls that.

    `version` tells the contents of one key apart. Of the events of one object, that with the greater `order_key` is
    later.
    """

    url: str
    event: str
    is_new: bool
    version: str
    order_key: str


class _NamedBucket(BaseModel):
    name: _Bucket


class _Object(BaseModel):
    """An object as S3 and EventBridge describe it: they write the same names in two ways."""

    key: _EscapedKey
    etag: _Word = Field(default="", validation_alias=AliasChoices("eTag", "etag"))
    version: _Word | None = Field(default=None, validation_alias=AliasChoices("versionId", "version-id"))
    sequencer: _Word = ""


class _Entity(BaseModel):
    bucket: _NamedBucket
    object: _Object


class _S3Record(BaseModel):
    name: _Word = Field(alias="eventName")
    time: _Word = Field(default="", alias="eventTime")
    s3: _Entity


class _S3Notification(BaseModel):
    records: list[_S3Record] = Field(alias="Records", min_length=1, max_length=_MAX_EVENTS)


class _BridgeEvent(BaseModel):
    name: _Word = Field(alias="detail-type")
    time: _Word = ""
    detail: _Entity


class _GoogleAttributes(BaseModel):
    event: _Word = Field(alias="eventType")
    bucket: _Bucket = Field(alias="bucketId")
    key: _Key = Field(alias="objectId")
    generation: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,24}$")] = Field(alias="objectGeneration")


class _GoogleMessage(BaseModel):
    attributes: _GoogleAttributes


class _GooglePush(BaseModel):
    message: _GoogleMessage


def read_events(body: str | bytes) -> Sequence[BucketEvent]:
    """Return the events of a message. Raises UnsupportedFormat if it is no notification."""
    message = _parse(body)
    try:
        if "Records" in message:
            return [_of_s3(each) for each in _S3Notification.model_validate(message).records]
        if message.get("source") == "aws.s3":
            return [_of_bridge(_BridgeEvent.model_validate(message))]
        if "message" in message:
            return [_of_google(_GooglePush.model_validate(message).message.attributes)]
    except ValidationError as error:
        raise _no_notification() from error
    raise _no_notification()


def _parse(body: str | bytes) -> Mapping[str, Any]:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _no_notification() from error
    if not isinstance(message, dict):
        raise _no_notification()
    return message


def _no_notification() -> UnsupportedFormat:
    return UnsupportedFormat(
        "The message is no notification of an object store.",
        advice="Send the events of S3 or MinIO, or those of Google Cloud Storage by Pub/Sub, as they are.",
    )


def _of_s3(record: _S3Record) -> BucketEvent:
    name, key = record.name.removeprefix("s3:"), unquote_plus(record.s3.object.key)
    return _of_amazon(record.s3, key, name, is_new=name.startswith("ObjectCreated:"), time=record.time)


def _of_bridge(event: _BridgeEvent) -> BucketEvent:
    is_new = event.name == "Object Created"
    return _of_amazon(event.detail, event.detail.object.key, event.name, is_new=is_new, time=event.time)


def _of_amazon(entity: _Entity, key: str, name: str, *, is_new: bool, time: str) -> BucketEvent:
    found = entity.object
    sequencer = found.sequencer.upper().ljust(_ORDER_CHARACTERS, "0")[:_ORDER_CHARACTERS]
    return BucketEvent(
        url=f"s3://{entity.bucket.name}/{key}",
        event=name,
        is_new=is_new,
        version=found.version or found.etag,
        order_key=sequencer if found.sequencer else time,
    )


def _of_google(event: _GoogleAttributes) -> BucketEvent:
    is_new = event.event == "OBJECT_FINALIZE"
    return BucketEvent(
        url=f"gs://{event.bucket}/{event.key}",
        event=event.event,
        is_new=is_new,
        version=event.generation,
        # a delete names the generation that it ends
        order_key=event.generation.zfill(_GENERATION_DIGITS) + ("0" if is_new else "1"),
    )
