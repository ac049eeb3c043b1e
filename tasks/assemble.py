"""Build products from discovery and descriptions, link them to pictures and text, and save all of it (stage 7).

`catalogue/link.py` scores the links.
"""

import asyncio

from prefect import task

from blocks import load_resources
from swatchbook.catalogue import describe, link
from swatchbook.ledger import stage_results
from swatchbook.ledger.pages import save_page_failures, save_page_notes
from swatchbook.pdf import reader
from swatchbook.pipeline.work import Work
from swatchbook.records import StageResults
from tasks.policy import WRITE


@task(**WRITE, task_run_name="assemble {work.name}")
async def assemble(work: Work, results: StageResults) -> int:
    """Save products with their links to images and text, mark changed rows dirty, and return the number of products."""
    return await asyncio.to_thread(_assemble, work, results)


def _assemble(work: Work, results: StageResults) -> int:
    resources = load_resources(work.blocks)
    products = describe.assemble_products(work.document, results.discovery, results.descriptions)
    pages = reader.iter_pages(resources.files, results.reading, pages=results.plan.shown)
    extraction = results.extraction
    links = link.link(
        products, results.discovery, extraction.placements, results.chunks.chunks, pages, extraction.pictures
    )
    # Read again, not kept: the parsed pages of a long document are too large for memory.
    read_again = reader.iter_pages(resources.files, results.reading, pages=results.plan.shown)
    left = link.find_unassigned(products, extraction.placements, links, read_again)
    described = [page for description in results.descriptions for page in description.lost]
    save_page_failures(resources.ledger, work.run, [*results.discovery.lost, *described])
    save_page_notes(resources.ledger, work.run, results.discovery, left)
    stage_results.save_assembly(resources.ledger, work.run, products, links)
    return len(products)
