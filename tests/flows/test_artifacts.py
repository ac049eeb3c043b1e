"""What shows a run in the Prefect UI decides nothing about it."""

import asyncio

from markdown_it import MarkdownIt
from prefect import flow
from prefect.artifacts import Artifact

from swatchbook.records import DocumentStatus, FailureRecord, RunReport, Stage, identity
from swatchbook.resources import Resources
from tasks.document_run import publish_artifacts


def report_of(document: str, name: str, *failures: FailureRecord) -> RunReport:
    return RunReport(
        document_id=document, name=name, owner="default", run=None, generation=None,
        status=DocumentStatus.COMPLETED, stage=Stage.COMPLETED, other_failures=failures,
    )  # fmt: skip


def test_artifacts_that_cannot_be_made_do_not_fail_the_flow(resources: Resources) -> None:
    @flow
    async def show(report: RunReport) -> str:
        await publish_artifacts(resources, report)
        return "done"

    assert asyncio.run(show(report_of("Not a key for Prefect!", "a.pdf"))) == "done"


def test_a_documents_name_is_no_markup_where_the_ui_reads_markdown(resources: Resources) -> None:
    """Descriptions too: a picture elsewhere would tell who looks, a link would lead away."""
    name = "![a](http://evil.example/seen.png) [b](http://evil.example) <img src=x>"
    report = report_of(identity("artifacts"), name, FailureRecord(kind="too_large", error="It is too large."))

    @flow
    async def show() -> list[str]:
        await publish_artifacts(resources, report)
        found = [await Artifact.get(f"{kind}-{report.document_id}") for kind in ("report", "failures")]
        return [artifact.description or "" for artifact in found if artifact]

    described = asyncio.run(show())
    assert len(described) == 2
    for description in described:
        rendered = MarkdownIt("commonmark", {"html": True}).render(description)
        assert "evil.example" in rendered
        assert not any(tag in rendered for tag in ("<a ", "<img"))
