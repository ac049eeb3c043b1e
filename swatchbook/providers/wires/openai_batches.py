"""OpenAI's batches: a JSONL file of calls is uploaded, then a batch of it is created, with our id as metadata.

https://platform.openai.com/docs/api-reference/batch. Answers and errors come as two files.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from pydantic import ValidationError

from swatchbook.providers.batch_client import BatchClient, BatchLine, RemoteBatch
from swatchbook.providers.reply_shapes import WireModel, single_line

FRAME: Final = (b"", b"\n", b"\n")
_URL: Final = "/v1/chat/completions"
_MARK: Final = "swatchbook_batch"  # metadata that holds our id
_PAGES, _PAGE = 20, 100  # of the list of batches
_TOO_MUCH: Final = "token_limit_exceeded"
_UNDER_WAY: Final = frozenset({"validating", "in_progress", "finalizing", "cancelling"})
_MESSAGE_CHARACTERS: Final = 200


class _Counts(WireModel):
    total: int = 0
    completed: int = 0
    failed: int = 0


class _Error(WireModel):
    code: str | None = None
    message: str | None = None


class _Errors(WireModel):
    data: list[_Error] | None = None


class _Batch(WireModel):
    id: str
    status: str
    output_file_id: str | None = None
    error_file_id: str | None = None
    created_at: float = 0.0
    expires_at: float | None = None
    request_counts: _Counts | None = None
    errors: _Errors | None = None
    metadata: dict[str, str] | None = None


class _File(WireModel):
    id: str


class _List(WireModel):
    data: list[_Batch]
    has_more: bool = False


class _Response(WireModel):
    status_code: int
    body: dict[str, Any] | None = None


class _Line(WireModel):
    custom_id: str
    response: _Response | None = None
    error: _Error | None = None


def is_certain() -> bool:
    """Return True: a batch carries our id."""
    return True


def line(request: str, body: bytes) -> bytes:
    """Return a call as a line of the file; its custom id is the request's key."""
    head = json.dumps({"custom_id": request, "method": "POST", "url": _URL})
    return head[:-1].encode() + b', "body": ' + body + b"}"


def submit(http: BatchClient, batch: str, file: Path) -> RemoteBatch:
    """Upload the file and create a batch of it. Only the second step can be charged for."""
    given = http.upload("/files", {"purpose": "batch"}, f"{batch}.jsonl", file)
    asked = {
        "input_file_id": http.parse(_File, given).id,
        "endpoint": _URL,
        "completion_window": "24h",
        "metadata": {_MARK: batch},
    }
    return _remote(http.parse(_Batch, http.post("/batches", asked)))


def look(http: BatchClient, remote: str) -> RemoteBatch:
    """Return how far a batch is."""
    return _remote(http.parse(_Batch, http.get(f"/batches/{quote(remote, safe='')}")))


def find(http: BatchClient, batch: str, calls: int, since: float) -> list[RemoteBatch]:
    """Return the batches with our id as metadata that were not refused. The list has the newest first."""
    found, after = list[RemoteBatch](), ""
    for _ in range(_PAGES):
        page = http.parse(_List, http.get(f"/batches?limit={_PAGE}{after}"))
        found += [_remote(each) for each in page.data if (each.metadata or {}).get(_MARK) == batch]
        if not page.has_more or not page.data or (page.data[-1].created_at or since) < since:
            break
        after = f"&after={quote(page.data[-1].id, safe='')}"
    return [remote for remote in found if remote.state != "refused"]


def read(data: Mapping[str, Any]) -> BatchLine | None:
    """Read a line of the output or error file."""
    try:
        found = _Line.model_validate(data)
    except ValidationError:
        return None
    if found.response and found.response.status_code == 200 and found.response.body:
        return BatchLine(request=found.custom_id, reply=found.response.body)
    if found.error and found.error.code == "batch_expired":
        return BatchLine(request=found.custom_id, message="The batch expired.", again=True)
    if found.error and found.error.code in ("batch_cancelled", "batch_canceled"):
        return BatchLine(request=found.custom_id, message="The batch was cancelled.", again=True)
    error = found.error or _error_of(found.response)
    status = f"status {found.response.status_code}" if found.response else "no answer"
    return BatchLine(request=found.custom_id, message=single_line(error.message or status, _MESSAGE_CHARACTERS))


def _error_of(response: _Response | None) -> _Error:
    error = (response.body or {}).get("error") if response else None
    message = error.get("message") if isinstance(error, dict) else None
    return _Error(message=message if isinstance(message, str) else None)


def _remote(batch: _Batch) -> RemoteBatch:
    """Return what a batch is in our words. One that expired or was cancelled may have answered some calls."""
    counts, errors = batch.request_counts or _Counts(), (batch.errors and batch.errors.data) or []
    message = {"expired": "It expired.", "cancelled": "It was cancelled."}.get(batch.status)
    if batch.status == "failed":
        message = single_line((errors[0].message if errors else None) or "It was refused.", _MESSAGE_CHARACTERS)
    files = (batch.output_file_id, batch.error_file_id)
    return RemoteBatch(
        id=batch.id,
        state="refused" if batch.status == "failed" else "under way" if batch.status in _UNDER_WAY else "ended",
        calls=counts.total,
        answered=counts.completed + counts.failed if batch.status == "completed" else None,
        created_at=batch.created_at,
        expires_at=batch.expires_at,
        results=tuple(f"/files/{quote(file, safe='')}/content" for file in files if file),
        message=message,
        again=batch.status == "failed" and any(error.code == _TOO_MUCH for error in errors),
        checked=batch.status != "validating",
    )
