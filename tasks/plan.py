"""Choose the pages that are processed, by the rules of `catalogue/plan.py` (stage 3)."""

import asyncio

from prefect import task

from blocks import load_resources
from swatchbook.catalogue import plan
from swatchbook.pdf import reader
from swatchbook.pipeline.work import Work
from swatchbook.records import Discovery, Plan, Reading
from tasks.policy import PURE


@task(**PURE, task_run_name="plan pages of {work.name}")
async def plan_pages(key: str, work: Work, reading: Reading, discovery: Discovery) -> Plan:
    """Classify each page as product, entity or skipped, with the reason."""
    files = load_resources(work.blocks).files
    return await asyncio.to_thread(
        lambda: plan.make_plan(
            reading, reader.iter_pages(files, reading), discovery, work.options.focus, taken=work.options.pages
        )
    )
