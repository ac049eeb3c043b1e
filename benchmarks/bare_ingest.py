"""The bare side of the ingest benchmark: the same domain calls in the same order, without Prefect, retries or caching.

Usage: python -m benchmarks.bare_ingest FILE
"""

import sys
from pathlib import Path

from swatchbook.domain.records import DEFAULT_OWNER, IngestOptions, StageResults
from swatchbook.domain.settings import Settings
from swatchbook.ingest import stages
from swatchbook.ingest.begin_run import begin_work
from swatchbook.ingest.embed import process_batch
from swatchbook.ingest.publish import publish_all, publish_whole
from swatchbook.ingest.register import register
from swatchbook.ingest.run import Work, hold_run
from swatchbook.resources import open_resources
from swatchbook.store.ledger import claims, runs
from swatchbook.store.ledger.queries import account


def main(path: Path) -> None:
    """Ingest one file into the home of the settings."""
    options = IngestOptions()
    with open_resources(Settings()) as resources:
        registered = register(resources, path, owner=DEFAULT_OWNER, options=options)
        work = begin_work(resources, registered)
        assert isinstance(work, Work)
        with hold_run(resources, work.run):
            reading = stages.read_pages(resources, work)
            found = stages.discover_products(resources, work, reading, last_try=True)
            tables = stages.read_tables(resources, work, reading)
            described = stages.describe_products(resources, work, reading, found, tables)
            planned = stages.plan_pages(resources, work, reading, found)
            chunks = stages.cut_chunks(resources, work, reading, planned, tables)
            stages.save_chunks(resources, work, reading, planned, tables, chunks)
            extraction = stages.extract_pictures(resources, work, reading, planned)
            extraction = stages.save_pictures(resources, work, reading, extraction)
            for batch in claims.cut_batches(resources.ledger, work.run, options.batch_size):
                process_batch(resources, work.run, batch, size=options.batch_size, last_try=True)
            publish_all(resources, at_most=0)
            results = StageResults(
                reading=reading, discovery=found, tables=tables, descriptions=tuple(described), plan=planned,
                chunks=chunks, extraction=extraction,
            )  # fmt: skip
            stages.assemble(resources, work, results)
            publish_whole(resources, work.run)
            status, due = account.next_status(resources.ledger, work.document)
            runs.end(resources.ledger, work.run, status, due_at=due)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
