"""Second looks at weak pictures, and the flow run that an ingest leaves behind for them."""

import asyncio

from prefect import get_client, get_run_logger, task
from prefect.exceptions import ObjectNotFound
from prefect.runtime import flow_run

from blocks import load_resources
from swatchbook.ledger.queries import reviews
from swatchbook.models.registry import review_tag
from swatchbook.pipeline import review
from swatchbook.pipeline.review import Reviewed
from swatchbook.pipeline.run import Work
from swatchbook.records import BlockNames, RunReport
from tasks.policy import WRITE

FLOW = "review_quality"
DEPLOYMENT = f"{FLOW}/{FLOW}"


@task(**WRITE, task_run_name="find weak pictures")
async def find_weak(owner: str | None, blocks: BlockNames) -> list[str]:
    """Documents with pictures to look at now."""
    tools = load_resources(blocks)
    if review_tag(tools.settings) is None:
        left = await asyncio.to_thread(reviews.count_images_to_review, tools.ledger, owner=owner)
        get_run_logger().info("SWATCHBOOK_REVIEW_MODEL is not set: %d pictures wait for a person", left)
    return await asyncio.to_thread(review.documents_to_review, tools, owner)


@task(**WRITE, task_run_name="review {document}")
async def review_document(document: str, limit: int, blocks: BlockNames) -> Reviewed:
    """Let the review model look at a document's weak pictures."""
    log = get_run_logger()
    done = await asyncio.to_thread(
        review.review_document, load_resources(blocks), document, limit=limit, flow_run=str(flow_run.id)
    )
    log.info("%s: %d accepted, %d corrected, %d undecided", done.name, done.accepted, done.corrected, done.undecided)
    for failure in done.failed:
        log.warning("%s: %s", done.name, failure)
    if done.message:
        log.warning("%s: %s", done.name, done.message)
    return done


async def ask_for_review(work: Work, report: RunReport) -> None:
    """Leave weak pictures to a flow run of their own, where there is a deployment for it; nobody waits for that.

    What goes wrong is only logged: the schedule comes to them as well.
    """
    tools, log = load_resources(work.blocks), get_run_logger()
    if not report.images_to_review or review_tag(tools.settings) is None:
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
        log.info("%d weak pictures wait: there is no deployment %s", report.images_to_review, DEPLOYMENT)
    except Exception:  # the isolation boundary: the document is done
        log.warning("no flow run for weak pictures could be made", exc_info=True)
