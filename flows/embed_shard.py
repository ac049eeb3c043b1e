"""Flow in a container of the pool: process and publish the batches of one shard."""

from typing import Annotated

from prefect import flow
from pydantic import Field

from swatchbook.blocks import load_resources
from swatchbook.domain.records import BlockNames
from swatchbook.store.files.stored_file import KEY
from swatchbook.tasks.embed import embed_batches
from swatchbook.tasks.embed_in_shards import hold_shard, open_shard
from swatchbook.tasks.policy import FLOW

Manifest = Annotated[str, Field(pattern=KEY.pattern)]


@flow(name="embed_shard", **FLOW)
async def embed_shard(manifest: Manifest, blocks: BlockNames = BlockNames()) -> None:
    """Process and publish the batches of one shard. The run that cuts them starts it.

    Started by hand, it does what is left of the shard's batches, if the run that cut them still works.

    Args:
        manifest: Key of the shard's manifest in the file store, a parameter of the shard's flow run.
        blocks: Saved blocks to use instead of the settings.
    """
    resources = load_resources(blocks)
    shard = await open_shard(resources, manifest, blocks)
    async with hold_shard(resources, shard) as advance:
        await embed_batches(resources, shard.work, shard.batches, advance)
