"""Register the source and begin the document's run (stage 0).

A document in progress is followed: the end of its run is awaited, and another run begins only if something is left to
do. `ledger/runs.py` decides whether a run may begin; `pipeline/register.py` has the limits of files.
"""

import asyncio

from prefect import get_client, get_run_logger, task
from prefect.runtime import flow_run

from blocks import load_resources
from swatchbook.ledger import dead_runs
from swatchbook.ledger.documents import PDF, Document, get_document
from swatchbook.ledger.runs import Busy
from swatchbook.pipeline.register import register_source
from swatchbook.pipeline.run import begin_work, has_settled
from swatchbook.pipeline.work import Work
from swatchbook.records import BlockNames, IngestOptions
from swatchbook.resources import Resources
from swatchbook.storage.upload_buffer import is_remote
from tasks.policy import WRITE
from tasks.prefect_client import launched_document

_POLL_SECONDS = 0.5
_MAX_NAME = 200  # characters


@task(**WRITE, task_run_name="register")
async def register_document(
    source: str,
    owner: str,
    options: IngestOptions,
    blocks: BlockNames,
    kind: str = PDF,
    edition_of: str | None = None,
) -> Work | Document:
    """Register the source and begin a run. While another run holds the document, wait for it to end.

    Returns the Document if nothing is left to do. A flow run that the scheduler launched for a document uses the owner
    and the options that it has now, and raises InvalidReference if the document was deleted since.
    """
    resources = load_resources(blocks)
    if launched_for := launched_document(flow_run.tags):  # a deleted one must not be created again
        document = await asyncio.to_thread(get_document, resources.ledger, launched_for)
        options, owner = document.options, document.owner  # the owner may have been renamed since
    if is_remote(source):  # downloaded once, although the loop below may try to begin several times
        registration = await asyncio.to_thread(
            register_source, resources, source, owner=owner, options=options, edition_of=edition_of, begins=True
        )
        source = registration.document.file or source
    while True:
        result = await asyncio.to_thread(
            begin_work,
            resources,
            source,
            owner=owner,
            options=options,
            prefect_run=str(flow_run.id),
            blocks=blocks,
            kind=kind,
            edition_of=edition_of,
        )
        if not isinstance(result, Busy):
            return result
        if result.reason == "deleting":
            await asyncio.sleep(_POLL_SECONDS)
            continue
        document = await wait_for_end(resources, result)
        if result.same and await asyncio.to_thread(has_settled, resources, document.id):
            return document


async def rename_flow_run(name: str) -> None:
    """Give the flow run a name that people can read in the Prefect UI. An error is only logged."""
    log = get_run_logger()
    try:
        async with get_client() as client:
            await client.update_flow_run(flow_run.id, name=name[:_MAX_NAME])
    except Exception:
        log.warning("the flow run could not be renamed", exc_info=True)


async def wait_for_end(resources: Resources, busy: Busy) -> Document:
    """Wait until the run that holds the document has ended, and return the document."""
    while True:
        await asyncio.sleep(_POLL_SECONDS)
        await asyncio.to_thread(dead_runs.mark_dead, resources.ledger, busy.document)
        document = await asyncio.to_thread(get_document, resources.ledger, busy.document)
        if document.run != busy.run:
            return document
