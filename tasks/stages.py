"""The stages of a document as tasks: what each does is in `ingest/stages.py`, and of a folder in `ingest/scan.py`.

At most 32 calls wait for a provider at a time.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Final, TypeVar

from prefect import task

from swatchbook.domain.records import (
    Chunks,
    Description,
    Discovery,
    Extraction,
    FoundProduct,
    Plan,
    Reading,
    Scan,
    Scans,
    Stage,
    StageResults,
    Tables,
)
from swatchbook.ingest import scan, stages
from swatchbook.ingest.run import Work, progress_callback
from swatchbook.resources import Resources
from swatchbook.store.ledger.source_items import complete_items
from swatchbook.tasks.policy import ASKING, PURE, READING, WRITE, last_try

T = TypeVar("T")

_PROVIDER_THREADS: Final = ThreadPoolExecutor(32, thread_name_prefix="ask")
"""Threads that wait for providers. `asyncio.to_thread` has too few threads, and other tasks need them."""


@task(**PURE, task_run_name="read {work.name}", tags=[READING])
async def read_pages(key: str, resources: Resources, work: Work) -> Reading:
    """Read text, outline and drawn images of every page (stage 1); pages that fail are listed in `lost`."""
    return await asyncio.to_thread(stages.read_pages, resources, work)


@task(**PURE, task_run_name="discover products of {work.name}", tags=[ASKING])
async def discover_products(key: str, resources: Resources, work: Work, reading: Reading) -> Discovery:
    """Stage 2A: find product names and page ranges by the layout rules, and with the language model."""
    last = last_try()
    return await _ask(resources, partial(stages.discover_products, resources, work, reading, last_try=last))


@task(**PURE, task_run_name="read tables of {work.name}", tags=[READING])
async def read_tables(key: str, resources: Resources, work: Work, reading: Reading) -> Tables:
    """Read the tables of all pages that have any; pages that fail are listed in `lost`."""
    return await asyncio.to_thread(stages.read_tables, resources, work, reading)


@task(**PURE, task_run_name="describe products of {work.name}")
async def describe_products(
    key: str, resources: Resources, work: Work, reading: Reading, discovery: Discovery, tables: Tables
) -> list[Description]:
    """Stage 2B: read the metadata of every product by the layout rules. One task: a price list has hundreds of them."""
    return await asyncio.to_thread(stages.describe_products, resources, work, reading, discovery, tables)


@task(**PURE, task_run_name="describe {product.name}", tags=[ASKING])
async def ask_description(
    key: str,
    resources: Resources,
    work: Work,
    reading: Reading,
    scanned: Scans,
    product: FoundProduct,
    by_layout: Description,
) -> Description:
    """Stage 2B: ask the language model for the metadata of one product."""
    given = (resources, work, reading, scanned, product, by_layout)
    return await _ask(resources, partial(stages.ask_description, *given, last_try=last_try()))


@task(**PURE, task_run_name="plan pages of {work.name}")
async def plan_pages(key: str, resources: Resources, work: Work, reading: Reading, discovery: Discovery) -> Plan:
    """Classify each page as product, entity or skipped, with the reason (stage 3)."""
    return await asyncio.to_thread(stages.plan_pages, resources, work, reading, discovery)


@task(**PURE, task_run_name="chunk {work.name}")
async def cut_chunks(
    key: str, resources: Resources, work: Work, reading: Reading, plan: Plan, tables: Tables
) -> Chunks:
    """Cut the text into hierarchical chunks with their pages, headings and tables (stage 4)."""
    return await asyncio.to_thread(stages.cut_chunks, resources, work, reading, plan, tables)


@task(**WRITE, task_run_name="save chunks of {work.name}")
async def save_chunks(
    resources: Resources, work: Work, reading: Reading, plan: Plan, tables: Tables, chunks: Chunks
) -> None:
    """Save pages, chunks and the chunks' pending items."""
    await asyncio.to_thread(stages.save_chunks, resources, work, reading, plan, tables, chunks)


@task(**PURE, task_run_name="extract pictures of {work.name}", tags=[READING])
async def extract_pictures(key: str, resources: Resources, work: Work, reading: Reading, plan: Plan) -> Extraction:
    """Extract images with their placements (stage 5); equal content is stored once."""
    return await asyncio.to_thread(stages.extract_pictures, resources, work, reading, plan)


@task(**WRITE, task_run_name="save pictures of {work.name}")
async def save_pictures(resources: Resources, work: Work, reading: Reading, extraction: Extraction) -> Extraction:
    """Save images, placements and their pending items, as a person has taught and taken them in; return all of them."""
    return await asyncio.to_thread(stages.save_pictures, resources, work, reading, extraction)


@task(**WRITE, task_run_name="known items of {work.name}")
async def find_complete_items(resources: Resources, work: Work) -> bytes:
    """Return which items are complete, by number: `scan_folder` counts those of them that it need not read again."""
    return await asyncio.to_thread(complete_items, resources.ledger, work.document)


@task(**WRITE, task_run_name="scan {work.name}", tags=[READING])
async def scan_folder(resources: Resources, work: Work, complete: bytes) -> Scan:
    """Save the folder's new and changed items in portions (stage 5); a repeated task goes on after the last one."""
    progress = progress_callback(resources, work.run, Stage.EXTRACTED)
    return await asyncio.to_thread(scan.scan, resources, work, complete, progress=progress)


@task(**WRITE, task_run_name="assemble {work.name}")
async def assemble(resources: Resources, work: Work, results: StageResults) -> int:
    """Save products with their links to images and text, mark changed rows dirty, and return the number of products."""
    return await asyncio.to_thread(stages.assemble, resources, work, results)


async def _ask(resources: Resources, call: Callable[[], T]) -> T:
    """Run a stage in a thread: if it asks a provider, in one of those that may wait."""
    threads = None if resources.settings.discovery == "layout" else _PROVIDER_THREADS
    return await asyncio.get_running_loop().run_in_executor(threads, copy_context().run, call)
