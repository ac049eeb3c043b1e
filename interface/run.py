"""Running a document's flow in this process. Prefect is imported here and nowhere else in the command line."""

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from urllib.error import URLError
from urllib.request import urlopen

from interface.terminal import INTERRUPTED
from swatchbook.errors import Configuration
from swatchbook.ledger.runs import Document
from swatchbook.records import BlockNames, IngestOptions, RunReport
from swatchbook.settings import Settings

API_SECONDS = 5.0  # for a Prefect server to say that it is there
_FAREWELLS = (signal.SIGINT, signal.SIGTERM)
FAREWELL_SECONDS = 5.0  # for an interrupted run to write that down; if it cannot, its lease ends by itself

T = TypeVar("T")


def run_ingest(settings: Settings, document: Document, options: IngestOptions) -> RunReport:
    """Work on a registered document until it settles or waits; where another run is at it, follow that.

    Raises Configuration when PREFECT_API_URL is set and nobody answers there, and whatever Failure ends the flow.
    """
    if document.file is None:
        raise Configuration(f"{document.name}: its bytes were never stored.", advice="Ingest the file again.")
    prepare(settings)
    from flows.ingest_catalogue import ingest_catalogue

    return _run(ingest_catalogue(document.file, owner=document.owner, options=options))


def bring_back(settings: Settings, document: Document) -> RunReport | None:
    """Go on with a document as its state asks for: its flow, its delete, or its publishing. Raises as `run_ingest`."""
    prepare(settings)
    from blocks import lab
    from flows.retry_failed import bring_back as go_on

    return _run(go_on(lab(BlockNames()), document.id))


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


def _run(work: Coroutine[Any, Any, T]) -> T:
    from prefect.exceptions import TerminationSignal

    runner = asyncio.Runner()  # closed unless interrupted: closing waits for threads
    try:
        result = runner.run(_until_interrupted(work))
    except TerminationSignal:  # while a flow runs, Prefect takes SIGTERM for itself
        raise KeyboardInterrupt from None
    except Exception:
        runner.close()
        raise
    runner.close()
    return result


async def _until_interrupted(work: Coroutine[Any, Any, T]) -> T:
    """The work's result. Ctrl-C or SIGTERM cancels it, and raises KeyboardInterrupt when that is written down.

    It does not wait for Prefect's own farewell: the temporary server got the same Ctrl-C and answers no more. While
    that server starts, Prefect holds the event loop, so the signal is taken outside it, and a timer ends what hangs.
    """
    loop, interrupted = asyncio.get_running_loop(), asyncio.Event()
    last_word = threading.Timer(2 * FAREWELL_SECONDS, leave, [INTERRUPTED])
    last_word.daemon = True

    def interrupt(*_: object) -> None:
        if last_word.is_alive():  # the second time: at once
            leave(INTERRUPTED)
        last_word.start()
        loop.call_soon_threadsafe(interrupted.set)

    before = {sign: signal.signal(sign, interrupt) for sign in _FAREWELLS}
    task, asked_to_stop = asyncio.ensure_future(work), asyncio.ensure_future(interrupted.wait())
    try:
        await asyncio.wait({task, asked_to_stop}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        task.cancel()
        await asyncio.wait({task}, timeout=FAREWELL_SECONDS)
        raise KeyboardInterrupt
    finally:
        asked_to_stop.cancel()
        for sign, handler in before.items():
            signal.signal(sign, handler)


def prepare(settings: Settings) -> None:
    """Import Prefect, which reads the environment once; what it logs goes where all else goes.

    Raises Configuration when PREFECT_API_URL is set and nobody answers there.
    """
    os.environ.update(prefect_environment(settings, os.environ))
    if url := os.environ.get("PREFECT_API_URL"):
        probe_prefect(url)
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
