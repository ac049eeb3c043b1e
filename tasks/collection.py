"""Work on a whole collection: review weak images, fill missing vectors, and show the coverage in Prefect's UI."""

import asyncio

from prefect import get_run_logger, task
from prefect.artifacts import acreate_markdown_artifact
from prefect.runtime import flow_run

from swatchbook.ingest.review import Reviewed, review_all
from swatchbook.models.registry import review_tag
from swatchbook.resources import Resources
from swatchbook.store.ledger import picture_reviews
from swatchbook.store.ledger.owners import require_owner
from swatchbook.tasks.policy import EMBEDDING, WRITE
from swatchbook.upkeep import fill_missing
from swatchbook.upkeep.fill_missing import Fill, Filled, FillPlan
from swatchbook.upkeep.reports.collection_state import CoverageReport, as_markdown, coverage_report

# --- review -----------------------------------------------------------------------------------------------------------


@task(**WRITE, task_run_name="review images", tags=[EMBEDDING])
async def review_images(resources: Resources, owner: str | None, limit: int) -> list[Reviewed]:
    """Review up to `limit` images with the review model, document by document."""
    log = get_run_logger()
    if review_tag(resources.settings) is None:
        count = await asyncio.to_thread(picture_reviews.count_images_to_review, resources.ledger, owner=owner)
        log.info("SWATCHBOOK_REVIEW__MODEL is not set: %d images wait for a person", count)
    reviews = review_all(resources, owner, limit, flow_run=str(flow_run.id))
    done = await asyncio.to_thread(list, reviews)
    for reviewed in done:
        log.info("%s: %d replaced, %d undecided", reviewed.name, reviewed.replaced, reviewed.undecided)
        for failure in (*reviewed.failed, *filter(None, [reviewed.message])):
            log.warning("%s: %s", reviewed.name, failure)
    return done


# --- fill -------------------------------------------------------------------------------------------------------------


@task(**WRITE, task_run_name="plan the fill")
async def plan_fill(resources: Resources, fill: Fill) -> FillPlan:
    """Count what would be made, and create the artifact `fill` with it. Raises UnknownOwner."""
    await _require_owner(resources, fill)
    plan = await asyncio.to_thread(fill_missing.plan_fill, resources, fill)
    cost = "at an unknown cost" if plan.usd is None else f"for {plan.usd:.4f} USD at most"
    lines = [f"{plan.objects} images and chunks of {plan.documents} documents {cost}."]
    lines += [f"- {each.role} by `{each.tag}`: {each.objects} objects, {each.calls} calls" for each in plan.roles]
    await _show_fill(lines, plan.unreadable)
    return plan


@task(**WRITE, task_run_name="fill", tags=[EMBEDDING])
async def make_missing(resources: Resources, fill: Fill, name: str) -> Filled:
    """Make and publish what is lacking, and create the artifact `fill` with it and with what is left.

    `name` is that of the fill, under which its costs are kept. Raises UnknownOwner.
    """
    await _require_owner(resources, fill)
    done = await asyncio.to_thread(fill_missing.fill_missing, resources, fill, name=name, flow_run=str(flow_run.id))
    log = get_run_logger()
    for failure in (*done.failures, *done.busy):
        log.warning("%s", failure)
    cost = "at an unknown cost" if done.cost_usd is None else f"for {done.cost_usd:.4f} USD"
    lines = [f"{done.made} items made for {done.objects} images and chunks of {done.documents} documents {cost}."]
    lines += [f"- {lack.role} by `{lack.tag}`: {lack.open} are left, {lack.failed} have failed" for lack in done.lacks]
    if fill.spaces == "chosen" and not done.lacks:
        lines.append("Nothing is missing: `swatchbook spaces activate` switches to these spaces.")
    await _show_fill(lines, done.unreadable)
    return done


async def _require_owner(resources: Resources, fill: Fill) -> None:
    if fill.owner is not None:
        await asyncio.to_thread(require_owner, resources.ledger, fill.owner)


async def _show_fill(lines: list[str], unreadable: int) -> None:
    if unreadable:
        lines.append(f"The stored file of {unreadable} images cannot be read.")
    await acreate_markdown_artifact(key="fill", markdown="\n\n".join(["# Missing vectors", *lines]))


# --- coverage ---------------------------------------------------------------------------------------------------------


@task(**WRITE)
async def publish_coverage(resources: Resources) -> CoverageReport:
    """Count embedded images, and create the artifact `coverage`."""
    report = await asyncio.to_thread(coverage_report, resources.ledger, resources.settings)
    await acreate_markdown_artifact(
        key="coverage", markdown=as_markdown(report), description=f"with vectors: {report.whole.share}"
    )
    return report
