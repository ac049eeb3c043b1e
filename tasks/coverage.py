"""How much of the collection is searchable, as artifacts."""

import asyncio

from prefect import task
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from blocks import load_resources
from swatchbook.records import BlockNames
from swatchbook.reports.coverage import CoverageReport, as_markdown, coverage_report, owner_rows
from tasks.policy import WRITE

_OWNERS = 500
"""Rows of the table; the UI keeps all of them in the page."""


@task(**WRITE)
async def report_stock(blocks: BlockNames) -> CoverageReport:
    """Count the whole and every owner's, and show it: `coverage` as Markdown, `coverage-by-owner` as a table."""
    report = await asyncio.to_thread(coverage_report, load_resources(blocks).ledger)
    whole = report.whole
    await acreate_markdown_artifact(
        key="coverage", markdown=as_markdown(report), description=f"{whole.coverage_percentage:g} % embedded"
    )
    await acreate_table_artifact(
        key="coverage-by-owner", table=owner_rows(report, _OWNERS), description=f"{len(report.owners)} owners"
    )
    return report
