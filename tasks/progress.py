"""Hold a document's run while its stages run, and record each stage's progress and duration in the ledger.

Also shows them as a progress bar in Prefect's UI, with the words of `reports/progress.py`. Each stage's share of the
whole is in `records/documents.py`.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, ParamSpec, Protocol, TypeVar
from uuid import UUID

from prefect import Task, get_run_logger
from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact

from blocks import load_resources
from swatchbook.errors import Failure
from swatchbook.ledger.documents import get_document
from swatchbook.ledger.runs import live_run
from swatchbook.pipeline.run import finish_stage, hold_run, report_progress, start_stage
from swatchbook.pipeline.work import Work
from swatchbook.records import DocumentStatus, Stage, overall_percent
from swatchbook.reports.document_state import describe_document
from swatchbook.reports.markdown import plain
from swatchbook.reports.progress import describe_progress
from swatchbook.resources import Resources
from tasks.policy import cached
from tasks.prefect_client import prefect_errors_as_outage

P = ParamSpec("P")
R = TypeVar("R")

log = logging.getLogger(__name__)

_SHOW_SECONDS = 1.0  # between two looks of the progress artifact at the ledger

Advance = Callable[[int, int, str], Awaitable[None]]
"""Progress callback of a stage: (done, total, note)."""


@dataclass
class Step:
    """A running stage: its progress callback, and the measure of its duration."""

    advance: Advance
    units: int  # pages or images
    seconds: float | None = None  # duration of the work, if it began before the stage
    from_cache: bool = False  # a result came from the cache, so the duration is no measure

    async def cached(self, task: Task[P, Coroutine[Any, Any, R]], *args: P.args, **kwargs: P.kwargs) -> R:
        """Return a pure task's result, see tasks.policy.cached."""
        result, from_cache = await cached(task, *args, **kwargs)
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
async def hold_document(work: Work) -> AsyncIterator[Stages]:
    """Hold the document's run while its stages run. Yields a context manager that announces, times and ends one stage.

    Raises ProviderDown if Prefect's server does not answer for longer than its client retries.
    """
    run_log = get_run_logger()
    resources = load_resources(work.blocks)
    with hold_run(resources, work.run), prefect_errors_as_outage():
        name, starting = plain(work.name), describe_progress(None).sentence
        artifact = await acreate_progress_artifact(
            progress=0.0, key=f"progress-{work.document}", description=f"{name}: {starting}"
        )

        @asynccontextmanager
        async def stage(towards: Stage, units: int = 0) -> AsyncIterator[Step]:
            async def advance(done: int, total: int, note: str) -> None:
                await asyncio.to_thread(report_progress, resources, work.run, towards, done, total, note)

            started = time.monotonic()
            await asyncio.to_thread(start_stage, resources, work.run, towards)
            yield (step := Step(advance, units))
            seconds = time.monotonic() - started if step.seconds is None else step.seconds
            units = 0 if step.from_cache else step.units
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
        """Show the state in which the run has left the document. The bar is full only if nothing of it waits."""
        with suppress(Failure):
            ledger = self._resources.ledger.with_patience(0.0)
            document = await asyncio.to_thread(get_document, ledger, self._work.document)
            shown = describe_document(document, now=await asyncio.to_thread(ledger.now))
            is_over = document.status is DocumentStatus.COMPLETED and shown.severity in ("good", "warning")
            await self._show(100.0 if is_over else self._shown[0], shown.sentence)

    async def _show(self, percent: float, sentence: str) -> None:
        if (percent, sentence) == self._shown:
            return
        self._shown = percent, sentence
        described = f"{plain(self._work.name)}: {sentence}"
        try:
            await aupdate_progress_artifact(self._artifact, progress=percent, description=described)
        except Exception:  # the display of progress must not stop the work
            log.warning("the progress artifact could not be updated", exc_info=True)
