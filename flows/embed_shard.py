"""One shard of a document's items, made wherever a work pool runs it."""

from typing import Annotated

from prefect import flow
from pydantic import Field

from swatchbook.pipeline.shards import ShardResult
from swatchbook.records import BlockNames
from swatchbook.storage.files import KEY
from tasks.embed import make_batches
from tasks.work_on_shard import at_shard, open_shard

Manifest = Annotated[str, Field(pattern=KEY.pattern)]


@flow(name="embed_shard", persist_result=False)
async def embed_shard(manifest: Manifest, blocks: BlockNames = BlockNames()) -> ShardResult:
    """Make and publish the batches of one shard. `ingest_catalogue` sends it; it is nothing to start by hand.

    Args:
        manifest: Key of the file store.
        blocks: Saved blocks to use instead of the settings.
    """
    shard = await open_shard(manifest, blocks)
    async with at_shard(shard) as advance:
        results = await make_batches(shard.work, shard.batches, advance)
    return ShardResult(made=sum(result.made for result in results), failed=sum(result.failed for result in results))
