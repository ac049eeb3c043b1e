"""A run's progress, in the ledger (what the command line shows) and as an artifact of the Prefect UI."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from prefect import get_run_logger
from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact

from blocks import lab
from swatchbook.ledger import runs
from swatchbook.records import PROGRESS, Stage
from swatchbook.working import Work, announce, arrive, working

Advance = Callable[[int, int, str], Awaitable[None]]
"""Called with what is done of a stage, what it has in all, and a note."""

Stages = Callable[[Stage], AbstractAsyncContextManager[Advance]]


@asynccontextmanager
async def at_work(work: Work) -> AsyncIterator[Stages]:
    """Hold the document while its stages run; yields what announces, times and concludes one stage."""
    log = get_run_logger()
    with working(lab(), work.run):
        artifact = await acreate_progress_artifact(
            progress=0.0, key=f"progress-{work.document}", description=f"{work.name}: {Stage.REGISTERED}"
        )

        @asynccontextmanager
        async def stage(towards: Stage) -> AsyncIterator[Advance]:
            first, last = PROGRESS[towards]

            async def show(share: float, note: str) -> None:
                percent = first + (last - first) * share
                try:
                    await aupdate_progress_artifact(artifact, progress=percent, description=f"{work.name}: {note}")
                except Exception:  # a picture of the work must not stop it
                    log.warning("the progress artifact is behind", exc_info=True)

            async def advance(done: int, total: int, note: str) -> None:
                await asyncio.to_thread(runs.progress, lab().ledger, work.run, towards, done, total, note)
                await show(done / total, note)

            started = time.monotonic()
            await asyncio.to_thread(announce, lab(), work.run, towards)
            yield advance
            seconds = time.monotonic() - started
            await asyncio.to_thread(arrive, lab(), work.run, towards, seconds)
            log.info("%s: %s after %.1f s", work.name, towards, seconds)
            await show(1.0, towards)

        yield stage
