"""Flow of one folder of pictures: scan it, and meanwhile embed and publish what is new or changed, with the tasks of a
catalogue's pictures; then report. Also the parameters of its form in Prefect's UI.
"""

import asyncio
from typing import Annotated, Any

from prefect import State, flow
from pydantic import Field

from swatchbook.domain.records import DEFAULT_OWNER, BlockNames, IngestOptions, Owner, RunReport, Stage
from swatchbook.resources import Resources
from swatchbook.store.ledger.stored_documents import FOLDER
from swatchbook.tasks.document_run import (
    Idle,
    finish_document,
    hold_document,
    in_background,
    publish_artifacts,
    register_document,
)
from swatchbook.tasks.embed import Added, embed_items, preload_models, publish_whole, require_models
from swatchbook.tasks.flow_run import end_by_name, flow_process, rename_flow_run
from swatchbook.tasks.policy import FLOW
from swatchbook.tasks.stages import find_complete_items, scan_folder

Folder = Annotated[str, Field(min_length=1, max_length=4_096)]


@flow(name="ingest_images", **FLOW)
async def ingest_images(
    source: Folder,
    owner: Owner = DEFAULT_OWNER,
    options: IngestOptions = IngestOptions(),
    blocks: BlockNames = BlockNames(),
) -> RunReport | State[Any]:
    """Embed every picture of a folder and its subfolders, and publish all of it. Unchanged files are not read again.

    Args:
        source: The folder: a path below a folder of SWATCHBOOK_INPUT_ROOTS, on the worker's machine, or a folder that
            was ingested before.
        owner: Owner of the pictures.
        options: Options of this ingest.
        blocks: Saved blocks to use instead of the settings.
    """
    async with flow_process(blocks) as resources:
        return await end_by_name(resources, _ingest(resources, source, owner, options, blocks))


async def _ingest(
    resources: Resources, source: str, owner: str, options: IngestOptions, blocks: BlockNames
) -> RunReport | Idle:
    work = await register_document(resources, source, owner, options, blocks, kind=FOLDER)
    await rename_flow_run(f"{owner}: {work.name}")
    if isinstance(work, Idle):
        return work
    async with hold_document(resources, work) as stage:
        await asyncio.to_thread(require_models, resources, work)
        preload_models(resources, options)
        complete = await find_complete_items(resources, work)
        added = Added()
        async with in_background(embed_items(resources, work, added)) as embedding:
            async with stage(Stage.EXTRACTED):
                scan = await scan_folder(resources, work, complete)
            async with stage(Stage.EMBEDDED) as step:
                added.set_result(step.advance)
                step.units = await embedding
        async with stage(Stage.ASSEMBLED):
            await publish_whole(resources, work)
        report = await finish_document(resources, work, scan)
    await publish_artifacts(resources, report)
    return report
