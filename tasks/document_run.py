"""Begin, hold and end the run of a document (stages 0 and 8), with each stage's progress and duration, and the report.

The ledger records them; Prefect's UI shows them as a progress bar, a report and a table of failures. A document in
progress is not worked on twice: a command follows the run, and begins another one only if something is left to do; a
flow run of a worker ends (`store/ledger/runs.py`). `ingest/finish_run.py` has the end of a run.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, ParamSpec, Protocol, TypeVar
from uuid import UUID

from prefect import Task, get_run_logger, task
from prefect.artifacts import (
    acreate_markdown_artifact,
    acreate_progress_artifact,
    acreate_table_artifact,
    aupdate_progress_artifact,
)
from prefect.runtime import deployment, flow_run

from swatchbook.domain.errors import Failure
from swatchbook.domain.records import (
    BlockNames,
    IngestOptions,
    Record,
    RunReport,
    Scan,
    Stage,
    StageResults,
    overall_percent,
)
from swatchbook.domain.tracing import span
from swatchbook.ingest.begin_run import begin_work, has_settled, leave_to_next_run, register_given
from swatchbook.ingest.finish_run import finish_run
from swatchbook.ingest.run import Work, finish_stage, hold_run, report_progress
from swatchbook.resources import Resources
from swatchbook.store.files.upload_buffer import is_remote
from swatchbook.store.ledger import dead_runs
from swatchbook.store.ledger.queries.account import account
from swatchbook.store.ledger.queries.report import document_report
from swatchbook.store.ledger.run_queries import live_run
from swatchbook.store.ledger.runs import Busy
from swatchbook.store.ledger.stored_documents import PDF, Document, get_document, get_kept
from swatchbook.tasks.artifacts import FAILURES, PROGRESS, REPORT, artifact_key
from swatchbook.tasks.policy import WRITE
from swatchbook.tasks.prefect_client import AS_GIVEN, launched_document, prefect_errors_as_outage
from swatchbook.tasks.results import cached
from swatchbook.upkeep.reports.document_state import (
    describe_account,
    describe_end,
    describe_progress,
    outcome_of_account,
    percent_done,
)
from swatchbook.upkeep.reports.markdown import as_markdown, failure_rows, plain
from swatchbook.upkeep.reports.merged_failures import merge_roles

P = ParamSpec("P")
R = TypeVar("R")

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.5  # between two looks at a run that is followed
_SHOW_SECONDS = 1.0  # between two looks of the progress artifact at the ledger
_LOGGED_FAILURES = 5


# --- begin ------------------------------------------------------------------------------------------------------------


class Idle(Record):
    """The report of a document that a flow run does not work on; `elsewhere`: because another one does."""

    report: RunReport
    elsewhere: bool = False

    @property
    def name(self) -> str:
        return self.report.name


@task(**WRITE, task_run_name="register")
async def register_document(
    resources: Resources,
    source: str,
    owner: str,
    options: IngestOptions,
    blocks: BlockNames,
    kind: str = PDF,
    edition_of: str | None = None,
) -> Work | Idle:
    """Register the source and begin a run, unless nothing is left to do.

    While another run holds the document, a command waits for its end; a flow run of a worker would hold its slot
    meanwhile, so it is idle, and its options, if they are others, are for the next run.

    A flow run that was started for a registered document never creates it again: raises DocumentDeleted if it was
    deleted since, also while this waits. It works for the owner that the document has now; one that the scheduler
    launched takes the options that it has now, too.
    """
    document = None
    if started_for := launched_document(flow_run.tags):
        document = await asyncio.to_thread(get_kept, resources.ledger, started_for)
        owner = document.owner  # it may have been renamed since
        options = options if AS_GIVEN in flow_run.tags else document.options
    register = partial(register_given, resources, owner=owner, options=options, kind=kind, edition_of=edition_of)
    registered = await asyncio.to_thread(register, source, known=document is not None)
    while True:
        begun = await asyncio.to_thread(begin_work, resources, registered, prefect_run=str(flow_run.id), blocks=blocks)
        if isinstance(begun, Work):
            return begun
        if isinstance(begun, Document) or await _leave(resources, begun, registered.options):
            return await _idle(resources, registered.document.id, elsewhere=isinstance(begun, Busy))
        document = await _wait_for_end(resources, begun)
        if begun.same and await asyncio.to_thread(has_settled, resources, document.id):
            return await _idle(resources, document.id)
        if is_remote(source):  # it is downloaded once
            source = registered.document.file or source
        registered = await asyncio.to_thread(register, source, known=True)


async def _idle(resources: Resources, document: str, *, elsewhere: bool = False) -> Idle:
    report = await asyncio.to_thread(document_report, resources.ledger, document)
    return Idle(report=report, elsewhere=elsewhere)


async def _leave(resources: Resources, busy: Busy, options: IngestOptions) -> bool:
    """Return whether this is a flow run of a worker; what it was asked for is then left to the next run."""
    if deployment.id or flow_run.parent_flow_run_id:
        await asyncio.to_thread(leave_to_next_run, resources.ledger, busy, options)
        return True
    return False


async def _wait_for_end(resources: Resources, busy: Busy) -> Document:
    """Wait until the run that holds the document has ended, and return the document."""
    while True:
        await asyncio.sleep(_POLL_SECONDS)
        await asyncio.to_thread(dead_runs.mark_dead, resources.ledger, busy.document)
        document = await asyncio.to_thread(get_kept, resources.ledger, busy.document)
        if document.run != busy.run:
            return document


# --- hold -------------------------------------------------------------------------------------------------------------


Advance = Callable[[int, int, str], Awaitable[None]]
"""Progress callback of a stage: (done, total, note)."""


@dataclass
class Step:
    """A running stage: its progress callback, and the measure of its duration."""

    advance: Advance
    units: int  # pages or images
    seconds: float | None = None  # duration of the work, if it began before the stage
    from_cache: bool = False  # a result came from the cache, so the duration is no measure

    async def cached(self, task: Task[P, Coroutine[Any, Any, R]], key: str, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return a pure task's result, see swatchbook.tasks.results.cached."""
        result, from_cache = await cached(task, key, *args, **kwargs)
        self.from_cache |= from_cache
        return result


class Stages(Protocol):
    """Begin the work towards a stage on `units` pages or images (0: the caller sets `Step.units` later)."""

    def __call__(self, towards: Stage, units: int = 0) -> AbstractAsyncContextManager[Step]: ...


@asynccontextmanager
async def in_background(coroutine: Coroutine[Any, Any, R]) -> AsyncIterator[asyncio.Task[R]]:
    """Run a coroutine while the block runs, and cancel it when the block ends. Yields its asyncio task."""
    background = asyncio.create_task(coroutine)
    try:
        yield background
    finally:
        background.cancel()
        await asyncio.gather(background, return_exceptions=True)


@asynccontextmanager
async def hold_document(resources: Resources, work: Work) -> AsyncIterator[Stages]:
    """Hold the document's run while its stages run. Yields a context manager that announces, times and ends one stage.

    Raises ProviderDown if Prefect's server does not answer for longer than its client retries.
    """
    run_log = get_run_logger()
    whose: dict[str, Any] = {"document": work.document, "run": work.run.token, "generation": work.run.generation}
    traced = span("ingest", parent=work.trace, flow_run=str(flow_run.id), **whose)
    with traced, hold_run(resources, work.run), prefect_errors_as_outage():
        name, starting = plain(work.name), describe_progress(None).sentence
        artifact = await acreate_progress_artifact(
            progress=0.0, key=artifact_key(PROGRESS, work.document), description=f"{name}: {starting}"
        )

        @asynccontextmanager
        async def stage(towards: Stage, units: int = 0) -> AsyncIterator[Step]:
            async def advance(done: int, total: int, note: str) -> None:
                await asyncio.to_thread(report_progress, resources, work.run, towards, done, total, note)

            started = time.monotonic()
            with span(f"stage {towards}", document=work.document, stage=towards.value) as traced:
                await asyncio.to_thread(report_progress, resources, work.run, towards, 0, 0)
                yield (step := Step(advance, units))
                seconds = time.monotonic() - started if step.seconds is None else step.seconds
                units = 0 if step.from_cache else step.units
                traced.note(units=units)
                await asyncio.to_thread(finish_stage, resources, work.run, towards, seconds, units)
            run_log.info("%s: %s after %.1f s", work.name, towards, seconds)

        mirror = _Mirror(resources, work, artifact)
        try:
            async with in_background(mirror.keep_showing()):
                yield stage
        except Exception:
            await mirror.show_end()
            raise
        await mirror.show_end()


class _Mirror:
    """Shows in a progress artifact of Prefect what the ledger has of a document's run. Its errors are only logged."""

    def __init__(self, resources: Resources, work: Work, artifact: UUID) -> None:
        self._resources, self._work, self._artifact = resources, work, artifact
        self._shown: tuple[float, str] = (0.0, "")
        self._sending = asyncio.Lock()

    async def keep_showing(self) -> None:
        """Show the progress of the live run until cancelled."""
        ledger = self._resources.ledger.with_patience(0.0)
        while True:
            with suppress(Failure):  # the ledger is away: what is shown stays
                run = await asyncio.to_thread(live_run, ledger, self._work.document)
                if run and run.stage:
                    percent = overall_percent(run.stage, run.done, run.total)
                    await self._show(percent, describe_progress(run).sentence)
            await asyncio.sleep(_SHOW_SECONDS)

    async def show_end(self) -> None:
        """Show the state in which the run has left the document."""
        with suppress(Failure):
            await self._show(*await asyncio.to_thread(self._end))

    def _end(self) -> tuple[float, str]:
        ledger = self._resources.ledger.with_patience(0.0)
        document = get_document(ledger, self._work.document)
        counts = account(ledger, document=document.id)
        percent = percent_done(document, outcome_of_account(document, counts))
        return percent, describe_account(document, counts, now=ledger.now()).sentence

    async def _show(self, percent: float, sentence: str) -> None:
        if (percent, sentence) == self._shown:
            return
        self._shown = percent, sentence
        await asyncio.shield(self._send(percent, plain(f"{self._work.name}: {sentence}")))

    async def _send(self, percent: float, description: str) -> None:
        """Send one update after the other: a server may handle a cancelled request after the next one."""
        async with self._sending:
            try:
                await aupdate_progress_artifact(self._artifact, progress=percent, description=description)
            except Exception:  # the display of progress must not stop the work
                log.warning("the progress artifact could not be updated", exc_info=True)


# --- end --------------------------------------------------------------------------------------------------------------


@task(**WRITE, task_run_name="report {work.name}")
async def finish_document(resources: Resources, work: Work, results: StageResults | Scan | None) -> RunReport:
    """Close the account and end the run. The document is then completed, or waits for items that are still due.

    `results`: None of a run that only made items.
    """
    report = await asyncio.to_thread(finish_run, resources, work, results)
    failures = merge_roles((*report.failed_images, *report.other_failures))
    log = get_run_logger()
    for failure in failures[:_LOGGED_FAILURES]:
        what = failure.role or failure.subject
        place = failure.path or f"page {failure.page_number}"
        log.warning("%s, %s: %s: %s", place, what, failure.kind, failure.error)
    if (more := len(failures) - _LOGGED_FAILURES) > 0:
        log.warning("… and %d more failures: see the report", more)
    return report


@task(**WRITE, task_run_name="artifacts of {report.name}")
async def publish_artifacts(resources: Resources, report: RunReport) -> None:
    """Create a run's artifacts in the Prefect UI: its report, and a table of failures.

    The run has ended and is recorded, so an error here is only logged.
    """
    document, failed = report.document_id, plain(f"Failures of {report.name}")
    try:
        shown = await asyncio.to_thread(describe_end, resources.ledger, report)
        markdown, described = as_markdown(report, shown=shown), plain(f"{report.name}: {shown.word}. {shown.sentence}")
        await acreate_markdown_artifact(key=artifact_key(REPORT, document), markdown=markdown, description=described)
        if rows := failure_rows(report):
            await acreate_table_artifact(key=artifact_key(FAILURES, document), table=rows, description=failed)
    except Exception:  # noqa: BLE001 — the isolation boundary
        get_run_logger().exception("The artifacts of %s could not be created.", report.name)
