"""Resources, a real Prefect server, and the deployment that the loop launches, made through the API."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from swatchbook.domain.records import IngestOptions, sha256
from swatchbook.resources import Resources
from swatchbook.store.ledger.dead_runs import mark_dead as bury_dead
from swatchbook.store.ledger.runs import Run
from swatchbook.store.ledger.stored_documents import Document, queue
from swatchbook.store.ledger.tables import runs
from tests.store.ledger.scene import change

POOL = "control"


@pytest.fixture
def deployment(prefect_api: str) -> Iterator[Any]:
    """`ingest_catalogue/ingest_catalogue` on a process pool, no flow runs beside it; all of it goes afterwards."""
    asyncio.run(remove_flow_runs())  # those of other tests of the same server
    created = asyncio.run(_create())
    yield created
    asyncio.run(_remove(created))


@pytest.fixture
def images_deployment(deployment: Any) -> Iterator[Any]:
    created = asyncio.run(_create("ingest_images"))
    yield created
    asyncio.run(_remove(created))


async def _create(name: str = "ingest_catalogue") -> Any:
    from prefect import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.types.entrypoint import EntrypointType

    from swatchbook.flows.ingest_catalogue import ingest_catalogue
    from swatchbook.flows.ingest_images import ingest_images

    flow: Any = {"ingest_catalogue": ingest_catalogue, "ingest_images": ingest_images}[name]
    async with get_client() as client:
        await client.create_work_pool(WorkPoolCreate(name=POOL, type="process"), overwrite=True)
        made = await flow.ato_deployment(name=name, work_pool_name=POOL, entrypoint_type=EntrypointType.MODULE_PATH)
        return await made.aapply()


async def _remove(deployment: Any) -> None:
    from prefect import get_client

    await remove_flow_runs()
    async with get_client() as client:
        await client.delete_deployment(deployment)


async def remove_flow_runs() -> None:
    from prefect import get_client

    async with get_client() as client:
        while runs := await client.read_flow_runs(limit=200):
            for run in runs:
                await client.delete_flow_run(run.id)


def queued(resources: Resources, name: str = "catalogue", owner: str = "anna", **given: Any) -> Document:
    """A document that waits for its first run; its file need not be there. `given`: what else is known of it."""
    key = sha256(name.encode())
    usual: dict[str, Any] = {"content": key, "kind": "pdf", "file": f"{key}.pdf", "size": 1, "options": IngestOptions()}
    return queue(resources.ledger, owner=owner, name=f"{name}.pdf", **usual | given)


def died(resources: Resources, run: Run, *, bury: bool = True) -> None:
    """Let the run's process, on this machine, have ended; and bury the run."""
    change(resources.ledger, runs, runs.c.token == run.token, pid_started=1.0)
    if bury:
        assert bury_dead(resources.ledger) == [run.token]
