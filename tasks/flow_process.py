"""Register the process of a flow run in the ledger while the flow runs.

Its results are stored with ours, and it gives way to the processes that people wait for.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial, wraps
from inspect import signature
from typing import Any, ParamSpec, TypeVar

from prefect.runtime import flow_run

from blocks import load_resources
from swatchbook.errors import Failure
from swatchbook.ledger import flow_processes
from swatchbook.pipeline.heartbeat import beating
from swatchbook.runtime.process import yield_to_people
from tasks.result_serializer import store_results_in

P = ParamSpec("P")
R = TypeVar("R")


def registered(flow: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Decorate the function of a flow, which has a parameter `blocks`, so that the loop sees whether its process lives.

    A flow run that is Running and has no process in the ledger is set to Crashed (scheduler/flow_run_states.py). What
    the flow and its tasks return or raise is stored where garbage collection looks for it. From then on the process has
    a lower priority: nobody waits for a flow as for a page.
    """

    @wraps(flow)
    async def run(*args: P.args, **kwargs: P.kwargs) -> R:
        bound = signature(flow).bind(*args, **kwargs)
        bound.apply_defaults()
        resources, this = load_resources(bound.arguments["blocks"]), str(flow_run.id)
        store_results_in(resources.settings.results_folder)
        yield_to_people()
        ledger = resources.ledger
        await asyncio.to_thread(flow_processes.register, ledger, this)
        try:
            with beating(partial(flow_processes.record_heartbeat, ledger.with_patience(0.0), this), this):
                return await flow(*args, **kwargs)
        finally:
            with suppress(Failure):  # a flow run that is over is not looked for
                flow_processes.unregister(ledger.with_patience(0.0), this)

    return run
