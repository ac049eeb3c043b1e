"""Stage 6: make all items, batch by batch, and publish them."""

import asyncio
from functools import partial

from prefect import get_run_logger, task

from blocks import lab
from swatchbook.index.publish import Published, publish_all, publish_document
from swatchbook.ledger import items, runs
from swatchbook.ledger.items import Batch
from swatchbook.make import BatchResult, make_batch
from swatchbook.working import Work
from tasks.policy import WRITE, last_try

_HELD_PAUSE = 2.0  # seconds until items that another run holds are looked at again


@task(**WRITE, task_run_name="cut batches of {work.name}")
async def cut_batches(work: Work) -> tuple[Batch, ...]:
    """What is open now, in fixed lists of keys; nothing once all of it is settled.

    Items that another run holds are waited for, and freed if that run is dead, whoever's it was.
    """
    ledger = lab(work.blocks).ledger
    while True:
        await asyncio.to_thread(runs.bury, ledger)
        batches = await asyncio.to_thread(items.cut_batches, ledger, work.run, work.options.batch_size)
        if batches or not await asyncio.to_thread(items.held_by_others, ledger, work.run):
            return batches
        await asyncio.to_thread(runs.alive, ledger, work.run)
        await asyncio.sleep(_HELD_PAUSE)


@task(**WRITE, task_run_name="batch {batch.number}/{batch.of}")  # no tag: Prefect asks its server for a slot of each
async def embed_batch(work: Work, batch: Batch) -> BatchResult:
    """Make what the batch still lacks; raise while passing failures remain, record them on the last try."""
    log = get_run_logger()
    result = await asyncio.to_thread(
        make_batch, lab(work.blocks), work.run, batch, size=work.options.batch_size, last_try=last_try()
    )
    last = batch.first + len(batch.members) - 1
    place = f"batch {batch.number}/{batch.of} ({batch.first}–{last}/{batch.total} {batch.kind}s)"
    log.info("%s: %d made, %d failed", place, result.made, result.failed)
    for failure in result.failures:
        log.warning("%s: %s", place, failure)
    return result


@task(**WRITE, task_run_name="publish")
async def publish(work: Work) -> Published:
    """Publish whatever is dirty and due, whoever's it is, sitting out an index outage.

    It goes on beside the making of items, so that only an outage counts as life: else it would hide one that hangs.
    """
    tools = lab(work.blocks)
    alive, waits = (partial(sign, tools.ledger, work.run) for sign in (runs.heartbeat, runs.alive))
    return await asyncio.to_thread(
        publish_all, tools, at_most=tools.settings.outage_wait_seconds, alive=alive, waits=waits
    )


@task(**WRITE, task_run_name="publish {work.name}")
async def publish_whole(work: Work) -> Published:
    """Publish until nothing of the document is due any more."""
    tools = lab(work.blocks)
    alive = partial(runs.alive, tools.ledger, work.run)
    patience = tools.settings.outage_wait_seconds
    return await asyncio.to_thread(publish_document, tools, work.document, at_most=patience, alive=alive)
