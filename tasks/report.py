"""End the run, log its first five failures, and create the report and table of failures in Prefect's UI (stage 8).

`pipeline/finish_run.py` decides the status that the document gets.
"""

import asyncio

from prefect import get_run_logger, task
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from blocks import load_resources
from swatchbook.pipeline.finish_run import finish_run
from swatchbook.pipeline.work import Work
from swatchbook.records import RunReport, Scan, StageResults
from swatchbook.reports.document_state import describe_end
from swatchbook.reports.inspection_html import html_path
from swatchbook.reports.markdown import as_markdown, failure_rows, plain, product_thumbnails
from swatchbook.truncate import merge_roles
from tasks.policy import WRITE

_LOGGED_FAILURES = 5


@task(**WRITE, task_run_name="report {work.name}")
async def finish_document(work: Work, results: StageResults | Scan) -> RunReport:
    """Close the account and end the run. The document is then completed, or waits for items that are still due."""
    report = await asyncio.to_thread(finish_run, load_resources(work.blocks), work, results)
    failures = merge_roles((*report.failed_images, *report.other_failures))
    log = get_run_logger()
    for failure in failures[:_LOGGED_FAILURES]:
        what = failure.role or failure.subject
        place = failure.path or f"page {failure.page_number}"
        log.warning("%s, %s: %s: %s", place, what, failure.kind, failure.error)
    if (more := len(failures) - _LOGGED_FAILURES) > 0:
        log.warning("… and %d more failures: see the report", more)
    return report


@task(**WRITE, task_run_name="artifacts of {report.name}")
async def publish_artifacts(work: Work, report: RunReport) -> None:
    """Create a run's artifacts in the Prefect UI: its report with thumbnails, and a table of failures.

    The run has ended and is recorded, so an error here is only logged.
    """
    try:
        await _publish(work, report)
    except Exception:  # noqa: BLE001 — the isolation boundary
        get_run_logger().exception("The artifacts of %s could not be created.", report.name)


async def _publish(work: Work, report: RunReport) -> None:
    key, name = report.document_id, plain(report.name)
    resources = load_resources(work.blocks)
    products = await asyncio.to_thread(product_thumbnails, resources, report.document_id)
    html = html_path(resources.settings, report.document_id, report.name)
    shown = await asyncio.to_thread(describe_end, resources.ledger, report)
    markdown = as_markdown(report, products, shown=shown, inspection=html if html.exists() else None)
    described = f"{name}: {shown.word}. {shown.sentence}"
    await acreate_markdown_artifact(key=f"report-{key}", markdown=markdown, description=described)
    if report.failed_images or report.other_failures:
        await acreate_table_artifact(
            key=f"failures-{key}", table=failure_rows(report), description=f"Failures of {name}"
        )
