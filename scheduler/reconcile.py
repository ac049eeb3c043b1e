"""Flow runs of the pool of shards and the containers of one Docker engine, made to agree.

A Docker worker that is killed adopts nothing when it is back: whose container dies meanwhile stays Running, whose
container was never started stays Pending, and both hold a slot of the pool. Nothing is remembered between rounds.
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

from deployments.pools import EMBED, LABELS
from scheduler.launch import prefect
from swatchbook.errors import Configuration, ProviderDown, as_failure
from swatchbook.records import Record
from tasks.prefect_client import UNDER_WAY, WORKER, in_states, is_over, seconds_in_state, set_state

log = logging.getLogger(__name__)

EVERY_SECONDS = 30.0
"""Between two rounds."""

GRACE_SECONDS = 60.0
"""For a worker to report the end of a container, and for a container to end after its flow run, before we step in."""

KEPT = "1h"
"""Since its creation: how long a finished container, with what it said, is kept."""

_STOP_SECONDS = 10  # for a shard to write down that it was ended
_ENGINE_SECONDS = 30  # for an answer of the engine
_FLOW_RUN, _POOL = "io.prefect.flow-run-id", "io.prefect.work-pool-id"
_LIVE = frozenset({"running", "paused", "restarting"})


class Reconciled(Record):
    """What one round did. Ids of flow runs; `removed`: containers that went on for a flow run that is over."""

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
    """The Docker engine of DOCKER_HOST, else of the usual socket. Raises Configuration where it does not answer."""
    try:
        return docker.from_env(timeout=_ENGINE_SECONDS)
    except (DockerException, OSError) as error:
        raise Configuration(
            f"No Docker engine answers: {error}.",
            advice="Start it, let this process use its socket, and say in DOCKER_HOST where that is if nowhere usual.",
        ) from error


def worker_name(engine: docker.DockerClient) -> str:
    """What the worker of this engine is called, before and after a restart: whose flow run it was is known by that.

    Raises ProviderDown.
    """
    with _answering():
        about = engine.info()
    return f"{about['Name']} {about['ID'][:8]}"


async def reconcile(client: PrefectClient, engine: docker.DockerClient, *, worker: str, since: datetime) -> Reconciled:
    """One round. What became Pending after `since` is in the hands of `worker`, which lives; before it, it was lost.

    Flow runs in containers of other engines are left alone. Raises Configuration where there is no pool, ProviderDown
    where the engine does not answer, and what the client raises.
    """
    try:
        pool = (await client.read_work_pool(EMBED)).id
    except ObjectNotFound:
        raise Configuration(f"Prefect has no pool {EMBED}.", advice="Create it with `swatchbook setup`.") from None
    # Containers first: whoever runs when they have been read, and has none, has lost it and not just ended in order.
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
                await set_state(client, run, Cancelled(message="Its container is gone."))
                cancelled.append(str(run.id))
            else:
                await set_state(client, run, Crashed(message="It has no container that lives."))
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
    """A round every 30 s until cancelled. What goes wrong is logged when it begins and when it is over."""
    trouble = ""
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        try:
            async with prefect() as client:
                done = await reconcile(client, engine, worker=worker, since=since)
        except Exception as error:
            if (words := repr(error)) != trouble:
                log.warning("reconciling: %s", as_failure(error), exc_info=error)
            trouble = words
            continue
        if trouble:
            log.info("reconciling: all is well again")
        trouble = ""
        say(done)


def say(done: Reconciled) -> None:
    """Log what a round did, if anything."""
    if done != Reconciled():
        log.info("reconciled", extra=done.model_dump(exclude_defaults=True))


def _is_lost(run: FlowRun, since: datetime, *, ended: bool) -> bool:
    """Of one without a container that lives. `ended`: it had one."""
    if run.state is None or run.state.timestamp < since:
        return True
    begun = ended or run.state_type != StateType.PENDING  # else its image may still be on the way
    return begun and seconds_in_state(run) > GRACE_SECONDS


async def _is_over(client: PrefectClient, container: Container) -> bool:
    """Whether nobody waits for a container any more: its flow run is over, or was deleted."""
    try:
        run = await client.read_flow_run(container.flow_run)
    except ObjectNotFound:
        return datetime.now(UTC).timestamp() - container.created > GRACE_SECONDS
    return is_over(run) and seconds_in_state(run) > GRACE_SECONDS


# --- the engine -------------------------------------------------------------------------------------------------------


def _containers(engine: docker.DockerClient, pool: UUID) -> list[Container]:
    """The pool's, of this server: another one's pool has the same name, and another id."""
    with _answering():
        found: list[dict[str, Any]] = engine.api.containers(all=True, filters={"label": [f"{_POOL}={pool}", _FLOW_RUN]})
    return [
        Container(id=each["Id"], flow_run=each["Labels"][_FLOW_RUN], state=each["State"], created=each["Created"])
        for each in found
    ]


def _remove(engine: docker.DockerClient, container: Container) -> None:
    with _answering(), suppress(NotFound):
        found = engine.containers.get(container.id)
        found.stop(timeout=_STOP_SECONDS)
        found.remove(force=True)


def _prune(engine: docker.DockerClient) -> int:
    """Finished containers of shards, of whichever pool."""
    labels = [f"{name}={value}" for name, value in LABELS.items()]
    with _answering():
        pruned = engine.containers.prune(filters={"label": labels, "until": KEPT})
    return len(pruned["ContainersDeleted"] or ())


@contextmanager
def _answering() -> Iterator[None]:
    """What the Docker client raises, also of requests below it, is an outage."""
    try:
        yield
    except (DockerException, OSError) as error:
        raise ProviderDown(f"Docker does not answer as it should: {error}") from error
