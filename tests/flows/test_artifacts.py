"""What shows a run in the Prefect UI decides nothing about it."""

import asyncio

import pytest
from prefect import flow

from swatchbook.ledger.runs import Run
from swatchbook.records import DocumentStatus, IngestOptions, RunReport, Stage
from swatchbook.working import Work
from tasks.report import publish_artifacts


@pytest.mark.usefixtures("lab")
def test_artifacts_that_cannot_be_made_do_not_fail_the_flow() -> None:
    @flow
    async def show(report: RunReport) -> str:
        await publish_artifacts(work, report)
        return "done"

    work = Work(
        run=Run(token="t", document="d", generation="g"), document="d", name="a.pdf", owner="default", content="c",
        file="f", options=IngestOptions(), force=None,
    )  # fmt: skip

    report = RunReport(
        document_id="Not a key for Prefect!", name="a.pdf", owner="default", run=None, generation=None,
        status=DocumentStatus.COMPLETED, stage=Stage.COMPLETED,
    )  # fmt: skip
    assert asyncio.run(show(report)) == "done"
