"""Keep a document's run alive, record its progress, and end it after a failure. `Work` is what its stages need.

Every 20 s a thread shows that a run, or a flow run, is alive, also while the work is waiting; that renews its leases
(`store/ledger/item_tries.py`). After an outage a document is due again in 60 s, while blocked in a pause that doubles
from there; `backoff.py` has the pauses after other failures. Rows of runs: `store/ledger/runs.py`; dead runs:
`store/ledger/dead_runs.py`.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial

from swatchbook.domain.backoff import pause_after
from swatchbook.domain.errors import (
    KINDS,
    BudgetExceeded,
    DiskFull,
    Failure,
    LedgerDown,
    Policy,
    RunRevoked,
    Unexpected,
    as_failure,
)
from swatchbook.domain.records import BlockNames, DocumentStatus, IngestOptions, Record, Stage
from swatchbook.domain.runtime.disk import blame_full_disk, is_full, release_reserve
from swatchbook.domain.settings import Settings
from swatchbook.ingest.cache_keys import stage_key
from swatchbook.resources import Resources
from swatchbook.store.ledger import run_queries, runs
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.document_commands import postpone
from swatchbook.store.ledger.item_tries import RUN_LIMIT
from swatchbook.store.ledger.runs import Run
from swatchbook.store.ledger.stored_documents import PDF

log = logging.getLogger(__name__)

BEAT_SECONDS = 20.0
"""Seconds between two heartbeats. Two may be missed before a lease of 60 s ends."""

RECHECK_SECONDS = 60.0
"""Pause before the next try of a document after an outage, and before the first one while a person must help."""

BLOCKED_SECONDS = 3600.0
"""Longest pause before the next try while a person must help: a run that ends red each time must not be a nuisance."""

_PROGRESS_SECONDS = 0.5  # the least pause between two writes of progress
_RETRIED_KINDS = [c.kind for c in KINDS.values() if c.policy in {Policy.BACKOFF, Policy.SMALLER, Policy.ONCE_MORE}]
_WAITING_POLICIES = {Policy.OUTAGE, Policy.WAIT}


class Work(Record):
    """One run of a document, with what its stages need. `file`: key of its PDF; the name of any other source.

    `trace`: the traceparent of what it is a part of; of a shard's the stage of its parent. `only_items`: an earlier run
    of the generation went through all stages, so nothing is left but items of its images and chunks.
    """

    run: Run
    document: str
    name: str
    owner: str
    content: str
    kind: str = PDF
    file: str
    options: IngestOptions
    force: str | None
    blocks: BlockNames = BlockNames()
    trace: str | None = None
    only_items: bool = False

    def key(self, stage: str, settings: Settings, part: str = "") -> str:
        """Return the cache key of a pure stage of this document."""
        return stage_key(stage, self.content, settings, self.options, force=self.force, part=part)


# --- keep alive -------------------------------------------------------------------------------------------------------


@contextmanager
def hold_run(resources: Resources, run: Run) -> Iterator[None]:
    """Keep a document's run alive, and record its end if the block raises.

    What can be tried again leaves the document waiting, the rest leaves it failed or blocked.
    """
    with _hold(resources.ledger, run, partial(_end_failed_run, resources, run)):
        try:
            yield
        finally:
            resources.batch_sizes.pop(run.token, None)


def hold_shard_run(ledger: Ledger, run: Run) -> AbstractContextManager[None]:
    """Hold a run that is not the document's own (a shard's or a review's) in the same way."""

    def end(error: BaseException) -> None:
        kind = as_failure(error).kind if isinstance(error, Exception) else None
        runs.end_part(ledger, run, failure_kind=kind)

    return _hold(ledger, run, end)


@contextmanager
def _hold(ledger: Ledger, run: Run, end: Callable[[BaseException], None]) -> Iterator[None]:
    with keep_alive(ledger, run):
        try:
            yield
        except RunRevoked:
            raise  # the process that revoked it has recorded why
        except BaseException as error:
            end(error)
            raise


def keep_alive(ledger: Ledger, run: Run, *, every: float = BEAT_SECONDS) -> AbstractContextManager[None]:
    """Renew the run's leases every `every` seconds while the block runs.

    A run that was revoked, or that another process has marked dead, can write nothing more. An outage of the ledger
    only delays the heartbeat: a lease that ended meanwhile is renewed, unless another process saw the ledger first and
    marked the run dead.
    """
    return beating(partial(runs.record_heartbeat, ledger.with_patience(0.0), run), run.token, every=every)


@contextmanager
def beating(beat: Callable[[], None], name: str, *, every: float = BEAT_SECONDS) -> Iterator[None]:
    """Call `beat` every `every` seconds while the block runs or until it raises RunRevoked, sooner after a Failure.

    `name`: of the thread.
    """
    over = threading.Event()
    thread = threading.Thread(target=_beat, args=(beat, every, over), name=f"heartbeat {name}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(5)  # a heartbeat that waits for a lock finds its run ended, and ends too


def _beat(beat: Callable[[], None], every: float, over: threading.Event) -> None:
    pause = every
    while not over.wait(pause):
        try:
            beat()
            pause = every
        except RunRevoked as revoked:
            log.warning("%s", revoked)
            return
        except Failure as failure:  # the ledger does not answer: try again, sooner
            log.warning("no heartbeat: %s", failure)
            pause = every / 20


# --- progress ---------------------------------------------------------------------------------------------------------


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
        runs.record_alive(resources.ledger.with_patience(0.0), run, note)


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


# --- failure ----------------------------------------------------------------------------------------------------------


def _end_failed_run(resources: Resources, run: Run, error: BaseException) -> None:
    ledger = resources.ledger
    if not isinstance(error, Exception):  # Ctrl-C or a cancelled task: the same command goes on from here
        message = "Interrupted; run it again to go on."
        runs.end(ledger, run, DocumentStatus.WAITING, message=message, due_at=ledger.now())
        return
    failure = as_failure(error)
    if isinstance(failure, Unexpected):
        log.error("a run ended unexpectedly", exc_info=error)
    failure = make_room(resources, failure)
    status, pause = _status_after_failure(resources, run, failure)
    due_at = None if pause is None else ledger.now() + pause
    runs.end(ledger, run, status, message=str(failure), failure_kind=failure.kind, due_at=due_at)


def make_room(resources: Resources, failure: Failure) -> Failure:
    """Give the reserve of a full disk back, so that the ledger can record the failure. Return its cause, if that is it.

    Call it before the failure is recorded: a full disk may show as any error, such as one of Prefect's server.
    """
    home = resources.settings.home
    failure = blame_full_disk(failure, home)
    if isinstance(failure, DiskFull) and is_full(home):
        release_reserve(home)
    return failure


def _status_after_failure(resources: Resources, run: Run, failure: Failure) -> tuple[DocumentStatus, float | None]:
    """Return the status of a document whose run was ended by this failure, and the seconds until it is due again.

    A failure that is likely to pass is tried again with the pauses of items, and as often. What a person must mend is
    tried by a run each time, since only the machine of the run may have it: less often, the longer it takes.
    """
    if isinstance(failure, BudgetExceeded):
        return DocumentStatus.BLOCKED, None
    if failure.policy is Policy.BLOCKED:
        earlier = run_queries.count_failed_runs(resources.ledger, run, [failure.kind])
        return DocumentStatus.BLOCKED, pause_after(earlier + 1, first=RECHECK_SECONDS, longest=BLOCKED_SECONDS)
    if failure.policy in _WAITING_POLICIES:
        return DocumentStatus.WAITING, RECHECK_SECONDS
    if failure.policy is Policy.NEVER:
        return DocumentStatus.FAILED, None
    earlier = run_queries.count_failed_runs(resources.ledger, run, _RETRIED_KINDS)
    if earlier + 1 >= RUN_LIMIT:
        return DocumentStatus.FAILED, None
    return DocumentStatus.WAITING, pause_after(earlier + 1)


def block_document(resources: Resources, document: str, failure: Failure) -> None:
    """Record a failure of a document without a live run: it waits where that is likely to pass, else it is blocked."""
    failure = make_room(resources, failure)
    status = DocumentStatus.WAITING if failure.policy in _WAITING_POLICIES else DocumentStatus.BLOCKED
    postpone(
        resources.ledger,
        document,
        status,
        message=str(failure),
        failure_kind=failure.kind,
        seconds=RECHECK_SECONDS,
    )
