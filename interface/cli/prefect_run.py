"""Running a document's flow in this process. Prefect is imported here and nowhere else in the command line."""

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from urllib.error import URLError
from urllib.request import urlopen

from interface.cli.prefect_server import TemporaryServer, is_wanted
from swatchbook.cache_keys import stage_key
from swatchbook.errors import Configuration, Failure
from swatchbook.ledger.documents import Document, get_document
from swatchbook.pdf.read_ahead import ReadingAhead
from swatchbook.records import BlockNames, IngestOptions, RunReport
from swatchbook.resources import Resources
from swatchbook.settings import Settings

API_SECONDS = 5.0  # for a Prefect server to say that it is there
_POLL_SECONDS = 0.1
FAREWELL_SECONDS = 10.0  # for an interrupted run to write that down; if it cannot, its lease ends by itself

T = TypeVar("T")


def run_ingest(tools: Resources, document: Document, options: IngestOptions) -> RunReport:
    """Work on a registered document until it settles or waits; where another run is at it, follow that.

    What does not need Prefect's server goes on while it starts: the pages are read, Prefect and the models are loaded.
    Raises Configuration when PREFECT_API_URL is set and nobody answers there, and whatever Failure ends the flow.
    """
    if document.file is None:
        raise Configuration(f"{document.name}: its bytes were never stored.", advice="Ingest the file again.")
    server = _begin(tools.settings)
    ahead = _read_ahead(tools, document, options)
    load_prefect()
    from blocks import load_resources
    from flows.ingest_catalogue import ingest_catalogue
    from tasks.embed import preload_models

    if ahead:
        load_resources(BlockNames()).readings[document.file] = ahead
    preload_models(load_resources(BlockNames()), options)
    if server:
        server.wait()
    return _run(ingest_catalogue(document.file, owner=document.owner, options=options), tools, document)


def bring_back(tools: Resources, document: Document) -> RunReport | None:
    """Go on with a document as its state asks for: its flow, its delete, or its publishing. Raises as `run_ingest`."""
    server = _begin(tools.settings)
    load_prefect()
    from blocks import load_resources
    from flows.retry_failed import resume_document

    if server:
        server.wait()
    return _run(resume_document(load_resources(BlockNames()), document.id), tools, document)


def _begin(settings: Settings) -> TemporaryServer | None:
    """Prefect's temporary server on its way up, named to Prefect; None where there is a server already.

    Raises Configuration when PREFECT_API_URL is set and nobody answers there.
    """
    os.environ.update(prefect_environment(settings, os.environ))
    if not is_wanted(os.environ):
        if url := os.environ.get("PREFECT_API_URL"):
            probe_prefect(url)
        return None
    server = TemporaryServer(os.environ)
    os.environ["PREFECT_API_URL"] = server.url
    return server


def _read_ahead(tools: Resources, document: Document, options: IngestOptions) -> ReadingAhead | None:
    """The pages, read from now on; None where an earlier run has kept what it read."""
    key = stage_key("read", document.content, tools.settings, options, force=document.force)
    if (Path(os.environ["PREFECT_LOCAL_STORAGE_PATH"]) / key).exists():
        return None
    return ReadingAhead(str(document.file), tools.files, tools.settings, key)


def leave(code: int) -> NoReturn:
    """End this process now.

    Threads may be deep in work that can no longer be committed, Prefect in telling it to a server that is gone;
    Python would wait for both. Our children end with us; Prefect's temporary server is told to.
    """
    import psutil

    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if "uvicorn" in child.cmdline():
                child.terminate()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _run(work: Coroutine[Any, Any, T], tools: Resources, document: Document) -> T:
    """The work's result. Ctrl-C or SIGTERM cancels it, and raises KeyboardInterrupt when that is written down.

    It works on a thread of its own: on the main one Prefect takes SIGTERM for itself and raises it out of whatever
    runs then, which may swallow it. Prefect's own farewell is not waited for: its temporary server got the same Ctrl-C
    and answers no more.
    """
    loop, over, outcome = asyncio.new_event_loop(), threading.Event(), Future[T]()
    task = loop.create_task(work)

    def live() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            try:
                outcome.set_result(runner.run(_result(task)))
            except BaseException as error:  # noqa: BLE001 — it is raised again on the main thread
                outcome.set_exception(error)
        over.set()

    before = {sign: signal.signal(sign, signal.default_int_handler) for sign in (signal.SIGINT, signal.SIGTERM)}
    try:
        threading.Thread(target=live, name="flow", daemon=True).start()
        over.wait()
    except KeyboardInterrupt:
        with suppress(RuntimeError):  # it has just ended
            loop.call_soon_threadsafe(task.cancel)
        _await_farewell(tools, document, over)
        raise
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)
    return outcome.result()


def _await_farewell(tools: Resources, document: Document, over: threading.Event) -> None:
    patience = time.monotonic() + FAREWELL_SECONDS
    while not over.wait(_POLL_SECONDS) and time.monotonic() < patience:
        with suppress(Failure):  # the ledger is away: the run's lease ends by itself
            if get_document(tools.ledger.with_patience(0.0), document.id).run is None:
                return


async def _result(task: asyncio.Task[T]) -> T:
    return await task


def prepare(settings: Settings) -> None:
    """Import Prefect for the server that PREFECT_API_URL names. Raises Configuration when nobody answers there."""
    os.environ.update(prefect_environment(settings, os.environ))
    if url := os.environ.get("PREFECT_API_URL"):
        probe_prefect(url)
    load_prefect()


def load_prefect() -> None:
    """Import Prefect, which reads the environment once; what it logs goes where all else goes."""
    import prefect  # noqa: F401

    for name in ("prefect._internal", "uvicorn", "fastapi"):  # those that Prefect lets write to stderr themselves
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


def prefect_environment(settings: Settings, given: Mapping[str, str]) -> dict[str, str]:
    """What Prefect is told before it is imported, where the environment does not say otherwise.

    Everything that Prefect keeps stands under the home, results as JSON; it phones nobody.
    """
    home = Path(given.get("PREFECT_HOME") or settings.prefect_home)
    wanted = {
        "PREFECT_HOME": str(home),
        "PREFECT_LOCAL_STORAGE_PATH": str(home / "results"),
        "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
        "PREFECT_LOGGING_LEVEL": settings.log_level,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "DO_NOT_TRACK": "1",
    }
    return {name: value for name, value in wanted.items() if not given.get(name)}


def probe_prefect(url: str) -> None:
    """A real request to a Prefect API. Raises Configuration naming PREFECT_API_URL."""
    try:
        with urlopen(f"{url.rstrip('/')}/health", timeout=API_SECONDS):  # noqa: S310 — the user's own address
            return
    except (URLError, OSError, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        raise Configuration(
            f"No Prefect server answers at PREFECT_API_URL={url}: {reason}.",
            advice="Start it with `prefect server start`, or unset PREFECT_API_URL to run without one.",
        ) from error
