"""Process the open items of a document (stage 6) until none is open, in this process or on the work pool, and publish.

In this process a few batches run at a time, what is made is published every 5 s, and work can begin while items are
still being added. Batches at which a process died run last, one at a time. A batch's retries are in `policy.py`, its
work is in `ingest/embed.py`; `store/ledger/claims.py` cuts batches.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial

from prefect import get_run_logger, task

from swatchbook.domain.records import IngestOptions
from swatchbook.domain.tracing import span
from swatchbook.ingest import publish as publishing
from swatchbook.ingest import shards
from swatchbook.ingest.embed import IN_FLIGHT, BatchResult, process_batch
from swatchbook.ingest.publish import Published
from swatchbook.ingest.required_parts import require_parts
from swatchbook.ingest.run import Work, report_note
from swatchbook.resources import Resources
from swatchbook.store.ledger import claims, dead_runs, runs
from swatchbook.store.ledger.claims import Batch
from swatchbook.store.ledger.stored_documents import PDF, TABLE
from swatchbook.tasks.document_run import Advance
from swatchbook.tasks.embed_in_shards import embed_in_shards, follow_earlier_shards
from swatchbook.tasks.policy import EMBEDDING, PUBLISHING, WRITE, batch_retries, last_try

log = logging.getLogger(__name__)

_PUBLISH_SECONDS = 5.0  # between publications while batches run: each costs the index one commit per space
_MOST_BATCHES = 40
"""The most batches of a document's images: a task run costs Prefect as much as several pictures."""

_MOST_BATCHES_MEANWHILE = 10
"""The same while items are being added: there are several rounds, of what was added during the one before."""

_POSTPONED_SECONDS = 120.0
"""Longest wait of a run for items that their provider asks to wait for; none where the last wait has helped no item."""

_HELD_SECONDS = 2.0  # until items that another run leases are looked for again
_ADDED_SECONDS = 0.25  # until items that are being added are looked for again


def preload_models(resources: Resources, options: IngestOptions) -> None:
    """Load the models and open the index in a thread while pages are read: stage 6 need not wait seconds for them."""
    if not shards.is_on_pool(resources.settings, options):
        threading.Thread(target=_load, args=[resources], name="load models", daemon=True).start()


def require_models(resources: Resources, work: Work) -> None:
    """Check that all that a run needs is there, before anything is read or paid for; shards have weights of their own.

    Raises a failure that names the settings or the commands that help.
    """
    settings, on_pool = resources.settings, shards.is_on_pool(resources.settings, work.options)
    require_parts(
        resources.models, settings, work.options,
        weights=not on_pool, discovers=work.kind == PDF and not work.only_items,
        more=(partial(shards.require_pool, settings),) if on_pool else (),
    )  # fmt: skip


def _load(resources: Resources) -> None:
    try:
        resources.models.load_all()
        _ = resources.index  # importing LanceDB takes as long as the models
    except Exception:
        log.info("models or index could not be preloaded; stage 6 tries again", exc_info=True)


Added = asyncio.Future[Advance]
"""Done when all items of a document have been added: with the callback for the progress from then on."""


async def embed_items(resources: Resources, work: Work, added: Added) -> int:
    """Process all pending items, inline or on the pool, and publish them, also while another task adds some.

    Returns the number of images that had any, without those that were done before all were added. Items that their
    provider asks to wait for are processed last, while that helps; no batch or shard waits with them. It begins when
    all are added where shards take seconds to start, and for a table, which may give the vector of a picture that it
    has named before.
    """
    images = done = before = 0
    on_pool = shards.is_on_pool(resources.settings, work.options)

    async def advance(of_round: int, total: int, note: str) -> None:
        nonlocal before
        if added.done():
            await added.result()(done + of_round, done + total, note)
        else:
            before = done + of_round
            await asyncio.to_thread(report_note, resources, work.run, f"{before} images embedded")

    if on_pool or work.kind == TABLE:
        await added
    if on_pool:
        await follow_earlier_shards(resources, work, advance)
    process = embed_in_shards if on_pool else embed_batches
    postponed: claims.Postponed | None = None
    while True:
        while batches := await cut_batches(resources, work, added.done):
            await process(resources, work, batches, advance)
            images += sum(len(batch.members) for batch in batches if batch.kind == "image")
            done += sum(len(batch.members) for batch in batches)
        last, postponed = postponed, await asyncio.to_thread(claims.postponed_items, resources.ledger, work.run)
        if not postponed or postponed.seconds > _POSTPONED_SECONDS or (last and postponed.items >= last.items):
            return images - before
        await advance(0, postponed.items, "waiting for a provider")
        await asyncio.to_thread(runs.record_alive, resources.ledger, work.run)
        await asyncio.sleep(max(postponed.seconds, _HELD_SECONDS))


@task(**WRITE, task_run_name="cut batches of {work.name}")
async def cut_batches(resources: Resources, work: Work, all_added: Callable[[], bool]) -> tuple[Batch, ...]:
    """Return the document's pending items as batches with fixed lists of keys; empty once all items are settled.

    Waits for items that are still being added, and for those that another run leases; frees those of dead runs. Before
    all are added, batches are fewer and of images only, which progress counts meanwhile; and none is `alone`: what adds
    items would end with its process.
    """
    ledger, size = resources.ledger, work.options.batch_size
    while True:
        await asyncio.to_thread(dead_runs.mark_dead, ledger)
        is_last = all_added()  # asked first: what is added after that is cut the next time
        most = _MOST_BATCHES if is_last else _MOST_BATCHES_MEANWHILE
        batches = await asyncio.to_thread(claims.cut_batches, ledger, work.run, size, most=most)
        batches = tuple(batch for batch in batches if is_last or (batch.kind == "image" and not batch.alone))
        if batches or (is_last and not await asyncio.to_thread(claims.held_by_others, ledger, work.run)):
            return batches
        if is_last:  # else what adds items shows whether the run hangs
            await asyncio.to_thread(runs.record_alive, ledger, work.run)
        await asyncio.sleep(_HELD_SECONDS if is_last else _ADDED_SECONDS)


async def embed_batches(resources: Resources, work: Work, batches: Sequence[Batch], advance: Advance) -> None:
    """Process batches, each with its own retries, and publish every few seconds."""
    processing = asyncio.ensure_future(_process_all(resources, work, batches, advance))
    try:
        while not processing.done():
            await asyncio.wait({processing}, timeout=_PUBLISH_SECONDS)
            await publish(resources, work)
    finally:
        processing.cancel()
    await processing


async def _process_all(resources: Resources, work: Work, batches: Sequence[Batch], advance: Advance) -> None:
    """Process a few batches at a time; a failed one does not stop the others. Raises the first failure at the end.

    Texts are spread among pictures: their many small transactions then run while the networks compute. Batches that a
    process died on (`alone`) come last, one after the other.
    """
    slots = asyncio.Semaphore(IN_FLIGHT)
    done, total = 0, sum(len(batch.members) for batch in batches)
    task = embed_batch.with_options(**batch_retries(work.options, resources.settings))

    async def process(batch: Batch) -> None:
        nonlocal done
        async with slots:
            await task(resources, work, batch)
        done += len(batch.members)
        await advance(done, total, "")

    await advance(done, total, "")
    concurrent = sorted([batch for batch in batches if not batch.alone], key=lambda batch: batch.first / batch.total)
    results = await asyncio.gather(*map(process, concurrent), return_exceptions=True)
    for batch in batches:
        if batch.alone:
            results += await asyncio.gather(process(batch), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result


@task(**WRITE, task_run_name="batch {batch.number}/{batch.of}", tags=[EMBEDDING])
async def embed_batch(resources: Resources, work: Work, batch: Batch) -> BatchResult:
    """Compute the batch's pending items. Raises Interrupted if some can be retried; the last try records failures."""
    log = get_run_logger()
    with span("batch", document=work.document, batch=batch.number, items=len(batch.members)) as traced:
        result = await asyncio.to_thread(
            process_batch, resources, work.run, batch, size=work.options.batch_size, last_try=last_try()
        )
        traced.note(made=result.made, failed=result.failed)
    last = batch.first + len(batch.members) - 1
    name = f"batch {batch.number}/{batch.of} ({batch.first}–{last}/{batch.total} {batch.kind}s)"
    log.info("%s: %d items done, %d failed", name, result.made, result.failed)
    for failure in result.failures:
        log.warning("%s: %s", name, failure)
    return result


@task(**WRITE, task_run_name="publish", tags=[PUBLISHING])
async def publish(resources: Resources, work: Work) -> Published:
    """Publish all dirty rows that are due, of every owner, waiting for the index during an outage."""
    return await asyncio.to_thread(publishing.publish_meanwhile, resources, work.run)


@task(**WRITE, task_run_name="publish {work.name}", tags=[PUBLISHING])
async def publish_whole(resources: Resources, work: Work) -> Published:
    """Publish until no row of the document is dirty and due; the products of an older edition then leave the search."""
    return await asyncio.to_thread(publishing.publish_whole, resources, work.run)
