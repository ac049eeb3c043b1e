"""Fill the spaces of new models: find the documents, fill each, and say what is left."""

import asyncio

from prefect import get_run_logger, task
from prefect.artifacts import acreate_markdown_artifact
from prefect.runtime import flow_run
from ulid import ULID

from blocks import load_resources
from swatchbook.records import BlockNames, Role
from swatchbook.upkeep import spaces
from swatchbook.upkeep.make_missing import DocumentFill
from swatchbook.upkeep.spaces import Filled
from tasks.policy import WRITE


@task(**WRITE, task_run_name="find documents to fill")
async def find_documents_to_fill(roles: frozenset[Role], blocks: BlockNames) -> tuple[str, list[str]]:
    """Return a name for this fill, under which its costs are kept, and the ids of the documents to fill."""
    documents = await asyncio.to_thread(spaces.documents_to_fill, load_resources(blocks), roles)
    return str(ULID()), documents


@task(**WRITE, task_run_name="fill {document}")
async def fill_document(
    document: str, fill: str, roles: frozenset[Role], max_usd: float | None, blocks: BlockNames
) -> DocumentFill:
    """Make and publish what the spaces lack of a document."""
    log = get_run_logger()
    done = await asyncio.to_thread(
        spaces.fill_document, load_resources(blocks), document, fill=fill, roles=roles, max_usd=max_usd,
        flow_run=str(flow_run.id),
    )  # fmt: skip
    log.info("%s: %d items made", document, done.made)
    for failure in (*done.failures, *filter(None, [done.busy])):
        log.warning("%s: %s", document, failure)
    return done


@task(**WRITE, task_run_name="finish the fill")
async def finish_fill(fill: str, roles: frozenset[Role], results: list[DocumentFill], blocks: BlockNames) -> Filled:
    """Publish what is left, and create the artifact `spaces` with what was made and what the spaces still lack."""
    filled = await asyncio.to_thread(spaces.finish_fill, load_resources(blocks), fill, results, roles)
    left = [f"- {lack.role} by `{lack.tag}`: {lack.open} objects, {lack.failed} failed" for lack in filled.lacks]
    cost = "at an unknown cost" if filled.cost_usd is None else f"for {filled.cost_usd:.4f} USD"
    lines = [f"{filled.made} items made in {filled.documents} documents {cost}."]
    lines += ["Still missing:", *left] if left else ["Nothing is missing: `swatchbook spaces activate` switches to it."]
    await acreate_markdown_artifact(key="spaces", markdown="\n\n".join(["# Spaces", *lines]))
    return filled
