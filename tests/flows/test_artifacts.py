"""What shows a run in the Prefect UI decides nothing about it."""

import asyncio

import pytest
from prefect import flow

from swatchbook.records import DocumentStatus, RunReport, Stage
from tasks.report import publish_artifacts


@pytest.mark.usefixtures("lab")
def test_artifacts_that_cannot_be_made_do_not_fail_the_flow() -> None:
    @flow
    async def show(report: RunReport) -> str:
        await publish_artifacts(report)
        return "done"

    report = RunReport(
        document_id="Not a key for Prefect!", name="a.pdf", owner="default", run=None, generation=None,
        status=DocumentStatus.COMPLETED, stage=Stage.COMPLETED,
    )  # fmt: skip
    assert asyncio.run(show(report)) == "done"
