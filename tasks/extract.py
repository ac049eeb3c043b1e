"""Extract the pictures of the planned pages, and save them with their placements (stage 5).

`catalogue/placements.py` decides which pictures are shown, hidden or decorative.
"""

import asyncio

from prefect import task

from blocks import load_resources
from swatchbook.ledger import stage_results
from swatchbook.pipeline.extract import extract
from swatchbook.pipeline.run import progress_callback
from swatchbook.pipeline.take_in import extract_taken
from swatchbook.pipeline.work import Work
from swatchbook.records import Extraction, Plan, Reading, Stage
from tasks.policy import PURE, WRITE


@task(**PURE, task_run_name="extract pictures of {work.name}")
async def extract_pictures(key: str, work: Work, reading: Reading, plan: Plan) -> Extraction:
    """Extract images with their placements; equal content is stored once."""
    return await asyncio.to_thread(_extract, work, reading, plan)


@task(**WRITE, task_run_name="save pictures of {work.name}")
async def save_pictures(work: Work, reading: Reading, extraction: Extraction) -> Extraction:
    """Save images, placements and their pending items, with the parts of pages that a person took in; return these."""
    return await asyncio.to_thread(_save, work, reading, extraction)


def _save(work: Work, reading: Reading, extraction: Extraction) -> Extraction:
    resources = load_resources(work.blocks)
    with resources.files.local(work.file) as path:
        taken = extract_taken(resources, path, work.document, reading, extraction)
    extraction = extraction.joined(taken)
    below = resources.settings.review_below
    stage_results.save_extraction(resources.ledger, work.run, extraction, review_below=below)
    stored = {picture.content_key: picture.file for picture in extraction.pictures}
    stage_results.save_sizes(resources.ledger, work.run, stored, resources.files.sizes_on_disk(stored.values()))
    return taken


def _extract(work: Work, reading: Reading, plan: Plan) -> Extraction:
    resources = load_resources(work.blocks)
    progress = progress_callback(resources, work.run, Stage.EXTRACTED)
    with resources.files.local(work.file) as path:
        return extract(path, work.document, reading, plan, resources.files, resources.settings, progress=progress)
