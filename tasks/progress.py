"""Hold a document's run while its stages run: write each stage's progress and duration to the ledger (for the command
line) and to a progress bar in Prefect's UI. Each stage's share of the whole is in `records/documents.py`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, ParamSpec, Protocol, TypeVar

from prefect import Task, get_run_logger
from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact

from blocks import load_resources
from swatchbook.pipeline.run import finish_stage, hold_run, report_progress, start_stage
from swatchbook.pipeline.work import Work
from swatchbook.records import PROGRESS, Stage, overall_percent
from swatchbook.reports.markdown import plain
from tasks.policy import cached
from tasks.prefect_client import prefect_errors_as_outage

P = ParamSpec("P")
R = TypeVar("R")

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
    log = get_run_logger()
    resources = load_resources(work.blocks)
    with hold_run(resources, work.run), prefect_errors_as_outage():
        artifact = await acreate_progress_artifact(
            progress=0.0, key=f"progress-{work.document}", description=f"{plain(work.name)}: {Stage.REGISTERED}"
        )

        async def show(percent: float, note: str) -> None:
            try:
                await aupdate_progress_artifact(artifact, progress=percent, description=f"{plain(work.name)}: {note}")
            except Exception:  # the display of progress must not stop the work
                log.warning("the progress artifact could not be updated", exc_info=True)

        @asynccontextmanager
        async def stage(towards: Stage, units: int = 0) -> AsyncIterator[Step]:
            async def advance(done: int, total: int, note: str) -> None:
                await asyncio.to_thread(report_progress, resources, work.run, towards, done, total, note)
                await show(overall_percent(towards, done, total), note)

            started = time.monotonic()
            await asyncio.to_thread(start_stage, resources, work.run, towards)
            yield (step := Step(advance, units))
            seconds = time.monotonic() - started if step.seconds is None else step.seconds
            units = 0 if step.from_cache else step.units
            await asyncio.to_thread(finish_stage, resources, work.run, towards, seconds, units)
            log.info("%s: %s after %.1f s", work.name, towards, seconds)
            await show(PROGRESS[towards][1], towards)

        yield stage
    await show(100.0, Stage.COMPLETED)
