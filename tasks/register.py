"""Stage 0: register."""

import asyncio

from prefect import get_client, get_run_logger, task
from prefect.runtime import flow_run

from blocks import load_resources
from swatchbook.ledger import runs
from swatchbook.ledger.documents import Document, get_document
from swatchbook.ledger.runs import Busy
from swatchbook.pipeline.register import register_source
from swatchbook.pipeline.run import Work, begin_work, has_settled
from swatchbook.records import BlockNames, IngestOptions, document_id
from swatchbook.resources import Resources
from swatchbook.storage.upload_buffer import is_remote
from tasks.policy import WRITE

_LOOK_SECONDS = 0.5
_MOST_NAME = 200  # characters


@task(**WRITE, task_run_name="register")
async def begin(source: str, owner: str, options: IngestOptions, blocks: BlockNames) -> Work | Document:
    """Begin a run, or follow the one that lives; the Document itself when nothing is left to do.

    A flow run that was launched for a document makes what was asked of it last. Raises InvalidReference where that has
    been deleted since.
    """
    tools = load_resources(blocks)
    if (launched_for := document_id(owner, source[:64])) in flow_run.tags:  # it must not come back by itself
        options = (await asyncio.to_thread(get_document, tools.ledger, launched_for)).options
    if is_remote(source):  # once, however often it is tried below
        found = await asyncio.to_thread(register_source, tools, source, owner=owner, options=options)
        source = found.document.file or source
    while True:
        begun = await asyncio.to_thread(
            begin_work, tools, source, owner=owner, options=options, prefect_run=str(flow_run.id), blocks=blocks
        )
        if not isinstance(begun, Busy):
            return begun
        if begun.reason == "deleting":
            await asyncio.sleep(_LOOK_SECONDS)
            continue
        document = await follow(tools, begun)
        if begun.same and await asyncio.to_thread(has_settled, tools, document.id):
            return document


async def name_run(name: str) -> None:
    """What people see instead of a file key. It is only a name: that it cannot be written stops nothing."""
    log = get_run_logger()
    try:
        async with get_client() as client:
            await client.update_flow_run(flow_run.id, name=name[:_MOST_NAME])
    except Exception:
        log.warning("the flow run keeps its name", exc_info=True)


async def follow(tools: Resources, busy: Busy) -> Document:
    """Wait until another run has ended, however it ends."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        await asyncio.to_thread(runs.mark_dead, tools.ledger, busy.document)
        document = await asyncio.to_thread(get_document, tools.ledger, busy.document)
        if document.run != busy.run:
            return document
