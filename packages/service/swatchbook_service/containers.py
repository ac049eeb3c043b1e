"""Compare Prefect with the containers of one Docker engine, every 30 s in `swatchbook serve worker`.

A shard's flow run without a running container becomes Crashed. A container whose flow run has been over for a minute is
stopped, and finished containers are removed after an hour.

A restarted Docker worker does not adopt earlier flow runs: those whose container died stay Running, those whose
container never started stay Pending, and both occupy slots of the pool. Keeps no state between rounds.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import docker
from docker.errors import DockerException, NotFound
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import WorkPoolFilter, WorkPoolFilterId
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Crashed

from swatchbook.deployments.declared import EMBED
from swatchbook.domain.errors import Configuration, ProviderDown, as_failure, reason_of
from swatchbook.domain.records import Record
from swatchbook.tasks.cancelled_in_prefect import NO_CONTAINER
from swatchbook.tasks.prefect_client import UNDER_WAY, WORKER, in_states, is_over, seconds_in_state, set_state
from swatchbook_service.pools import LABELS
from swatchbook_service.scheduler.launch import prefect

log = logging.getLogger(__name__)

EVERY_SECONDS = 30.0
"""Seconds between two rounds."""

GRACE_SECONDS = 60.0
"""Time for a worker to report the end of a container, and for a container to end after its flow run."""

KEPT = "1h"
"""Age from its creation until a finished container is removed with its logs."""

_STOP_SECONDS = 10  # seconds for a shard to record its end after SIGTERM
_ENGINE_SECONDS = 30  # seconds for a response of the engine
_FLOW_RUN, _POOL = "io.prefect.flow-run-id", "io.prefect.work-pool-id"
_LIVE = frozenset({"running", "paused", "restarting"})


class Reconciled(Record):
    """Result of one round: ids of flow runs, and of containers removed because their flow run is over."""

    crashed: tuple[str, ...] = ()
    cancelled: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    pruned: int = 0


class Container(Record):
    """A container of the pool. `created`: Unix seconds."""

    id: str
    flow_run: UUID
    state: str
    created: float


def find_engine() -> docker.DockerClient:
    """Return a client of the Docker engine at DOCKER_HOST or the default socket.

    Raises Configuration when it does not respond.
    """
    try:
        return docker.from_env(timeout=_ENGINE_SECONDS)
    except (DockerException, OSError) as error:
        raise Configuration(
            f"The Docker engine does not respond: {reason_of(error)}.",
            advice="Start it, give this process access to its socket, and set DOCKER_HOST for a non-default socket.",
        ) from error


def worker_name(engine: docker.DockerClient) -> str:
    """Return the name of this engine's worker, the same after a restart: it identifies the worker's flow runs.

    Raises ProviderDown.
    """
    with _docker_errors():
        info = engine.info()
    return f"{info['Name']} {info['ID'][:8]}"


async def reconcile(client: PrefectClient, engine: docker.DockerClient, *, worker: str, since: datetime) -> Reconciled:
    """Run one round. Flow runs Pending since before `since` are lost; later ones belong to the live `worker`.

    Flow runs in containers of other engines are left alone. Raises Configuration when there is no pool, ProviderDown
    when the engine does not respond, and what the client raises.
    """
    try:
        pool = (await client.read_work_pool(EMBED)).id
    except ObjectNotFound:
        raise Configuration(
            f"Prefect has no work pool {EMBED}.", advice="Create it with `swatchbook serve setup`."
        ) from None
    # Containers first: a flow run that is still Running afterwards and has no container has lost it.
    containers = await asyncio.to_thread(_containers, engine, pool)
    live = {container.flow_run for container in containers if container.state in _LIVE}
    ended = {container.flow_run for container in containers} - live
    crashed, cancelled = list[str](), list[str]()
    under_way = WorkPoolFilter(id=WorkPoolFilterId(any_=[pool]))
    lost = [run async for run in in_states(client, UNDER_WAY, pool=under_way) if run.id not in live]
    for run in lost:
        ours = run.id in ended or run.labels.get(WORKER) == worker
        if ours and _is_lost(run, since, ended=run.id in ended):
            if run.state_type == StateType.CANCELLING:
                await set_state(client, run, Cancelled(message=NO_CONTAINER))
                cancelled.append(str(run.id))
            else:
                await set_state(client, run, Crashed(message="It has no running container."))
                crashed.append(str(run.id))
    over = [each for each in containers if each.state in _LIVE and await _is_over(client, each)]
    for container in over:
        await asyncio.to_thread(_remove, engine, container)
    return Reconciled(
        crashed=tuple(crashed),
        cancelled=tuple(cancelled),
        removed=tuple(container.id for container in over),
        pruned=await asyncio.to_thread(_prune, engine),
    )


async def keep_reconciling(engine: docker.DockerClient, *, worker: str, since: datetime) -> None:
    """Run a round every 30 s until cancelled. Failures are logged when they start and when they end."""
    trouble = ""
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        try:
            async with prefect() as client:
                done = await reconcile(client, engine, worker=worker, since=since)
        except Exception as error:
            if (description := repr(error)) != trouble:
                log.warning("reconciling: %s", as_failure(error), exc_info=error)
            trouble = description
            continue
        if trouble:
            log.info("reconciling: recovered")
        trouble = ""
        log_round(done)


def log_round(done: Reconciled) -> None:
    """Log the result of a round, unless it is empty."""
    if done != Reconciled():
        log.info("reconciled", extra=done.model_dump(exclude_defaults=True))


def _is_lost(run: FlowRun, since: datetime, *, ended: bool) -> bool:
    """Return whether a flow run without a running container is lost. `ended`: it had a container."""
    if run.state is None or run.state.timestamp < since:
        return True
    has_begun = ended or run.state_type != StateType.PENDING  # else its image may still be being pulled
    return has_begun and seconds_in_state(run) > GRACE_SECONDS


async def _is_over(client: PrefectClient, container: Container) -> bool:
    """Return whether a container's flow run is over or was deleted."""
    try:
        run = await client.read_flow_run(container.flow_run)
    except ObjectNotFound:
        return datetime.now(UTC).timestamp() - container.created > GRACE_SECONDS
    return is_over(run) and seconds_in_state(run) > GRACE_SECONDS


# --- Docker -----------------------------------------------------------------------------------------------------------


def _containers(engine: docker.DockerClient, pool: UUID) -> list[Container]:
    """Return the containers of a pool, by its id: pools of other Prefect servers have the same name."""
    with _docker_errors():
        rows: list[dict[str, Any]] = engine.api.containers(all=True, filters={"label": [f"{_POOL}={pool}", _FLOW_RUN]})
    return [
        Container(id=each["Id"], flow_run=each["Labels"][_FLOW_RUN], state=each["State"], created=each["Created"])
        for each in rows
    ]


def _remove(engine: docker.DockerClient, container: Container) -> None:
    with _docker_errors(), suppress(NotFound):
        running = engine.containers.get(container.id)
        running.stop(timeout=_STOP_SECONDS)
        running.remove(force=True)


def _prune(engine: docker.DockerClient) -> int:
    """Remove finished shard containers of any pool; return their number."""
    labels = [f"{name}={value}" for name, value in LABELS.items()]
    with _docker_errors():
        pruned = engine.containers.prune(filters={"label": labels, "until": KEPT})
    return len(pruned["ContainersDeleted"] or ())


@contextmanager
def _docker_errors() -> Iterator[None]:
    """Turn errors of the Docker client and of its HTTP library into ProviderDown."""
    try:
        yield
    except (DockerException, OSError) as error:
        raise ProviderDown(f"The Docker engine failed: {reason_of(error)}.") from error
