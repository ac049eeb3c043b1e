"""Stage 7: products, entities and scored links."""

import asyncio
from collections.abc import Sequence

from prefect import task

from blocks import load_resources
from swatchbook.catalogue import describe, link
from swatchbook.ledger import page_failures, stages
from swatchbook.pdf import reader
from swatchbook.pipeline.run import Work
from swatchbook.records import Chunks, Description, Discovery, Extraction, Plan, Reading
from tasks.policy import WRITE


@task(**WRITE, task_run_name="assemble {work.name}")
async def assemble(
    work: Work,
    reading: Reading,
    discovery: Discovery,
    descriptions: Sequence[Description],
    plan: Plan,
    chunks: Chunks,
    extraction: Extraction,
) -> int:
    """Products with their links to pictures and text; what changed is dirty again. Returns the number of products."""
    return await asyncio.to_thread(_assemble, work, reading, discovery, descriptions, plan, chunks, extraction)


def _assemble(
    work: Work,
    reading: Reading,
    discovery: Discovery,
    descriptions: Sequence[Description],
    plan: Plan,
    chunks: Chunks,
    extraction: Extraction,
) -> int:
    products = describe.assemble_products(work.document, discovery, descriptions)
    pages = reader.iterate(load_resources(work.blocks).files, reading, pages=plan.shown)
    links = link.link(products, discovery, extraction.placements, chunks.chunks, pages)
    ledger = load_resources(work.blocks).ledger
    page_failures.save_page_failures(
        ledger, work.run, [*discovery.lost, *(lost for each in descriptions for lost in each.lost)]
    )
    stages.save_assembly(ledger, work.run, products, links)
    return len(products)
