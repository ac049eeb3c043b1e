"""Stage 0: register."""

import asyncio

from prefect import get_client, get_run_logger, task
from prefect.runtime import flow_run

from blocks import lab
from swatchbook.incoming import is_remote
from swatchbook.lab import Lab
from swatchbook.ledger import accounts, runs
from swatchbook.ledger.runs import Busy, Document
from swatchbook.records import BlockNames, IngestOptions, document_id
from swatchbook.register import register_source
from swatchbook.working import Work, has_settled, try_begin
from tasks.policy import WRITE

_LOOK_SECONDS = 0.5
_MOST_NAME = 200  # characters


@task(**WRITE, task_run_name="register")
async def begin(source: str, owner: str, options: IngestOptions, blocks: BlockNames) -> Work | Document:
    """Begin a run, or follow the one that lives; the Document itself when nothing is left to do.

    A flow run that was launched for a document makes what was asked of it last. Raises InvalidReference where that has
    been deleted since.
    """
    tools = lab(blocks)
    if (launched_for := document_id(owner, source[:64])) in flow_run.tags:  # it must not come back by itself
        options = (await asyncio.to_thread(accounts.get_document, tools.ledger, launched_for)).options
    if is_remote(source):  # once, however often it is tried below
        found = await asyncio.to_thread(register_source, tools, source, owner=owner, options=options)
        source = found.document.file or source
    while True:
        begun = await asyncio.to_thread(
            try_begin, tools, source, owner=owner, options=options, prefect_run=str(flow_run.id), blocks=blocks
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


async def follow(tools: Lab, busy: Busy) -> Document:
    """Wait until another run has ended, however it ends."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        await asyncio.to_thread(runs.bury, tools.ledger, busy.document)
        document = await asyncio.to_thread(accounts.get_document, tools.ledger, busy.document)
        if document.run != busy.run:
            return document
