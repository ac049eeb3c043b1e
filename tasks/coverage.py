"""Show the coverage report in Prefect's UI, as a page and as a table of at most 500 owners.

`reports/coverage.py` writes it.
"""

import asyncio

from prefect import task
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from blocks import load_resources
from swatchbook.records import BlockNames
from swatchbook.reports.coverage import CoverageReport, as_markdown, coverage_report, owner_rows
from tasks.policy import WRITE

_MAX_OWNERS = 500
"""Most rows of the table, because the UI loads all of them into one page."""


@task(**WRITE)
async def publish_coverage(blocks: BlockNames) -> CoverageReport:
    """Count embedded images, in all and by owner, and create the artifacts `coverage` and `coverage-by-owner`."""
    resources = load_resources(blocks)
    report = await asyncio.to_thread(coverage_report, resources.ledger, resources.settings)
    whole = report.whole
    await acreate_markdown_artifact(
        key="coverage", markdown=as_markdown(report), description=f"with vectors: {whole.share}"
    )
    await acreate_table_artifact(
        key="coverage-by-owner", table=owner_rows(report, _MAX_OWNERS), description=f"{len(report.owners)} owners"
    )
    return report
