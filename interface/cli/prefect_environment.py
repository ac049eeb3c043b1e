"""Set Prefect's environment variables before it is imported, and check that the server at PREFECT_API_URL answers.

Everything is under SWATCHBOOK_HOME, results are JSON, and telemetry is off. PREFECT_* variables that are already set
stay.
"""

import logging
import os
from collections.abc import Mapping
from http.client import HTTPException
from urllib.request import urlopen

from swatchbook.errors import Configuration, reason_of
from swatchbook.settings import Settings

API_SECONDS = 5.0  # for the health check of a Prefect server


def prepare(settings: Settings) -> None:
    """Import Prefect for the server at PREFECT_API_URL. Raises Configuration when it does not respond."""
    os.environ.update(prefect_environment(settings, os.environ))
    if url := os.environ.get("PREFECT_API_URL"):
        probe_prefect(url)
    load_prefect()


def load_prefect() -> None:
    """Import Prefect, which reads the environment once, and send its logs to our handlers."""
    import prefect  # noqa: F401

    for name in ("prefect._internal", "uvicorn", "fastapi"):  # Prefect gives these a stderr handler
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


def prefect_environment(settings: Settings, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the Prefect variables to set before it is imported, without those that `environment` already sets.

    Prefect stores everything under SWATCHBOOK_HOME, and sends no telemetry.
    """
    defaults = {
        "PREFECT_HOME": str(settings.prefect_home),
        "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
        "PREFECT_LOGGING_LEVEL": settings.log_level,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "DO_NOT_TRACK": "1",
    }
    return {name: value for name, value in defaults.items() if not environment.get(name)}


def probe_prefect(url: str) -> None:
    """Send a health check to a Prefect API. Raises Configuration when it does not respond."""
    try:
        with urlopen(f"{url.rstrip('/')}/health", timeout=API_SECONDS):  # noqa: S310 — the user's own address
            return
    except (OSError, HTTPException, ValueError) as error:
        raise Configuration(
            f"No Prefect server responds at PREFECT_API_URL={url}: {reason_of(error)}.",
            advice="Start it with `prefect server start`, or unset PREFECT_API_URL to run without one.",
        ) from error
