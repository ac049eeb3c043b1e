"""Stage 8: close the account and end the run, then show it as artifacts in the Prefect UI."""

import asyncio

from prefect import get_run_logger, task
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from blocks import load_resources
from swatchbook.pipeline.finish_run import finish_run
from swatchbook.pipeline.run import Work
from swatchbook.records import RunReport, StageResults
from swatchbook.reports.markdown import as_markdown, failure_rows, plain, product_thumbnails
from swatchbook.truncate import merge_roles
from tasks.policy import WRITE

_FAILURES_IN_FULL = 5


@task(**WRITE, task_run_name="report {work.name}")
async def finish_document(work: Work, results: StageResults) -> RunReport:
    """Close the account and end the run: the document is completed, or waits for what is still due."""
    report = await asyncio.to_thread(finish_run, load_resources(work.blocks), work, results)
    failures = merge_roles((*report.failed_images, *report.other_failures))
    log = get_run_logger()
    for failure in failures[:_FAILURES_IN_FULL]:
        what = failure.role or failure.subject
        log.warning("page %s, %s: %s: %s", failure.page_number, what, failure.kind, failure.error)
    if (more := len(failures) - _FAILURES_IN_FULL) > 0:
        log.warning("… and %d more failures: see the report", more)
    return report


@task(**WRITE, task_run_name="artifacts of {report.name}")
async def publish_artifacts(work: Work, report: RunReport) -> None:
    """Create the artifacts of a run in the Prefect UI: its account with thumbnails, and a table of failures.

    The run has ended and is recorded, so that an error here is only logged.
    """
    try:
        await _publish(work, report)
    except Exception:  # noqa: BLE001 — the isolation boundary
        get_run_logger().exception("The artifacts of %s could not be made; its account stands.", report.name)


async def _publish(work: Work, report: RunReport) -> None:
    key, name = report.document_id, plain(report.name)
    pictured = await asyncio.to_thread(product_thumbnails, load_resources(work.blocks), report.document_id)
    await acreate_markdown_artifact(
        key=f"report-{key}", markdown=as_markdown(report, pictured), description=f"{name}: {report.status}"
    )
    if report.failed_images or report.other_failures:
        await acreate_table_artifact(
            key=f"failures-{key}", table=failure_rows(report), description=f"Failures of {name}"
        )
