"""Flow runs as Prefect's API gives them, and their states set."""

import logging
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import UTC, datetime
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
    WorkPoolFilter,
)
from prefect.client.schemas.objects import FlowRun, State, StateType, WorkerStatus
from prefect.exceptions import ObjectNotFound

from swatchbook.errors import Configuration

log = logging.getLogger(__name__)

PAGE = 200
"""Flow runs: as many as the server gives at once."""

WAITING = (StateType.SCHEDULED,)
UNDER_WAY = (StateType.PENDING, StateType.RUNNING, StateType.CANCELLING)
"""States in which a flow run holds a slot of its pool."""

WORKER = "prefect.worker.name"
"""The label by which a flow run tells what worker has taken it."""


def of_flows(*names: str) -> FlowFilter:
    """Of flows of these names."""
    return FlowFilter(name=FlowFilterName(any_=list(names)))


async def deployment_id(client: PrefectClient, name: str) -> UUID:
    """Of a deployment by "flow/deployment". Raises Configuration where there is none."""
    try:
        return (await client.read_deployment_by_name(name)).id
    except ObjectNotFound:
        raise Configuration(f"Prefect has no deployment {name}.", advice="Create it with `swatchbook setup`.") from None


async def in_states(
    client: PrefectClient,
    types: Sequence[StateType],
    *,
    flow: FlowFilter | None = None,
    pool: WorkPoolFilter | None = None,
    tags: Collection[str] = (),
) -> AsyncIterator[FlowRun]:
    """All flow runs in these states, with all of these tags, read page by page."""
    chosen = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(types))),
        tags=FlowRunFilterTags(all_=list(tags)) if tags else None,
    )
    offset = 0
    while runs := await client.read_flow_runs(
        flow_filter=flow, flow_run_filter=chosen, work_pool_filter=pool, limit=PAGE, offset=offset
    ):
        for run in runs:
            yield run
        offset += len(runs)


async def live_workers(client: PrefectClient, pool: str) -> set[str]:
    """Names of a pool's workers that have shown life in the last minute and a half."""
    return {
        worker.name for worker in await client.read_workers_for_work_pool(pool) if worker.status == WorkerStatus.ONLINE
    }


async def set_state(client: PrefectClient, run: FlowRun, state: State) -> None:
    """Whatever Prefect's rules say; a flow run that is gone stays so."""
    try:
        await client.set_flow_run_state(run.id, state, force=True)
    except ObjectNotFound:
        log.info("flow run %s is gone", run.id)


def is_over(run: FlowRun) -> bool:
    """Whether it has come to its end."""
    return run.state is not None and run.state.is_final()


def seconds_in_state(run: FlowRun) -> float:
    """For how long nothing was said of it."""
    return (datetime.now(UTC) - run.state.timestamp).total_seconds() if run.state else 0.0
