"""Stage 2: which products there are (0A), and what the document says of each (0B)."""

import asyncio

from prefect import task

from blocks import lab
from swatchbook.catalogue import describe, discover
from swatchbook.pdf import reader
from swatchbook.records import Description, Discovery, FoundProduct, Reading, Stage, Tables
from swatchbook.working import Work, reporter
from tasks.policy import PURE


@task(**PURE, task_run_name="discover products of {work.name}")
async def discover_products(key: str, work: Work, reading: Reading) -> Discovery:
    """0A: outline, index and headings → product names and page ranges."""
    files = lab(work.blocks).files
    return await asyncio.to_thread(lambda: discover.discover(reading, reader.iterate(files, reading)))


@task(**PURE, task_run_name="read tables of {work.name}")
async def read_tables(key: str, work: Work, reading: Reading) -> Tables:
    """The tables of the pages that have any; those that are lost are named."""
    return await asyncio.to_thread(_tables, work, reading)


@task(**PURE, task_run_name="describe {product.name}")
async def describe_product(
    key: str, work: Work, reading: Reading, product: FoundProduct, tables: Tables
) -> Description:
    """0B: metadata of one product from the text of its pages."""
    files = lab(work.blocks).files
    return await asyncio.to_thread(
        lambda: describe.describe(product, reader.iterate(files, reading, pages=product.pages), tables.tables)
    )


def _tables(work: Work, reading: Reading) -> Tables:
    tools = lab(work.blocks)
    pages = [page.number for page in reader.iterate(tools.files, reading) if page.has_table]
    with tools.files.local(work.file) as path:
        return reader.tables(path, pages, tools.settings, progress=reporter(tools, work.run, Stage.DISCOVERED))
