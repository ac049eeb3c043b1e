"""Stage 8: the account closes the run; then artifacts show it."""

import asyncio
from collections.abc import Sequence

from prefect import get_run_logger, task
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from blocks import lab
from swatchbook.abridge import by_role
from swatchbook.conclude import close_account
from swatchbook.records import Description, Discovery, Extraction, Plan, Reading, RunReport, Tables
from swatchbook.report import as_markdown, failure_rows, picture, plain
from swatchbook.working import Work
from tasks.policy import WRITE

_FAILURES_IN_FULL = 5


@task(**WRITE, task_run_name="report {work.name}")
async def conclude(
    work: Work,
    reading: Reading,
    discovery: Discovery,
    descriptions: Sequence[Description],
    tables: Tables,
    plan: Plan,
    extraction: Extraction,
) -> RunReport:
    """Close the account and end the run: the document is completed, or waits for what is still due."""
    report = await asyncio.to_thread(
        close_account,
        lab(work.blocks),
        work,
        reading=reading,
        discovery=discovery,
        descriptions=descriptions,
        tables=tables,
        plan=plan,
        extraction=extraction,
    )
    failures = by_role((*report.failed_images, *report.other_failures))
    log = get_run_logger()
    for failure in failures[:_FAILURES_IN_FULL]:
        what = failure.role or failure.subject
        log.warning("page %s, %s: %s: %s", failure.page_number, what, failure.kind, failure.error)
    if (more := len(failures) - _FAILURES_IN_FULL) > 0:
        log.warning("… and %d more failures: see the report", more)
    return report


@task(**WRITE, task_run_name="artifacts of {report.name}")
async def publish_artifacts(work: Work, report: RunReport) -> None:
    """What a person sees of it in the Prefect UI: the account with thumbnails, and a table of failures.

    The run is over and recorded: what goes wrong here is only logged.
    """
    try:
        await _publish(work, report)
    except Exception:  # noqa: BLE001 — the isolation boundary
        get_run_logger().exception("The artifacts of %s could not be made; its account stands.", report.name)


async def _publish(work: Work, report: RunReport) -> None:
    key, name = report.document_id, plain(report.name)
    pictured = await asyncio.to_thread(picture, lab(work.blocks), report.document_id)
    await acreate_markdown_artifact(
        key=f"report-{key}", markdown=as_markdown(report, pictured), description=f"{name}: {report.status}"
    )
    if report.failed_images or report.other_failures:
        await acreate_table_artifact(
            key=f"failures-{key}", table=failure_rows(report), description=f"Failures of {name}"
        )
