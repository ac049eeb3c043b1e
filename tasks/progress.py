"""A run's progress, in the ledger (what the command line shows) and as an artifact of the Prefect UI."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from prefect import get_run_logger
from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact

from blocks import lab
from swatchbook.records import PROGRESS, Stage
from swatchbook.working import Work, timed, working

Stages = Callable[[Stage], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def at_work(work: Work) -> AsyncIterator[Stages]:
    """Hold the document while its stages run; yields what announces, times and concludes one stage."""
    log = get_run_logger()
    with working(lab(), work.run):
        artifact = await acreate_progress_artifact(
            progress=0.0, key=f"progress-{work.document}", description=f"{work.name}: {Stage.REGISTERED}"
        )

        @asynccontextmanager
        async def stage(towards: Stage) -> AsyncIterator[None]:
            started = asyncio.get_running_loop().time()
            with timed(lab(), work.run, towards):
                yield
            seconds = asyncio.get_running_loop().time() - started
            log.info("%s: %s after %.1f s", work.name, towards, seconds)
            await aupdate_progress_artifact(
                artifact, progress=float(PROGRESS[towards][1]), description=f"{work.name}: {towards}"
            )

        yield stage
