"""Endpoints `/live`, `/ready`, `/health` and `/metrics`, with the rules when the service is degraded or down.

A probe may take 5 s and is repeated after 2 s; the counts are up to 30 s old.

Each probe runs in at most one thread, however many requests wait for it.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Generic, Literal, NamedTuple, TypeVar

from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from swatchbook.domain.errors import DiskFull, Failure
from swatchbook.domain.records import ImageCounts
from swatchbook.domain.redact import redact
from swatchbook.domain.runtime.disk import require_room
from swatchbook.doors.prefect_server import probe_prefect
from swatchbook.doors.replies import DiskState, EmbeddingStats, Health, Live, PartState, Ready, Stats
from swatchbook.resources import Resources
from swatchbook.store.ledger.object_events import DeadEvents, dead_events
from swatchbook.store.ledger.owners import known_owners
from swatchbook.store.ledger.queries.account import owner_accounts
from swatchbook.store.ledger.queries.coverage import count_statistics
from swatchbook.store.ledger.schedule import count_due
from swatchbook.store.ledger.webhooks import Undelivered, undelivered
from swatchbook.upkeep.reports.stale import stale_roles
from swatchbook_service.auth import oversee
from swatchbook_service.metrics import Requests, describe
from swatchbook_service.parameters import of_process
from swatchbook_service.problems import documented

ANSWER_SECONDS = 5.0  # timeout of a probe
PROBE_SECONDS = 2.0  # for which the result of a probe is cached
PREFECT_SECONDS = 10.0  # for which the state of Prefect is cached
LATE_SECONDS = 120.0  # a document that has been due for longer is late
DEAD_SECONDS = 86_400.0  # for which a dead event of a bucket makes the service degraded
COUNT_SECONDS = 30.0  # for which the counts of the ledger are cached
_SHARE = 10  # results are cached for ten times their computing time, so counting takes a tenth of the time at most

T = TypeVar("T")

router = APIRouter(tags=["health"])


class Counted(NamedTuple):
    """Counts of the whole ledger, for `/health` and as figures for `/metrics`."""

    stats: Stats
    embeddings: EmbeddingStats
    undelivered: Undelivered | None
    dead_events: DeadEvents | None
    figures: CollectorRegistry


class Recent(Generic[T]):
    """Cache of a value computed in a thread, one computation at a time; exceptions are cached too."""

    def __init__(self, compute: Callable[[], T], seconds: float) -> None:
        self._compute, self._seconds = compute, seconds
        self._task: asyncio.Task[T] | None = None
        self._until = 0.0

    async def get(self) -> T:
        """Return the value, or raise what its computation raised."""
        if self._task is None or (self._task.done() and time.monotonic() >= self._until):
            self._task = asyncio.create_task(self._run())
        return await asyncio.shield(self._task)

    async def _run(self) -> T:
        started = time.monotonic()
        try:
            return await asyncio.to_thread(self._compute)
        finally:
            now = time.monotonic()
            self._until = now + max(self._seconds, _SHARE * (now - started))


class Watch:
    """The cached probes of the process."""

    def __init__(self, resources: Resources) -> None:
        self.database = Recent(lambda: resources.ledger.now(), PROBE_SECONDS)
        self.index = Recent(lambda: resources.index.probe(), PROBE_SECONDS)
        self.disk = Recent(lambda: require_room(resources.settings.home), PROBE_SECONDS)
        self.prefect = Recent(lambda: find_troubles(resources), PREFECT_SECONDS)
        self.counted = Recent(lambda: count(resources), COUNT_SECONDS)

    async def parts(self) -> tuple[PartState, PartState, DiskState]:
        """Return whether ledger and index answer, and whether the disks of the home and of the index have room.

        A part that only lacks room answers; a disk that does not answer is not full.
        """
        database, index, home = await asyncio.gather(
            state_of(self.database.get()), state_of(self.index.get()), state_of(self.disk.get())
        )
        return (
            "down" if database == "down" else "ok",
            "down" if index == "down" else "ok",
            "full" if "full" in (index, home) else "ok",
        )

    async def prefect_troubles(self) -> tuple[Literal["ok", "down", "not configured"], list[str]]:
        """Return whether Prefect answers, where there is one, and what keeps it from starting runs."""
        if not os.environ.get("PREFECT_API_URL"):
            return "not configured", []
        troubles = await result_or_none(self.prefect.get())
        return ("down", []) if troubles is None else ("ok", troubles)


TheWatch = Annotated[Watch, of_process("watch")]


def find_troubles(resources: Resources) -> list[str]:
    """Return what keeps Prefect from starting runs. Raises Configuration and ProviderDown when it does not respond."""
    probe_prefect(os.environ["PREFECT_API_URL"])
    from swatchbook_service.scheduler import prefect_state  # imports Prefect: only with a server

    return prefect_state.find_troubles(resources.settings)


def starts_documents(resources: Resources) -> bool:
    """Return whether nothing keeps documents that are due from being started: Prefect, where there is one, is well."""
    try:
        return not (os.environ.get("PREFECT_API_URL") and find_troubles(resources))
    except Failure:
        return False


def count(resources: Resources) -> Counted:
    """Count the whole ledger. Raises LedgerDown."""
    ledger, settings = resources.ledger, resources.settings
    coverage, accounts = count_statistics(ledger).coverage, owner_accounts(ledger)
    stats = Stats(
        owners=len(known_owners(ledger)),
        documents=coverage.documents,
        # each image has one owner
        images={name: sum(getattr(each, name) for each in accounts) for name in ImageCounts.model_fields},
        unpublished=coverage.unpublished,
        **count_due(ledger).model_dump(),
    )
    embeddings = EmbeddingStats(
        total_images=coverage.total_images,
        with_embeddings=coverage.with_embeddings,
        without_embeddings=coverage.without_embeddings,
        coverage_percentage=coverage.coverage_percentage,
        stale={each.role: each.stale + each.unserved for each in stale_roles(ledger, settings)},
    )
    missed = undelivered(ledger) if settings.notice_url else None
    dead = dead_events(ledger, None, within=DEAD_SECONDS)
    figures = describe(resources, stats, embeddings, accounts, coverage.roles, dead.count if dead else 0)
    return Counted(stats, embeddings, missed, dead, figures)


@router.get("/live", summary="Liveness of the process")
async def live() -> Live:
    """Depends on nothing else."""
    return Live()


@router.get(
    "/ready",
    summary="Readiness: ledger and index respond",
    responses={503: {"model": Ready, "description": "Not ready"}},
)
async def ready(watch: TheWatch, response: Response) -> Ready:
    """Returns 503 with the state of each part when one is down. Says also whether the disk is full."""
    database, index, disk = await watch.parts()
    is_ready = database == index == "ok"
    response.status_code = 200 if is_ready else 503
    return Ready(status="ready" if is_ready else "not ready", database=database, index=index, disk=disk)


@router.get(
    "/health",
    summary="Health of every part, and counts of the collection",
    dependencies=[Depends(oversee)],
    responses=documented(401, 403) | {503: {"model": Health, "description": "Ledger or index is down"}},
)
async def health(watch: TheWatch, response: Response) -> Health:
    """Counts are at most 30 s old (older when counting is slow). Needs an API key for all owners."""
    (database, index, disk), (prefect, found), counted = await asyncio.gather(
        watch.parts(), watch.prefect_troubles(), result_or_none(watch.counted.get())
    )
    waits = counted.stats.oldest_due_seconds if counted else 0.0
    troubles = [
        *found,
        *([f"A document has been due for {waits:.0f} s and is not worked on."] if waits > LATE_SECONDS else []),
        *([counted.undelivered.line] if counted and counted.undelivered else []),
        *([counted.dead_events.line] if counted and counted.dead_events else []),
    ]
    if prefect == "down":
        url = redact(os.environ["PREFECT_API_URL"])
        troubles.insert(0, f"Prefect does not answer at {url}: start its server, or correct PREFECT_API_URL.")
    if disk == "full":
        troubles.insert(0, "The disk of SWATCHBOOK_HOME is full: free some space; all work then continues by itself.")
    down = "down" in (database, index)
    response.status_code = 503 if down else 200
    return Health(
        status="down" if down else "degraded" if troubles else "ok",
        database=database,
        index=index,
        disk=disk,
        prefect=prefect,
        troubles=tuple(troubles),
        stats=counted.stats if counted else None,
        embedding_stats=counted.embeddings if counted else None,
    )


@router.get(
    "/metrics",
    summary="Prometheus metrics",
    dependencies=[Depends(oversee)],
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **documented(401, 403)},
)
async def metrics(watch: TheWatch, requests: Annotated[Requests, of_process("requests")]) -> Response:
    """Ledger metrics are as old as the counts of /health; while it is down there is only `swatchbook_ledger_up 0`."""
    counted, (_, index, _) = await asyncio.gather(result_or_none(watch.counted.get()), watch.parts())
    up = CollectorRegistry()
    Gauge("swatchbook_ledger_up", "1 if the ledger could be counted, else 0.", registry=up).set(counted is not None)
    Gauge("swatchbook_index_up", "1 if the index responds, else 0.", registry=up).set(index == "ok")
    told = [requests.registry, up, *([counted.figures] if counted else [])]
    return Response(b"".join(map(generate_latest, told)), media_type=CONTENT_TYPE_LATEST)


async def result_or_none(value: Awaitable[T]) -> T | None:
    """Return the value, or None when it fails or takes longer than ANSWER_SECONDS; its computation then continues."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await value
    except (Failure, TimeoutError):
        return None


async def state_of(probe: Awaitable[object]) -> Literal["ok", "full", "down"]:
    """Return whether a part answers, and has room."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await probe
    except DiskFull:
        return "full"
    except (Failure, TimeoutError):
        return "down"
    return "ok"
