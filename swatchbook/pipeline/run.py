"""A run's life: how it begins or follows, what keeps it alive, and how each way of ending is written down."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from swatchbook.backoff import pause_after
from swatchbook.cache_keys import stage_key
from swatchbook.errors import (
    KINDS,
    BudgetExceeded,
    Failure,
    InvalidReference,
    LedgerDown,
    Policy,
    RunRevoked,
    as_failure,
)
from swatchbook.ledger import runs
from swatchbook.ledger.document_commands import postpone
from swatchbook.ledger.documents import Document, get_document, queue
from swatchbook.ledger.leases import RUN_LIMIT
from swatchbook.ledger.runs import Busy, Run
from swatchbook.pipeline.delete import finish_delete
from swatchbook.pipeline.heartbeat import keep_alive
from swatchbook.pipeline.register import plan_request, register_source
from swatchbook.records import BlockNames, DocumentStatus, IngestOptions, Record, Stage, document_id
from swatchbook.resources import Resources
from swatchbook.settings import Settings
from swatchbook.storage.files import KEY

log = logging.getLogger(__name__)

_LATER = 60.0
"""Seconds until a document that ended in an outage, or that a person must mend, is looked at again."""

_PASSING = [c.kind for c in KINDS.values() if c.policy in {Policy.BACKOFF, Policy.SMALLER, Policy.ONCE_MORE}]
_PASSES = {Policy.OUTAGE, Policy.WAIT}
_SETTLED = {DocumentStatus.COMPLETED, DocumentStatus.FAILED, DocumentStatus.BLOCKED, DocumentStatus.CANCELLED}
_REPORT_EVERY = 0.5  # seconds between progress writes


class Work(Record):
    """One run at one document: what its stages need to know."""

    run: Run
    document: str
    name: str
    owner: str
    content: str
    file: str
    options: IngestOptions
    force: str | None
    blocks: BlockNames = BlockNames()

    def key(self, stage: str, settings: Settings, part: str = "") -> str:
        """Cache key of a pure stage of this document."""
        return stage_key(stage, self.content, settings, self.options, force=self.force, part=part)


def begin_work(
    resources: Resources,
    source: str,
    *,
    owner: str,
    options: IngestOptions,
    prefect_run: str | None = None,
    blocks: BlockNames = BlockNames(),
) -> Work | Busy | Document:
    """Begin a run at the source's document.

    Returns the Document itself when it is complete with these very options or was cancelled, Busy when another run
    lives, or when it was being deleted: that is finished first, as far as it can be. Raises what `register_source`
    raises.
    """
    try:
        registered = register_source(resources, source, owner=owner, options=options)
    except Failure as failure:  # no run will say it of what is queued
        if KEY.match(source):
            status = DocumentStatus.WAITING if failure.policy in _PASSES else DocumentStatus.BLOCKED
            told = {"message": str(failure), "failure_kind": failure.kind}
            postpone(resources.ledger, document_id(owner, source[:64]), status, **told, seconds=_LATER)
        raise
    if registered.unchanged:
        return registered.document
    asked = plan_request(resources.settings, options)
    document = registered.document
    begun = runs.begin(
        resources.ledger,
        document.id,
        options=options,
        fingerprint=asked.fingerprint,
        requested=asked.requested,
        prefect_run=prefect_run,
        blocks=blocks,
    )
    if isinstance(begun, Busy):
        if begun.reason == "cancelled":
            return document
        if begun.reason == "deleting" and finish_delete(resources, document.id):
            queue(  # the same file again, under the name that people know
                resources.ledger,
                owner=document.owner,
                content=document.content,
                kind=document.kind,
                name=document.name,
                file=document.file,
                size=document.size,
                options=options,
            )
        return begun
    document = get_document(resources.ledger, document.id)
    if document.file is None:
        raise InvalidReference(f"{document.name} has no stored file.", advice="Ingest the file again.")
    return Work(
        run=begun,
        document=document.id,
        name=document.name,
        owner=document.owner,
        content=document.content,
        file=document.file,
        options=options,
        force=document.force,
        blocks=blocks,
    )


def has_settled(resources: Resources, document_id: str) -> bool:
    """Whether a followed run left nothing to be done now."""
    document = get_document(resources.ledger, document_id)
    later = document.due_at is not None and document.due_at > resources.ledger.now()
    return document.status in _SETTLED or (document.status == DocumentStatus.WAITING and later)


@contextmanager
def active_run(resources: Resources, run: Run) -> Iterator[threading.Event]:
    """Keep a run alive, and write down how it ends if it does not end itself. Yields the event of its loss."""
    with keep_alive(resources.ledger, run) as beat:
        try:
            yield beat.lost
        except RunRevoked:
            raise  # whoever revoked it has written why
        except BaseException as error:
            _record_end(resources, run, error)
            raise


def _record_end(resources: Resources, run: Run, error: BaseException) -> None:
    if not isinstance(error, Exception):  # Ctrl-C, a cancelled task: the same command goes on from here
        now = resources.ledger.now()
        runs.end(
            resources.ledger, run, DocumentStatus.WAITING, message="Interrupted; run it again to go on.", due_at=now
        )
        return
    failure = as_failure(error)
    if not isinstance(error, Failure):
        log.error("a run ended unexpectedly", exc_info=error)
    status, pause = _what_becomes(resources, run, failure)
    due = None if pause is None else resources.ledger.now() + pause
    runs.end(resources.ledger, run, status, message=str(failure), failure_kind=failure.kind, due_at=due)


def _what_becomes(resources: Resources, run: Run, failure: Failure) -> tuple[DocumentStatus, float | None]:
    """Status, and seconds until it is due again, of a document whose run was ended by this failure.

    A passing one is tried again with the pauses of items, and as often.
    """
    if isinstance(failure, BudgetExceeded):
        return DocumentStatus.BLOCKED, None
    if failure.policy is Policy.BLOCKED:
        return DocumentStatus.BLOCKED, _LATER
    if failure.policy in _PASSES:
        return DocumentStatus.WAITING, _LATER
    if failure.policy is Policy.NEVER:
        return DocumentStatus.FAILED, None
    before = runs.count_failed_runs(resources.ledger, run, _PASSING)
    if before + 1 >= RUN_LIMIT:
        return DocumentStatus.FAILED, None
    return DocumentStatus.WAITING, pause_after(before + 1)


def start_stage(resources: Resources, run: Run, stage: Stage) -> None:
    """The work that leads to a stage begins. Raises RunRevoked."""
    report_progress(resources, run, stage, 0, 0)


def finish_stage(resources: Resources, run: Run, stage: Stage, seconds: float, units: int) -> None:
    """A stage is reached, after so many seconds of work on so many pages or images. Raises RunRevoked."""
    _retry_once_on_ledger_down(lambda: runs.record_timing(resources.ledger, run, stage, seconds, units))
    _retry_once_on_ledger_down(lambda: runs.reach_stage(resources.ledger, run, stage))


def _retry_once_on_ledger_down(move: Callable[[], None]) -> None:
    """Make a move; once more if the ledger went away in its middle, which waits for it first."""
    try:
        move()
    except LedgerDown:
        move()


def report_progress(
    resources: Resources, run: Run, stage: Stage, done: int, total: int, note: str | None = None
) -> None:
    """How far the work towards a stage is. Raises RunRevoked.

    It waits for nothing: while the ledger is away, the work goes on untold.
    """
    with suppress(LedgerDown):
        runs.record_progress(resources.ledger.with_patience(0.0), run, stage, done, total, note)


def progress_callback(resources: Resources, run: Run, stage: Stage) -> Callable[[int, int], None]:
    """A progress callback (done, total) that writes at most twice a second. Raises RunRevoked when the run is lost."""
    last = 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _REPORT_EVERY or done >= total:
            last = now
            report_progress(resources, run, stage, done, total)

    return report
