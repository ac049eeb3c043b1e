"""Register what a flow is given, and begin a run of its document; `store/ledger/runs.py` decides whether one may
begin."""

from functools import partial
from pathlib import Path
from typing import Any

from swatchbook.domain.errors import DocumentDeleted, Failure, InvalidReference
from swatchbook.domain.records import BlockNames, DocumentStatus, IngestOptions, Stage
from swatchbook.domain.runtime.disk import keep_reserve
from swatchbook.ingest.register import Registered, register_after_delete, register_source, spaces_to_serve
from swatchbook.ingest.register_path import register_known_folder
from swatchbook.ingest.run import Work, block_document
from swatchbook.resources import Resources
from swatchbook.store.files.stored_file import KEY
from swatchbook.store.ledger import runs
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.document_commands import request_again
from swatchbook.store.ledger.owners import id_of_document
from swatchbook.store.ledger.page_findings import has_failed_pages
from swatchbook.store.ledger.runs import Busy, Run
from swatchbook.store.ledger.stored_documents import PDF, Document, get_document

_SETTLED = {DocumentStatus.COMPLETED, DocumentStatus.FAILED, DocumentStatus.BLOCKED, DocumentStatus.CANCELLED}


def register_given(
    resources: Resources,
    source: str,
    *,
    owner: str,
    options: IngestOptions,
    kind: str = PDF,
    edition_of: str | None = None,
    known: bool = False,
) -> Registered:
    """Register what a flow is given. `kind`: whether the source is a PDF or a folder; `known`: see `queue`.

    `edition_of`: the id of the document whose newer edition a PDF is. A delete under way is finished first, unless the
    document is `known`. Raises what `register_source` and `register_known_folder` raise; a document that is queued
    already then waits or is blocked with the reason.
    """
    keep_reserve(resources.settings.home)
    asked: dict[str, Any] = {"owner": owner, "options": options, "known": known}
    if kind == PDF:
        register_it = partial(register_source, resources, source, edition_of=edition_of, **asked)
    else:
        register_it = partial(register_known_folder, resources, source, **asked)
    try:
        return register_it() if known else register_after_delete(resources, register_it)
    except DocumentDeleted:
        raise
    except Failure as failure:  # a queued document has no run yet that could record it
        # the document of a PDF is known only once its file is stored
        content = str(Path(source).resolve()) if kind != PDF else source[:64] if KEY.match(source) else None
        if content is not None:
            block_document(resources, id_of_document(resources.ledger, owner, content), failure)
        raise


def begin_work(
    resources: Resources, registered: Registered, *, prefect_run: str | None = None, blocks: BlockNames = BlockNames()
) -> Work | Busy | Document:
    """Begin a run of a registered document.

    Returns the Document itself when it is complete with the same options or was cancelled; Busy when another run is
    live. Raises DocumentDeleted if it was deleted since it was registered.
    """
    if registered.unchanged:
        return registered.document
    requested, options = registered.request.requested, registered.options
    try:
        begun = runs.begin(
            resources.ledger,
            registered.document.id,
            options=options,
            fingerprint=registered.request.fingerprint,
            requested=requested,
            beside=spaces_to_serve(resources, requested, options),
            prefect_run=prefect_run,
            blocks=blocks,
        )
    except DocumentDeleted:
        raise
    except Failure as failure:
        block_document(resources, registered.document.id, failure)
        raise
    if isinstance(begun, Busy):
        return registered.document if begun.reason == "cancelled" else begun
    return _work(resources, begun, options, blocks)


def _work(resources: Resources, run: Run, options: IngestOptions, blocks: BlockNames) -> Work:
    document = get_document(resources.ledger, run.document)
    if document.source is None:
        raise InvalidReference(f"{document.name} has no stored file.", advice="Ingest the file again.")
    ended = document.report is not None and document.report.generation == run.generation
    reached = document.kind == PDF and document.stage is Stage.COMPLETED
    return Work(
        run=run,
        document=document.id,
        name=document.name,
        owner=document.owner,
        content=document.content,
        kind=document.kind,
        file=document.source,
        options=options,
        force=document.force,
        blocks=blocks,
        trace=document.trace,
        only_items=ended and reached and not has_failed_pages(resources.ledger, document.id),
    )


def leave_to_next_run(ledger: Ledger, busy: Busy, options: IngestOptions) -> None:
    """Ask for these options after the live run, unless it has the same ones or they have been asked for already."""
    document = get_document(ledger, busy.document)
    is_asked = document.fingerprint is None and document.options == options
    if not busy.same and not is_asked:
        request_again(ledger, document.id, options)


def has_settled(resources: Resources, document_id: str) -> bool:
    """Return whether nothing is left to do now for a document whose run was followed."""
    document = get_document(resources.ledger, document_id)
    due_later = document.due_at is not None and document.due_at > resources.ledger.now()
    return document.status in _SETTLED or (document.status == DocumentStatus.WAITING and due_later)
