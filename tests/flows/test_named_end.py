"""The flow run of an ingest that is not all done says so in its state; against a real Prefect server."""

import asyncio
import os
import re
from collections.abc import Callable, Coroutine
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import Image
from prefect import Task, flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State, StateType
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow
from prefect.runtime import flow_run

from swatchbook.domain.errors import (
    BudgetExceeded,
    Configuration,
    Failure,
    InvalidReference,
    LedgerDown,
    ProviderDown,
    UnreadableDocument,
)
from swatchbook.domain.records import DocumentStatus, IngestOptions, RunReport
from swatchbook.flows.ingest_images import ingest_images
from swatchbook.ingest.register import build_request
from swatchbook.ingest.register_path import register_folder
from swatchbook.resources import Resources
from swatchbook.store.ledger import runs
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.document_commands import cancel, mark_deleting
from swatchbook.store.ledger.queries.report import document_report
from swatchbook.store.ledger.stored_documents import get_document
from swatchbook.tasks.cancelled_in_prefect import UNWANTED
from swatchbook.tasks.flow_run import NotAllDone, end_by_name, report_of
from tests.store.ledger.scene import delete, queued

pytestmark = pytest.mark.gate

OPTIONS = IngestOptions(focus=False)


def begun_document(resources: Resources) -> tuple[str, runs.Run]:
    """A document with a live run of this flow run."""
    document = queued(resources.ledger, options=OPTIONS)
    run = runs.begin(
        resources.ledger, document.id, options=OPTIONS, fingerprint="f", requested=[], prefect_run=str(flow_run.id)
    )
    assert isinstance(run, runs.Run)
    return document.id, run


def end_of(resources: Resources, ingest: Coroutine[Any, Any, RunReport]) -> State[Any]:
    """How a flow ends that does this."""

    @flow
    async def ends() -> RunReport:
        return await end_by_name(resources, ingest)

    async def call() -> State[Any]:
        state: State[Any] = await ends(return_state=True)
        return state

    return asyncio.run(call())


def ended(state: State[Any]) -> tuple[str | None, StateType]:
    return state.name, state.type


@pytest.mark.parametrize("error", [None, ProviderDown("Weaviate does not respond.")], ids=str)
def test_what_comes_back_by_itself_ends_as_waiting(resources: Resources, error: Failure | None) -> None:
    async def ingest() -> RunReport:
        document, run = begun_document(resources)
        due_at = resources.ledger.now() + 900
        runs.end(resources.ledger, run, DocumentStatus.WAITING, message=str(error) if error else None, due_at=due_at)
        if error:
            raise error
        return document_report(resources.ledger, document)

    state = end_of(resources, ingest())
    assert ended(state) == ("Waiting", StateType.CANCELLED)
    assert re.fullmatch(f"Waiting: next try .* UTC.*{error or ''}", state.message or "")
    with pytest.raises(ProviderDown) if error else nullcontext():
        assert asyncio.run(report_of(state, resources.ledger, "any")).status is DocumentStatus.WAITING


@pytest.mark.nightly
def test_a_worker_run_also_waits_as_a_subflow(resources: Resources) -> None:
    @flow
    async def waits() -> RunReport | State[Any]:
        async def ingest() -> RunReport:
            document, run = begun_document(resources)
            runs.end(resources.ledger, run, DocumentStatus.WAITING, due_at=resources.ledger.now() + 900)
            return document_report(resources.ledger, document)

        return await end_by_name(resources, ingest())

    async def call() -> State[Any] | None:
        async with get_client() as client:
            parent = await client.create_flow_run(waits)
            shown_by = await client.create_task_run(Task(lambda: None, name="waits"), parent.id, dynamic_key="0")
            made = await client.create_deployment(await client.create_flow(waits), "waits")
            started = await client.create_flow_run_from_deployment(made, parent_task_run_id=shown_by.id)
            try:
                with suppress(Pause):
                    await run_flow(waits, started, {}, return_type="state")
                return (await client.read_flow_run(started.id)).state
            finally:
                await client.delete_deployment(made)

    state = asyncio.run(call())
    assert state
    assert ended(state) == ("Waiting", StateType.SCHEDULED)


@pytest.mark.parametrize(("end", "name"), [(cancel, "Cancelled"), (mark_deleting, "Deleted"), (delete, "Deleted")])
def test_run_that_a_person_stopped_says_so(
    resources: Resources, end: Callable[[Ledger, str], object], name: str
) -> None:
    async def ingest() -> RunReport:
        document, run = begun_document(resources)
        end(resources.ledger, document)
        runs.record_heartbeat(resources.ledger, run)
        raise AssertionError("its run was revoked")

    state = end_of(resources, ingest())
    assert ended(state) == (name, StateType.CANCELLED)
    assert state.message == (UNWANTED if name == "Cancelled" else "Its document was deleted.")


@pytest.mark.parametrize(
    ("status", "failure", "name"),
    [
        (None, InvalidReference("There is no file /x.", advice="Check the path."), "Refused"),
        (None, Configuration("SWATCHBOOK_LLM__MODEL is not set."), "Blocked"),
        (None, LedgerDown("The database does not answer."), "Failed"),
        (DocumentStatus.BLOCKED, BudgetExceeded("The budget of 1 USD is spent."), "Blocked"),
        (DocumentStatus.FAILED, UnreadableDocument("It has no pages."), "Failed"),
    ],
)
def test_failure_before_or_during_a_run_says_why(
    resources: Resources, status: DocumentStatus | None, failure: Failure, name: str
) -> None:
    async def ingest() -> RunReport:
        if status:
            _, run = begun_document(resources)
            runs.end(resources.ledger, run, status, message=str(failure))
        raise failure

    state = end_of(resources, ingest())
    assert ended(state) == (name, StateType.FAILED)
    assert state.message == str(failure)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of one picture, away from the home."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.new("RGB", (64, 64), "teal").save(folder / "teal.png")
    os.utime(folder / "teal.png", (1.0, 1.0))  # a file that is seconds old may still change, and is read again
    return folder


def known(resources: Resources, folder: Path) -> str:
    """The id of its document."""
    return register_folder(resources, folder, owner="anna", options=OPTIONS).document.id


def test_unchanged_folder_ends_as_nothing_new(resources: Resources, folder: Path) -> None:
    document = known(resources, folder)

    async def call() -> tuple[State[Any], State[Any], RunReport]:
        first, second = [await ingest_images(str(folder), "anna", OPTIONS, return_state=True) for _ in range(2)]
        async with get_client() as client:  # the server's copy, which a client gets that lost the answer and asks again
            stored = (await client.read_flow_run(second.state_details.flow_run_id)).state
        assert stored
        assert stored.data is None
        report = await report_of(second, resources.ledger, document)
        assert await report_of(stored, resources.ledger, document) == report
        return first, second, report

    first, second, report = asyncio.run(call())
    assert ended(first) == ("Completed", StateType.COMPLETED)
    assert ended(second) == ("Nothing new", StateType.COMPLETED)
    assert report.images_complete == 1


@pytest.mark.nightly
def test_cancelled_document_that_is_started_ends_as_cancelled(resources: Resources, folder: Path) -> None:
    document = known(resources, folder)

    async def call() -> State[Any]:
        cancel(resources.ledger, document)
        state: State[Any] = await deployed_run(resources, document, str(folder))
        return state

    assert ended(asyncio.run(call())) == ("Cancelled", StateType.CANCELLED)


@pytest.mark.parametrize("options", [OPTIONS, IngestOptions(focus=False, max_retries=1, batch_size=7)])
@pytest.mark.nightly
def test_concurrent_run_of_a_document_ends_at_once(resources: Resources, folder: Path, options: IngestOptions) -> None:
    document = known(resources, folder)
    fingerprint = build_request(resources.settings, OPTIONS).fingerprint
    run = runs.begin(resources.ledger, document, options=OPTIONS, fingerprint=fingerprint, requested=[])
    assert isinstance(run, runs.Run)
    state = asyncio.run(deployed_run(resources, None, str(folder), options))
    assert ended(state) == ("Already running", StateType.CANCELLED)
    assert state.message == "Another flow run works on its document."
    assert get_document(resources.ledger, document).run == run.token
    status = runs.end(resources.ledger, run, DocumentStatus.COMPLETED)
    left = get_document(resources.ledger, document)
    if build_request(resources.settings, options).fingerprint == fingerprint:
        assert (status, left.options) == (DocumentStatus.COMPLETED, OPTIONS)
    else:
        assert (status, left.options) == (DocumentStatus.WAITING, options), "its options are for the next run"


async def deployed_run(
    resources: Resources, document: str | None, source: str, options: IngestOptions = OPTIONS
) -> State[Any]:
    """How a flow run of a deployment ends; `document`: launched for it, else started by a person."""
    async with get_client() as client:
        made = await client.create_deployment(await client.create_flow(ingest_images), "ingest_images")
        parameters = {"source": source, "owner": "anna", "options": options.model_dump(mode="json")}
        flow_run = await client.create_flow_run_from_deployment(
            made, parameters=parameters, tags=[document] if document else []
        )
        try:
            return cast("State[Any]", await run_flow(ingest_images, flow_run, parameters, return_type="state"))
        finally:
            await client.delete_deployment(made)


def test_folder_with_a_broken_picture_ends_as_failures(resources: Resources, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "teal").save(tmp_path / "teal.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    register_folder(resources, tmp_path, owner="anna", options=OPTIONS)
    with pytest.raises(NotAllDone) as raised:
        asyncio.run(ingest_images(str(tmp_path), "anna", OPTIONS))
    assert raised.value.report.images_complete == 1
    assert str(raised.value) == "Failures: 1 of 2 items."
