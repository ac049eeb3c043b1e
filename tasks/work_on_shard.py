"""A shard at work: its manifest, its run in the ledger, its end."""

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
from tasks.progress import Advance, naming_the_outage


@task(**WRITE, task_run_name="open shard")
async def open_shard(manifest: str, blocks: BlockNames) -> Shard:
    """The shard, with a run of its own begun. Raises RunRevoked where nobody wants it now, and as `shards.load`."""
    tools = load_resources(blocks)
    shard = await asyncio.to_thread(shards.load, tools, manifest)
    run = await asyncio.to_thread(
        shard_runs.begin, tools.ledger, shard.work.document, shard.work.run.generation, flow_run=str(flow_run.id)
    )
    tools.take_share(shard.share)  # last: a second try of this task would take a share of the share
    return shard.model_copy(update={"work": shard.work.model_copy(update={"run": run, "blocks": blocks})})


@asynccontextmanager
async def at_shard(shard: Shard) -> AsyncIterator[Advance]:
    """Hold the shard's run while it works, and write down how it ends. Yields what tells how far it is."""
    tools, run, log = load_resources(shard.work.blocks), shard.work.run, get_run_logger()
    ledger = tools.ledger
    atexit.register(gc.freeze)  # else Python takes torch and the models apart, object by object, in a slot of the pool

    async def advance(done: int, total: int, note: str) -> None:
        await asyncio.to_thread(runs.record_alive, ledger, run)
        log.info("%d/%d, %s", done, total, note)

    with hold_shard_run(ledger, run):
        with naming_the_outage():
            if shard.images:
                await asyncio.to_thread(tools.models.load_all)
            started = time.monotonic()  # loading is no image's time: else shards would be cut ever smaller
            yield advance
        shard_runs.end(ledger, run, seconds=time.monotonic() - started, images=shard.images)
