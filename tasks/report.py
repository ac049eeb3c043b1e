"""Stage 8: the account, as a report, as artifacts, and as the document's end."""

import asyncio
from base64 import b64encode

from prefect import get_run_logger, task
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from blocks import lab
from swatchbook.catalogue import quality
from swatchbook.ledger import accounts, runs
from swatchbook.memory import peak_memory_mb
from swatchbook.records import Extraction, Plan, Reading, RunReport, Stage
from swatchbook.report import as_markdown, failure_rows, thumbnails
from swatchbook.working import Work
from tasks.policy import WRITE

_FAILURES_IN_FULL = 5


@task(**WRITE, task_run_name="report {work.name}")
async def conclude(work: Work, reading: Reading, plan: Plan, extraction: Extraction) -> RunReport:
    """Close the account: the document is completed, or waits for what is still due."""
    report = await asyncio.to_thread(_conclude, work, reading, plan, extraction)
    log = get_run_logger()
    for failure in report.failed_images[:_FAILURES_IN_FULL]:
        log.warning("page %s, %s: %s: %s", failure.page_number, failure.role, failure.kind, failure.error)
    await publish_artifacts(report)
    return report


def _conclude(work: Work, reading: Reading, plan: Plan, extraction: Extraction) -> RunReport:
    tools = lab()
    account = accounts.account(tools.ledger, document=work.document)
    lost = {page.page for page in (*reading.lost, *extraction.lost)}
    shown = set(plan.shown)
    confidence = quality.confidence(
        [p.confidence for p in accounts.products(tools.ledger, work.document)],
        planned=len(shown),
        lost=len(lost & shown),
        complete=account.complete,
        found=account.found,
    )
    runs.reach(tools.ledger, work.run, Stage.COMPLETED)
    status, due = accounts.conclude(tools.ledger, work.document)
    report = accounts.report(tools.ledger, work.document, run=work.run.token).model_copy(
        update={
            "status": status,
            "confidence_score": round(confidence, 4),
            "peak_memory_mb": round(peak_memory_mb(), 1),
            "warnings": (*reading.warnings, *extraction.warnings),
        }
    )
    runs.end(tools.ledger, work.run, status, due_at=due, report=report)
    return report


async def publish_artifacts(report: RunReport) -> None:
    """What a person sees of it in the Prefect UI: the account with thumbnails, and a table of failures."""
    key = report.document_id
    pictures = await asyncio.to_thread(thumbnails, lab(), report.document_id)
    encoded = [f"data:image/jpeg;base64,{b64encode(data).decode()}" for data in pictures]
    await acreate_markdown_artifact(
        key=f"report-{key}", markdown=as_markdown(report, encoded), description=f"{report.name}: {report.status}"
    )
    if report.failed_images or report.other_failures:
        await acreate_table_artifact(
            key=f"failures-{key}", table=failure_rows(report), description=f"Failures of {report.name}"
        )
