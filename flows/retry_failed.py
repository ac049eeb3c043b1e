"""Whatever is due is started again: failed images, interrupted documents, half-done deletes, unpublished rows."""

import asyncio

from prefect import flow, get_run_logger

from blocks import load_resources
from flows.ingest_catalogue import ingest_catalogue
from swatchbook.errors import Failure, InvalidReference
from swatchbook.ledger import schedule
from swatchbook.ledger.documents import get_document
from swatchbook.ledger.retention import collect
from swatchbook.pipeline.delete import finish_delete
from swatchbook.pipeline.publish import publish_all
from swatchbook.records import BlockNames, DocumentStatus, RunReport
from swatchbook.resources import Resources


@flow(name="retry_failed", persist_result=False)
async def retry_failed(blocks: BlockNames = BlockNames()) -> list[RunReport]:
    """Run every due document again, one after the other; one that fails does not keep the next from its turn.

    Contents that nothing has used for an hour are collected at the end.

    Args:
        blocks: Saved blocks that say where the collection is; each document is made with those of its last run.
    """
    log = get_run_logger()
    tools = load_resources(blocks)
    try:
        await publish(tools)  # once for all that are behind: in an outage each would sit it out alone
    except Failure as failure:
        log.warning("nothing could be published: %s", failure)
    reports = []
    for document in await asyncio.to_thread(schedule.due_documents, tools.ledger):
        try:
            report = await bring_back(tools, document.id)
        except Exception as error:  # the isolation boundary between documents; its own run has recorded it
            log.warning("%s: %s", document.name, error, exc_info=True)
            continue
        if report:
            reports.append(report)
    await asyncio.to_thread(collect, tools.ledger, tools.files)
    return reports


async def publish(tools: Resources) -> None:
    """Whatever is dirty and due, whoever's it is."""
    await asyncio.to_thread(publish_all, tools, at_most=tools.settings.outage_wait_seconds)


async def bring_back(tools: Resources, document_id: str) -> RunReport | None:
    """Go on with one document in the way that its state asks for now: a list of what is due may be hours old.

    Raises InvalidReference when it is gone.
    """
    document = await asyncio.to_thread(get_document, tools.ledger, document_id)
    if document.status == DocumentStatus.DELETING:
        await asyncio.to_thread(finish_delete, tools, document.id)
        return None
    if not await asyncio.to_thread(schedule.wants_run, tools.ledger, document.id):  # only its objects are behind
        await publish(tools)
        return None
    if document.file is None:
        raise InvalidReference(f"{document.name}: its bytes were never stored.", advice="Ingest the file again.")
    return await ingest_catalogue(document.file, document.owner, document.options, document.blocks)
