"""Stage 0: register."""

import asyncio

from prefect import task
from prefect.runtime import flow_run

from blocks import lab
from swatchbook.ledger import accounts, runs
from swatchbook.ledger.runs import Busy, Document
from swatchbook.records import IngestOptions
from swatchbook.working import Work, has_settled, try_begin
from tasks.policy import WRITE

_LOOK_SECONDS = 0.5


@task(**WRITE, task_run_name="register {source}")
async def begin(source: str, owner: str, options: IngestOptions) -> Work | Document:
    """Begin a run, or follow the one that lives; the Document itself when nothing is left to do."""
    while True:
        begun = await asyncio.to_thread(
            try_begin, lab(), source, owner=owner, options=options, prefect_run=str(flow_run.id)
        )
        if not isinstance(begun, Busy):
            return begun
        if begun.reason == "deleting":
            await asyncio.sleep(_LOOK_SECONDS)
            continue
        document = await follow(begun)
        if begun.same and await asyncio.to_thread(has_settled, lab(), document.id):
            return document


async def follow(busy: Busy) -> Document:
    """Wait until another run has ended, however it ends."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        await asyncio.to_thread(runs.bury, lab().ledger, busy.document)
        document = await asyncio.to_thread(accounts.get_document, lab().ledger, busy.document)
        if document.run != busy.run:
            return document
