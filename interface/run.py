"""Running a document's flow in this process. Prefect is imported here and nowhere else in the command line."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from swatchbook.errors import Configuration
from swatchbook.ledger.runs import Document
from swatchbook.records import IngestOptions, RunReport
from swatchbook.settings import Settings

API_SECONDS = 5.0  # for a Prefect server to say that it is there


def run_ingest(settings: Settings, document: Document, options: IngestOptions) -> RunReport:
    """Work on a registered document until it settles or waits; where another run is at it, follow that.

    Raises Configuration when PREFECT_API_URL is set and nobody answers there, and whatever Failure ends the flow.
    """
    if document.file is None:
        raise Configuration(f"{document.name}: its bytes were never stored.", advice="Ingest the file again.")
    _prepare(settings)
    from flows.ingest_catalogue import ingest_catalogue

    return asyncio.run(ingest_catalogue(document.file, owner=document.owner, options=options))


def bring_back(settings: Settings, document: Document) -> RunReport | None:
    """Go on with a document as its state asks for: its flow, its delete, or its publishing. Raises as `run_ingest`."""
    _prepare(settings)
    from flows.retry_failed import bring_back as go_on

    return asyncio.run(go_on(document))


def _prepare(settings: Settings) -> None:
    """Prefect reads the environment once, when it is imported."""
    os.environ.update(prefect_environment(settings, os.environ))
    if url := os.environ.get("PREFECT_API_URL"):
        probe_prefect(url)


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
