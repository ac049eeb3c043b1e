"""The loop that brings everything back: one round looks at what is due and sees to it that somebody works on it.

A round keeps nothing in memory that the next one needs, so that it may be killed anywhere and several may run at once.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress

from filelock import FileLock, Timeout

from swatchbook.delete import finish_delete
from swatchbook.errors import Failure, InvalidReference, as_failure
from swatchbook.index.publish import publish_all
from swatchbook.lab import Lab
from swatchbook.ledger import launches, runs, stalls
from swatchbook.records import Record

log = logging.getLogger(__name__)

EVERY_SECONDS = 30.0
"""Between two rounds."""

_DELETES = 20  # finished in one round
_INDEX_SECONDS = 5.0  # that an index outage is sat out: the next round comes soon enough
_FAREWELL_SECONDS = 15.0  # for a child that is told to end to write that down


Done = dict[str, object]
"""What a part of a round did: fields of Ticked."""

Part = Callable[[Lab], Awaitable[Done]]


class Ticked(Record):
    """What one round did. `troubles`: what could not be done, in words; the next round tries again."""

    buried: tuple[str, ...] = ()  # runs found dead
    killed: tuple[int, ...] = ()  # processes of runs that hang
    deleted: tuple[str, ...] = ()
    published: int = 0
    launched: tuple[str, ...] = ()  # documents
    crashed: tuple[str, ...] = ()  # flow runs set Crashed
    cancelled: tuple[str, ...] = ()  # flow runs set Cancelled
    troubles: tuple[str, ...] = ()


async def tick(lab: Lab) -> Ticked:
    """One round. Without a Prefect server it also works off what is due, in a child process, and waits for that.

    Raises nothing that a later round could mend: that is in `troubles`.
    """
    done = await _look_after(lab)
    if not _has_prefect() and await asyncio.to_thread(_is_due, lab):
        await _work_off(lab)
    return done


async def keep_ticking(lab: Lab, every: float = EVERY_SECONDS) -> None:
    """A round every `every` seconds until cancelled. What goes wrong is logged when it begins and when it is over.

    Without a Prefect server one child works off what is due while rounds go on.
    """
    worker: asyncio.Task[None] | None = None
    troubles: tuple[str, ...] = ()
    try:
        while True:
            done = await _look_after(lab)
            troubles = _say(done.troubles, before=troubles)
            idle = worker is None or worker.done()
            if not _has_prefect() and idle and not troubles and await asyncio.to_thread(_is_due, lab):
                worker = asyncio.create_task(_work_off(lab))
            await asyncio.sleep(every)
    finally:
        if worker is not None:
            worker.cancel()
            with suppress(asyncio.CancelledError):
                await worker


def _say(troubles: tuple[str, ...], *, before: tuple[str, ...]) -> tuple[str, ...]:
    for trouble in troubles:
        if trouble not in before:
            log.warning("the loop: %s", trouble)
    if before and not troubles:
        log.info("the loop: all is well again")
    return troubles


async def _look_after(lab: Lab) -> Ticked:
    """All parts of a round; one that fails does not keep the others from their turn."""
    parts = [*map(_in_thread, (_bury, _delete, _publish)), *([_launch] if _has_prefect() else [])]
    done, troubles = Done(), list[str]()
    for part in parts:
        try:
            done |= await part(lab)
        except Exception as error:  # noqa: BLE001 — the isolation boundary between the parts of a round
            troubles.append(_in_words(error))
    return Ticked.model_validate({**done, "troubles": tuple(troubles)})


def _in_thread(work: Callable[[Lab], Done]) -> Part:
    async def part(lab: Lab) -> Done:
        return await asyncio.to_thread(work, lab)

    return part


def _in_words(error: Exception) -> str:
    if not isinstance(error, Failure):
        log.error("a part of the round failed", exc_info=error)
    return str(as_failure(error))


# --- the parts of a round ---------------------------------------------------------------------------------------------


def _bury(lab: Lab) -> Done:
    """Free what dead runs held; end the processes that hang on."""
    return {"buried": tuple(runs.bury(lab.ledger)), "killed": tuple(stalls.kill_hung(lab.ledger))}


def _delete(lab: Lab) -> Done:
    deleted = []
    for document in launches.deletes(lab.ledger, _DELETES):
        with suppress(InvalidReference):  # somebody else has just finished it
            if finish_delete(lab, document, at_most=_INDEX_SECONDS):
                deleted.append(document)
    return {"deleted": tuple(deleted)}


def _publish(lab: Lab) -> Done:
    """What nobody else publishes: rows of documents that nobody works on."""
    if not launches.is_behind(lab.ledger):
        return {}
    return {"published": publish_all(lab, at_most=_INDEX_SECONDS).rows}


async def _launch(lab: Lab) -> Done:
    from deployments import launch  # it imports Prefect, which one machine without a server never needs

    async with launch.prefect() as client:
        settled = await launch.settle(client, lab.ledger)
        launched = await launch.launch(client, lab.ledger)
    return {
        "launched": launched.documents,
        "crashed": settled.crashed + launched.hopeless,
        "cancelled": settled.cancelled,
    }


# --- without a Prefect server -----------------------------------------------------------------------------------------


def _has_prefect() -> bool:
    return bool(os.environ.get("PREFECT_API_URL"))


def _is_due(lab: Lab) -> bool:
    return bool(launches.launchable(lab.ledger, 1))


async def _work_off(lab: Lab) -> None:
    """`swatchbook retry` in a child of its own: models take a gigabyte, and what crashes it costs the service nothing.

    One at a time on this machine, whoever ticks: the lock goes with its holder.
    """
    lock = FileLock(lab.settings.home / "retry.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return
    try:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "interface.cli", "retry", stdin=asyncio.subprocess.DEVNULL,
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
