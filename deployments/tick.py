"""Run the background loop of `serve`, or its one round for `tick`.

- Every 30 s: mark dead runs, kill hung processes, finish deletes, publish, start due documents, send notices, take
  the events of object stores, build vector indexes that are due; give freed memory back.
- Every hour: collect garbage, and compare the index with the ledger; the second also when the index has restarted.
- Without a Prefect server: run due documents in a child process, one at a time, at once what came during the last
  one, and reviews every ten minutes.
- A Prefect server that was emptied is set up again.

Rounds keep no state in memory, so that a loop may be killed at any point and several may run concurrently.
"""

import asyncio
import logging
import math
import os
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from functools import partial
from typing import cast

from filelock import FileLock, Timeout

from swatchbook.buckets import find_buckets, has_buckets
from swatchbook.domain.errors import Failure, InvalidReference, MissingExtra, as_failure
from swatchbook.domain.plugins import of_package
from swatchbook.domain.records import Record
from swatchbook.domain.runtime.heap import release_memory
from swatchbook.index.contract import MovableIndex
from swatchbook.ingest.delete import finish_delete
from swatchbook.ingest.notify import send_notices
from swatchbook.ingest.publish import build_due, publish_all, settle_late_writes
from swatchbook.ingest.review import documents_to_review
from swatchbook.resources import Resources
from swatchbook.store.ledger import dead_runs, schedule
from swatchbook.store.ledger.retention import UNUSED_SECONDS
from swatchbook.store.ledger.schedule import record_round
from swatchbook.store.ledger.stored_documents import Document
from swatchbook.upkeep.gc import Swept, sweep
from swatchbook.upkeep.verify import IndexWatch, repair_index

log = logging.getLogger(__name__)

EVERY_SECONDS = 30.0
"""Seconds between two rounds."""

GATHER_SECONDS = 1.0
"""Delay between a wake-up and its round, so that documents uploaded together are launched together."""

COLLECT_SECONDS = 3_600.0
"""Seconds between two garbage collections."""

REVIEW_SECONDS = 600.0
"""Seconds between two reviews; sooner would not help when a provider is down or a budget is spent."""

_MAX_COUNTED = 1_000  # the most documents that are counted
_DELETES = 20  # the most deletes finished in one round
_INDEX_SECONDS = 5.0  # seconds of retries during an index outage: the next round comes soon enough
_PART_SECONDS = 15.0  # after which deletes and publishing leave the rest to the next round, which then comes at once
_SHUTDOWN_SECONDS = 15.0  # seconds for a child to record its end after SIGTERM


PartResult = dict[str, object]
"""Fields of Ticked."""

Part = Callable[[Resources], Awaitable[PartResult]]


class Ticked(Record):
    """Result of one round. `troubles`: error messages; the next round tries again."""

    buried: tuple[str, ...] = ()  # runs marked dead
    killed: tuple[int, ...] = ()  # pids of hung runs
    deleted: tuple[str, ...] = ()
    published: int = 0
    registered: int = 0  # objects that events named
    restored: bool = False  # Prefect had lost what `swatchbook serve setup` creates
    launched: tuple[str, ...] = ()  # documents
    stopped: tuple[str, ...] = ()  # documents whose flow run a person has cancelled in Prefect
    worked_off: int = 0  # documents processed in a child process, without a Prefect server
    reviewed: int = 0  # documents reviewed in a child process
    notified: int = 0  # notices delivered
    crashed: tuple[str, ...] = ()  # flow runs set Crashed
    cancelled: tuple[str, ...] = ()  # flow runs set Cancelled
    freed: tuple[str, ...] = ()  # deployments, once for each slot that no flow run held
    troubles: tuple[str, ...] = ()


async def tick(resources: Resources) -> Ticked:
    """Run one round. Without a Prefect server, also process due documents in a child process, and wait for it; those
    that another command is about to begin are left to it.

    Failures are returned as `troubles`, since a later round may succeed.
    """
    children: list[Part] = [] if _has_prefect() else [partial(_process_due, patient=True), _review]
    done = await _round(resources, [_take_events, *_parts(), *children, _notify])
    await asyncio.to_thread(build_due, resources)
    await _record(resources, done)
    return done


async def keep_ticking(resources: Resources, wake: asyncio.Event, every: float = EVERY_SECONDS) -> None:
    """Run a round every `every` seconds, and soon after `wake` is set, until cancelled; collect garbage every hour.

    Failures are logged when they start and when they end. Notices are sent and events taken concurrently, so that a
    slow receiver or bucket delays no document. Without a Prefect server, one child process handles due documents, and
    another runs reviews.
    """
    tasks, index = dict[str, asyncio.Task[None]](), IndexWatch()

    def begin(name: str, work: Coroutine[object, object, object]) -> None:
        """Run work beside the rounds, unless earlier work of this name is still running."""
        if name not in tasks or tasks[name].done():
            tasks[name] = asyncio.create_task(_logged(work))
        else:
            work.close()

    troubles: tuple[str, ...] = ()
    collected = reviewed = -math.inf
    try:
        while True:
            wake.clear()
            begun = time.monotonic()
            done = await _round(resources, _parts())
            await _record(resources, done)
            for trouble in done.troubles:
                if trouble not in troubles:
                    log.warning("background loop: %s", trouble)
            if troubles and not done.troubles:
                log.info("background loop: recovered")
            troubles = done.troubles
            await asyncio.to_thread(release_memory)  # what a crowd of requests has left in the heaps
            begin("notices", _recorded(resources, _notify))
            begin("events", _take_and_wake(resources, wake))
            begin("vector indexes", asyncio.to_thread(build_due, resources))
            if not troubles:
                begin("repair", asyncio.to_thread(index.repair, resources))
            is_late = time.monotonic() - begun > _PART_SECONDS
            if len(done.deleted) >= _DELETES or (is_late and (done.deleted or done.published)):  # there may be more
                wake.set()
            if time.monotonic() - collected > COLLECT_SECONDS and not troubles:
                begin("garbage", clear(resources))
                collected = time.monotonic()
            if not _has_prefect():
                begin("documents", _process_and_wake(resources, wake))
                if time.monotonic() - reviewed > REVIEW_SECONDS:
                    begin("reviews", _recorded(resources, _review))
                    reviewed = time.monotonic()
            with suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), every)
                await asyncio.sleep(min(GATHER_SECONDS, every))
    finally:
        for each in tasks.values():
            each.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)


async def collect(resources: Resources, *, older_than: float = UNUSED_SECONDS) -> Swept:
    """Remove garbage as `clear` does, then compare the index with the ledger, and repair what differs."""
    swept = await clear(resources, older_than=older_than)
    await asyncio.to_thread(repair_index, resources)
    return swept


async def clear(resources: Resources, *, older_than: float = UNUSED_SECONDS) -> Swept:
    """Remove garbage here and old flow runs in Prefect, and let idle tenants rest.

    Raises as `sweep`, and ProviderDown when Prefect does not respond.
    """
    swept = await asyncio.to_thread(sweep, resources, older_than=older_than)
    if isinstance(resources.index, MovableIndex):
        await asyncio.to_thread(resources.index.rest)
    if not _has_prefect():
        return swept
    return swept.model_copy(update=await _with_prefect("forget_ended")(resources))


async def _logged(work: Coroutine[object, object, object]) -> None:
    try:
        await work
    except Exception as error:  # noqa: BLE001 — isolates background tasks from the loop
        log.warning("background loop: %s", _message(error))


async def _round(resources: Resources, parts: Iterable[Part]) -> Ticked:
    """Run the parts in order; a failed part does not stop the others."""
    done, troubles = PartResult(), list[str]()
    for part in parts:
        try:
            found = await part(resources)
            troubles += cast("tuple[str, ...]", found.pop("troubles", ()))
            done |= found
        except Exception as error:  # noqa: BLE001 — isolates the parts of a round
            troubles.append(_message(error))
    return Ticked.model_validate({**done, "troubles": tuple(troubles)})


async def _recorded(resources: Resources, part: Part) -> None:
    await _record(resources, Ticked.model_validate(await part(resources)))


async def _record(resources: Resources, done: Ticked) -> None:
    """Record what was done, if anything was. If the ledger is down, the round itself reports it."""
    if found := done.model_dump(mode="json", exclude_defaults=True):
        with suppress(Failure):
            await asyncio.to_thread(record_round, resources.ledger, found)


def _parts() -> list[Part]:
    return [*map(_in_thread, (_mark_dead, _delete, _publish)), *([_work_in_prefect] if _has_prefect() else [])]


def _in_thread(work: Callable[[Resources], PartResult]) -> Part:
    async def part(resources: Resources) -> PartResult:
        return await asyncio.to_thread(work, resources)

    return part


def _message(error: Exception) -> str:
    if not isinstance(error, Failure):
        log.error("unexpected error in the background loop", exc_info=error)
    return str(as_failure(error))


# --- the parts of a round ---------------------------------------------------------------------------------------------


def _mark_dead(resources: Resources) -> PartResult:
    """Mark dead runs and kill hung processes."""
    return {
        "buried": tuple(dead_runs.mark_dead(resources.ledger)),
        "killed": tuple(dead_runs.kill_hung(resources.ledger)),
    }


def _delete(resources: Resources) -> PartResult:
    deleted, until = list[str](), time.monotonic() + _PART_SECONDS
    for document in schedule.unfinished_deletes(resources.ledger, _DELETES):
        with suppress(InvalidReference):  # another process has just finished it
            if finish_delete(resources, document, at_most=_INDEX_SECONDS, until=until):
                deleted.append(document)
        if time.monotonic() > until:
            break
    return {"deleted": tuple(deleted)}


def _publish(resources: Resources) -> PartResult:
    """Publish rows of documents without a live run, and undo writes that arrived late."""
    settle_late_writes(resources)
    if not schedule.needs_publishing(resources.ledger):
        return {}
    until = time.monotonic() + _PART_SECONDS
    return {"published": publish_all(resources, at_most=_INDEX_SECONDS, until=until).rows}


async def _take_events(resources: Resources) -> PartResult:
    """Register the objects of events that are due."""
    if not (has_buckets() or resources.settings.event_sources):
        return {}
    try:
        buckets = find_buckets("SWATCHBOOK_EVENT_SOURCES")
    except MissingExtra as failure:
        return {"troubles": (str(failure),)}
    done = await asyncio.to_thread(buckets.take_events, resources)
    return {"registered": done.registered, "troubles": done.troubles}


async def _take_and_wake(resources: Resources, wake: asyncio.Event) -> None:
    """Take events between the rounds; what was registered is started by the next one at once."""
    done = await _take_events(resources)
    await _record(resources, Ticked.model_validate(done))
    if done.get("registered"):
        wake.set()


async def _process_and_wake(resources: Resources, wake: asyncio.Event) -> None:
    """Process due documents between the rounds; those that came meanwhile are started by the next one at once."""
    before = {each.id for each in await _launchable(resources)}
    await _recorded(resources, _process_due)
    if before and {each.id for each in await _launchable(resources)} - before:
        wake.set()


async def _notify(resources: Resources) -> PartResult:
    return {"notified": await send_notices(resources)}


# --- with and without a Prefect server --------------------------------------------------------------------------------


def _with_prefect(name: str) -> Callable[[Resources], Awaitable[PartResult]]:
    """Return a function of the package that works with a Prefect server. Raises MissingExtra."""
    return of_package("A Prefect server that stays", f"swatchbook_service.scheduler.round:{name}")


async def _work_in_prefect(resources: Resources) -> PartResult:
    return await _with_prefect("work_round")(resources)


def _has_prefect() -> bool:
    return bool(os.environ.get("PREFECT_API_URL"))


async def _process_due(resources: Resources, *, patient: bool = False) -> PartResult:
    """Run `swatchbook fill failed --all-owners` in a child when documents are due."""
    waiting = await _launchable(resources, patient=patient)
    return (
        {"worked_off": len(waiting)} if waiting and await _in_child(resources, "fill", "failed", "--all-owners") else {}
    )


async def _launchable(resources: Resources, *, patient: bool = False) -> list[Document]:
    return await asyncio.to_thread(schedule.launchable, resources.ledger, _MAX_COUNTED, patient=patient)


async def _review(resources: Resources) -> PartResult:
    """Run `swatchbook review run --all-owners` in a child when documents have pictures to review."""
    waiting = await asyncio.to_thread(documents_to_review, resources)
    return {"reviewed": len(waiting)} if waiting and await _in_child(resources, "review", "run", "--all-owners") else {}


async def _in_child(resources: Resources, *command: str) -> bool:
    """Run a command in a child process, so that the service neither loads models nor crashes with them.

    A file lock allows one at a time on this machine. Return False when another process holds it.
    """
    lock = FileLock(resources.settings.home / f"{command[0]}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    try:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "swatchbook.doors.cli.main", *command, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            await child.wait()
        finally:
            if child.returncode is None:
                child.terminate()  # it records that it was interrupted
                await asyncio.wait_for(child.wait(), _SHUTDOWN_SECONDS)
    finally:
        lock.release()
    return True
