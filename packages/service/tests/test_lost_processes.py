"""Flow runs of every flow whose process or worker is gone give their slots back, on a real Prefect server."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from prefect.states import Cancelling, Pending, Running, Scheduled
from sqlalchemy import update
from test_launch import set_state, state_of, with_client

from swatchbook.deployments.declared import flow_names
from swatchbook.resources import Resources
from swatchbook.store.ledger.database import db_now
from swatchbook.store.ledger.runs import begin_process
from swatchbook.store.ledger.tables import runs
from swatchbook.tasks.flow_run import flow_process
from swatchbook_service.scheduler import prefect_state
from swatchbook_service.scheduler.prefect_state import UpdatedRuns, update_ingest_states, update_upkeep_states
from tests.deployments.conftest import POOL

pytestmark = pytest.mark.gate


def created(flow: str, state: Any) -> Any:
    async def create(client: Any) -> Any:
        run = await client.create_flow_run_from_deployment(await deployed(client, flow))
        await client.set_flow_run_state(run.id, state, force=True)
        return run

    return with_client(create)


async def deployed(client: Any, flow: str) -> UUID:
    from importlib import import_module

    from prefect.types.entrypoint import EntrypointType

    made = await getattr(import_module(f"flows.{flow}"), flow).ato_deployment(
        name=flow, work_pool_name=POOL, entrypoint_type=EntrypointType.MODULE_PATH
    )
    return UUID(str(await made.aapply()))


@pytest.fixture
def flow(deployment: Any) -> Any:
    """The name of a flow that works on no document; its deployment goes afterwards."""
    name = "retry_failed"
    yield name

    async def remove(client: Any) -> None:
        found = await client.read_deployment_by_name(f"{name}/{name}")
        await client.delete_deployment(found.id)

    with_client(remove)


def settled(resources: Resources) -> UpdatedRuns:
    return UpdatedRuns.model_validate(with_client(lambda client: update_upkeep_states(client, resources.ledger)))


def change(resources: Resources, run: Any, **values: Any) -> None:
    with resources.ledger.write() as connection:
        connection.execute(update(runs).where(runs.c.prefect_run == str(run.id)).values(**values))


@pytest.mark.nightly
def test_working_and_waiting_flow_runs_are_left_alone(resources: Resources, flow: str) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)  # Prefect calls what waits beyond its time late
    working, waiting = created(flow, Running()), created(flow, Scheduled(scheduled_time=later))
    begin_process(resources.ledger, flow_run=str(working.id))
    young = created(flow, Pending())
    assert settled(resources) == UpdatedRuns()
    assert [state_of(run) for run in (working, waiting, young)] == ["Running", "Scheduled", "Pending"]


def test_flow_run_with_dead_process_crashes_at_once(resources: Resources, flow: str) -> None:
    run = created(flow, Running())
    begin_process(resources.ledger, flow_run=str(run.id))
    change(resources, run, pid_started=1.0)
    assert settled(resources).crashed == (str(run.id),)
    assert state_of(run) == "Crashed"


def test_flow_run_without_registered_process_crashes_in_time(
    resources: Resources, flow: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pending, running = created(flow, Pending()), created(flow, Running())
    assert settled(resources) == UpdatedRuns()
    monkeypatch.setattr(prefect_state, "HOPELESS_SECONDS", 0.0)
    assert set(settled(resources).crashed) == {str(pending.id), str(running.id)}


@pytest.mark.nightly
def test_silent_remote_flow_run_is_crashed(resources: Resources, flow: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = created(flow, Running())
    begin_process(resources.ledger, flow_run=str(run.id))
    change(resources, run, host="elsewhere", boot_id="another")
    assert settled(resources) == UpdatedRuns()
    monkeypatch.setattr(prefect_state, "SILENT_SECONDS", -1.0)
    assert settled(resources).cancelled == (str(run.id),)
    assert state_of(run) == "Cancelling"
    monkeypatch.setattr(prefect_state, "FAREWELL_SECONDS", 0.0)
    assert settled(resources).crashed == (str(run.id),)


@pytest.mark.nightly
def test_repeated_flow_run_outlives_its_former_process(resources: Resources, flow: str) -> None:
    run = created(flow, Running())
    begin_process(resources.ledger, flow_run=str(run.id))
    change(resources, run, pid_started=1.0, heartbeat_at=db_now() - 60)
    set_state(run.id, Running())
    assert settled(resources) == UpdatedRuns()


@pytest.mark.nightly
def test_cancel_that_no_worker_performs_ends_as_cancelled(
    resources: Resources, flow: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = created(flow, Running())
    set_state(run.id, Cancelling())
    monkeypatch.setattr(prefect_state, "HOPELESS_SECONDS", 0.0)
    assert settled(resources).cancelled == (str(run.id),)
    assert state_of(run) == "Cancelled"


@pytest.mark.nightly
def test_manual_ingest_that_died_before_its_run_crashes(
    resources: Resources, deployment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def create(client: Any) -> Any:
        return await client.create_flow_run_from_deployment(deployment, parameters={"source": "https://x.test/a.pdf"})

    downloading, lost = with_client(create), with_client(create)
    for run in (downloading, lost):
        set_state(run.id, Running())
    begin_process(resources.ledger, flow_run=str(downloading.id))
    monkeypatch.setattr(prefect_state, "HOPELESS_SECONDS", 0.0)
    found = with_client(lambda client: update_ingest_states(client, resources.ledger))
    assert found.crashed == (str(lost.id),)
    assert state_of(downloading) == "Running"


@pytest.mark.parametrize("name", sorted(flow_names() - {"embed_shard"}))
def test_every_flow_registers_its_process(name: str) -> None:
    from importlib import import_module
    from inspect import getclosurevars

    flow = getattr(import_module(f"flows.{name}"), name)
    assert getclosurevars(flow.fn).globals["flow_process"] is flow_process, (
        f"{name} needs `flow_process` (tasks/flow_run.py), or its runs are taken for dead"
    )
    assert "blocks" in flow.parameters.properties
