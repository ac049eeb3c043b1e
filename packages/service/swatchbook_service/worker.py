"""Run Prefect's Docker worker for shards together with `containers.py` (`swatchbook serve worker`).

After the first signal it waits for running shards, after a second one it ends at once.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from swatchbook.domain.errors import Configuration
from swatchbook.domain.extras import require_extra
from swatchbook.domain.runtime.process import end_with_parent
from swatchbook.domain.settings import Settings
from swatchbook.doors.prefect_server import prepare_prefect

_DEFAULTS = {"PREFECT_WORKER_QUERY_SECONDS": "2", "PREFECT_WORKER_WEBSERVER_HOST": "127.0.0.1"}
_FORWARDED = (signal.SIGINT, signal.SIGTERM)


def work_on_shards(settings: Settings, on_start: Callable[[], None]) -> int:
    """Run shards of the pool in containers until the first signal, then wait for running ones. Return the exit status.

    `on_start` is called once all that it needs is there. A second signal ends the worker at once; the containers go on,
    and the next worker reconciles them. What an earlier worker of this engine left is reconciled first. Raises
    Configuration when there is no Prefect server, Docker engine or pool, MissingExtra without the Docker worker,
    ProviderDown when one of them stops responding.
    """
    require_extra("docker", "`swatchbook serve worker`")
    if not os.environ.get("PREFECT_API_URL"):
        raise Configuration(
            "The worker needs a Prefect server.",
            advice="Start one with `prefect server start` and set PREFECT_API_URL to its address.",
        )
    # taken before prepare_prefect() adds ours: Prefect passes it on to the containers
    environment = {**_DEFAULTS, **os.environ}
    prepare_prefect(settings)
    return asyncio.run(_work(environment, on_start))


async def _work(environment: Mapping[str, str], on_start: Callable[[], None]) -> int:
    from swatchbook.deployments.declared import EMBED
    from swatchbook_service.containers import (
        find_engine,
        keep_reconciling,
        log_round,
        reconcile,
        worker_name,
    )
    from swatchbook_service.scheduler.launch import prefect

    engine, since = find_engine(), datetime.now(UTC)
    name = worker_name(engine)
    async with prefect() as client:
        done = await reconcile(client, engine, worker=name, since=since)
    on_start()
    log_round(done)
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", EMBED, "--type", "docker", "--name", name]
    return await _run_worker(
        keep_reconciling(engine, worker=name, since=since), [*command, "--with-healthcheck"], environment
    )


async def _run_worker(
    reconciling: Coroutine[object, object, None], command: Sequence[str], environment: Mapping[str, str]
) -> int:
    """Run the command and the reconciling until the command ends, forwarding signals. Return its exit status."""
    reconciler = asyncio.create_task(reconciling)
    # A new session: otherwise Ctrl-C would reach the worker twice, which Prefect takes for "stop at once".
    child = await asyncio.create_subprocess_exec(
        *command, env=environment, start_new_session=True, preexec_fn=end_with_parent
    )

    def forward(sign: signal.Signals) -> None:
        with suppress(ProcessLookupError):  # it has just ended
            child.send_signal(sign)

    for sign in _FORWARDED:
        asyncio.get_running_loop().add_signal_handler(sign, forward, sign)
    code = await child.wait()
    reconciler.cancel()
    return code if code >= 0 else 128 - code
