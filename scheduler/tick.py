"""The loop that brings everything back: one round looks at what is due and sees to it that somebody works on it.

A round keeps nothing in memory that the next one needs, so that it may be killed anywhere and several may run at once.
"""

import asyncio
import logging
import math
import os
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress

from filelock import FileLock, Timeout

from swatchbook.errors import Failure, InvalidReference, as_failure
from swatchbook.ledger import hung_processes, runs, schedule
from swatchbook.pipeline.delete import finish_delete
from swatchbook.pipeline.publish import publish_all
from swatchbook.pipeline.review import documents_to_review
from swatchbook.records import Record
from swatchbook.resources import Resources
from swatchbook.upkeep.gc import Swept, sweep

log = logging.getLogger(__name__)

EVERY_SECONDS = 30.0
"""Between two rounds."""

GATHER_SECONDS = 1.0
"""Between being woken and the round: what is uploaded together is launched together."""

COLLECT_SECONDS = 3_600.0
"""Between two collections of what is left behind."""

REVIEW_SECONDS = 600.0
"""Between two looks for weak pictures: where a provider is down or a budget spent, the next one comes to the same."""

_MOST = 1_000  # documents counted
_DELETES = 20  # finished in one round
_INDEX_SECONDS = 5.0  # that an index outage is sat out: the next round comes soon enough
_FAREWELL_SECONDS = 15.0  # for a child that is told to end to write that down


Done = dict[str, object]
"""What a part of a round did: fields of Ticked."""

Part = Callable[[Resources], Awaitable[Done]]


class Ticked(Record):
    """What one round did. `troubles`: what could not be done, in words; the next round tries again."""

    buried: tuple[str, ...] = ()  # runs found dead
    killed: tuple[int, ...] = ()  # processes of runs that hang
    deleted: tuple[str, ...] = ()
    published: int = 0
    launched: tuple[str, ...] = ()  # documents
    worked_off: int = 0  # documents that a child of this process was at, where there is no Prefect server
    reviewed: int = 0  # documents whose weak pictures another child was at
    crashed: tuple[str, ...] = ()  # flow runs set Crashed
    cancelled: tuple[str, ...] = ()  # flow runs set Cancelled
    troubles: tuple[str, ...] = ()


async def tick(resources: Resources) -> Ticked:
    """One round. Without a Prefect server it also works off what is due, in a child process, and waits for that.

    Raises nothing that a later round could mend: that is in `troubles`.
    """
    return await _round(resources, _parts() if _has_prefect() else [*_parts(), _work_off, _review])


async def keep_ticking(resources: Resources, wake: asyncio.Event, every: float = EVERY_SECONDS) -> None:
    """A round every `every` seconds, or soon after `wake` is set, until cancelled; every hour what is left behind is
    collected.

    What goes wrong is logged when it begins and when it is over. Without a Prefect server one child works off what is
    due while rounds go on, and another has weak pictures reviewed.
    """
    worker, reviewer, collector = BackgroundTask(), BackgroundTask(), BackgroundTask()
    troubles: tuple[str, ...] = ()
    collected = reviewed = -math.inf
    try:
        while True:
            wake.clear()
            done = await _round(resources, _parts())
            troubles = _say(done.troubles, before=troubles)
            if len(done.deleted) >= _DELETES:  # there are more
                wake.set()
            if time.monotonic() - collected > COLLECT_SECONDS and not troubles:
                collector.begin(collect(resources))
                collected = time.monotonic()
            if not _has_prefect():
                worker.begin(_work_off(resources))
                if time.monotonic() - reviewed > REVIEW_SECONDS:
                    reviewer.begin(_review(resources))
                    reviewed = time.monotonic()
            with suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), every)
                await asyncio.sleep(min(GATHER_SECONDS, every))
    finally:
        await worker.stop()
        await reviewer.stop()
        await collector.stop()


async def collect(resources: Resources, *, dry_run: bool = False) -> Swept:
    """Remove what is left behind here and in Prefect; in a dry run only count it.

    Raises as `sweep`, and ProviderDown where Prefect does not answer.
    """
    swept = await asyncio.to_thread(sweep, resources, dry_run=dry_run)
    if not _has_prefect():
        return swept
    from scheduler import launch

    async with launch.prefect() as client:
        flow_runs = await launch.forget(client, keep_days=resources.settings.keep_days, dry_run=dry_run)
    return swept.model_copy(update={"flow_runs": flow_runs})


class BackgroundTask:
    """Work that goes on beside the rounds, one at a time."""

    def __init__(self) -> None:
        self._task: asyncio.Task[object] | None = None

    def begin(self, work: Coroutine[object, object, object]) -> None:
        """Unless it is still at the last one."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(_logged(work))
        else:
            work.close()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task


async def _logged(work: Coroutine[object, object, object]) -> None:
    try:
        await work
    except Exception as error:  # noqa: BLE001 — the isolation boundary between a chore and the loop
        log.warning("the loop: %s", _in_words(error))


def _say(troubles: tuple[str, ...], *, before: tuple[str, ...]) -> tuple[str, ...]:
    for trouble in troubles:
        if trouble not in before:
            log.warning("the loop: %s", trouble)
    if before and not troubles:
        log.info("the loop: all is well again")
    return troubles


async def _round(resources: Resources, parts: Iterable[Part]) -> Ticked:
    """These parts, one after the other; one that fails does not keep the others from their turn."""
    done, troubles = Done(), list[str]()
    for part in parts:
        try:
            done |= await part(resources)
        except Exception as error:  # noqa: BLE001 — the isolation boundary between the parts of a round
            troubles.append(_in_words(error))
    return Ticked.model_validate({**done, "troubles": tuple(troubles)})


def _parts() -> list[Part]:
    return [*map(_in_thread, (_mark_dead, _delete, _publish)), *([_launch] if _has_prefect() else [])]


def _in_thread(work: Callable[[Resources], Done]) -> Part:
    async def part(resources: Resources) -> Done:
        return await asyncio.to_thread(work, resources)

    return part


def _in_words(error: Exception) -> str:
    if not isinstance(error, Failure):
        log.error("a part of the round failed", exc_info=error)
    return str(as_failure(error))


# --- the parts of a round ---------------------------------------------------------------------------------------------


def _mark_dead(resources: Resources) -> Done:
    """Free what dead runs held; end the processes that hang on."""
    return {
        "buried": tuple(runs.mark_dead(resources.ledger)),
        "killed": tuple(hung_processes.kill_hung(resources.ledger)),
    }


def _delete(resources: Resources) -> Done:
    deleted = []
    for document in schedule.unfinished_deletes(resources.ledger, _DELETES):
        with suppress(InvalidReference):  # somebody else has just finished it
            if finish_delete(resources, document, at_most=_INDEX_SECONDS):
                deleted.append(document)
    return {"deleted": tuple(deleted)}


def _publish(resources: Resources) -> Done:
    """What nobody else publishes: rows of documents that nobody works on."""
    if not schedule.needs_publishing(resources.ledger):
        return {}
    return {"published": publish_all(resources, at_most=_INDEX_SECONDS).rows}


async def _launch(resources: Resources) -> Done:
    from scheduler import flow_run_states, launch  # they import Prefect, which one machine without a server never needs

    async with launch.prefect() as client:
        settled = await flow_run_states.settle_flow_runs(client, resources.ledger)
        shards = await flow_run_states.settle_shards(client, resources.ledger)
        launched = await launch.launch(client, resources.ledger)
    return {
        "launched": launched.documents,
        "crashed": settled.crashed + shards.crashed + launched.hopeless,
        "cancelled": settled.cancelled + shards.cancelled,
    }


# --- without a Prefect server -----------------------------------------------------------------------------------------


def _has_prefect() -> bool:
    return bool(os.environ.get("PREFECT_API_URL"))


async def _work_off(resources: Resources) -> Done:
    """`swatchbook retry` for what is due."""
    waiting = await asyncio.to_thread(schedule.launchable, resources.ledger, _MOST)
    return {"worked_off": len(waiting)} if waiting and await _in_child(resources, "retry") else {}


async def _review(resources: Resources) -> Done:
    """`swatchbook review run` where the review model has something to look at; nothing else waits for it."""
    waiting = await asyncio.to_thread(documents_to_review, resources)
    return {"reviewed": len(waiting)} if waiting and await _in_child(resources, "review", "run") else {}


async def _in_child(resources: Resources, *command: str) -> bool:
    """A command in a child of its own: models take a gigabyte, and what crashes it costs the service nothing.

    One at a time on this machine, whoever ticks: the lock goes with its holder. False where another has it.
    """
    lock = FileLock(resources.settings.home / f"{command[0]}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    try:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "interface.cli.main", *command, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            await child.wait()
        finally:
            if child.returncode is None:
                child.terminate()  # it writes down that it was interrupted
                await asyncio.wait_for(child.wait(), _FAREWELL_SECONDS)
    finally:
        lock.release()
    return True
