"""Review images whose analysis is weak, and start that flow after an ingest if there is a review model.

`analysis.py` decides what is weak, and which of two analyses is used.
"""

import asyncio

from prefect import get_client, get_run_logger, task
from prefect.exceptions import ObjectNotFound
from prefect.runtime import flow_run

from blocks import load_resources
from swatchbook.ledger.queries import reviews
from swatchbook.models.registry import review_tag
from swatchbook.pipeline import review
from swatchbook.pipeline.review import Reviewed
from swatchbook.pipeline.work import Work
from swatchbook.records import BlockNames, RunReport
from tasks.policy import WRITE

FLOW = "review_quality"
DEPLOYMENT = f"{FLOW}/{FLOW}"


@task(**WRITE, task_run_name="find images to review")
async def find_documents_to_review(owner: str | None, blocks: BlockNames) -> list[str]:
    """Return the ids of documents with images that the review model can review now."""
    resources = load_resources(blocks)
    if review_tag(resources.settings) is None:
        count = await asyncio.to_thread(reviews.count_images_to_review, resources.ledger, owner=owner)
        get_run_logger().info("SWATCHBOOK_REVIEW_MODEL is not set: %d images wait for a person", count)
    return await asyncio.to_thread(review.documents_to_review, resources, owner)


@task(**WRITE, task_run_name="review {document}")
async def review_document(document: str, limit: int, blocks: BlockNames) -> Reviewed:
    """Review up to `limit` images of a document with the review model."""
    log = get_run_logger()
    reviewed = await asyncio.to_thread(
        review.review_document, load_resources(blocks), document, limit=limit, flow_run=str(flow_run.id)
    )
    counts = (reviewed.accepted, reviewed.corrected, reviewed.undecided)
    log.info("%s: %d accepted, %d corrected, %d undecided", reviewed.name, *counts)
    for failure in (*reviewed.failed, *filter(None, [reviewed.message])):
        log.warning("%s: %s", reviewed.name, failure)
    return reviewed


async def start_review_flow(work: Work, report: RunReport) -> None:
    """Start a flow run that reviews the document's images with a low score, and do not wait for it.

    An error is only logged: the scheduled review flow finds the images as well.
    """
    resources, log = load_resources(work.blocks), get_run_logger()
    if not report.images_to_review or review_tag(resources.settings) is None:
        return
    try:
        async with get_client() as client:
            await client.create_flow_run_from_deployment(
                (await client.read_deployment_by_name(DEPLOYMENT)).id,
                parameters={"owner": work.owner, "blocks": work.blocks.model_dump(mode="json")},
                idempotency_key=f"review:{work.run.token}",
                name=f"{work.owner}: {work.name}"[:200],
            )
    except ObjectNotFound:
        log.info("%d images wait for a review: there is no deployment %s", report.images_to_review, DEPLOYMENT)
    except Exception:  # the isolation boundary: the document is completed
        log.warning("the review flow could not be started", exc_info=True)
