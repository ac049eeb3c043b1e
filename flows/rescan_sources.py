"""Flow that looks again at the folders and scraped batches that were ingested, and ingests those that have changed, one
after the other. When it runs is in `prefect.yaml`; its schedule is off until a person turns it on.
"""

import asyncio

from prefect import flow, get_run_logger, tags

from swatchbook.domain.records import BlockNames, RunReport
from swatchbook.flows.ingest_images import ingest_images
from swatchbook.ingest.register_path import find_changed
from swatchbook.store.ledger.stored_documents import all_documents
from swatchbook.tasks.flow_run import flow_process, report_of
from swatchbook.tasks.policy import FLOW


@flow(name="rescan_sources", **FLOW)
async def rescan_sources(blocks: BlockNames = BlockNames()) -> list[RunReport]:
    """Ingest what is new or changed in the folders and batches of all owners. One that fails does not stop the next.

    Args:
        blocks: Saved blocks to use instead of the settings; each source is ingested with the blocks of its last run.
    """
    log = get_run_logger()
    reports = []
    async with flow_process(blocks) as resources:
        for known in await asyncio.to_thread(all_documents, resources.ledger, None):
            try:
                if document := await asyncio.to_thread(find_changed, resources, known.id):
                    asked = (document.content, document.owner, document.options, document.blocks)
                    with tags(document.id):  # a delete from now on wins
                        state = await ingest_images(*asked, return_state=True)
                        reports.append(await report_of(state, resources.ledger, document.id))
            except Exception as error:  # the isolation boundary between sources
                log.warning("%s: %s", known.name, error, exc_info=True)
    return reports
