"""The bare side of the ingest benchmark: the same domain calls in the same order, without Prefect, retries or caching.

Usage: python -m benchmarks.bare_ingest FILE
"""

import sys
from pathlib import Path

from swatchbook.catalogue import chunk, describe, discover, link, plan
from swatchbook.index.publish import publish_all
from swatchbook.lab import open_lab
from swatchbook.ledger import accounts, items, runs, stages
from swatchbook.make import make_batch
from swatchbook.pdf import reader
from swatchbook.records import IngestOptions
from swatchbook.register import register
from swatchbook.settings import Settings
from swatchbook.working import Work, try_begin, working


def main(path: Path) -> None:
    """Ingest one file into the home of the settings."""
    options = IngestOptions()
    with open_lab(Settings()) as lab:
        document = register(lab, path, owner="default", options=options).document
        work = try_begin(lab, str(document.file), owner="default", options=options)
        assert isinstance(work, Work)
        with working(lab, work.run):
            reading = reader.read(path, lab.files, lab.settings)
            pages = list(reader.iterate(lab.files, reading))
            found = discover.discover(reading, pages)
            tables = reader.tables(path, [p.number for p in pages if p.has_table], lab.settings)
            described = [describe.describe(product, pages, tables.tables) for product in found.products]
            planned = plan.make_plan(reading, pages, found, options.focus)
            chunks = chunk.chunk(work.document, reading, pages, planned, tables.tables)
            stages.save_pages(lab.ledger, work.run, reading, planned)
            stages.save_chunks(lab.ledger, work.run, chunks)
            extraction = reader.extract(path, work.document, reading, planned, lab.files, lab.settings)
            stages.save_extraction(lab.ledger, work.run, extraction)
            for batch in items.cut_batches(lab.ledger, work.run, options.batch_size):
                make_batch(lab, work.run, batch, size=options.batch_size, last_try=True)
            publish_all(lab, at_most=0)
            products = describe.assemble_products(work.document, found, described)
            links = link.link(products, found, extraction.placements, chunks.chunks, pages)
            stages.save_assembly(lab.ledger, work.run, products, links)
            publish_all(lab, at_most=0)
            status, due = accounts.conclude(lab.ledger, work.document)
            runs.end(lab.ledger, work.run, status, due_at=due)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
