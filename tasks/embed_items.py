"""Process the open items of a document (stage 6), in this process or on the work pool, until none is open.

What dead shards left is cut into new ones. In this process the work can begin while items are still being added.
"""

import asyncio

from blocks import load_resources
from swatchbook.ledger.documents import TABLE
from swatchbook.pipeline import shards
from swatchbook.pipeline.run import report_note
from swatchbook.pipeline.work import Work
from tasks.embed import cut_batches, embed_batches
from tasks.embed_in_shards import embed_in_shards, follow_earlier_shards
from tasks.progress import Advance

Added = asyncio.Future[Advance]
"""Done when all items of a document have been added: with the callback for the progress from then on."""


async def embed_items(work: Work, advance: Advance) -> int:
    """Process all pending items, inline or on the pool, and publish them. Returns the number of images that had any."""
    added: Added = asyncio.Future()
    added.set_result(advance)
    return await embed_as_added(work, added)


async def embed_as_added(work: Work, added: Added) -> int:
    """Process pending items as `embed_items` while another task adds them. Returns the number of images after that.

    It begins when all are added where shards take seconds to start, and for a table, which may give the vector of a
    picture that it has named before.
    """
    images = done = before = 0
    resources = load_resources(work.blocks)
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
        await follow_earlier_shards(work, advance)
    process = embed_in_shards if on_pool else embed_batches
    while batches := await cut_batches(work, added.done):
        await process(work, batches, advance)
        images += sum(len(batch.members) for batch in batches if batch.kind == "image")
        done += sum(len(batch.members) for batch in batches)
    return images - before
