"""Stage 1: read all pages, once."""

import asyncio

from prefect import task

from blocks import load_resources
from swatchbook.pdf import reader
from swatchbook.pipeline.run import Work, progress_callback
from swatchbook.records import Reading, Stage
from tasks.policy import PURE


@task(**PURE, task_run_name="read {work.name}")
async def read_pages(key: str, work: Work) -> Reading:
    """Text, outline and picture census of every page; lost pages are named."""
    return await asyncio.to_thread(_read, work)


def _read(work: Work) -> Reading:
    tools = load_resources(work.blocks)
    if ahead := tools.readings.pop(work.file, None):
        return ahead.finish(progress_callback(tools, work.run, Stage.READ))
    with tools.files.local(work.file) as path:
        return reader.read(path, tools.files, tools.settings, progress=progress_callback(tools, work.run, Stage.READ))
