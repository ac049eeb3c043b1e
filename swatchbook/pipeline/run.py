"""Begin a run of a document, keep it alive, and record its stages, progress (at most twice a second) and failure.

Rows of runs: `ledger/runs.py`; dead runs: `ledger/dead_runs.py`; the status at the end: `finish_run.py`.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from swatchbook.errors import (
    Failure,
    InvalidReference,
    LedgerDown,
    RunRevoked,
    as_failure,
)
from swatchbook.ledger import runs, shard_runs
from swatchbook.ledger.database import Ledger
from swatchbook.ledger.document_commands import postpone
from swatchbook.ledger.documents import PDF, Document, get_document, queue
from swatchbook.ledger.owners import id_of_document
from swatchbook.ledger.runs import Busy, Run
from swatchbook.pipeline.delete import finish_delete
from swatchbook.pipeline.finish_run import RECHECK_SECONDS, WAITING_POLICIES, end_failed_run, make_room
from swatchbook.pipeline.heartbeat import keep_alive
from swatchbook.pipeline.register import Registered, register_source, spaces_to_serve
from swatchbook.pipeline.register_folder import register_known_folder
from swatchbook.pipeline.work import Work
from swatchbook.records import BlockNames, DocumentStatus, IngestOptions, Stage
from swatchbook.resources import Resources
from swatchbook.runtime.disk import keep_reserve
from swatchbook.storage.files import KEY

_SETTLED = {DocumentStatus.COMPLETED, DocumentStatus.FAILED, DocumentStatus.BLOCKED, DocumentStatus.CANCELLED}
_PROGRESS_SECONDS = 0.5  # seconds; the least pause between two writes of progress


def begin_work(
    resources: Resources,
    source: str,
    *,
    owner: str,
    options: IngestOptions,
    prefect_run: str | None = None,
    blocks: BlockNames = BlockNames(),
    kind: str = PDF,
    edition_of: str | None = None,
) -> Work | Busy | Document:
    """Register the source and begin a run of its document. `kind`: whether the source is a PDF or a folder.

    `edition_of`: the id of the document whose newer edition a PDF is.

    Returns the Document itself when it is complete with the same options or was cancelled; Busy when another run is
    live, or when the document was being deleted (the delete is finished first, as far as possible). Raises what
    `register_source` and `register_known_folder` raise.
    """
    keep_reserve(resources.settings.home)
    try:
        registered = _register(resources, source, kind, owner, options, edition_of, begins=prefect_run is not None)
        if registered.unchanged:
            return registered.document
        begun = runs.begin(
            resources.ledger,
            registered.document.id,
            options=registered.options,
            fingerprint=registered.request.fingerprint,
            requested=registered.request.requested,
            beside=spaces_to_serve(resources, registered.request.requested, registered.options),
            prefect_run=prefect_run,
            blocks=blocks,
        )
    except Failure as failure:  # a queued document has no run yet that could record it
        if queued := queued_document(resources, owner, source, kind):
            block_document(resources, queued, failure)
        raise
    if isinstance(begun, Busy):
        return _finish_pending_delete(resources, registered, begun)
    return _work(resources, begun, registered.options, blocks)


def _register(
    resources: Resources,
    source: str,
    kind: str,
    owner: str,
    options: IngestOptions,
    edition_of: str | None,
    *,
    begins: bool,
) -> Registered:
    if kind == PDF:
        return register_source(resources, source, owner=owner, options=options, edition_of=edition_of, begins=begins)
    return register_known_folder(resources, source, owner=owner, options=options, begins=begins)


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


def queued_document(resources: Resources, owner: str, source: str, kind: str) -> str | None:
    """Return the id of a source's document; None if it is known only once a file is read."""
    if kind != PDF:
        return id_of_document(resources.ledger, owner, str(Path(source).resolve()))
    return id_of_document(resources.ledger, owner, source[:64]) if KEY.match(source) else None


def block_document(resources: Resources, document: str, failure: Failure) -> None:
    """Record a failure of a document without a live run: it waits where that is likely to pass, else it is blocked."""
    failure = make_room(resources, failure)
    status = DocumentStatus.WAITING if failure.policy in WAITING_POLICIES else DocumentStatus.BLOCKED
    postpone(
        resources.ledger,
        document,
        status,
        message=str(failure),
        failure_kind=failure.kind,
        seconds=RECHECK_SECONDS,
    )


def has_settled(resources: Resources, document_id: str) -> bool:
    """Return whether nothing is left to do now for a document whose run was followed."""
    document = get_document(resources.ledger, document_id)
    due_later = document.due_at is not None and document.due_at > resources.ledger.now()
    return document.status in _SETTLED or (document.status == DocumentStatus.WAITING and due_later)


@contextmanager
def hold_run(resources: Resources, run: Run) -> Iterator[threading.Event]:
    """Keep a document's run alive, and record its end if the block raises. Yields an event that is set when it is lost.

    What can be tried again leaves the document waiting, the rest leaves it failed or blocked.
    """
    with _hold(resources.ledger, run, partial(end_failed_run, resources, run)) as lost:
        try:
            yield lost
        finally:
            resources.batch_sizes.pop(run.token, None)


@contextmanager
def hold_shard_run(ledger: Ledger, run: Run) -> Iterator[threading.Event]:
    """Hold a run that is not the document's own (a shard's or a review's) in the same way."""

    def end(error: BaseException) -> None:
        kind = as_failure(error).kind if isinstance(error, Exception) else None
        shard_runs.end(ledger, run, failure_kind=kind)

    with _hold(ledger, run, end) as lost:
        yield lost


@contextmanager
def _hold(ledger: Ledger, run: Run, end: Callable[[BaseException], None]) -> Iterator[threading.Event]:
    with keep_alive(ledger, run) as lost:
        try:
            yield lost
        except RunRevoked:
            raise  # the process that revoked it has recorded why
        except BaseException as error:
            end(error)
            raise


def start_stage(resources: Resources, run: Run, stage: Stage) -> None:
    """Record that the work that leads to a stage begins. Raises RunRevoked."""
    report_progress(resources, run, stage, 0, 0)


def finish_stage(resources: Resources, run: Run, stage: Stage, seconds: float, units: int) -> None:
    """Record that a stage is reached, and the seconds of work on how many pages or images. Raises RunRevoked."""
    _retry_once_on_ledger_down(lambda: runs.record_timing(resources.ledger, run, stage, seconds, units))
    _retry_once_on_ledger_down(lambda: runs.reach_stage(resources.ledger, run, stage))


def _retry_once_on_ledger_down(write: Callable[[], None]) -> None:
    """Run an idempotent ledger write, and once more after LedgerDown (the retry waits for the connection)."""
    try:
        write()
    except LedgerDown:
        write()


def report_progress(
    resources: Resources, run: Run, stage: Stage, done: int, total: int, note: str | None = None
) -> None:
    """Record how far the work towards a stage is. Raises RunRevoked.

    It waits for nothing: while the ledger is down, the work goes on and its progress is not recorded.
    """
    with suppress(LedgerDown):
        runs.record_progress(resources.ledger.with_patience(0.0), run, stage, done, total, note)


def report_note(resources: Resources, run: Run, note: str) -> None:
    """Record what else a run does during its stage, in the way of `report_progress`. Raises RunRevoked."""
    with suppress(LedgerDown):
        runs.record_note(resources.ledger.with_patience(0.0), run, note)


def progress_callback(resources: Resources, run: Run, stage: Stage) -> Callable[..., None]:
    """Return a callback (done, total, note) that records progress at most twice a second. It raises RunRevoked.

    The first call, the last one and one with another note are recorded at once.
    """
    last, noted = 0.0, None

    def report(done: int, total: int, note: str | None = None) -> None:
        nonlocal last, noted
        now = time.monotonic()
        if now - last >= _PROGRESS_SECONDS or done >= total or (note and note != noted):
            last, noted = now, note
            report_progress(resources, run, stage, done, total, note)

    return report
