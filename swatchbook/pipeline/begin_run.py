"""Register what a flow is given, and begin a run of its document; `ledger/runs.py` decides whether one may begin."""

from pathlib import Path

from swatchbook.errors import Failure, InvalidReference
from swatchbook.ledger import runs
from swatchbook.ledger.owners import id_of_document
from swatchbook.ledger.runs import Busy, Run
from swatchbook.ledger.stored_documents import PDF, Document, get_document, queue
from swatchbook.pipeline.delete import finish_delete
from swatchbook.pipeline.register import Registered, register_source, spaces_to_serve
from swatchbook.pipeline.register_path import register_known_folder
from swatchbook.pipeline.run import Work, block_document
from swatchbook.records import BlockNames, DocumentStatus, IngestOptions
from swatchbook.resources import Resources
from swatchbook.runtime.disk import keep_reserve
from swatchbook.storage.files import KEY

_SETTLED = {DocumentStatus.COMPLETED, DocumentStatus.FAILED, DocumentStatus.BLOCKED, DocumentStatus.CANCELLED}


def register_given(
    resources: Resources,
    source: str,
    *,
    owner: str,
    options: IngestOptions,
    kind: str = PDF,
    edition_of: str | None = None,
    begins: bool = False,
) -> Registered:
    """Register what a flow is given. `kind`: whether the source is a PDF or a folder; `begins`: see `queue`.

    `edition_of`: the id of the document whose newer edition a PDF is. Raises what `register_source` and
    `register_known_folder` raise; a document that is queued already then waits or is blocked with the reason.
    """
    keep_reserve(resources.settings.home)
    try:
        if kind == PDF:
            return register_source(
                resources, source, owner=owner, options=options, edition_of=edition_of, begins=begins
            )
        return register_known_folder(resources, source, owner=owner, options=options, begins=begins)
    except Failure as failure:  # a queued document has no run yet that could record it
        if queued := _queued_document(resources, owner, source, kind):
            block_document(resources, queued, failure)
        raise


def begin_work(
    resources: Resources, registered: Registered, *, prefect_run: str | None = None, blocks: BlockNames = BlockNames()
) -> Work | Busy | Document:
    """Begin a run of a registered document.

    Returns the Document itself when it is complete with the same options or was cancelled; Busy when another run is
    live, or when the document was being deleted (the delete is finished first, as far as possible).
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
    except Failure as failure:
        block_document(resources, registered.document.id, failure)
        raise
    if isinstance(begun, Busy):
        return _finish_pending_delete(resources, registered, begun)
    return _work(resources, begun, options, blocks)


def _finish_pending_delete(resources: Resources, registered: Registered, busy: Busy) -> Busy | Document:
    """Return why no run began: the document itself if it was cancelled. One that was being deleted is queued again."""
    document = registered.document
    if busy.reason == "cancelled":
        return document
    if busy.reason == "deleting" and finish_delete(resources, document.id):
        queue(  # the same file again, under the name that people know
            resources.ledger,
            owner=document.owner,
            content=document.content,
            kind=document.kind,
            name=document.name,
            file=document.file,
            size=document.size,
            options=registered.options,
        )
    return busy


def _work(resources: Resources, run: Run, options: IngestOptions, blocks: BlockNames) -> Work:
    document = get_document(resources.ledger, run.document)
    if document.source is None:
        raise InvalidReference(f"{document.name} has no stored file.", advice="Ingest the file again.")
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
    )


def _queued_document(resources: Resources, owner: str, source: str, kind: str) -> str | None:
    """Return the id of a source's document; None if it is known only once a file is read."""
    if kind != PDF:
        return id_of_document(resources.ledger, owner, str(Path(source).resolve()))
    return id_of_document(resources.ledger, owner, source[:64]) if KEY.match(source) else None


def has_settled(resources: Resources, document_id: str) -> bool:
    """Return whether nothing is left to do now for a document whose run was followed."""
    document = get_document(resources.ledger, document_id)
    due_later = document.due_at is not None and document.due_at > resources.ledger.now()
    return document.status in _SETTLED or (document.status == DocumentStatus.WAITING and due_later)
