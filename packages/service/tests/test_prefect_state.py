"""What Prefect has lost is named, and set up again by the loop; on a real Prefect server."""

import asyncio

import pytest
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from test_setup import ask, bare

from swatchbook.deployments.declared import CONTROL, EMBED, flow_names
from swatchbook.deployments.tick import tick
from swatchbook.domain.records import DocumentStatus
from swatchbook.resources import Resources
from swatchbook.store.ledger.stored_documents import get_document
from swatchbook_service.pools import CONTROL_LIMIT
from swatchbook_service.scheduler.prefect_state import find_troubles
from swatchbook_service.setup import Mode, set_up
from tests.deployments.conftest import queued

__all__ = ["bare"]


def test_everything_that_keeps_runs_from_starting_is_named(resources: Resources, bare: str) -> None:
    troubles = find_troubles(resources.settings)
    assert len(troubles) == len(flow_names()) + 1
    assert all("swatchbook serve setup" in trouble for trouble in troubles)
    asyncio.run(set_up(resources.settings, Mode()))
    (trouble,) = find_troubles(resources.settings)
    assert "prefect worker start --pool control --type process" in trouble
    (_, shards) = find_troubles(resources.settings.model_copy(update={"execution": "pool"}))
    assert "swatchbook serve worker" in shards
    ask(lambda client: client.send_worker_heartbeat(CONTROL, "here", heartbeat_interval_seconds=30))
    assert find_troubles(resources.settings) == []
    in_shards = resources.settings.model_copy(update={"execution": "pool"})
    ask(lambda client: client.delete_work_pool(EMBED))
    ask(lambda client: client.create_work_pool(WorkPoolCreate(name=EMBED, type="kubernetes")))
    (trouble,) = find_troubles(in_shards)
    assert "prefect worker start --pool embed --type kubernetes" in trouble
    ask(lambda client: client.update_work_pool(EMBED, WorkPoolUpdate(is_paused=True)))
    assert "is paused" in find_troubles(in_shards)[0]


@pytest.mark.usefixtures("bare")
@pytest.mark.gate
def test_emptied_prefect_is_set_up_again(resources: Resources) -> None:
    document = queued(resources)
    ask(lambda client: client.create_work_pool(WorkPoolCreate(name=CONTROL, type="process")))  # by a living worker
    done = asyncio.run(tick(resources))
    assert (done.restored, done.launched, done.troubles) == (True, (document.id,), ())
    assert {deployment.name for deployment in ask(lambda client: client.read_deployments())} == flow_names()
    assert ask(lambda client: client.read_work_pool(CONTROL)).concurrency_limit == CONTROL_LIMIT
    assert not asyncio.run(tick(resources)).restored


@pytest.mark.usefixtures("bare")
def test_failed_setup_of_prefect_blocks_documents_with_advice(resources: Resources) -> None:
    document = queued(resources)
    ask(lambda client: client.create_work_pool(WorkPoolCreate(name=CONTROL, type="docker")))
    (trouble,) = asyncio.run(tick(resources)).troubles
    assert "swatchbook serve setup" in trouble
    told = get_document(resources.ledger, document.id)
    assert told.status == DocumentStatus.BLOCKED
    assert "swatchbook serve setup" in str(told.message)
    assert told.due_at is not None  # it goes on by itself
