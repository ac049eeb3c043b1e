"""Flow that continues what is due, one document after the other: it finishes a delete, publishes rows or runs the
document, as its state requires. What is due is decided in `store/ledger/schedule.py`; when this runs, in
`prefect.yaml`.
"""

import asyncio

from prefect import flow, get_run_logger, tags

from swatchbook.domain.errors import Failure, InvalidReference
from swatchbook.domain.records import BlockNames, DocumentStatus, RunReport
from swatchbook.flows.ingest_catalogue import ingest_catalogue
from swatchbook.flows.ingest_images import ingest_images
from swatchbook.ingest.delete import finish_delete
from swatchbook.ingest.publish import publish_all
from swatchbook.resources import Resources
from swatchbook.store.ledger import schedule
from swatchbook.store.ledger.document_commands import end_pauses
from swatchbook.store.ledger.retention import collect
from swatchbook.store.ledger.stored_documents import PDF, get_document
from swatchbook.tasks.cancelled_in_prefect import was_cancelled_in_prefect
from swatchbook.tasks.flow_run import flow_process, report_of
from swatchbook.tasks.policy import FLOW


@flow(name="retry_failed", **FLOW)
async def retry_failed(also_paused: bool = False, blocks: BlockNames = BlockNames()) -> list[RunReport]:
    """Resume all due documents, one after the other. A document that fails does not stop the next one.

    At the end, delete contents that have been unused for an hour.

    Args:
        also_paused: Also what is still in its pause: its next try comes now.
        blocks: Saved blocks to use instead of the settings; each document is run with the blocks of its last run.
    """
    async with flow_process(blocks) as resources:
        if also_paused:
            await asyncio.to_thread(end_pauses, resources.ledger)
        return await _resume_all(resources)


async def _resume_all(resources: Resources) -> list[RunReport]:
    log = get_run_logger()
    try:
        await publish(resources)  # once for all documents: in an outage each would wait for the index again
    except Failure as failure:
        log.warning("publishing failed: %s", failure)
    reports = []
    for document in await asyncio.to_thread(schedule.due_documents, resources.ledger):
        try:
            report = await resume_document(resources, document.id)
        except Exception as error:  # the isolation boundary between documents; its own run has recorded it
            log.warning("%s: %s", document.name, error, exc_info=True)
            continue
        if report:
            reports.append(report)
    await asyncio.to_thread(collect, resources.ledger, resources.files)
    return reports


async def publish(resources: Resources) -> None:
    """Publish all dirty rows that are due, of every owner."""
    await asyncio.to_thread(publish_all, resources, at_most=resources.settings.outage_wait_seconds)


async def resume_document(resources: Resources, document_id: str) -> RunReport | None:
    """Resume one document as its current state requires: finish its delete, publish its rows, or run it.

    One whose flow run was cancelled by a person is cancelled. The state is read again, since the caller's list may be
    hours old. Raises InvalidReference if the document is gone.
    """
    document = await asyncio.to_thread(get_document, resources.ledger, document_id)
    if document.status == DocumentStatus.DELETING:
        await asyncio.to_thread(finish_delete, resources, document.id)
        return None
    if not await asyncio.to_thread(schedule.wants_run, resources.ledger, document.id):  # only its rows are unpublished
        await publish(resources)
        return None
    if await was_cancelled_in_prefect(resources.ledger, document.id):
        return None
    if document.source is None:
        raise InvalidReference(f"{document.name} has no stored file.", advice="Ingest the file again.")
    ingest = ingest_catalogue if document.kind == PDF else ingest_images
    asked = (document.source, document.owner, document.options, document.blocks)
    with tags(document.id):  # a delete from now on wins
        return await report_of(await ingest(*asked, return_state=True), resources.ledger, document_id)
