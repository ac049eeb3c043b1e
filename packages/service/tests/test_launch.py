"""Flow runs for documents that are due, on a real Prefect server; no worker takes them up."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from PIL import Image
from prefect.client.schemas.objects import State, StateType

from swatchbook.domain.errors import Configuration
from swatchbook.domain.records import IngestOptions
from swatchbook.ingest.delete import delete
from swatchbook.ingest.register_path import register_folder
from swatchbook.resources import Resources
from swatchbook.store.ledger import dead_runs
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.document_commands import cancel, mark_deleting, retry
from swatchbook.store.ledger.runs import Run, begin
from swatchbook.store.ledger.stored_documents import Document, get_document
from swatchbook_service.scheduler import launch as launch_module
from swatchbook_service.scheduler import prefect_state
from swatchbook_service.scheduler.launch import Launched, forget, launch, prefect
from swatchbook_service.scheduler.prefect_state import UpdatedRuns, update_ingest_states
from tests.deployments.conftest import died, queued
from tests.store.ledger import scene
from tests.store.ledger.scene import begin_again, lapse, set_document

pytestmark = pytest.mark.gate


def with_client(work: Callable[[Any], Awaitable[Any]]) -> Any:
    async def call() -> Any:
        async with prefect() as client:
            return await work(client)

    return asyncio.run(call())


def launched(resources: Resources) -> Any:
    return with_client(lambda client: launch(client, resources.ledger))


def queued_folder(resources: Resources, folder: Path) -> Document:
    Image.new("RGB", (32, 32), "red").save(folder / "tile.png")
    return register_folder(resources, folder, owner="anna", options=IngestOptions()).document


def flow_runs() -> list[Any]:
    return list(with_client(lambda client: client.read_flow_runs(limit=200)))


def set_state(run: UUID, state: Any) -> None:
    with_client(lambda client: client.set_flow_run_state(run, state, force=True))


def test_concurrent_loops_launch_a_due_document_only_once(resources: Resources, deployment: Any) -> None:
    document = queued(resources)
    both = with_client(lambda client: asyncio.gather(*(launch(client, resources.ledger) for _ in range(2))))
    assert {each for loop in both for each in loop.documents} == {document.id}
    assert launched(resources).documents == launched(resources).documents == ()
    (run,) = flow_runs()
    assert run.deployment_id == deployment
    assert run.parameters["source"] == document.file
    assert run.parameters["owner"] == "anna"
    assert run.parameters["options"]["batch_size"] == 20
    assert document.id in run.tags
    assert document.name in run.name


@pytest.mark.nightly
def test_folder_gets_a_run_of_its_own_flow(resources: Resources, images_deployment: Any, tmp_path: Path) -> None:
    folder = queued_folder(resources, tmp_path)
    assert launched(resources).documents == (folder.id,)
    assert launched(resources).documents == ()
    (run,) = flow_runs()
    assert (run.deployment_id, run.parameters["source"]) == (images_deployment, str(tmp_path))


@pytest.mark.nightly
def test_folder_without_deployment_does_not_hold_up_catalogues(
    resources: Resources, deployment: Any, tmp_path: Path
) -> None:
    queued_folder(resources, tmp_path)
    catalogue = queued(resources)
    with pytest.raises(Configuration, match="ingest_images"):
        launched(resources)
    (run,) = flow_runs()
    assert run.parameters["source"] == catalogue.file


@pytest.mark.parametrize("state", [StateType.PENDING, StateType.RUNNING])
def test_document_whose_run_never_began_is_launched_again(
    resources: Resources, deployment: Any, state: StateType, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = queued(resources)
    launched(resources)
    (run,) = flow_runs()
    set_state(run.id, State(type=state))
    monkeypatch.setattr(launch_module, "HOPELESS_SECONDS", 60.0)
    set_document(resources.ledger, document.id, updated_at=document.updated_at - 61)
    assert launched(resources) == Launched()  # it has only just become so
    monkeypatch.setattr(launch_module, "HOPELESS_SECONDS", 0.01)
    set_document(resources.ledger, document.id, updated_at=resources.ledger.now() + 60)
    assert launched(resources) == Launched()  # the document has only just become due
    set_document(resources.ledger, document.id, updated_at=document.updated_at - 61)
    assert launched(resources) == Launched(documents=(document.id,), hopeless=(str(run.id),))


@pytest.mark.nightly
def test_deleted_document_that_returns_is_launched_at_once(resources: Resources, deployment: Any) -> None:
    from prefect.states import Completed

    document = queued(resources)
    launched(resources)
    set_state(flow_runs()[0].id, Completed())
    assert delete(resources, document.id)
    again = queued(resources)
    assert (again.id, again.launches) == (document.id, 0)
    assert launched(resources).documents == (document.id,)
    assert get_document(resources.ledger, document.id).launches == 0


def settled(resources: Resources) -> Any:
    return with_client(lambda client: update_ingest_states(client, resources.ledger))


def started_run(resources: Resources, document: Document) -> tuple[Any, Run]:
    """The document's flow run, Running, with the run that it began in the ledger."""
    from prefect.states import Running

    launched(resources)
    (flow_run,) = flow_runs()
    set_state(flow_run.id, Running())
    begun = begin(
        resources.ledger,
        document.id,
        options=document.options,
        fingerprint="f",
        requested=(),
        prefect_run=str(flow_run.id),
    )
    assert isinstance(begun, Run)
    return flow_run, begun


def state_of(flow_run: Any) -> str:
    (found,) = [run for run in flow_runs() if run.id == flow_run.id]
    return str(found.state.name)


@pytest.mark.nightly
def test_worker_is_asked_first_if_process_may_live(
    resources: Resources, deployment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow_run, run = started_run(resources, queued(resources))
    lapse(resources.ledger, run)
    dead_runs.mark_dead(resources.ledger)
    assert settled(resources).cancelled == (str(flow_run.id),)
    assert state_of(flow_run) == "Cancelling"
    assert settled(resources) == UpdatedRuns()
    monkeypatch.setattr(prefect_state, "FAREWELL_SECONDS", 0.0)
    assert settled(resources).crashed == (str(flow_run.id),)


@pytest.mark.parametrize("end", [cancel, mark_deleting, scene.delete])
@pytest.mark.nightly
def test_flow_run_of_unwanted_document_does_not_begin(
    resources: Resources, deployment: Any, end: Callable[[Ledger, str], object]
) -> None:
    document = queued(resources)
    launched(resources)
    end(resources.ledger, document.id)
    assert len(settled(resources).cancelled) == 1
    assert state_of(flow_runs()[0]) == "Cancelled"
    assert launched(resources) == Launched()


def begun_task_run(flow_run: Any) -> UUID:
    from prefect import task
    from prefect.states import Running

    async def create(client: Any) -> UUID:
        made = await client.create_task_run(task(lambda: None, name="t"), flow_run.id, "0", state=Running())
        return UUID(str(made.id))

    return UUID(str(with_client(create)))


def test_flow_run_of_revoked_run_ends_despite_retry(
    resources: Resources, deployment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = queued(resources)
    flow_run, run = started_run(resources, document)
    task_run = begun_task_run(flow_run)
    cancel(resources.ledger, document.id)
    retry(resources.ledger, document.id)
    begin_again(resources.ledger, document)
    assert settled(resources).cancelled == (str(flow_run.id),)
    assert state_of(flow_run) == "Cancelling", "its process may live: its worker is asked first"
    died(resources, run, bury=False)
    assert settled(resources).cancelled == (str(flow_run.id),)
    assert state_of(flow_run) == "Cancelled"
    assert with_client(lambda client: client.read_task_run(task_run)).state_type == StateType.CANCELLED
    assert settled(resources) == UpdatedRuns()


def test_task_runs_end_with_their_crashed_flow_run(resources: Resources, deployment: Any) -> None:
    flow_run, run = started_run(resources, queued(resources))
    task_run = begun_task_run(flow_run)
    died(resources, run)
    assert settled(resources).crashed == (str(flow_run.id),)
    assert with_client(lambda client: client.read_task_run(task_run)).state_type == StateType.CRASHED


@pytest.mark.nightly
def test_flow_runs_long_over_are_forgotten(resources: Resources, deployment: Any) -> None:
    from prefect.states import Completed, Running

    queued(resources)
    launched(resources)
    (over,) = flow_runs()
    for state in (Running(), Completed()):
        set_state(over.id, state)
    queued(resources, "another")
    launched(resources)
    assert with_client(lambda client: forget(client, keep_days=1)) == 0
    assert with_client(lambda client: forget(client, keep_days=-1)) == 1
    left = flow_runs()
    assert over.id not in {run.id for run in left}
    assert len(left) == 2
