"""Flow runs for documents that are due, on a real Prefect server; no worker takes them up."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from prefect.client.schemas.objects import State, StateType

from deployments import launch as launch_module
from deployments import settle as settle_module
from deployments.launch import AT_ONCE, Launched, forget, launch, prefect
from deployments.settle import Settled, settle
from swatchbook.delete import delete
from swatchbook.errors import Configuration, ProviderDown
from swatchbook.lab import Lab
from swatchbook.ledger import due, runs
from swatchbook.ledger.accounts import get_document
from swatchbook.ledger.database import Ledger
from swatchbook.ledger.runs import Document, Run, begin
from swatchbook.records import sha256
from tests.conftest import free_port
from tests.deployments.conftest import died, queued
from tests.ledger.scene import begin_again, lapse, set_document


def with_client(work: Callable[[Any], Awaitable[Any]]) -> Any:
    async def call() -> Any:
        async with prefect() as client:
            return await work(client)

    return asyncio.run(call())


def launched(lab: Lab) -> Any:
    return with_client(lambda client: launch(client, lab.ledger))


def flow_runs() -> list[Any]:
    return list(with_client(lambda client: client.read_flow_runs(limit=200)))


def set_state(run: UUID, state: Any) -> None:
    with_client(lambda client: client.set_flow_run_state(run, state, force=True))


def test_a_due_document_gets_one_flow_run_however_often_the_loop_looks(lab: Lab, deployment: Any) -> None:
    document = queued(lab)
    assert launched(lab).documents == (document.id,)
    assert launched(lab).documents == launched(lab).documents == ()
    (run,) = flow_runs()
    assert run.deployment_id == deployment
    assert run.parameters["source"] == document.file
    assert run.parameters["owner"] == "anna"
    assert run.parameters["options"]["batch_size"] == 20
    assert document.id in run.tags
    assert document.name in run.name


def test_two_loops_at_once_make_one_flow_run_a_document(lab: Lab, deployment: Any) -> None:
    documents = {queued(lab, f"catalogue {number}").id for number in range(10)}

    async def both() -> None:
        async with prefect() as one, prefect() as other:
            await asyncio.gather(launch(one, lab.ledger), launch(other, lab.ledger))

    asyncio.run(both())
    assert sorted(tag for run in flow_runs() for tag in run.tags) == sorted(documents)


def test_a_document_still_due_after_its_flow_run_ended_gets_another(lab: Lab, deployment: Any) -> None:
    from prefect.states import Crashed

    document = queued(lab)
    launched(lab)
    set_state(flow_runs()[0].id, Crashed())
    assert launched(lab).documents == (document.id,)
    assert get_document(lab.ledger, document.id).launches == 1
    assert sorted(run.state.type.value for run in flow_runs()) == ["CRASHED", "SCHEDULED"]


@pytest.mark.parametrize("state", [StateType.PENDING, StateType.RUNNING])
def test_one_that_never_began_its_run_is_crashed_and_launched_again(
    lab: Lab, deployment: Any, state: StateType, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = queued(lab)
    launched(lab)
    (run,) = flow_runs()
    set_state(run.id, State(type=state))
    monkeypatch.setattr(launch_module, "HOPELESS_SECONDS", 60.0)
    set_document(lab.ledger, document.id, updated_at=document.updated_at - 61)
    assert launched(lab) == Launched()  # it has only just become so
    monkeypatch.setattr(launch_module, "HOPELESS_SECONDS", 0.01)
    set_document(lab.ledger, document.id, updated_at=lab.ledger.now() + 1)
    assert launched(lab) == Launched()  # the document has only just become due
    set_document(lab.ledger, document.id, updated_at=document.updated_at - 61)
    assert launched(lab) == Launched(documents=(document.id,), hopeless=(str(run.id),))


def test_a_thousand_queued_documents_take_rounds_of_seconds(lab: Lab, deployment: Any) -> None:
    for number in range(1_000):
        queued(lab, f"catalogue {number}")
    started = time.monotonic()
    assert len(launched(lab).documents) == AT_ONCE
    first = time.monotonic() - started
    started = time.monotonic()
    assert launched(lab) == Launched()
    print(f"first round {first:.1f} s, next {time.monotonic() - started:.1f} s")
    assert first < 60


def test_what_is_behind_comes_as_others_are_worked_off(lab: Lab, deployment: Any) -> None:
    first, second = queued(lab, "first"), queued(lab, "second")

    def one_place() -> Any:
        return with_client(lambda client: launch(client, lab.ledger, 1)).documents

    assert one_place() == (first.id,)
    assert one_place() == ()
    begin_again(lab.ledger, first)
    assert one_place() == (second.id,)


def test_a_document_that_was_deleted_and_came_again_is_launched_at_once(lab: Lab, deployment: Any) -> None:
    from prefect.states import Completed

    document = queued(lab)
    launched(lab)
    set_state(flow_runs()[0].id, Completed())
    assert delete(lab, document.id)
    again = queued(lab)
    assert (again.id, again.launches) == (document.id, 0)
    assert launched(lab).documents == (document.id,)
    assert get_document(lab.ledger, document.id).launches == 0


def test_an_emptied_prefect_database_gets_its_flow_runs_anew(lab: Lab, deployment: Any) -> None:
    document = queued(lab)
    launched(lab)
    (run,) = flow_runs()
    with_client(lambda client: client.delete_flow_run(run.id))
    assert launched(lab).documents == (document.id,)
    assert len(flow_runs()) == 1


def test_without_the_deployment_it_says_what_to_do(lab: Lab, prefect_api: str) -> None:
    queued(lab)
    with pytest.raises(Configuration, match="swatchbook setup"):
        launched(lab)


def test_a_prefect_that_is_down_is_an_outage_within_seconds(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    queued(lab)
    started = time.monotonic()
    with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{free_port()}/api"}), pytest.raises(ProviderDown):
        launched(lab)
    assert time.monotonic() - started < 10


# --- Prefect's states follow the ledger -------------------------------------------------------------------------------


def settled(lab: Lab) -> Any:
    return with_client(lambda client: settle(client, lab.ledger))


def started_run(lab: Lab, document: Document) -> tuple[Any, Run]:
    """The document's flow run, Running, with the run that it began in the ledger."""
    from prefect.states import Running

    launched(lab)
    (flow_run,) = flow_runs()
    set_state(flow_run.id, Running())
    begun = begin(
        lab.ledger, document.id, options=document.options, fingerprint="f", wants=(), prefect_run=str(flow_run.id)
    )
    assert isinstance(begun, Run)
    return flow_run, begun


def state_of(flow_run: Any) -> str:
    (found,) = [run for run in flow_runs() if run.id == flow_run.id]
    return str(found.state.name)


def test_a_run_at_work_is_left_alone(lab: Lab, deployment: Any) -> None:
    flow_run, _ = started_run(lab, queued(lab))
    assert settled(lab) == Settled()
    assert state_of(flow_run) == "Running"


def test_the_flow_run_of_a_dead_run_is_crashed_and_its_document_launched_again(lab: Lab, deployment: Any) -> None:
    document = queued(lab)
    flow_run, run = started_run(lab, document)
    died(lab, run)
    assert settled(lab).crashed == (str(flow_run.id),)
    assert state_of(flow_run) == "Crashed"
    assert settled(lab) == Settled()
    assert launched(lab).documents == (document.id,)


def test_where_the_process_may_live_on_its_worker_is_asked_first(
    lab: Lab, deployment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow_run, run = started_run(lab, queued(lab))
    lapse(lab.ledger, run)
    runs.bury(lab.ledger)
    assert settled(lab).cancelled == (str(flow_run.id),)
    assert state_of(flow_run) == "Cancelling"
    assert settled(lab) == Settled()
    monkeypatch.setattr(settle_module, "FAREWELL_SECONDS", 0.0)
    assert settled(lab).crashed == (str(flow_run.id),)


@pytest.mark.parametrize("end", [due.cancel, due.mark_deleting])
def test_an_unwanted_document_s_flow_run_does_not_begin(
    lab: Lab, deployment: Any, end: Callable[[Ledger, str], object]
) -> None:
    document = queued(lab)
    launched(lab)
    end(lab.ledger, document.id)
    assert len(settled(lab).cancelled) == 1
    assert state_of(flow_runs()[0]) == "Cancelled"
    assert launched(lab) == Launched()


def test_a_cancelled_document_s_flow_run_is_stopped(lab: Lab, deployment: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    document = queued(lab)
    flow_run, _ = started_run(lab, document)
    due.cancel(lab.ledger, document.id)
    assert settled(lab).cancelled == (str(flow_run.id),)
    assert state_of(flow_run) == "Cancelling"
    monkeypatch.setattr(settle_module, "FAREWELL_SECONDS", 0.0)
    settled(lab)
    assert state_of(flow_run) == "Cancelled"


def test_a_flow_run_of_a_document_that_is_gone_is_cancelled(lab: Lab, deployment: Any) -> None:
    document = queued(lab)
    launched(lab)
    assert delete(lab, document.id)
    assert len(settled(lab).cancelled) == 1


def test_a_person_s_flow_run_for_a_file_not_yet_known_is_left_alone(lab: Lab, deployment: Any) -> None:
    source = f"{sha256(b'new')}.pdf"
    with_client(lambda client: client.create_flow_run_from_deployment(deployment, parameters={"source": source}))
    assert settled(lab) == Settled()


def test_a_scheduled_flow_run_for_a_file_not_yet_known_is_left_alone(lab: Lab, deployment: Any) -> None:
    source = f"{sha256(b'new')}.pdf"
    with_client(
        lambda client: client.create_flow_run_from_deployment(
            deployment, parameters={"source": source}, idempotency_key="scheduled at noon"
        )
    )
    assert settled(lab) == Settled()


def test_retry_failed_goes_with_the_run_that_died_in_its_process(lab: Lab, deployment: Any) -> None:
    from prefect.states import Running

    async def subflow(client: Any) -> tuple[Any, Any]:
        from flows.ingest_catalogue import ingest_catalogue
        from flows.retry_failed import retry_failed

        parent = await client.create_flow_run(retry_failed, state=Running())
        task_run = await client.create_task_run(embed_batch, flow_run_id=parent.id, dynamic_key="ingest_catalogue-0")
        return parent, await client.create_flow_run(
            ingest_catalogue,
            parameters={"source": document.file, "owner": document.owner},
            parent_task_run_id=task_run.id,
            state=Running(),
        )

    from tasks.embed import embed_batch

    document = queued(lab)
    parent, child = with_client(subflow)
    run = begin(lab.ledger, document.id, options=document.options, fingerprint="f", wants=(), prefect_run=str(child.id))
    assert isinstance(run, Run)
    died(lab, run)
    assert settled(lab).crashed == (str(child.id),)
    assert state_of(parent) == state_of(child) == "Crashed"
    with_client(lambda client: client.delete_flow_run(parent.id))


def test_flow_runs_long_over_are_forgotten(lab: Lab, deployment: Any) -> None:
    from prefect.states import Completed, Running

    queued(lab)
    launched(lab)
    (over,) = flow_runs()
    for state in (Running(), Completed()):
        set_state(over.id, state)
    queued(lab, "another")
    launched(lab)
    assert with_client(lambda client: forget(client, keep_days=1)) == 0
    assert with_client(lambda client: forget(client, keep_days=-1, dry_run=True)) == 1
    assert with_client(lambda client: forget(client, keep_days=-1)) == 1
    left = flow_runs()
    assert over.id not in {run.id for run in left}
    assert len(left) == 2
