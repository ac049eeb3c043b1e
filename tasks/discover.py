"""Stage 2: which products there are (0A), and what the document says of each (0B)."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Final, TypeVar

from prefect import task

from blocks import load_resources
from swatchbook.catalogue import describe, discover
from swatchbook.catalogue.llm import scans
from swatchbook.catalogue.llm.metadata import ask_metadata
from swatchbook.catalogue.llm.products import ask_products
from swatchbook.catalogue.llm.scans import with_scans
from swatchbook.errors import SHARED, Failure, Policy
from swatchbook.ledger.calls import CallContext
from swatchbook.pdf import reader
from swatchbook.pipeline.run import Work, progress_callback
from swatchbook.records import Description, Discovery, FailedPage, FoundProduct, Reading, Scans, Stage, Tables
from swatchbook.resources import Resources
from tasks.policy import PURE, last_try

T = TypeVar("T")

_WAITING: Final = ThreadPoolExecutor(32, thread_name_prefix="ask")
"""Threads that wait for answers: those of `asyncio.to_thread` are few, and others work there meanwhile."""


@task(**PURE, task_run_name="discover products of {work.name}")
async def discover_products(key: str, work: Work, reading: Reading) -> Discovery:
    """0A: outline, index and headings → product names and page ranges. A document that the language model cannot make
    out keeps what the layout rules found, and says so; while providers merely fail, it waits for them.
    """
    tools = load_resources(work.blocks)
    found = await asyncio.to_thread(lambda: discover.discover(reading, reader.iter_pages(tools.files, reading)))
    if tools.settings.discovery == "layout":
        return found
    read = await _waiting(lambda: _read_scans(tools, work, reading))
    context, pages = (
        CallContext(tools.ledger, work.run, "discover"),
        with_scans(reader.iter_pages(tools.files, reading), read),
    )
    lost = read.lost
    try:
        found = await _waiting(lambda: ask_products(tools.models.llm, context, reading, pages, found))
    except Failure as failure:
        if not (failure.policy is Policy.NEVER or (failure.policy is Policy.ONCE_MORE and last_try())):
            raise
        lost += (_lost("products", 1, failure, transient=False),)
    return found.model_copy(update={"scans": read, "lost": lost})


@task(**PURE, task_run_name="read tables of {work.name}")
async def read_tables(key: str, work: Work, reading: Reading) -> Tables:
    """The tables of the pages that have any; those that are lost are named."""
    return await asyncio.to_thread(_tables, work, reading)


@task(**PURE, task_run_name="describe {product.name}")
async def describe_product(
    key: str, work: Work, reading: Reading, scanned: Scans, product: FoundProduct, tables: Tables
) -> Description:
    """0B: metadata of one product from the text of its pages. Where the language model fails to the last, the product
    keeps what the layout rules read, and says so.
    """
    tools = load_resources(work.blocks)
    own = reader.iter_pages(tools.files, reading, pages=product.pages)
    pages = await asyncio.to_thread(lambda: list(with_scans(own, scanned)))
    read = await asyncio.to_thread(lambda: describe.describe(product, pages, tables.tables))
    if tools.settings.discovery == "layout":
        return read
    context = CallContext(tools.ledger, work.run, "describe")
    try:
        return await _waiting(lambda: ask_metadata(tools.models.llm, context, product, pages, read))
    except Failure as failure:
        if failure.policy in SHARED or (failure.policy is not Policy.NEVER and not last_try()):
            raise
        transient = failure.policy is not Policy.NEVER
        lost = _lost(f"metadata of {product.name}", product.first_page, failure, transient=transient)
        return read.model_copy(update={"lost": (lost,)})


async def _waiting(call: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_WAITING, copy_context().run, call)


def _lost(what: str, page: int, failure: Failure, *, transient: bool) -> FailedPage:
    message = f"The {what}, by layout rules alone: {failure}"
    return FailedPage(page=page, kind=failure.kind, message=message, transient=transient)


def _read_scans(tools: Resources, work: Work, reading: Reading) -> Scans:
    if not (scanned := scans.scanned_pages(reader.iter_pages(tools.files, reading))):
        return Scans()
    chat, context = tools.models.vision, CallContext(tools.ledger, work.run, "discover")
    with tools.files.local(work.file) as path:
        render = partial(reader.render, path, settings=tools.settings, side=scans.SIDE)
        return scans.read_scans(chat, context, scanned, render)


def _tables(work: Work, reading: Reading) -> Tables:
    tools = load_resources(work.blocks)
    with tools.files.local(work.file) as path:
        return reader.tables(
            path, reading.table_pages, tools.settings, progress=progress_callback(tools, work.run, Stage.DISCOVERED)
        )
