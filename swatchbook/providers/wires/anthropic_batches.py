"""Anthropic's message batches: https://docs.anthropic.com/en/api/creating-message-batches.

A batch has no place for our id: one whose id was not recorded is known by its number of calls, and by its results.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from pydantic import ValidationError

from swatchbook.providers.batch_client import BatchClient, BatchLine, RemoteBatch
from swatchbook.providers.reply_shapes import WireModel, single_line

FRAME: Final = (b'{"requests":[', b",", b"]}")
_PATH: Final = "/v1/messages/batches"
_PAGES, _PAGE = 20, 100  # of the list of batches
_CLOCK_SECONDS: Final = 300.0  # by which the provider's clock may differ from ours
_MESSAGE_CHARACTERS: Final = 200
_ENDS: Final = {"expired": "The batch expired.", "canceled": "The batch was cancelled."}


class _Counts(WireModel):
    processing: int = 0
    succeeded: int = 0
    errored: int = 0
    canceled: int = 0
    expired: int = 0

    @property
    def total(self) -> int:
        return self.processing + self.succeeded + self.errored + self.canceled + self.expired


class _Batch(WireModel):
    id: str
    processing_status: str
    request_counts: _Counts = _Counts()
    created_at: datetime | None = None
    expires_at: datetime | None = None


class _List(WireModel):
    data: list[_Batch]
    has_more: bool = False
    last_id: str | None = None


class _Result(WireModel):
    type: str
    message: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


class _Line(WireModel):
    custom_id: str
    result: _Result


def is_certain() -> bool:
    """Return False: a batch does not carry our id."""
    return False


def line(request: str, body: bytes) -> bytes:
    """Return a call of the file; its custom id is the request's key."""
    return b'{"custom_id":' + json.dumps(request).encode() + b',"params":' + body + b"}"


def submit(http: BatchClient, batch: str, file: Path) -> RemoteBatch:
    """Send the calls."""
    return _remote(http.parse(_Batch, http.send_file(_PATH, file)))


def look(http: BatchClient, remote: str) -> RemoteBatch:
    """Return how far a batch is."""
    return _remote(http.parse(_Batch, http.get(f"{_PATH}/{quote(remote, safe='')}")))


def find(http: BatchClient, batch: str, calls: int, since: float) -> list[RemoteBatch]:
    """Return the batches created since then with so many calls. The list has the newest first."""
    found, after = list[RemoteBatch](), ""
    for _ in range(_PAGES):
        page = http.parse(_List, http.get(f"{_PATH}?limit={_PAGE}{after}"))
        listed = [_remote(each) for each in page.data]
        found += [each for each in listed if each.created_at >= since - _CLOCK_SECONDS]
        if not page.has_more or not page.last_id or len(listed) == 0 or listed[-1].created_at < since - _CLOCK_SECONDS:
            break
        after = f"&after_id={quote(page.last_id, safe='')}"
    return [remote for remote in found if remote.calls == calls]


def read(data: Mapping[str, Any]) -> BatchLine | None:
    """Read a line of the results."""
    try:
        found = _Line.model_validate(data)
    except ValidationError:
        return None
    result = found.result
    if result.type == "succeeded" and result.message is not None:
        return BatchLine(request=found.custom_id, reply=result.message)
    if result.type in _ENDS:
        return BatchLine(request=found.custom_id, message=_ENDS[result.type], again=True)
    error = result.error or {}
    inner = error.get("error") if isinstance(error.get("error"), dict) else error
    message = inner.get("message") if isinstance(inner, dict) else None
    said = message if isinstance(message, str) else "no answer"
    return BatchLine(request=found.custom_id, message=single_line(said, _MESSAGE_CHARACTERS))


def _remote(batch: _Batch) -> RemoteBatch:
    counts, ended = batch.request_counts, batch.processing_status == "ended"
    message = None
    if ended and (counts.canceled or counts.expired):
        message = "It was cancelled." if counts.canceled else "It expired."
    return RemoteBatch(
        id=batch.id,
        state="ended" if ended else "under way",
        calls=counts.total,
        answered=counts.total if ended else None,
        created_at=batch.created_at.timestamp() if batch.created_at else 0.0,
        expires_at=batch.expires_at.timestamp() if batch.expires_at else None,
        results=(f"{_PATH}/{quote(batch.id, safe='')}/results",) if ended else (),
        message=message,
    )
