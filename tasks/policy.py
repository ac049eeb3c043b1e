"""Decide how often Prefect retries a task, after which pauses, and which tasks are cached.

- A batch is retried as often as its option `max_retries` (3), after SWATCHBOOK_RETRY_DELAYS (2, 4, 8 s).
- Any other task is retried twice, after 2 and 4 s.

Pauses between runs are in `swatchbook/domain/backoff.py`.

Pure tasks are cached under the key that the flow passes to `cached` (swatchbook.ingest.cache_keys.stage_key). Writes
are never cached: the ledger makes them idempotent.
"""

from typing import Any

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import TaskRunContext

from swatchbook.domain.errors import Failure, Interrupted, LedgerDown, Policy
from swatchbook.domain.records import IngestOptions
from swatchbook.domain.settings import Settings
from swatchbook.tasks.results import RecordSerializer

_RETRIED_POLICIES = {Policy.BACKOFF, Policy.SMALLER, Policy.ONCE_MORE}


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
    "persist_result": True,
    "result_serializer": RecordSerializer(),
    "cache_result_in_memory": False,
    "retries": 2,
    "retry_delay_seconds": [2, 4],
    "retry_condition_fn": is_retryable,
}
READING, ASKING, EMBEDDING, PUBLISHING = "swatchbook-read", "swatchbook-ask", "swatchbook-embed", "swatchbook-publish"
"""Tags of tasks, for which people may set a limit in Prefect: docs/flow-runs.md says what each limits."""

FLOW: dict[str, Any] = {
    "persist_result": False,
    "result_serializer": RecordSerializer(),
}
"""Of every flow. Prefect stores the error of a failed flow all the same, by default with pickle."""
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
