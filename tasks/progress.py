"""A run's progress, in the ledger (what the command line shows) and as an artifact of the Prefect UI."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, ParamSpec, Protocol, TypeVar

import httpx
from prefect import Task, get_run_logger
from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError

from blocks import load_resources
from swatchbook.errors import ProviderDown
from swatchbook.pipeline.run import Work, finish_stage, hold_run, report_progress, start_stage
from swatchbook.records import PROGRESS, Stage
from swatchbook.reports.markdown import plain
from tasks.policy import cached

P = ParamSpec("P")
R = TypeVar("R")

Advance = Callable[[int, int, str], Awaitable[None]]
"""Called with what is done of a stage, what it has in all, and a note."""


@dataclass
class Step:
    """A stage at work: how it says how far it is, and what its time goes into."""

    advance: Advance
    units: int  # pages or images
    seconds: float | None = None  # that its work took, where it began before the run
    kept: bool = False  # something of it was kept from before, so that its time says nothing

    async def cached(self, task: Task[P, Coroutine[Any, Any, R]], *args: P.args, **kwargs: P.kwargs) -> R:
        """A pure task's result: tasks.policy.cached."""
        result, kept = await cached(task, *args, **kwargs)
        self.kept |= kept
        return result


class Stages(Protocol):
    """Opens the work towards a stage, over so many pages or images (0: said by the Step later)."""

    def __call__(self, towards: Stage, units: int = 0) -> AbstractAsyncContextManager[Step]: ...


@asynccontextmanager
async def meanwhile(beside: Coroutine[Any, Any, R]) -> AsyncIterator[asyncio.Task[R]]:
    """Something that goes on beside the stages within, and ends with them however they end."""
    going_on = asyncio.create_task(beside)
    try:
        yield going_on
    finally:
        going_on.cancel()
        await asyncio.gather(going_on, return_exceptions=True)


@asynccontextmanager
async def at_work(work: Work) -> AsyncIterator[Stages]:
    """Hold the document while its stages run; yields what announces, times and concludes one stage.

    Raises ProviderDown where Prefect's server was away for longer than its client sits out.
    """
    log = get_run_logger()
    tools = load_resources(work.blocks)
    with hold_run(tools, work.run), naming_the_outage():
        artifact = await acreate_progress_artifact(
            progress=0.0, key=f"progress-{work.document}", description=f"{plain(work.name)}: {Stage.REGISTERED}"
        )

        async def show(percent: float, note: str) -> None:
            try:
                await aupdate_progress_artifact(artifact, progress=percent, description=f"{plain(work.name)}: {note}")
            except Exception:  # a picture of the work must not stop it
                log.warning("the progress artifact is behind", exc_info=True)

        @asynccontextmanager
        async def stage(towards: Stage, units: int = 0) -> AsyncIterator[Step]:
            first, last = PROGRESS[towards]

            async def advance(done: int, total: int, note: str) -> None:
                await asyncio.to_thread(report_progress, tools, work.run, towards, done, total, note)
                await show(first + (last - first) * done / total, note)

            started = time.monotonic()
            await asyncio.to_thread(start_stage, tools, work.run, towards)
            yield (step := Step(advance, units))
            seconds = time.monotonic() - started if step.seconds is None else step.seconds
            units = 0 if step.kept else step.units
            await asyncio.to_thread(finish_stage, tools, work.run, towards, seconds, units)
            log.info("%s: %s after %.1f s", work.name, towards, seconds)
            await show(last, towards)

        yield stage
    await show(100.0, Stage.COMPLETED)


@contextmanager
def naming_the_outage() -> Iterator[None]:
    """What Prefect's client raises when its server is away, as the outage that it is: it costs no attempt."""
    try:
        yield
    except (httpx.TransportError, httpx.HTTPStatusError, ConcurrencySlotAcquisitionError) as error:
        if isinstance(error, httpx.HTTPStatusError) and error.response.status_code < 500:  # it answers, and says no
            raise
        raise ProviderDown(f"Prefect does not answer: {error}", advice="The document goes on by itself.") from error
