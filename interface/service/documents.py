"""Documents: what is there, how far it is, and what a person asks to be done about it."""

import base64
import json
import math
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import Field, TypeAdapter, ValidationError

from interface.service.auth import Caller, TheCaller, choose_known
from interface.service.dependencies import ONCE, RequestModel, RetryOptions, SearchText, Tools
from interface.service.problems import documented
from swatchbook.errors import InvalidReference
from swatchbook.ledger.document_commands import cancel, mark_deleting, retry
from swatchbook.ledger.documents import Document
from swatchbook.ledger.documents import get_document as documents_get_document
from swatchbook.ledger.documents import list_documents as documents_list_documents
from swatchbook.ledger.queries import account
from swatchbook.ledger.runs import LiveRun, live_runs
from swatchbook.records import PROGRESS, DocumentStatus, IngestOptions, Owner, Record, RunReport, Stage
from swatchbook.resources import Resources
from swatchbook.upkeep.regenerate import regenerate

MOST_LISTED = 200

DocumentId = Annotated[UUID, Path(description="As the upload's answer or the list says.")]

router = APIRouter(prefix="/documents", tags=["documents"], responses=documented(404))


class Progress(Record):
    """How far the live run is: what it works towards, and `done` of `total` within that. Ages are seconds."""

    stage: Stage | None
    done: int
    total: int
    note: str | None
    heartbeat_age: float
    progress_age: float


class ListedDocument(Record):
    """A document as the list shows it. Times are Unix seconds, `size` bytes."""

    id: str
    owner: str
    name: str
    status: DocumentStatus
    stage: Stage
    percent: float = Field(description="How far it is as a whole, 0–100.")
    message: str | None
    failure_kind: str | None
    due_at: float | None
    size: int
    page_count: int | None
    created_at: float
    updated_at: float


class ShownDocument(ListedDocument):
    """A document as it stands."""

    options: IngestOptions
    generation: str | None
    progress: Progress | None = Field(description="Of the live run, if there is one.")
    report: RunReport


class Listing(RequestModel):
    """What to list."""

    owner: Owner | None = Field(default=None, description="Whose; may be left out by a key for one owner, or for all.")
    status: DocumentStatus | None = None
    name: SearchText | None = Field(default=None, description="A part of the name, in any case.")
    limit: int = Field(default=50, ge=1, le=MOST_LISTED)
    cursor: str | None = Field(default=None, max_length=200, description="`next` of the page before.")


class Listed(Record):
    """A page of documents, newest first; `next` is the cursor of the page behind it, if there is one."""

    documents: tuple[ListedDocument, ...]
    next: str | None


class Accepted(Record):
    """What was asked for is written down and will be done."""

    id: str
    status: DocumentStatus
    message: str


# --- looking ----------------------------------------------------------------------------------------------------------


@router.get("", summary="List documents")
def list_documents(resources: Tools, caller: TheCaller, asked: Annotated[Listing, Query()]) -> Listed:
    """Newest first, by keyset: what is added meanwhile moves nothing."""
    found = documents_list_documents(
        resources.ledger,
        owner=choose_known(resources, caller, asked.owner),
        status=asked.status,
        name=asked.name,
        after=_read_cursor(asked.cursor) if asked.cursor else None,
        limit=asked.limit + 1,
    )
    page = found[: asked.limit]
    runs = {run.document: run for run in live_runs(resources.ledger)}
    return Listed(
        documents=tuple(ListedDocument(**_listed(document, runs.get(document.id))) for document in page),
        next=_write_cursor(page[-1]) if len(found) > len(page) else None,
    )


@router.get("/{document_id}", summary="One document: status, progress, report")
def get_document(resources: Tools, caller: TheCaller, document_id: DocumentId) -> ShownDocument:
    """The account as it stands now, and the live run's progress."""
    document = find(resources, caller, document_id)
    run = next((run for run in live_runs(resources.ledger) if run.document == document.id), None)
    return ShownDocument(
        **_listed(document, run),
        options=document.options,
        generation=document.generation,
        progress=Progress.model_validate(run.model_dump(include=set(Progress.model_fields))) if run else None,
        report=account.document_report(resources.ledger, document.id),
    )


# --- asking for something ---------------------------------------------------------------------------------------------


@router.delete("/{document_id}", status_code=202, summary="Delete a document")
def delete_document(resources: Tools, caller: TheCaller, document_id: DocumentId) -> Accepted:
    """It can only be deleted from now on. Its rows, vectors and files go in the background; then it is not found."""
    document = find(resources, caller, document_id)
    mark_deleting(resources.ledger, document.id)
    return Accepted(
        id=document.id,
        status=DocumentStatus.DELETING,
        message="It is being deleted in the background; when that is done it is not found any more.",
    )


@router.post(
    "/{document_id}/embed",
    status_code=202,
    summary="Make what is missing or stale",
    responses=documented(400, 408, 409, 413),
)
def embed_document(
    resources: Tools, caller: TheCaller, document_id: DocumentId, again: RetryOptions = ONCE
) -> Accepted:
    """What is done stays. By force what failed or was rejected is made anew too."""
    document = workable(resources, caller, document_id)
    if not regenerate(resources, document, force=again.force):
        return _accepted(document, "Nothing to do: all of it is made, by the makers in use.")
    return _accepted(documents_get_document(resources.ledger, document.id), "What is missing or stale will be made.")


@router.post(
    "/{document_id}/retry", status_code=202, summary="Try again what failed", responses=documented(400, 408, 409, 413)
)
def retry_document(
    resources: Tools, caller: TheCaller, document_id: DocumentId, again: RetryOptions = ONCE
) -> Accepted:
    """Takes up a failed, blocked or cancelled document; failed images are tried anew, rejected ones by force."""
    document = workable(resources, caller, document_id)
    retry(resources.ledger, document.id, force=again.force)
    left = documents_get_document(resources.ledger, document.id)
    done = left.status == DocumentStatus.COMPLETED
    return _accepted(left, "Nothing to do: nothing of it has failed." if done else "It will be worked on again.")


@router.post(
    "/{document_id}/cancel", status_code=202, summary="Stop working on it", responses=documented(400, 408, 409, 413)
)
def cancel_document(resources: Tools, caller: TheCaller, document_id: DocumentId) -> Accepted:
    """What is made and searchable stays; retry takes it up again."""
    document = workable(resources, caller, document_id)
    if not cancel(resources.ledger, document.id):
        raise HTTPException(409, f"It is {document.status.value}: there is nothing to stop.")
    return _accepted(documents_get_document(resources.ledger, document.id), "It is cancelled; retry takes it up again.")


# --- shared -----------------------------------------------------------------------------------------------------------


def find(resources: Resources, caller: Caller, document_id: UUID) -> Document:
    """The caller's document. Raises 404, for somebody else's too: ids tell nothing."""
    try:
        document = documents_get_document(resources.ledger, str(document_id))
    except InvalidReference:
        document = None
    if document is None or not caller.may(document.owner):
        raise HTTPException(404, f"There is no document {document_id}.")
    return document


def workable(resources: Resources, caller: Caller, document_id: UUID) -> Document:
    """The same, if anything but its end can be asked for. Raises 404, 409."""
    document = find(resources, caller, document_id)
    if document.status == DocumentStatus.DELETING:
        raise HTTPException(409, "It is being deleted.")
    return document


def _accepted(document: Document, message: str) -> Accepted:
    return Accepted(id=document.id, status=document.status, message=message)


def _listed(document: Document, run: LiveRun | None) -> dict[str, Any]:
    shown = document.model_dump(include=set(ListedDocument.model_fields))
    return shown | {"percent": round(_percent(document, run), 1)}


def _percent(document: Document, run: LiveRun | None) -> float:
    if run is None or run.stage is None:
        return PROGRESS[document.stage][1]
    start, end = PROGRESS[run.stage]
    return start + (end - start) * min(1.0, run.done / run.total if run.total else 0.0)


_CURSOR = TypeAdapter(tuple[float, UUID])


def _write_cursor(last: Document) -> str:
    written = json.dumps([last.created_at, last.id], separators=(",", ":"))
    return base64.urlsafe_b64encode(written.encode()).decode()


def _read_cursor(cursor: str) -> tuple[float, str]:
    try:
        created_at, document = _CURSOR.validate_json(base64.urlsafe_b64decode(cursor.encode()))
    except (ValueError, ValidationError):
        created_at, document = math.nan, None
    if document is None or not math.isfinite(created_at):
        raise HTTPException(422, "This cursor is not one that a list gave.")
    return created_at, str(document)
