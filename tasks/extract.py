"""Stage 5: the pictures that a person sees."""

import asyncio

from prefect import task

from blocks import load_resources
from swatchbook.ledger import stages
from swatchbook.pdf import reader
from swatchbook.pipeline.run import Work, progress_callback
from swatchbook.records import Extraction, Plan, Reading, Stage
from tasks.policy import PURE, WRITE


@task(**PURE, task_run_name="extract pictures of {work.name}")
async def extract_pictures(key: str, work: Work, reading: Reading, plan: Plan) -> Extraction:
    """Pictures with right pixels, by content, and where each stands."""
    return await asyncio.to_thread(_extract, work, reading, plan)


@task(**WRITE, task_run_name="save pictures of {work.name}")
async def save_pictures(work: Work, extraction: Extraction) -> None:
    """Images, placements and pending items, before any is made."""
    tools = load_resources(work.blocks)
    below = tools.settings.review_below
    await asyncio.to_thread(stages.save_extraction, tools.ledger, work.run, extraction, review_below=below)


def _extract(work: Work, reading: Reading, plan: Plan) -> Extraction:
    tools = load_resources(work.blocks)
    progress = progress_callback(tools, work.run, Stage.EXTRACTED)
    with tools.files.local(work.file) as path:
        return reader.extract(
            path, work.document, reading, plan, tools.files, tools.settings, progress=progress
        )  # fmt: skip
