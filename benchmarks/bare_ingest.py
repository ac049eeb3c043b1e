"""The bare side of the ingest benchmark: the same domain calls in the same order, without Prefect, retries or caching.

Usage: python -m benchmarks.bare_ingest FILE
"""

import sys
from pathlib import Path

from swatchbook.catalogue import chunk, describe, discover, link, plan
from swatchbook.ledger import items, runs, stage_results
from swatchbook.ledger.editions import supersede
from swatchbook.ledger.queries import account
from swatchbook.pdf import reader
from swatchbook.pipeline.embed import process_batch
from swatchbook.pipeline.extract import extract
from swatchbook.pipeline.publish import publish_all
from swatchbook.pipeline.register import register
from swatchbook.pipeline.run import begin_work, hold_run
from swatchbook.pipeline.take_in import extract_taken
from swatchbook.pipeline.work import Work
from swatchbook.records import DEFAULT_OWNER, IngestOptions
from swatchbook.resources import open_resources
from swatchbook.settings import Settings


def main(path: Path) -> None:
    """Ingest one file into the home of the settings."""
    options = IngestOptions()
    with open_resources(Settings()) as resources:
        document = register(resources, path, owner=DEFAULT_OWNER, options=options).document
        work = begin_work(resources, str(document.file), owner=DEFAULT_OWNER, options=options)
        assert isinstance(work, Work)
        with hold_run(resources, work.run):
            reading = reader.read(path, resources.files, resources.settings)
            pages = list(reader.iter_pages(resources.files, reading))
            found = discover.discover(reading, pages)
            tables = reader.tables(path, [p.number for p in pages if p.has_table], resources.settings)
            described = [describe.describe(product, pages, tables.tables) for product in found.products]
            planned = plan.make_plan(reading, pages, found, options.focus)
            chunks = chunk.chunk(work.document, reading, pages, planned, tables.tables)
            stage_results.save_pages(resources.ledger, work.run, reading, planned)
            stage_results.save_chunks(resources.ledger, work.run, chunks)
            extraction = extract(path, work.document, reading, planned, resources.files, resources.settings)
            extraction = extraction.joined(extract_taken(resources, path, work.document, reading, extraction))
            stage_results.save_extraction(resources.ledger, work.run, extraction)
            for batch in items.cut_batches(resources.ledger, work.run, options.batch_size):
                process_batch(resources, work.run, batch, size=options.batch_size, last_try=True)
            publish_all(resources, at_most=0)
            products = describe.assemble_products(work.document, found, described)
            links = link.link(products, found, extraction.placements, chunks.chunks, pages)
            stage_results.save_assembly(resources.ledger, work.run, products, links)
            supersede(resources.ledger, work.document)
            publish_all(resources, at_most=0)
            status, due = account.next_status(resources.ledger, work.document)
            runs.end(resources.ledger, work.run, status, due_at=due)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
