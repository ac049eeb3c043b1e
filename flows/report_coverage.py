"""How much is embedded and searchable, and whose is not."""

from prefect import flow

from swatchbook.records import BlockNames
from swatchbook.reports.coverage import CoverageReport
from tasks.coverage import report_stock


@flow(name="report_coverage", persist_result=False)
async def report_coverage(blocks: BlockNames = BlockNames()) -> CoverageReport:
    """Account for the whole and for every owner, as a report and a table in the UI.

    Args:
        blocks: Saved blocks that say where the collection is.
    """
    return await report_stock(blocks)
