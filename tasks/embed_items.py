"""Stage 6, for documents of every kind: process the open items, in this process or on the work pool, until none is
open; what dead shards left is cut into new ones.
"""

from blocks import load_resources
from swatchbook.pipeline import shards
from swatchbook.pipeline.work import Work
from tasks.embed import cut_batches, embed_batches
from tasks.embed_in_shards import embed_in_shards, follow_earlier_shards
from tasks.progress import Advance


async def embed_items(work: Work, advance: Advance) -> int:
    """Process all pending items, inline or on the pool, and publish them. Returns the number of images that had any."""
    images, on_pool = 0, shards.is_on_pool(load_resources(work.blocks).settings, work.options)
    if on_pool:
        await follow_earlier_shards(work, advance)
    process = embed_in_shards if on_pool else embed_batches
    while batches := await cut_batches(work):
        images += sum(len(batch.members) for batch in batches if batch.kind == "image")
        await process(work, batches, advance)
    return images
