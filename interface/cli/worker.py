"""`swatchbook worker`: Prefect's Docker worker for shards, with somebody beside it who mends what its death leaves."""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from interface.cli.log import show
from interface.cli.prefect_run import prepare
from swatchbook.errors import Configuration
from swatchbook.settings import Settings

_DEFAULTS = {"PREFECT_WORKER_QUERY_SECONDS": "2", "PREFECT_WORKER_WEBSERVER_HOST": "127.0.0.1"}
_PASSED_ON = (signal.SIGINT, signal.SIGTERM)
_PR_SET_PDEATHSIG = 1


def work_on_shards(settings: Settings) -> int:
    """Take shards from their pool into containers until told to end, and those at work have finished; told twice, end
    at once: they go on, and the next worker mends what becomes of them. Returns the worker's exit status.

    What an earlier worker of this engine left is reconciled first. Raises Configuration where there is no Prefect
    server, Docker engine or pool, ProviderDown where one of them goes away meanwhile.
    """
    if not os.environ.get("PREFECT_API_URL"):
        raise Configuration(
            "Shards come from a Prefect server.",
            advice="Set PREFECT_API_URL, and start it with `prefect server start`.",
        )
    environment = {**_DEFAULTS, **os.environ}  # before ours are there: Prefect hands all of it on to the containers
    prepare(settings)
    return asyncio.run(_work(environment))


async def _work(environment: Mapping[str, str]) -> int:
    from deployments.pools import EMBED
    from scheduler.launch import prefect
    from scheduler.reconcile import find_engine, keep_reconciling, reconcile, say, worker_name

    engine, since = find_engine(), datetime.now(UTC)
    name = worker_name(engine)
    async with prefect() as client:
        done = await reconcile(client, engine, worker=name, since=since)
    show()  # what keeps it from starting is said in one line, without the log
    say(done)
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", EMBED, "--type", "docker", "--name", name]
    return await _beside(
        keep_reconciling(engine, worker=name, since=since), [*command, "--with-healthcheck"], environment
    )


async def _beside(mending: Coroutine[object, object, None], command: Sequence[str], given: Mapping[str, str]) -> int:
    """Run the command until it ends, passing signals on, with the mending beside it. Returns its exit status."""
    mender = asyncio.create_task(mending)
    # A session of its own: Ctrl-C would reach it twice, which Prefect takes for "at once".
    child = await asyncio.create_subprocess_exec(
        *command, env=given, start_new_session=True, preexec_fn=_end_with_parent
    )

    def pass_on(sign: signal.Signals) -> None:
        with suppress(ProcessLookupError):  # it has just ended
            child.send_signal(sign)

    for sign in _PASSED_ON:
        asyncio.get_running_loop().add_signal_handler(sign, pass_on, sign)
    code = await child.wait()
    mender.cancel()
    return code if code >= 0 else 128 - code


def _end_with_parent() -> None:
    """In the child, before it becomes the worker: one without its mender would be there beside the next."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # where a shell's job, or a container's first process, ignores it
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
