"""The stages of a document as tasks: what each does is in `ingest/stages.py`, and of a folder in `ingest/scan.py`.

At most 32 calls wait for a provider at a time.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial, wraps
from typing import Any, Final, ParamSpec, TypeVar

from prefect import task

from swatchbook.domain.records import Description, Discovery, FoundProduct, Reading, Scan, Scans, Stage
from swatchbook.ingest import scan, stages
from swatchbook.ingest.run import Work, progress_callback
from swatchbook.resources import Resources
from swatchbook.store.ledger.source_items import complete_items
from swatchbook.tasks.policy import ASKING, PURE, READING, WRITE, last_try

P = ParamSpec("P")
T = TypeVar("T")

_PROVIDER_THREADS: Final = ThreadPoolExecutor(32, thread_name_prefix="ask")
"""Threads that wait for providers. `asyncio.to_thread` has too few threads, and other tasks need them."""


def _in_thread(stage: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Return a stage as a coroutine function with its name, parameters and docstring."""

    @wraps(stage)
    async def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.to_thread(stage, *args, **kwargs)

    return run


read_pages = task(**PURE, task_run_name="read {work.name}", tags=[READING])(_in_thread(stages.read_pages))
read_tables = task(**PURE, task_run_name="read tables of {work.name}", tags=[READING])(_in_thread(stages.read_tables))
plan_pages = task(**PURE, task_run_name="plan pages of {work.name}")(_in_thread(stages.plan_pages))
cut_chunks = task(**PURE, task_run_name="chunk {work.name}")(_in_thread(stages.cut_chunks))
save_chunks = task(**WRITE, task_run_name="save chunks of {work.name}")(_in_thread(stages.save_chunks))
extract_pictures = task(**PURE, task_run_name="extract pictures of {work.name}", tags=[READING])(
    _in_thread(stages.extract_pictures)
)
save_pictures = task(**WRITE, task_run_name="save pictures of {work.name}")(_in_thread(stages.save_pictures))
assemble = task(**WRITE, task_run_name="assemble {work.name}")(_in_thread(stages.assemble))

describe_products = task(**PURE, task_run_name="describe products of {work.name}")(_in_thread(stages.describe_products))
"""One task: a price list has hundreds of products."""


@task(**PURE, task_run_name="discover products of {work.name}", tags=[ASKING])
async def discover_products(resources: Resources, work: Work, reading: Reading) -> Discovery:
    """Stage 2A: find product names and page ranges by the layout rules, and with the language model."""
    last = last_try()
    return await _ask(resources, partial(stages.discover_products, resources, work, reading, last_try=last))


@task(**PURE, task_run_name="describe {product.name}", tags=[ASKING])
async def ask_description(
    resources: Resources, work: Work, reading: Reading, scanned: Scans, product: FoundProduct, by_layout: Description
) -> Description:
    """Stage 2B: ask the language model for the metadata of one product."""
    given = (resources, work, reading, scanned, product, by_layout)
    return await _ask(resources, partial(stages.ask_description, *given, last_try=last_try()))


@task(**WRITE, task_run_name="known items of {work.name}")
async def find_complete_items(resources: Resources, work: Work) -> bytes:
    """Return which items are complete, by number: `scan_folder` counts those of them that it need not read again."""
    return await asyncio.to_thread(complete_items, resources.ledger, work.document)


@task(**WRITE, task_run_name="scan {work.name}", tags=[READING])
async def scan_folder(resources: Resources, work: Work, complete: bytes) -> Scan:
    """Save the folder's new and changed items in portions (stage 5); a repeated task goes on after the last one."""
    progress = progress_callback(resources, work.run, Stage.EXTRACTED)
    return await asyncio.to_thread(scan.scan, resources, work, complete, progress=progress)


async def _ask(resources: Resources, call: Callable[[], T]) -> T:
    """Run a stage in a thread: if it asks a provider, in one of those that may wait."""
    threads = None if resources.settings.discovery == "layout" else _PROVIDER_THREADS
    return await asyncio.get_running_loop().run_in_executor(threads, copy_context().run, call)
