"""What Prefect is told about every task: which are cached, which are tried again, and how a result is kept.

Pure tasks are cached under the key that the flow passes (swatchbook.cache_keys.stage_key); writes never are: the ledger
makes them idempotent. Results are JSON, never pickle.
"""

import asyncio
from collections.abc import Callable, Coroutine
from inspect import signature
from typing import Any, ParamSpec, TypeVar

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import TaskRunContext

from blocks import load_resources
from swatchbook.errors import Failure, Interrupted, LedgerDown, Policy
from swatchbook.records import sha256
from swatchbook.storage.files import Files
from tasks.result_serializer import RecordSerializer, is_foreign

P = ParamSpec("P")
R = TypeVar("R")

_AGAIN = {Policy.BACKOFF, Policy.SMALLER, Policy.ONCE_MORE}


def by_key(_: TaskRunContext | None, parameters: dict[str, Any]) -> str:
    """A pure task's cache key is its `key` parameter, and what its input has lost: the next input may have it."""
    lost = sorted((name, page.page) for name, given in parameters.items() for page in getattr(given, "lost", ()))
    without = f"-{sha256(str(lost).encode())[:16]}" if lost else ""
    return f"{parameters['key']}{without}"


def transient(_: Task[..., Any], __: TaskRun, state: State[Any]) -> bool:
    """Whether Prefect tries again: failures that likely pass, batches with open items, and what the ledger cut off when
    it went away: the next try sits that out. Nothing else.
    """
    error = state.data
    return isinstance(error, Interrupted | LedgerDown) or (isinstance(error, Failure) and error.policy in _AGAIN)


PURE: dict[str, Any] = {
    "cache_key_fn": by_key,
    "persist_result": True,
    "result_serializer": RecordSerializer(),
    "cache_result_in_memory": False,
    "retries": 2,
    "retry_delay_seconds": [2, 4],
    "retry_condition_fn": transient,
}
WRITE: dict[str, Any] = {
    "cache_policy": NO_CACHE,
    "persist_result": False,
    "retries": 2,
    "retry_delay_seconds": [2, 4],
    "retry_condition_fn": transient,
}


def last_try() -> bool:
    """Whether Prefect will not bring this task run back if it raises now."""
    context = TaskRunContext.get()
    return context is None or context.task_run.run_count > context.task.retries


async def cached(task: Task[P, Coroutine[Any, Any, R]], *args: P.args, **kwargs: P.kwargs) -> tuple[R, bool]:
    """A pure task's result, and whether it was kept from an earlier call. The task has a parameter `work`.

    It is made anew where the kept one cannot be relied on: it was not kept by us, a file that it stands on is gone, or
    it was kept with a loss that may have passed.
    """
    call: Callable[..., Coroutine[Any, Any, Any]] = task
    again: Callable[..., Coroutine[Any, Any, R]] = task.with_options(refresh_cache=True)
    parameters = signature(task.fn).bind(*args, **kwargs).arguments
    if await is_foreign(by_key(None, parameters)):
        return await again(*args, **kwargs), False
    state = await call(*args, **kwargs, return_state=True)
    kept = state.name == "Cached"
    try:
        result: R = await state.aresult()
    except (ValueError, TypeError, KeyError):  # of a kept one: it is not what such a result looks like
        if not kept:
            raise
        return await again(*args, **kwargs), False
    if kept and not await asyncio.to_thread(_reliable, load_resources(parameters["work"].blocks).files, result):
        return await again(*args, **kwargs), False
    return result, kept


def _reliable(files: Files, result: Any) -> bool:
    return all(files.has(key) for key in getattr(result, "files", ())) and not any(
        lost.transient for lost in getattr(result, "lost", ())
    )
