"""Flow that reports how much of the collection is embedded and searchable. When it runs is in `prefect.yaml`."""

from prefect import flow

from swatchbook.domain.records import BlockNames
from swatchbook.tasks.collection import publish_coverage
from swatchbook.tasks.flow_run import flow_process
from swatchbook.tasks.policy import FLOW
from swatchbook.upkeep.reports.collection_state import CoverageReport


@flow(name="report_coverage", **FLOW)
async def report_coverage(blocks: BlockNames = BlockNames()) -> CoverageReport:
    """Count embedded and searchable images, as a report in the Prefect UI.

    Args:
        blocks: Saved blocks to use instead of the settings.
    """
    async with flow_process(blocks) as resources:
        return await publish_coverage(resources)
