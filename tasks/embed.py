"""Stage 6: make all items, batch by batch, and publish them."""

import asyncio
import logging
import threading
from collections.abc import Sequence
from functools import partial

from prefect import get_run_logger, task

from blocks import load_resources
from swatchbook.ledger import items, runs
from swatchbook.ledger.items import Batch
from swatchbook.pipeline import shards
from swatchbook.pipeline.embed import IN_FLIGHT, BatchResult, make_batch
from swatchbook.pipeline.publish import Published, publish_all, publish_document
from swatchbook.pipeline.run import Work
from swatchbook.records import IngestOptions
from swatchbook.resources import Resources
from tasks.policy import WRITE, last_try
from tasks.progress import Advance

log = logging.getLogger(__name__)

_PUBLISH_EVERY = 5.0  # seconds, while batches are made: each round costs the index a commit a space

_HELD_PAUSE = 2.0  # seconds until items that another run holds are looked at again


def load_ahead(tools: Resources, options: IngestOptions) -> None:
    """Load the models in the background, while children read pages: it takes seconds, and stage 6 would wait for it."""
    if not shards.is_on_pool(tools.settings, options):
        threading.Thread(target=_load, args=[tools], name="load models", daemon=True).start()


def _load(tools: Resources) -> None:
    try:
        tools.models.load_all()
    except Exception:
        log.info("the models could not be loaded ahead", exc_info=True)


@task(**WRITE, task_run_name="cut batches of {work.name}")
async def cut_batches(work: Work) -> tuple[Batch, ...]:
    """What is open now, in fixed lists of keys; nothing once all of it is settled.

    Items that another run holds are waited for, and freed if that run is dead, whoever's it was.
    """
    ledger = load_resources(work.blocks).ledger
    while True:
        await asyncio.to_thread(runs.mark_dead, ledger)
        batches = await asyncio.to_thread(items.cut_batches, ledger, work.run, work.options.batch_size)
        if batches or not await asyncio.to_thread(items.held_by_others, ledger, work.run):
            return batches
        await asyncio.to_thread(runs.record_alive, ledger, work.run)
        await asyncio.sleep(_HELD_PAUSE)


async def make_batches(work: Work, batches: Sequence[Batch], advance: Advance) -> list[BatchResult]:
    """Make batches, each with its own retries, and publish as they are done."""
    making = asyncio.ensure_future(_make_all(work, batches, advance))
    try:
        while not making.done():
            await asyncio.wait({making}, timeout=_PUBLISH_EVERY)
            await publish(work)
    finally:
        making.cancel()
    return await making


async def _make_all(work: Work, batches: Sequence[Batch], advance: Advance) -> list[BatchResult]:
    """A few in flight; one that fails stops no other. Those that a process died at come last, one after the other."""
    room = asyncio.Semaphore(IN_FLIGHT)
    done, total = 0, sum(len(batch.members) for batch in batches)
    task = embed_batch.with_options(
        retries=work.options.max_retries, retry_delay_seconds=list(load_resources(work.blocks).settings.retry_delays)
    )

    async def make(batch: Batch) -> BatchResult:
        nonlocal done
        async with room:
            result = await task(work, batch)
        done += len(batch.members)
        await advance(done, total, f"batch {batch.number}/{batch.of}")
        return result

    together = [batch for batch in batches if not batch.alone]
    results = await asyncio.gather(*map(make, together), return_exceptions=True)
    for batch in batches:
        if batch.alone:
            results += await asyncio.gather(make(batch), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if isinstance(result, BatchResult)]


@task(**WRITE, task_run_name="batch {batch.number}/{batch.of}")  # no tag: Prefect asks its server for a slot of each
async def embed_batch(work: Work, batch: Batch) -> BatchResult:
    """Make what the batch still lacks; raise while passing failures remain, record them on the last try."""
    log = get_run_logger()
    result = await asyncio.to_thread(
        make_batch, load_resources(work.blocks), work.run, batch, size=work.options.batch_size, last_try=last_try()
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
    tools = load_resources(work.blocks)
    alive, waits = (partial(sign, tools.ledger, work.run) for sign in (runs.record_heartbeat, runs.record_alive))
    return await asyncio.to_thread(
        publish_all, tools, at_most=tools.settings.outage_wait_seconds, alive=alive, waits=waits
    )


@task(**WRITE, task_run_name="publish {work.name}")
async def publish_whole(work: Work) -> Published:
    """Publish until nothing of the document is due any more."""
    tools = load_resources(work.blocks)
    alive = partial(runs.record_alive, tools.ledger, work.run)
    patience = tools.settings.outage_wait_seconds
    return await asyncio.to_thread(publish_document, tools, work.document, at_most=patience, alive=alive)
