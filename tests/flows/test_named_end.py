"""The flow run of an ingest that is not all done says so in its state; against a real Prefect server."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from prefect import flow
from prefect.client.schemas.objects import State, StateType
from prefect.runtime import flow_run

from flows.ingest_images import ingest_images
from swatchbook.errors import ProviderDown
from swatchbook.ledger import runs
from swatchbook.ledger.queries.report import document_report
from swatchbook.ledger.stored_documents import queue
from swatchbook.pipeline.register_path import register_folder
from swatchbook.records import DocumentStatus, IngestOptions, RunReport
from swatchbook.resources import Resources
from tasks.flow_run import NotAllDone, end_by_name, report_of

OPTIONS = IngestOptions(focus=False)


def waiting_flow(resources: Resources, error: Exception | None) -> Any:
    """A flow whose run leaves its document waiting for a quarter of an hour, and raises the error, if any."""
    ledger = resources.ledger

    async def ingest() -> RunReport:
        document = queue(
            ledger, owner="anna", content="c" * 64, kind="pdf", name="a.pdf", file="a.pdf", size=1, options=OPTIONS
        )
        run = runs.begin(
            ledger, document.id, options=OPTIONS, fingerprint="f", requested=[], prefect_run=str(flow_run.id)
        )
        assert isinstance(run, runs.Run)
        message = str(error) if error else None
        runs.end(ledger, run, DocumentStatus.WAITING, message=message, due_at=ledger.now() + 900)
        if error:
            raise error
        return document_report(ledger, document.id)

    @flow
    async def waits() -> RunReport:
        return await end_by_name(resources, ingest())

    return waits


def ended(state: State[Any]) -> tuple[str | None, StateType]:
    return state.name, state.type


def test_run_that_leaves_something_waiting_ends_as_waiting(resources: Resources) -> None:
    async def call() -> tuple[State[Any], RunReport]:
        state = await waiting_flow(resources, None)(return_state=True)
        return state, await report_of(state)

    state, report = asyncio.run(call())
    assert ended(state) == ("Waiting", StateType.CANCELLED)
    assert (state.message or "").startswith("Waiting: next try ")
    assert report.status is DocumentStatus.WAITING


def test_outage_that_passes_by_itself_ends_as_waiting(resources: Resources) -> None:
    down = ProviderDown("Weaviate does not respond.")

    async def call() -> State[Any]:
        state: State[Any] = await waiting_flow(resources, down)(return_state=True)
        with pytest.raises(ProviderDown):
            await report_of(state)
        return state

    state = asyncio.run(call())
    assert ended(state) == ("Waiting", StateType.CANCELLED)
    assert (state.message or "").endswith("UTC. Weaviate does not respond.")


def test_folder_with_a_broken_picture_ends_as_failures(resources: Resources, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "teal").save(tmp_path / "teal.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    register_folder(resources, tmp_path, owner="anna", options=OPTIONS)
    with pytest.raises(NotAllDone) as raised:
        asyncio.run(ingest_images(str(tmp_path), "anna", OPTIONS))
    assert raised.value.report.images_complete == 1
    assert str(raised.value) == "Failures: 1 of 2 items."
