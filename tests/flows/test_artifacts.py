"""What shows a run in the Prefect UI decides nothing about it."""

import asyncio
import json
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from prefect import flow
from prefect.artifacts import Artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

from swatchbook.deployments.tick import collect
from swatchbook.domain.records import DocumentStatus, FailureRecord, RunReport, Stage, identity
from swatchbook.ingest.delete import delete, end, throw_away
from swatchbook.resources import Resources
from swatchbook.tasks.artifacts import delete_left_artifacts
from swatchbook.tasks.document_run import publish_artifacts
from tests.flows.conftest import Ingest


def report_of(document: str, name: str, *failures: FailureRecord, doubts: tuple[str, ...] = ()) -> RunReport:
    return RunReport(
        document_id=document, name=name, owner="default", run=None, generation=None,
        status=DocumentStatus.COMPLETED, stage=Stage.COMPLETED, other_failures=failures, doubts=doubts,
    )  # fmt: skip


def test_a_failed_artifact_does_not_fail_the_flow(resources: Resources) -> None:
    @flow
    async def show(report: RunReport) -> str:
        await publish_artifacts(resources, report)
        return "done"

    assert asyncio.run(show(report_of("Not a key for Prefect!", "a.pdf"))) == "done"


@pytest.mark.gate
def test_texts_are_no_markup_where_markdown_is_rendered(resources: Resources) -> None:
    """Descriptions and cells too: a picture elsewhere would tell who looks, a link would lead away."""
    evil = "![a](http://evil.example/seen.png) [b](http://evil.example) <img src=x>"
    failed = report_of(identity("failed"), evil, FailureRecord(kind="too_large", path=evil, error=evil))
    doubtful = report_of(identity("doubtful"), "a.csv", doubts=(evil,))

    @flow
    async def show() -> list[str]:
        for report in (failed, doubtful):
            await publish_artifacts(resources, report)
        keys = (
            f"swatchbook-report-{failed.document_id}",
            f"swatchbook-failures-{failed.document_id}",
            f"swatchbook-report-{doubtful.document_id}",
        )
        found = [artifact for key in keys if (artifact := await Artifact.get(key))]
        (row,) = json.loads(str(found[1].data))
        return [artifact.description or "" for artifact in found] + [row["path"], row["error"]]

    shown = asyncio.run(show())
    assert len(shown) == 5
    for text in shown:
        rendered = MarkdownIt("commonmark", {"html": True}).render(text)
        assert "evil.example" in rendered
        assert not any(tag in rendered for tag in ("<a ", "<img"))


def keys_of(document: str) -> set[str]:
    """Keys of the artifacts that Prefect has of a document."""

    async def read() -> set[str]:
        wanted = ArtifactFilter(key=ArtifactFilterKey(like_=f"%{document}"))
        async with get_client() as client:
            return {str(artifact.key) for artifact in await client.read_artifacts(artifact_filter=wanted)}

    return asyncio.run(read())


def clear(resources: Resources) -> None:
    async def delete_left() -> None:
        async with get_client() as client:
            await delete_left_artifacts(client, resources.ledger)

    asyncio.run(delete_left())


def test_only_artifacts_of_a_deleted_document_are_removed(
    resources: Resources, ingest: Ingest, small_catalogue: Path, prefect_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", prefect_server)
    gone, kept, trashed = (ingest(small_catalogue, owner).document_id for owner in ("anna", "bert", "carl"))
    assert keys_of(gone) == {f"swatchbook-progress-{gone}", f"swatchbook-report-{gone}"}
    assert delete(resources, gone)
    throw_away(resources, trashed)
    clear(resources)
    assert keys_of(gone) == set()
    assert keys_of(kept) == {f"swatchbook-progress-{kept}", f"swatchbook-report-{kept}"}
    assert keys_of(trashed) == {f"swatchbook-progress-{trashed}", f"swatchbook-report-{trashed}"}
    assert end(resources, trashed)
    assert asyncio.run(collect(resources, older_than=0)).artifacts >= 2
    assert keys_of(trashed) == set()
    assert delete(resources, kept)
    assert ingest(small_catalogue, "bert").document_id == kept
    clear(resources)
    assert keys_of(kept) == {f"swatchbook-progress-{kept}", f"swatchbook-report-{kept}"}, "it is here again"
