"""Read the new and changed pictures of a folder, and save them with their items (stage 5).

`pipeline/scan.py` decides which are new or changed.
"""

import asyncio

from prefect import task

from blocks import load_resources
from swatchbook.ledger.queries.source_items import complete_items
from swatchbook.pipeline import scan
from swatchbook.pipeline.run import progress_callback
from swatchbook.pipeline.work import Work
from swatchbook.records import Scan, Stage
from tasks.policy import WRITE


@task(**WRITE, task_run_name="known items of {work.name}")
async def find_complete_items(work: Work) -> bytes:
    """Return which items are complete, by number: `scan_folder` counts those of them that it need not read again."""
    return await asyncio.to_thread(complete_items, load_resources(work.blocks).ledger, work.document)


@task(**WRITE, task_run_name="scan {work.name}")
async def scan_folder(work: Work, complete: bytes) -> Scan:
    """Save the folder's new and changed items in portions; a repeated task goes on after the last one."""
    resources = load_resources(work.blocks)
    progress = progress_callback(resources, work.run, Stage.EXTRACTED)
    return await asyncio.to_thread(scan.scan, resources, work, complete, progress=progress)
