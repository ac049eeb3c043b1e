"""Decide how often Prefect retries a task and after which pauses, and whether a cached result is used.

- A batch is retried as often as its option `max_retries` (3), after SWATCHBOOK_RETRY_DELAYS (2, 4, 8 s).
- Any other task is retried twice, after 2 and 4 s.
- A cached result is not used if a file is gone, or a loss may be temporary.

Pauses between runs are in `swatchbook/backoff.py`.

Pure tasks are cached under the key that the flow passes (swatchbook.cache_keys.stage_key). Writes are never cached: the
ledger makes them idempotent. Results are stored as JSON, never as pickle.
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
from swatchbook.records import IngestOptions, sha256
from swatchbook.settings import Settings
from swatchbook.storage.files import Files
from tasks.result_serializer import RecordSerializer, is_foreign

P = ParamSpec("P")
R = TypeVar("R")

_RETRIED_POLICIES = {Policy.BACKOFF, Policy.SMALLER, Policy.ONCE_MORE}


def cache_key(_: TaskRunContext | None, parameters: dict[str, Any]) -> str:
    """Return a pure task's cache key: its `key` parameter, and a hash of the pages that its inputs lost, if any.

    A later run may read these pages, and must then not get the result without them.
    """
    lost = sorted((name, page.page) for name, value in parameters.items() for page in getattr(value, "lost", ()))
    suffix = f"-{sha256(str(lost).encode())[:16]}" if lost else ""
    return f"{parameters['key']}{suffix}"


def is_retryable(_: Task[..., Any], __: TaskRun, state: State[Any]) -> bool:
    """Return whether Prefect retries the task.

    It retries failures that are likely to pass, batches with items to retry, and writes that LedgerDown interrupted
    (the retry waits for the ledger).
    """
    error = state.data
    if isinstance(error, Interrupted | LedgerDown):
        return True
    return isinstance(error, Failure) and error.policy in _RETRIED_POLICIES


PURE: dict[str, Any] = {
    "cache_key_fn": cache_key,
    "persist_result": True,
    "result_serializer": RecordSerializer(),
    "cache_result_in_memory": False,
    "retries": 2,
    "retry_delay_seconds": [2, 4],
    "retry_condition_fn": is_retryable,
}
WRITE: dict[str, Any] = {
    "cache_policy": NO_CACHE,
    "persist_result": False,
    "retries": 2,
    "retry_delay_seconds": [2, 4],
    "retry_condition_fn": is_retryable,
}


def batch_retries(options: IngestOptions, settings: Settings) -> dict[str, Any]:
    """Return how often a batch is retried (3 times by default), and after which pauses (2, 4 and 8 s by default)."""
    return {"retries": options.max_retries, "retry_delay_seconds": list(settings.retry_delays)}


def last_try() -> bool:
    """Return whether Prefect will not retry this task run if it raises now."""
    context = TaskRunContext.get()
    return context is None or context.task_run.run_count > context.task.retries


async def cached(task: Task[P, Coroutine[Any, Any, R]], *args: P.args, **kwargs: P.kwargs) -> tuple[R, bool]:
    """Return a pure task's result, and whether it came from the cache. The task must have a parameter `work`.

    The task runs again if the cached result is not usable: it was not written by RecordSerializer, a file that it
    refers to is missing, or it lacks pages whose failure was transient.
    """
    call: Callable[..., Coroutine[Any, Any, Any]] = task
    recompute: Callable[..., Coroutine[Any, Any, R]] = task.with_options(refresh_cache=True)
    parameters = signature(task.fn).bind(*args, **kwargs).arguments
    if await is_foreign(cache_key(None, parameters)):
        return await recompute(*args, **kwargs), False
    state = await call(*args, **kwargs, return_state=True)
    from_cache = state.name == "Cached"
    try:
        result: R = await state.aresult()
    except (ValueError, TypeError, KeyError):  # the cached bytes are not a valid result
        if not from_cache:
            raise
        return await recompute(*args, **kwargs), False
    if from_cache and not await asyncio.to_thread(_is_usable, load_resources(parameters["work"].blocks).files, result):
        return await recompute(*args, **kwargs), False
    return result, from_cache


def _is_usable(files: Files, result: Any) -> bool:
    return all(files.has(key) for key in getattr(result, "files", ())) and not any(
        lost.transient for lost in getattr(result, "lost", ())
    )
