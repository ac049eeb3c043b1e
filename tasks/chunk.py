"""Cut the text into chunks and entities, and save them with the pages (stage 4).

`catalogue/chunk.py` makes the cuts.
"""

import asyncio

from prefect import task

from blocks import load_resources
from swatchbook.catalogue import chunk
from swatchbook.ledger import stage_results
from swatchbook.ledger.pages import save_page_failures
from swatchbook.pdf import reader
from swatchbook.pipeline.work import Work
from swatchbook.records import Chunks, Plan, Reading, Tables
from tasks.policy import PURE, WRITE


@task(**PURE, task_run_name="chunk {work.name}")
async def cut_chunks(key: str, work: Work, reading: Reading, plan: Plan, tables: Tables) -> Chunks:
    """Cut the text into hierarchical chunks with their pages, headings and tables."""
    files = load_resources(work.blocks).files
    return await asyncio.to_thread(
        lambda: chunk.chunk(work.document, reading, reader.iter_pages(files, reading), plan, tables.tables)
    )


@task(**WRITE, task_run_name="save chunks of {work.name}")
async def save_chunks(work: Work, reading: Reading, plan: Plan, tables: Tables, chunks: Chunks) -> None:
    """Save pages, chunks and the chunks' pending items."""
    await asyncio.to_thread(_save, work, reading, plan, tables, chunks)


def _save(work: Work, reading: Reading, plan: Plan, tables: Tables, chunks: Chunks) -> None:
    resources = load_resources(work.blocks)
    ledger = resources.ledger
    stage_results.save_pages(ledger, work.run, reading, plan)
    stored = {reading.pages_file[:64]: reading.pages_file}
    stage_results.save_sizes(ledger, work.run, stored, resources.files.sizes_on_disk(stored.values()))
    save_page_failures(ledger, work.run, tables.lost)
    stage_results.save_chunks(ledger, work.run, chunks)
