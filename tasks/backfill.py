"""Backfill: find the documents, make what each lacks, and say what is left."""

import asyncio

from prefect import get_run_logger, task
from prefect.artifacts import acreate_markdown_artifact
from prefect.runtime import flow_run
from ulid import ULID

from blocks import load_resources
from swatchbook.ledger.missing_vectors import ToBackfill
from swatchbook.ledger.queries.owners import require_owner
from swatchbook.records import BlockNames
from swatchbook.upkeep import backfill as upkeep
from swatchbook.upkeep.backfill import Backfill, Backfilled, BackfillPlan
from swatchbook.upkeep.make_missing import DocumentFill
from tasks.policy import WRITE


@task(**WRITE, task_run_name="find documents to backfill")
async def find_documents_to_backfill(asked: Backfill, blocks: BlockNames) -> tuple[str, list[ToBackfill]]:
    """Return a name for this backfill, under which its costs are kept, and the documents. Raises UnknownOwner."""
    resources = load_resources(blocks)
    if asked.owner is not None:
        await asyncio.to_thread(require_owner, resources.ledger, asked.owner)
    return str(ULID()), await asyncio.to_thread(lambda: list(upkeep.documents_to_backfill(resources, asked)))


@task(**WRITE, task_run_name="plan the backfill")
async def plan_backfill(asked: Backfill, blocks: BlockNames) -> BackfillPlan:
    """Count what would be made, and create the artifact `backfill` with it."""
    plan = await asyncio.to_thread(upkeep.plan_backfill, load_resources(blocks), asked)
    cost = "at an unknown cost" if plan.usd is None else f"for {plan.usd:.4f} USD at most"
    lines = [f"{plan.objects} images and chunks of {plan.documents} documents {cost}."]
    lines += [f"- {each.role} by `{each.tag}`: {each.objects} objects, {each.calls} calls" for each in plan.roles]
    await _show(lines, plan.unreadable)
    return plan


@task(**WRITE, task_run_name="backfill {document.document}")
async def backfill_document(
    document: ToBackfill, asked: Backfill, fill: str, limit: int | None, blocks: BlockNames
) -> DocumentFill:
    """Make and publish what a document lacks."""
    log = get_run_logger()
    done = await asyncio.to_thread(
        upkeep.backfill_document, load_resources(blocks), document, asked, fill=fill, limit=limit,
        flow_run=str(flow_run.id),
    )  # fmt: skip
    log.info("%s: %d items made", document.document, done.made)
    for failure in (*done.failures, *filter(None, [done.busy])):
        log.warning("%s: %s", document.document, failure)
    return done


@task(**WRITE, task_run_name="finish the backfill")
async def finish_backfill(asked: Backfill, fill: str, results: list[DocumentFill], blocks: BlockNames) -> Backfilled:
    """Publish what is left, and create the artifact `backfill` with what was made and what is still lacking."""
    done = await asyncio.to_thread(upkeep.finish_backfill, load_resources(blocks), asked, fill, results)
    cost = "at an unknown cost" if done.cost_usd is None else f"for {done.cost_usd:.4f} USD"
    lines = [f"{done.made} items made for {done.objects} images and chunks {cost}."]
    lines += [f"- {lack.role} by `{lack.tag}`: {lack.open} are left, {lack.failed} have failed" for lack in done.lacks]
    await _show(lines, done.unreadable)
    return done


async def _show(lines: list[str], unreadable: int) -> None:
    if unreadable:
        lines.append(f"The stored file of {unreadable} images cannot be read.")
    await acreate_markdown_artifact(key="backfill", markdown="\n\n".join(["# Backfill", *lines]))
