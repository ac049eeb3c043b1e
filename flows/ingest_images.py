"""Flow of one folder of pictures: scan it, and meanwhile embed and publish what is new or changed, with the tasks of a
catalogue's pictures; then report. Also the parameters of its form in Prefect's UI.
"""

import asyncio
from typing import Annotated

from prefect import flow
from pydantic import Field

from blocks import load_resources
from swatchbook.ledger.documents import FOLDER
from swatchbook.ledger.queries.report import document_report
from swatchbook.pipeline.work import Work
from swatchbook.records import DEFAULT_OWNER, BlockNames, IngestOptions, Owner, RunReport, Stage
from tasks.embed import preload_models, publish_whole, require_models
from tasks.embed_items import Added, embed_as_added
from tasks.flow_process import registered
from tasks.named_end import ends_by_name
from tasks.progress import hold_document, in_background
from tasks.register import register_document, rename_flow_run
from tasks.report import finish_document, publish_artifacts
from tasks.review import start_review_flow
from tasks.scan import find_complete_items, scan_folder

Folder = Annotated[str, Field(min_length=1, max_length=4_096)]


@flow(name="ingest_images", persist_result=False)
@registered
@ends_by_name
async def ingest_images(
    source: Folder,
    owner: Owner = DEFAULT_OWNER,
    options: IngestOptions = IngestOptions(),
    blocks: BlockNames = BlockNames(),
) -> RunReport:
    """Embed every picture of a folder and its subfolders, and publish all of it. Unchanged files are not read again.

    Args:
        source: The folder: a path below a folder of SWATCHBOOK_INPUT_ROOTS, on the worker's machine, or a folder that
            was ingested before.
        owner: Owner of the pictures.
        options: Options of this ingest.
        blocks: Saved blocks to use instead of the settings.
    """
    work = await register_document(source, owner, options, blocks, kind=FOLDER)
    await rename_flow_run(f"{owner}: {work.name}")
    if not isinstance(work, Work):  # nothing is left to do, or another run has just finished the folder
        return await asyncio.to_thread(document_report, load_resources(blocks).ledger, work.id)
    async with hold_document(work) as stage:
        await asyncio.to_thread(require_models, load_resources(work.blocks), work.options)
        preload_models(load_resources(work.blocks), options)
        complete = await find_complete_items(work)
        added = Added()
        async with in_background(embed_as_added(work, added)) as embedding:
            async with stage(Stage.EXTRACTED):
                scan = await scan_folder(work, complete)
            async with stage(Stage.EMBEDDED) as step:
                added.set_result(step.advance)
                step.units = await embedding
        async with stage(Stage.ASSEMBLED):
            await publish_whole(work)
        report = await finish_document(work, scan)
    await publish_artifacts(work, report)
    await start_review_flow(work, report)
    return report
