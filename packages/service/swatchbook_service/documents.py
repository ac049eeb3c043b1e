"""Endpoints for documents: list (newest first, at most 200 a page), show, retry, embed, cancel, delete; and for the
trash. A document of an owner without access is 404.
"""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import Field, TypeAdapter

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import Deletion, DocumentStatus, EditionDiff, Trashed, stage_reached
from swatchbook.doors.replies import Accepted, Listed, ListedDocument, ListedTrash, Progress, ShownDocument
from swatchbook.ingest.delete import end, restore, throw_away
from swatchbook.resources import Resources
from swatchbook.store.ledger.document_commands import cancel, count_deletion, mark_deleting, retry
from swatchbook.store.ledger.queries.account import document_states
from swatchbook.store.ledger.queries.report import document_report
from swatchbook.store.ledger.run_queries import LiveRun, live_run, own_runs
from swatchbook.store.ledger.stored_documents import Document
from swatchbook.store.ledger.stored_documents import get_document as documents_get_document
from swatchbook.store.ledger.stored_documents import list_documents as documents_list_documents
from swatchbook.store.ledger.trashed_documents import get_trashed
from swatchbook.store.ledger.trashed_documents import list_trash as ledger_list_trash
from swatchbook.upkeep.queue_again import decide, regenerate
from swatchbook.upkeep.reports.document_state import (
    Outcome,
    describe_progress,
    describe_retry,
    describe_state,
    outcome_of_account,
    outcome_of_report,
    percent_done,
)
from swatchbook.upkeep.reports.edition_report import compare_documents as compare
from swatchbook_service.auth import Caller, TheCaller, choose_known
from swatchbook_service.health import starts_documents
from swatchbook_service.parameters import (
    DEFAULT_EMBED,
    DEFAULT_RETRY,
    EmbedOptions,
    LostPictureOptions,
    OwnerOfDocuments,
    Paging,
    RequestModel,
    RetryOptions,
    SearchText,
    Seconds,
    StoredId,
    Tools,
    cut_page,
    read_cursor,
)
from swatchbook_service.problems import documented

DocumentId = Annotated[UUID, Path(description="Document id, as returned by the upload or the list.")]

POSITION: TypeAdapter[tuple[float, str]] = TypeAdapter(tuple[Seconds, StoredId])

_STOPPED = (DocumentStatus.WAITING, DocumentStatus.BLOCKED, DocumentStatus.FAILED, DocumentStatus.CANCELLED)
"""Of these the list counts the images now; of the others the last report or the run says it, without a long query."""

router = APIRouter(prefix="/documents", tags=["documents"], responses=documented(404))


class Listing(Paging):
    """Filters and paging of the list."""

    owner: OwnerOfDocuments = None
    status: DocumentStatus | None = Field(default=None, description="Only documents with this status.")
    name: SearchText | None = Field(default=None, description="Part of the name, case-insensitive.")


# --- reading ----------------------------------------------------------------------------------------------------------


@router.get("", summary="List documents")
def list_documents(resources: Tools, caller: TheCaller, query: Annotated[Listing, Query()]) -> Listed:
    """Newest first, with keyset paging: documents added meanwhile do not shift the pages."""
    rows = documents_list_documents(
        resources.ledger,
        owner=choose_known(resources, caller, query.owner),
        status=query.status,
        name=query.name,
        after=read_cursor(query.cursor, POSITION),
        limit=query.limit + 1,
    )
    page, cursor = cut_page([((row.created_at, row.id), row) for row in rows], query.limit)
    runs, now = own_runs(resources.ledger), resources.ledger.now()
    stopped = [document for document in page if document.status in _STOPPED]
    outcomes = {document.id: outcome_of_report(document.report) for document in page} | {
        document.id: outcome_of_account(document, account)
        for document, account in zip(stopped, document_states(resources.ledger, stopped), strict=True)
    }
    listed = (_listed(document, outcomes[document.id], runs.get(document.id), now) for document in page)
    return Listed(documents=tuple(ListedDocument(**each) for each in listed), next=cursor)


@router.get("/{document_id}", summary="Show a document with status, progress and report")
def get_document(resources: Tools, caller: TheCaller, document_id: DocumentId) -> ShownDocument:
    """Includes the current account and the progress of the live run."""
    document = find(resources, caller, document_id)
    run = live_run(resources.ledger, document.id)
    report, now = document_report(resources.ledger, document.id), resources.ledger.now()
    return ShownDocument(
        **_listed(document, outcome_of_report(report), run, now),
        options=document.options,
        generation=document.generation,
        progress=_progress(run) if run else None,
        report=report,
    )


@router.get("/{document_id}/diff/{newer_id}", summary="Compare the products of two documents")
def compare_documents(
    resources: Tools, caller: TheCaller, document_id: DocumentId, newer_id: DocumentId
) -> EditionDiff:
    """What the second has added, removed, renamed and changed (price, size) against the first."""
    before, after = find(resources, caller, document_id), find(resources, caller, newer_id)
    return compare(resources.ledger, before.id, after.id)


@router.get("/{document_id}/deletion", summary="Show what deleting a document would remove")
def show_deletion(resources: Tools, caller: TheCaller, document_id: DocumentId) -> Deletion:
    """Images that no other document of its owner shows. Nothing is deleted."""
    return count_deletion(resources.ledger, find(resources, caller, document_id).id)


# --- changing ---------------------------------------------------------------------------------------------------------


@router.delete("/{document_id}", status_code=202, summary="Delete a document")
def delete_document(
    resources: Tools,
    caller: TheCaller,
    document_id: DocumentId,
    now: Annotated[bool, Query(description="Delete it for good, also from the trash.")] = False,
) -> Accepted:
    """Moves it to the trash for a day: searches and lists leave it out, `GET /trash` has it, and
    `POST /trash/{id}/restore` brings it back. With `now` its rows, vectors and files are removed in the background."""
    if now:
        trashed = get_trashed(resources.ledger, str(document_id))
        if trashed is not None and caller.may(trashed.owner):
            end(resources, trashed.document)
        else:
            mark_deleting(resources.ledger, find(resources, caller, document_id).id)
        return _being_deleted(str(document_id))
    document = find(resources, caller, document_id)
    if document.status == DocumentStatus.DELETING:
        return _being_deleted(document.id)
    throw_away(resources, document.id)
    return Accepted(
        id=document.id,
        status=DocumentStatus.DELETING,
        message="The document is in the trash for a day; `POST /trash/{id}/restore` brings it back.",
    )


def _being_deleted(document: str) -> Accepted:
    return Accepted(
        id=document,
        status=DocumentStatus.DELETING,
        message="The document is being deleted in the background; afterwards its id is not found.",
    )


@router.post(
    "/{document_id}/embed",
    status_code=202,
    summary="Create missing and outdated vectors",
    responses=documented(400, 408, 409, 413),
)
def embed_document(
    resources: Tools, caller: TheCaller, document_id: DocumentId, options: EmbedOptions = DEFAULT_EMBED
) -> Accepted:
    """Existing vectors of the current models are kept. `force` also retries failed and rejected images; `pages` takes
    in pages that were skipped, `boxes` pictures that were seen and not taken; later ingests of the same file keep
    them."""
    document = find_changeable(resources, caller, document_id)
    if not regenerate(
        resources, document, pages=options.pages, boxes=options.boxes, by=caller.name, force=options.force
    ):
        return _accepted(resources, document, "Nothing to do: all vectors are up to date.")
    return _accepted(resources, document, "Missing and outdated vectors will be created.")


@router.post(
    "/{document_id}/lost-pictures",
    status_code=202,
    summary="Take in, dismiss or put back what looks like a picture",
    responses=documented(400, 408, 409, 413),
)
def decide_lost_pictures(
    resources: Tools, caller: TheCaller, document_id: DocumentId, options: LostPictureOptions
) -> Accepted:
    """Pictures that were seen and not taken are in the document's report, and by page in its pages. What is taken in is
    processed like the pictures that were found; what is dismissed is no longer counted."""
    document = find_changeable(resources, caller, document_id)
    changes = decide(resources, document, options.boxes, options.state, by=caller.name)
    message = "The document will be processed again." if changes else "It is recorded; nothing is left to do."
    return _accepted(resources, document, message)


@router.post(
    "/{document_id}/retry", status_code=202, summary="Retry what failed", responses=documented(400, 408, 409, 413)
)
def retry_document(
    resources: Tools, caller: TheCaller, document_id: DocumentId, options: RetryOptions = DEFAULT_RETRY
) -> Accepted:
    """Resumes a failed, blocked or cancelled document and retries failed images; `force` also retries rejected ones."""
    before = find_changeable(resources, caller, document_id)
    again = retry(resources.ledger, before.id, force=options.force)
    report = None if again else document_report(resources.ledger, before.id)
    message = describe_retry(before, report, force=options.force, starts=not again or starts_documents(resources))
    return _accepted(resources, before, message)


@router.post(
    "/{document_id}/cancel", status_code=202, summary="Cancel processing", responses=documented(400, 408, 409, 413)
)
def cancel_document(resources: Tools, caller: TheCaller, document_id: DocumentId) -> Accepted:
    """What is already searchable stays; `retry` resumes the document."""
    document = find_changeable(resources, caller, document_id)
    if not cancel(resources.ledger, document.id):
        raise HTTPException(409, f"Nothing to stop: the document's status is {document.status.value}.")
    return _accepted(resources, document, "The document is cancelled; `retry` resumes it.")


# --- shared -----------------------------------------------------------------------------------------------------------


def find(resources: Resources, caller: Caller, document_id: UUID) -> Document:
    """Return the caller's document. Raises 404, for other owners' documents too, to hide which ids exist."""
    try:
        document = documents_get_document(resources.ledger, str(document_id))
    except InvalidReference:
        document = None
    if document is None or not caller.may(document.owner):
        raise HTTPException(404, f"Document {document_id} not found.")
    return document


def find_changeable(resources: Resources, caller: Caller, document_id: UUID) -> Document:
    """Return the caller's document unless it is being deleted. Raises 404, 409."""
    document = find(resources, caller, document_id)
    if document.status == DocumentStatus.DELETING:
        raise HTTPException(409, "The document is being deleted.")
    return document


def _accepted(resources: Resources, before: Document, message: str) -> Accepted:
    """Return the status that a document has after a request."""
    now = documents_get_document(resources.ledger, before.id)
    return Accepted(id=now.id, status=now.status, message=message)


def _listed(document: Document, outcome: Outcome, run: LiveRun | None, now: float) -> dict[str, Any]:
    """Return the fields of a document in the list; `now`: Unix seconds."""
    does = describe_progress(run).sentence
    return document.model_dump(include=set(ListedDocument.model_fields)) | {
        "stage": stage_reached(document.stage, document.status, outcome.waiting),
        "percent": round(percent_done(document, outcome, run), 1),
        "shown": describe_state(document.status, outcome, now=now, next_try=document.due_at, progress=does),
    }


def _progress(run: LiveRun) -> Progress:
    words = describe_progress(run)
    fields = run.model_dump(include=set(Progress.model_fields))
    return Progress.model_validate(fields | words.model_dump(include={"step", "unit", "sentence"}))


trash_router = APIRouter(prefix="/trash", tags=["documents"], responses=documented(404))


# --- the trash --------------------------------------------------------------------------------------------------------


class TrashQuery(RequestModel):
    """Whose trash."""

    owner: OwnerOfDocuments = None


@trash_router.get("", summary="List the documents in the trash")
def list_trash(resources: Tools, caller: TheCaller, query: Annotated[TrashQuery, Query()]) -> ListedTrash:
    """The latest first. A day after it was deleted, a document is deleted for good."""
    found = ledger_list_trash(resources.ledger, choose_known(resources, caller, query.owner))
    return ListedTrash(documents=tuple(found))


@trash_router.post(
    "/{document_id}/restore", status_code=202, summary="Restore a document", responses=documented(400, 409)
)
def restore_document(resources: Tools, caller: TheCaller, document_id: DocumentId) -> Accepted:
    """Brings it back with all that it had, and publishes it again; nothing is embedded again."""
    document = restore(resources, find_in_trash(resources, caller, document_id).document)
    return Accepted(id=document.id, status=document.status, message="The document is back in the collection.")


def find_in_trash(resources: Resources, caller: Caller, document_id: UUID) -> Trashed:
    """Return the caller's document in the trash. Raises 404, for other owners' documents too."""
    trashed = get_trashed(resources.ledger, str(document_id))
    if trashed is None or not caller.may(trashed.owner):
        raise HTTPException(404, f"Document {document_id} is not in the trash.")
    return trashed
