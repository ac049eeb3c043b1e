"""Read notifications of object stores: of stores like Amazon S3, of S3 itself by EventBridge, and of Google by Pub/Sub.

An event names an object, and its place among the events of the same object: the sequencer of S3, the generation of
Google, or the time where there is neither. Keys are as the store has them, not as a notification escapes them.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import unquote_plus

from pydantic import AliasChoices, AliasPath, BaseModel, Field, StringConstraints, TypeAdapter, ValidationError

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


def _at(part: str, of_s3: str, of_bridge: str | None = None) -> AliasChoices:
    """Return where S3 and EventBridge write a field of a bucket or object: below different names."""
    return AliasChoices(AliasPath("s3", part, of_s3), AliasPath("detail", part, of_bridge or of_s3))


class _AmazonEvent(BaseModel):
    name: _Word = Field(validation_alias=AliasChoices("eventName", "detail-type"))
    time: _Word = Field(default="", validation_alias=AliasChoices("eventTime", "time"))
    bucket: _Bucket = Field(validation_alias=_at("bucket", "name"))
    key: _EscapedKey = Field(validation_alias=_at("object", "key"))
    etag: _Word = Field(default="", validation_alias=_at("object", "eTag", "etag"))
    version: _Word | None = Field(default=None, validation_alias=_at("object", "versionId", "version-id"))
    sequencer: _Word = Field(default="", validation_alias=_at("object", "sequencer"))


class _GoogleEvent(BaseModel):
    event: _Word = Field(alias="eventType")
    bucket: _Bucket = Field(alias="bucketId")
    key: _Key = Field(alias="objectId")
    generation: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,24}$")] = Field(alias="objectGeneration")


_RECORDS: TypeAdapter[list[_AmazonEvent]] = TypeAdapter(
    Annotated[list[_AmazonEvent], Field(min_length=1, max_length=_MAX_EVENTS)]
)


def read_events(body: str | bytes) -> Sequence[BucketEvent]:
    """Return the events of a message. Raises UnsupportedFormat if it is no notification."""
    message = _parse(body)
    try:
        if "Records" in message:
            return [_of_amazon(each, unquote_plus(each.key)) for each in _RECORDS.validate_python(message["Records"])]
        if message.get("source") == "aws.s3":
            event = _AmazonEvent.model_validate(message)
            return [_of_amazon(event, event.key)]
        if isinstance(pushed := message.get("message"), dict):
            return [_of_google(_GoogleEvent.model_validate(pushed.get("attributes")))]
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


def _of_amazon(event: _AmazonEvent, key: str) -> BucketEvent:
    name = event.name.removeprefix("s3:")
    sequencer = event.sequencer.upper().ljust(_ORDER_CHARACTERS, "0")[:_ORDER_CHARACTERS]
    return BucketEvent(
        url=f"s3://{event.bucket}/{key}",
        event=name,
        is_new=name.startswith("ObjectCreated:") or name == "Object Created",
        version=event.version or event.etag,
        order_key=sequencer if event.sequencer else event.time,
    )


def _of_google(event: _GoogleEvent) -> BucketEvent:
    is_new = event.event == "OBJECT_FINALIZE"
    return BucketEvent(
        url=f"gs://{event.bucket}/{event.key}",
        event=event.event,
        is_new=is_new,
        version=event.generation,
        # a delete names the generation that it ends
        order_key=event.generation.zfill(_GENERATION_DIGITS) + ("0" if is_new else "1"),
    )
