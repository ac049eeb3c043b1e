"""Fill missing vectors: find the documents, make what each lacks, and report what is left."""

import asyncio

from prefect import get_run_logger, task
from prefect.artifacts import acreate_markdown_artifact
from prefect.runtime import flow_run
from ulid import ULID

from blocks import load_resources
from swatchbook.ledger.missing_vectors import ToFill
from swatchbook.ledger.queries.owners import require_owner
from swatchbook.records import BlockNames
from swatchbook.upkeep import fill_missing as upkeep
from swatchbook.upkeep.fill_missing import DocumentFill, Fill, Filled, FillPlan
from tasks.policy import WRITE


@task(**WRITE, task_run_name="find documents to fill")
async def find_documents_to_fill(fill: Fill, blocks: BlockNames) -> tuple[str, list[ToFill]]:
    """Return a name for this fill, under which its costs are kept, and the documents. Raises UnknownOwner."""
    resources = load_resources(blocks)
    if fill.owner is not None:
        await asyncio.to_thread(require_owner, resources.ledger, fill.owner)
    return str(ULID()), await asyncio.to_thread(lambda: list(upkeep.documents_to_fill(resources, fill)))


@task(**WRITE, task_run_name="plan the fill")
async def plan_fill(fill: Fill, blocks: BlockNames) -> FillPlan:
    """Count what would be made, and create the artifact `fill` with it."""
    plan = await asyncio.to_thread(upkeep.plan_fill, load_resources(blocks), fill)
    cost = "at an unknown cost" if plan.usd is None else f"for {plan.usd:.4f} USD at most"
    lines = [f"{plan.objects} images and chunks of {plan.documents} documents {cost}."]
    lines += [f"- {each.role} by `{each.tag}`: {each.objects} objects, {each.calls} calls" for each in plan.roles]
    await _show(lines, plan.unreadable)
    return plan


@task(**WRITE, task_run_name="fill {document.document}")
async def fill_document(document: ToFill, fill: Fill, name: str, limit: int | None, blocks: BlockNames) -> DocumentFill:
    """Make and publish what a document lacks."""
    log = get_run_logger()
    done = await asyncio.to_thread(
        upkeep.fill_document, load_resources(blocks), document, fill, name=name, limit=limit,
        flow_run=str(flow_run.id),
    )  # fmt: skip
    log.info("%s: %d items made", document.document, done.made)
    for failure in (*done.failures, *filter(None, [done.busy])):
        log.warning("%s: %s", document.document, failure)
    return done


@task(**WRITE, task_run_name="finish the fill")
async def finish_fill(fill: Fill, name: str, results: list[DocumentFill], blocks: BlockNames) -> Filled:
    """Publish what is left, and create the artifact `fill` with what was made and what is still lacking."""
    done = await asyncio.to_thread(upkeep.finish_fill, load_resources(blocks), fill, name, results)
    cost = "at an unknown cost" if done.cost_usd is None else f"for {done.cost_usd:.4f} USD"
    lines = [f"{done.made} items made for {done.objects} images and chunks of {done.documents} documents {cost}."]
    lines += [f"- {lack.role} by `{lack.tag}`: {lack.open} are left, {lack.failed} have failed" for lack in done.lacks]
    if fill.spaces == "chosen" and not done.lacks:
        lines.append("Nothing is missing: `swatchbook spaces activate` switches to these spaces.")
    await _show(lines, done.unreadable)
    return done


async def _show(lines: list[str], unreadable: int) -> None:
    if unreadable:
        lines.append(f"The stored file of {unreadable} images cannot be read.")
    await acreate_markdown_artifact(key="fill", markdown="\n\n".join(["# Missing vectors", *lines]))
