"""Run one shard: load its manifest, begin its own run in the ledger, keep it alive, and end it."""

import asyncio
import atexit
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prefect import get_run_logger, task
from prefect.runtime import flow_run

from blocks import load_resources
from swatchbook.ledger import runs, shard_runs
from swatchbook.pipeline import shards
from swatchbook.pipeline.run import hold_shard_run
from swatchbook.pipeline.shards import Shard
from swatchbook.records import BlockNames
from tasks.policy import WRITE
from tasks.prefect_client import prefect_errors_as_outage
from tasks.progress import Advance


@task(**WRITE, task_run_name="open shard")
async def open_shard(manifest: str, blocks: BlockNames) -> Shard:
    """Load a shard and begin its run. Raises RunRevoked if the parent's run ended, and what `shards.load` raises."""
    resources = load_resources(blocks)
    shard = await asyncio.to_thread(shards.load, resources, manifest)
    run = await asyncio.to_thread(
        shard_runs.begin, resources.ledger, shard.work.document, shard.work.run.generation, flow_run=str(flow_run.id)
    )
    resources.take_share(shard.share)  # last: a retry of this task would take a share of the share
    return shard.model_copy(update={"work": shard.work.model_copy(update={"run": run, "blocks": blocks})})


@asynccontextmanager
async def hold_shard(shard: Shard) -> AsyncIterator[Advance]:
    """Hold the shard's run while the block runs, and record how it ends. Yields a progress callback."""
    resources, run, log = load_resources(shard.work.blocks), shard.work.run, get_run_logger()
    ledger = resources.ledger
    atexit.register(gc.freeze)  # or Python frees torch and the models object by object at exit, which takes long

    async def advance(done: int, total: int, note: str) -> None:
        await asyncio.to_thread(runs.record_alive, ledger, run)
        log.info("%d/%d, %s", done, total, note)

    with hold_shard_run(ledger, run):
        with prefect_errors_as_outage():
            if shard.images:
                await asyncio.to_thread(resources.models.load_all)
            started = time.monotonic()  # after loading: the time per image decides how large shards are
            yield advance
        shard_runs.end(ledger, run, seconds=time.monotonic() - started, images=shard.images)
