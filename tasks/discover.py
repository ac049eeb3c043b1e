"""Find the products (stage 2A), and read tables and each product's metadata (2B).

For some failures of the language model, the result of the layout rules is used instead, with the reason in the report.
At most 32 calls wait for a provider at a time.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Final, TypeVar

from prefect import task

from blocks import load_resources
from swatchbook.catalogue import describe, discover
from swatchbook.catalogue.llm import find_products, scans
from swatchbook.catalogue.llm.find_products import ask_names, ask_products
from swatchbook.catalogue.llm.metadata import ask_metadata
from swatchbook.catalogue.llm.scans import with_scans
from swatchbook.errors import SHARED_POLICIES, Failure, Policy
from swatchbook.ledger.calls import CallContext
from swatchbook.pdf import reader
from swatchbook.pipeline.run import progress_callback
from swatchbook.pipeline.work import Work
from swatchbook.providers.messages import ChargedChat
from swatchbook.records import (
    Description,
    Discovery,
    FailedPage,
    FoundProduct,
    Occurrence,
    Reading,
    Scans,
    Stage,
    Tables,
)
from swatchbook.resources import Resources
from tasks.policy import PURE, last_try

T = TypeVar("T")

_PROVIDER_THREADS: Final = ThreadPoolExecutor(32, thread_name_prefix="ask")
"""Threads that wait for providers. `asyncio.to_thread` has too few threads, and other tasks need them."""


@task(**PURE, task_run_name="discover products of {work.name}")
async def discover_products(key: str, work: Work, reading: Reading) -> Discovery:
    """Stage 2A: find product names and page ranges by the layout rules, and with the language model.

    If the model cannot answer, the result is that of the layout rules, with the reason in `lost`. Provider failures
    that are likely to pass are raised, so that the task is retried.
    """
    resources = load_resources(work.blocks)
    by_layout = await asyncio.to_thread(lambda: discover.discover(reading, reader.iter_pages(resources.files, reading)))
    assists = resources.settings.discovery == "assist"
    only = find_products.open_pages(reading, by_layout) if assists else None
    if resources.settings.discovery == "layout" or (assists and not only):
        return by_layout
    reads_scans = not (assists and by_layout.products)
    scanned = await _in_provider_thread(lambda: _read_scans(resources, work, reading)) if reads_scans else Scans()
    chat = ChargedChat(resources.models.llm, CallContext(resources.ledger, work.run, "discover"))
    pages = with_scans(reader.iter_pages(resources.files, reading), scanned)
    lost, discovery = scanned.lost, by_layout
    try:
        if only is None:
            by_model = await _in_provider_thread(lambda: ask_products(chat, reading, pages, by_layout))
            discovery = find_products.flag_new(by_layout, by_model, chat.model)
        else:
            by_model = await _in_provider_thread(lambda: ask_names(chat, reading, pages, by_layout, only=only))
            discovery = find_products.combine(by_layout, by_model, only, chat.model)
    except Failure as failure:
        if not (failure.policy is Policy.NEVER or (failure.policy is Policy.ONCE_MORE and last_try())):
            raise
        lost += (_lost("products", 1, failure, transient=False),)
    return discovery.model_copy(update={"scans": scanned, "lost": lost})


@task(**PURE, task_run_name="read tables of {work.name}")
async def read_tables(key: str, work: Work, reading: Reading) -> Tables:
    """Read the tables of all pages that have any; pages that fail are listed in `lost`."""
    return await asyncio.to_thread(_tables, work, reading)


@task(**PURE, task_run_name="describe {product.name}")
async def describe_product(
    key: str,
    work: Work,
    reading: Reading,
    scanned: Scans,
    product: FoundProduct,
    others: list[Occurrence],
    tables: Tables,
) -> Description:
    """Stage 2B: read the metadata of one product from the text of its pages. `others`: where other products stand.

    If the language model fails on the last try, the result is that of the layout rules, with the reason in `lost`.
    """
    resources = load_resources(work.blocks)
    read = reader.iter_pages(resources.files, reading, pages=describe.pages_to_read(product))
    pages = await asyncio.to_thread(lambda: list(with_scans(read, scanned)))
    description = await asyncio.to_thread(lambda: describe.describe(product, pages, tables.tables, others))
    mode = resources.settings.discovery
    if mode == "layout" or (mode == "assist" and not find_products.is_open(product)):
        return description
    pages = [page for page in pages if page.number in product.pages]
    chat = ChargedChat(resources.models.llm, CallContext(resources.ledger, work.run, "describe"))
    try:
        return await _in_provider_thread(lambda: ask_metadata(chat, product, pages, description))
    except Failure as failure:
        if failure.policy in SHARED_POLICIES or (failure.policy is not Policy.NEVER and not last_try()):
            raise
        transient = failure.policy is not Policy.NEVER
        lost = _lost(f"metadata of {product.name}", product.first_page, failure, transient=transient)
        return description.model_copy(update={"lost": (lost,)})


async def _in_provider_thread(call: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_PROVIDER_THREADS, copy_context().run, call)


def _lost(what: str, page: int, failure: Failure, *, transient: bool) -> FailedPage:
    message = f"The {what} were read by layout rules alone: {failure}"
    return FailedPage(page=page, kind=failure.kind, message=message, transient=transient)


def _read_scans(resources: Resources, work: Work, reading: Reading) -> Scans:
    if not (scanned := scans.scanned_pages(reader.iter_pages(resources.files, reading))):
        return Scans()
    chat = ChargedChat(resources.models.vision, CallContext(resources.ledger, work.run, "discover"))
    with resources.files.local(work.file) as path:
        render = partial(reader.render, path, settings=resources.settings, side=scans.PAGE_SIDE)
        return scans.read_scans(chat, scanned, render)


def _tables(work: Work, reading: Reading) -> Tables:
    resources = load_resources(work.blocks)
    progress = progress_callback(resources, work.run, Stage.DISCOVERED)
    with resources.files.local(work.file) as path:
        return reader.tables(path, reading.table_pages, resources.settings, progress=progress)
