"""Read all pages once, or take over the reading that the command line began while Prefect starts (stage 1).

`pdf/read_ahead.py` keeps such readings.
"""

import asyncio

from prefect import task

from blocks import load_resources
from swatchbook.pdf import reader
from swatchbook.pipeline.run import progress_callback
from swatchbook.pipeline.work import Work
from swatchbook.records import Reading, Stage
from tasks.policy import PURE


@task(**PURE, task_run_name="read {work.name}")
async def read_pages(key: str, work: Work) -> Reading:
    """Read text, outline and drawn images of every page; pages that fail are listed in `lost`."""
    return await asyncio.to_thread(_read, work)


def _read(work: Work) -> Reading:
    resources = load_resources(work.blocks)
    progress = progress_callback(resources, work.run, Stage.READ)
    if ahead := resources.readings.pop(work.file, None):
        return ahead.finish(progress)
    with resources.files.local(work.file) as path:
        return reader.read(path, resources.files, resources.settings, progress=progress)
