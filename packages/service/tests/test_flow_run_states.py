"""Flow runs of shards follow the ledger, on a real Prefect server; no worker takes them up."""

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import StateType
from prefect.logging import disable_run_logger
from prefect.states import Pending, Running
from test_launch import set_state, state_of, with_client

from swatchbook.domain.errors import ProviderDown
from swatchbook.domain.records import DocumentStatus, IngestOptions
from swatchbook.ingest.run import Work, keep_alive
from swatchbook.resources import Resources
from swatchbook.store.ledger import runs
from swatchbook.store.ledger.dead_runs import mark_dead
from swatchbook.store.ledger.document_commands import cancel
from swatchbook.store.ledger.runs import Run, end
from swatchbook.tasks import embed_in_shards as shards_module
from swatchbook.tasks.embed_in_shards import follow_earlier_shards
from swatchbook_service.scheduler import prefect_state
from swatchbook_service.scheduler.prefect_state import UpdatedRuns, update_shard_states
from tests.store.ledger.scene import begin_again, begun, lapse

pytestmark = pytest.mark.gate

SHARDS = "shards-that-wait"


@pytest.fixture
def shard_deployment(deployment: Any) -> Iterator[UUID]:
    """`embed_shard/embed_shard`, on a pool of its own: no worker of another test lives there."""

    async def create(client: Any) -> UUID:
        from prefect.types.entrypoint import EntrypointType

        from swatchbook.flows.embed_shard import embed_shard

        await client.create_work_pool(WorkPoolCreate(name=SHARDS, type="process"), overwrite=True)
        made = await embed_shard.ato_deployment(
            name="embed_shard", work_pool_name=SHARDS, entrypoint_type=EntrypointType.MODULE_PATH, tags=["shard"]
        )
        return await made.aapply()

    created = with_client(create)
    yield created
    with_client(lambda client: client.delete_deployment(created))
    with_client(lambda client: client.delete_work_pool(SHARDS))


def sent(deployment: UUID, parent: Run) -> Any:
    return with_client(
        lambda client: client.create_flow_run_from_deployment(
            deployment, parameters={"manifest": "0" * 64}, tags=[parent.document, parent.generation]
        )
    )


def settled(resources: Resources) -> UpdatedRuns:
    async def call() -> UpdatedRuns:
        from swatchbook_service.scheduler.launch import prefect

        async with prefect() as client:
            return await update_shard_states(client, resources.ledger)

    return asyncio.run(call())


def test_shards_that_wait_or_work_are_left_alone(resources: Resources, shard_deployment: UUID) -> None:
    parent = begun(resources.ledger)
    flow_runs = [sent(shard_deployment, parent) for _ in range(3)]
    set_state(flow_runs[0].id, Pending())
    set_state(flow_runs[1].id, Running())
    runs.begin_shard(resources.ledger, parent.document, parent.generation, flow_run=str(flow_runs[1].id))
    assert settled(resources) == UpdatedRuns()
    lapse(resources.ledger, parent)
    assert mark_dead(resources.ledger) == [parent.token]
    assert settled(resources) == UpdatedRuns()  # the next parent adopts them
    assert [state_of(flow_run) for flow_run in flow_runs] == ["Pending", "Running", "Scheduled"]


def test_shard_that_never_begins_gives_its_slot_back(
    resources: Resources, shard_deployment: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = begun(resources.ledger)
    pending, running, waiting = (sent(shard_deployment, parent) for _ in range(3))
    set_state(pending.id, Pending())
    set_state(running.id, Running())
    monkeypatch.setattr(prefect_state, "HOPELESS_SECONDS", 0.0)
    assert set(settled(resources).crashed) == {str(pending.id), str(running.id)}
    assert state_of(waiting) == "Scheduled"  # it holds no slot: its turn may come


@pytest.mark.nightly
def test_pending_shard_awaits_image_while_its_worker_lives(
    resources: Resources, shard_deployment: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = begun(resources.ledger)
    pulling, left = sent(shard_deployment, parent), sent(shard_deployment, parent)
    for flow_run, worker in ((pulling, "here"), (left, "gone")):
        labels = {"prefect.worker.name": worker}
        with_client(lambda client, to=flow_run.id, given=labels: client.update_flow_run_labels(to, given))
        set_state(flow_run.id, Pending())
    with_client(lambda client: client.send_worker_heartbeat(SHARDS, "here", heartbeat_interval_seconds=30))
    monkeypatch.setattr(prefect_state, "HOPELESS_SECONDS", 0.0)
    assert settled(resources).crashed == (str(left.id),)
    assert state_of(pulling) == "Pending"
    monkeypatch.setattr(prefect_state, "PULL_SECONDS", 0.0)
    assert settled(resources).crashed == (str(pulling.id),)


@pytest.mark.nightly
def test_only_a_pool_without_workers_is_an_outage(
    resources: Resources, shard_deployment: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = begun(resources.ledger)
    flow_run = sent(shard_deployment, parent)
    monkeypatch.setattr(shards_module, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(shards_module, "_IDLE_SECONDS", 0.0)
    with keep_alive(resources.ledger, parent):
        with pytest.raises(ProviderDown, match="has no live worker"):
            adopted(resources, parent)
        with_client(lambda client: client.send_worker_heartbeat(SHARDS, "busy", heartbeat_interval_seconds=30))
        with pytest.raises(TimeoutError):
            adopted(resources, parent, seconds=3)
        set_state(flow_run.id, Running())
        runs.end_part(
            resources.ledger,
            runs.begin_shard(resources.ledger, parent.document, parent.generation, flow_run=str(flow_run.id)),
        )
        adopted(resources, parent)


def adopted(resources: Resources, parent: Run, *, seconds: float = 60) -> None:
    """The shards that are under way followed to their end. Raises TimeoutError where that takes longer."""
    work = Work(
        run=parent, document=parent.document, name="a.pdf", owner="anna", content="", file="", options=IngestOptions(),
        force=None,
    )  # fmt: skip

    async def advance(done: int, total: int, note: str) -> None:
        """Nobody looks."""

    with disable_run_logger():
        asyncio.run(asyncio.wait_for(follow_earlier_shards(resources, work, advance), seconds))


@pytest.mark.nightly
def test_shard_whose_process_outlives_its_run_is_crashed(
    resources: Resources, shard_deployment: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = begun(resources.ledger)
    flow_run = sent(shard_deployment, parent)
    set_state(flow_run.id, Running())
    run = runs.begin_shard(resources.ledger, parent.document, parent.generation, flow_run=str(flow_run.id))
    runs.end_part(resources.ledger, run)
    assert settled(resources) == UpdatedRuns()
    monkeypatch.setattr(prefect_state, "HOPELESS_SECONDS", 0.0)
    assert settled(resources).crashed == (str(flow_run.id),)


@pytest.mark.parametrize("why", ["cancelled", "made anew"])
@pytest.mark.nightly
def test_shards_that_nobody_wants_are_cancelled(
    resources: Resources, shard_deployment: UUID, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = begun(resources.ledger)
    waiting, at_work = sent(shard_deployment, parent), sent(shard_deployment, parent)
    set_state(at_work.id, Running())
    runs.begin_shard(resources.ledger, parent.document, parent.generation, flow_run=str(at_work.id))
    if why == "cancelled":
        cancel(resources.ledger, parent.document)
    else:
        end(resources.ledger, parent, DocumentStatus.WAITING)
        begin_again(resources.ledger, parent, fingerprint="other options")
    assert set(settled(resources).cancelled) == {str(waiting.id), str(at_work.id)}
    assert state_of(waiting) == "Cancelled"
    assert state_of(at_work) == "Cancelling"
    monkeypatch.setattr(prefect_state, "FAREWELL_SECONDS", 0.0)
    settled(resources)
    assert state_of(at_work) == "Cancelled"


@pytest.mark.nightly
def test_flow_run_started_by_hand_decides_for_itself(resources: Resources, shard_deployment: UUID) -> None:
    by_hand = with_client(
        lambda client: client.create_flow_run_from_deployment(shard_deployment, parameters={"manifest": "0" * 64})
    )
    assert settled(resources) == UpdatedRuns()
    found = with_client(lambda client: client.read_flow_run(by_hand.id))
    assert found.state_type == StateType.SCHEDULED
