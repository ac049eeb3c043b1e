"""How the rows of runs, of Prefect's flow runs and of holds name their process."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import RowMapping

from swatchbook.domain.runtime.process import Process

PROCESS_COLUMNS: Final[Mapping[str, str]] = {
    "host": "host", "boot_id": "boot_id", "pid_namespace": "pid_namespace", "pid": "pid", "started": "pid_started",
}  # fmt: skip
"""Field of a process -> its column."""


def columns_of(process: Process) -> dict[str, Any]:
    """Return column -> value for a row that names a process."""
    return {PROCESS_COLUMNS[name]: value for name, value in process}


def process_of(row: RowMapping) -> Process:
    """Return the process that a row names."""
    return Process(**{name: row[column] for name, column in PROCESS_COLUMNS.items()})
