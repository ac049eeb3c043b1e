"""Run a document's flow in the command's own process. Prefect's server starts, the pages are read and the models are
loaded at the same time. Ctrl-C or SIGTERM cancels the run, which has ten seconds to record its end.
"""

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, NoReturn, TypeVar

from swatchbook.domain.errors import Configuration, Failure
from swatchbook.domain.records import BlockNames, IngestOptions, RunReport
from swatchbook.domain.runtime.heap import without_collections
from swatchbook.domain.settings import Settings
from swatchbook.domain.tracing import finish
from swatchbook.doors.prefect_server import TemporaryServer, is_needed, load_prefect, prefect_environment, probe_prefect
from swatchbook.ingest.cache_keys import stage_key
from swatchbook.read_ahead import ReadingAhead
from swatchbook.resources import Resources
from swatchbook.store.files.result_files import ResultFiles
from swatchbook.store.ledger.stored_documents import PDF, Document, get_document

_POLL_SECONDS = 0.1
_CANCEL_AGAIN_SECONDS = 2.0
FAREWELL_SECONDS = 10.0  # for an interrupted run to record its end; otherwise its lease expires

T = TypeVar("T")


def run_ingest(resources: Resources, document: Document, options: IngestOptions) -> RunReport:
    """Process a registered document until it is completed, waiting or failed; follow a run in another process.

    Reading pages and loading Prefect and the models overlap with the start of Prefect's server. Raises Configuration
    when no server responds at PREFECT_API_URL, and any Failure that ends the flow.
    """
    if document.source is None:
        raise Configuration(f"{document.name}: the file was never stored.", advice="Ingest the file again.")
    server = _start_server(resources.settings)
    reading = _read_ahead(resources, document, options)
    load_prefect()
    with without_collections():
        from prefect import tags

        from swatchbook.blocks import load_resources
        from swatchbook.flows.ingest_catalogue import ingest_catalogue
        from swatchbook.flows.ingest_images import ingest_images
        from swatchbook.tasks.embed import preload_models
        from swatchbook.tasks.flow_run import report_of
        from swatchbook.tasks.prefect_client import AS_GIVEN

    of_flow = load_resources(BlockNames())
    if reading:
        of_flow.readings[document.source] = reading
    preload_models(of_flow, options)
    if server:
        server.wait()
    source, ingest = document.source, ingest_catalogue if document.kind == PDF else ingest_images

    async def report() -> RunReport:
        with tags(document.id, AS_GIVEN):  # a delete from now on wins
            state = await ingest(source, owner=document.owner, options=options, return_state=True)
            return await report_of(state, resources.ledger, document.id)

    return _run(report(), resources, document)


def bring_back(resources: Resources, document: Document) -> RunReport | None:
    """Continue a document according to its status: run, delete or publish it. Raises as `run_ingest`."""
    server = _start_server(resources.settings)
    load_prefect()
    with without_collections():
        from swatchbook.blocks import load_resources
        from swatchbook.flows.retry_failed import resume_document

    if server:
        server.wait()
    return _run(resume_document(load_resources(BlockNames()), document.id), resources, document)


def _start_server(settings: Settings) -> TemporaryServer | None:
    """Start Prefect's temporary server and set PREFECT_API_URL to it; return None when a server is configured.

    Raises Configuration when no server responds at a configured PREFECT_API_URL.
    """
    os.environ.update(prefect_environment(settings, os.environ))
    if not is_needed(os.environ):
        if url := os.environ.get("PREFECT_API_URL"):
            probe_prefect(url)
        return None
    server = TemporaryServer(os.environ)
    os.environ["PREFECT_API_URL"] = server.url
    return server


def _read_ahead(resources: Resources, document: Document, options: IngestOptions) -> ReadingAhead | None:
    """Start reading the pages of a PDF; return None when an earlier run has stored the result."""
    if document.kind != PDF:
        return None
    key = stage_key("read", document.content, resources.settings, options, force=document.force)
    if ResultFiles(resources.settings).has(key):
        return None
    return ReadingAhead(str(document.file), resources.files, resources.settings, key)


def leave(code: int) -> NoReturn:
    """Terminate this process at once; child processes end with it, Prefect's temporary server too.

    Python would wait for threads whose work can no longer be committed, and for Prefect to send its last log lines and
    events: to a server that ends now.
    """
    finish()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _run(work: Coroutine[Any, Any, T], resources: Resources, document: Document) -> T:
    """Return the result of the coroutine. Ctrl-C or SIGTERM cancels it; KeyboardInterrupt follows once that is stored.

    It runs in a separate thread: in the main thread Prefect would handle SIGTERM itself and raise it inside arbitrary
    code, which may swallow it. Prefect's own shutdown is not waited for.
    """
    loop, over, outcome = asyncio.new_event_loop(), threading.Event(), Future[T]()
    task = loop.create_task(work)

    def run_loop() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            try:
                outcome.set_result(runner.run(_result(task)))
            except BaseException as error:  # noqa: BLE001 — raised again in the main thread
                outcome.set_exception(error)
        over.set()

    before = {sign: signal.signal(sign, signal.default_int_handler) for sign in (signal.SIGINT, signal.SIGTERM)}
    try:
        threading.Thread(target=run_loop, name="flow", daemon=True).start()
        while not over.wait(_POLL_SECONDS):  # a signal that another thread took in does not wake this one
            pass
    except KeyboardInterrupt:
        _cancel(loop, task, resources, document, over)
        raise
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)
    from swatchbook.tasks.prefect_client import prefect_errors_as_outage  # imports Prefect, which is loaded by now

    with prefect_errors_as_outage():
        return outcome.result()


def _cancel(
    loop: asyncio.AbstractEventLoop,
    task: asyncio.Task[T],
    resources: Resources,
    document: Document,
    over: threading.Event,
) -> None:
    """Cancel the flow, and wait until it is over or the ledger shows no run, for FAREWELL_SECONDS at most.

    It is cancelled again every two seconds: a library may swallow a cancel. The run's end is recorded without `await`.
    """
    begun = again = time.monotonic()
    while time.monotonic() < begun + FAREWELL_SECONDS:
        if time.monotonic() >= again:
            again += _CANCEL_AGAIN_SECONDS
            with suppress(RuntimeError):  # it has just ended
                loop.call_soon_threadsafe(task.cancel)
        if over.wait(_POLL_SECONDS):
            return
        with suppress(Failure):  # ledger outage: the run's lease expires
            if get_document(resources.ledger.with_patience(0.0), document.id).run is None:
                return


async def _result(task: asyncio.Task[T]) -> T:
    return await task
