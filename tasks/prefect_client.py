"""Call Prefect's API for tasks and scheduler: find flow runs by state, list live workers, force states.

A live worker has sent a heartbeat in the last 90 s. A Prefect server that does not answer is an outage, which costs no
attempt.
"""

import logging
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
    TaskRunFilter,
    TaskRunFilterState,
    TaskRunFilterStateType,
    WorkPoolFilter,
)
from prefect.client.schemas.objects import FlowRun, State, StateType, WorkerStatus
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings

from swatchbook.domain.errors import Configuration, Failure, ProviderDown, reason_of
from swatchbook.domain.records import ID
from swatchbook.domain.redact import redact

log = logging.getLogger(__name__)

PAGE = 200
"""Most flow runs or task runs that the server returns at once."""

WAITING = (StateType.SCHEDULED,)
UNDER_WAY = (StateType.PENDING, StateType.RUNNING, StateType.CANCELLING)
"""States in which a flow run holds a slot of its pool."""

WAITS, FAILURES, BLOCKED, REFUSED = "Waiting", "Failures", "Blocked", "Refused"
NOTHING_NEW, LOOK, ELSEWHERE, DELETED = "Nothing new", "Look at it", "Already running", "Deleted"
"""Names of the final states of an ingest that has not done all. Their types: docs/flow-runs.md."""

NO_CANCEL = (WAITS, ELSEWHERE, DELETED)
"""Names of those that have the type Cancelled, though nobody has cancelled the document."""

WORKER = "prefect.worker.name"
"""Label of a flow run with the name of the worker that executes it."""


AS_GIVEN = "as given"
"""Tag of a flow run whose parameters were given just now, so that its options are newer than those of its document."""


def of_flows(*names: str) -> FlowFilter:
    """Return a filter for flows of these names."""
    return FlowFilter(name=FlowFilterName(any_=list(names)))


async def deployment_id(client: PrefectClient, name: str) -> UUID:
    """Return the id of a deployment, named "flow/deployment". Raises Configuration if it does not exist."""
    try:
        return (await client.read_deployment_by_name(name)).id
    except ObjectNotFound:
        raise Configuration(
            f"Prefect has no deployment {name}.", advice="Create it with `swatchbook serve setup`."
        ) from None


def launched_document(tags: Iterable[str]) -> str | None:
    """Return the id of the registered document that a flow run was started for, from its tags; None without one."""
    return next((tag for tag in tags if ID.fullmatch(tag)), None)


async def in_states(
    client: PrefectClient,
    types: Sequence[StateType],
    *,
    flow: FlowFilter | None = None,
    pool: WorkPoolFilter | None = None,
    tags: Collection[str] = (),
) -> AsyncIterator[FlowRun]:
    """Yield all flow runs in these states that have all of these tags, reading page by page."""
    flow_run_filter = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(types))),
        tags=FlowRunFilterTags(all_=list(tags)) if tags else None,
    )
    offset = 0
    while runs := await client.read_flow_runs(
        flow_filter=flow, flow_run_filter=flow_run_filter, work_pool_filter=pool, limit=PAGE, offset=offset
    ):
        for run in runs:
            yield run
        offset += len(runs)


async def live_workers(client: PrefectClient, pool: str) -> set[str]:
    """Return the names of a work pool's workers that have sent a heartbeat in the last 90 seconds."""
    return {
        worker.name for worker in await client.read_workers_for_work_pool(pool) if worker.status == WorkerStatus.ONLINE
    }


async def set_state(client: PrefectClient, run: FlowRun, state: State) -> None:
    """Force a flow run into a state, bypassing Prefect's orchestration rules. A deleted flow run is ignored.

    A final state is that of its unfinished task runs, too: Prefect itself ends only those of a cancelled flow run.
    """
    try:
        await client.set_flow_run_state(run.id, state, force=True)
    except ObjectNotFound:
        log.info("flow run %s was deleted", run.id)
        return
    if state.is_final():
        unfinished = TaskRunFilter(state=TaskRunFilterState(type=TaskRunFilterStateType(any_=[*WAITING, *UNDER_WAY])))
        of_this = FlowRunFilter(id=FlowRunFilterId(any_=[run.id]))
        for task_run in await client.read_task_runs(flow_run_filter=of_this, task_run_filter=unfinished, limit=PAGE):
            ended = State(type=state.type, message="Its flow run has ended.")
            await client.set_task_run_state(task_run.id, ended, force=True)


def is_over(run: FlowRun) -> bool:
    """Return whether a flow run is in a final state."""
    return run.state is not None and run.state.is_final()


def seconds_in_state(run: FlowRun) -> float:
    """Return the seconds since a flow run's last change of state."""
    return (datetime.now(UTC) - run.state.timestamp).total_seconds() if run.state else 0.0


@contextmanager
def prefect_errors_as_outage() -> Iterator[None]:
    """Turn errors of Prefect's client about an unreachable server into ProviderDown, which costs no attempt."""
    try:
        yield
    except Failure:
        raise
    except Exception as error:
        if _is_unreachable(error):
            raise does_not_answer(error) from error
        raise


def _is_unreachable(error: BaseException | None) -> bool:
    """Return whether an error comes from a server that does not answer; Prefect raises others because of it."""
    while error is not None:
        if isinstance(error, httpx.HTTPStatusError):
            return error.response.status_code >= 500  # else the server answers, and rejects the request
        if isinstance(error, httpx.TransportError | ConcurrencySlotAcquisitionError):
            return True
        error = error.__cause__
    return False


def does_not_answer(error: BaseException) -> ProviderDown:
    """Return the failure that names the server that does not answer, and says what to do."""
    url = redact(str(get_current_settings().api.url))
    return ProviderDown(
        f"Prefect does not answer at {url}: {reason_of(error)}.",
        advice="Start its server, or correct PREFECT_API_URL; documents then resume by themselves.",
    )
