"""Prefect's environment, set before it is imported, and its temporary server, for commands without PREFECT_API_URL (in
Prefect's own files, too).

Everything is under SWATCHBOOK_HOME, results are JSON, and telemetry is off; PREFECT_* variables that are set stay.

The server is a child process that ends with the command, even when that is killed. It has two minutes to answer.
Prefect would start one itself when its client is first used. Ours starts seconds earlier, in parallel with other work;
it skips migrations of an up-to-date database; and it ends even when the parent is killed, because its stdin is a pipe
that only the parent holds open. An empty, migrated database is kept in the cache folder and copied for a new home:
Prefect applies eighty migrations to an empty one, and needs half a second to find out that none is due.

`python -m swatchbook.doors.prefect_server FD` is the child.
"""

import logging
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from http.client import HTTPException
from importlib.metadata import version
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

from platformdirs import user_cache_path

from swatchbook.domain.errors import Configuration, reason_of
from swatchbook.domain.runtime.heap import without_collections

if TYPE_CHECKING:
    from swatchbook.domain.settings import Settings  # slow: the child needs none

log = logging.getLogger(__name__)

ANSWER_SECONDS = 120.0  # for a first start on a busy machine; an idle one takes 6
END_SECONDS = 5.0  # for requests in flight when the parent has ended
_TAIL_BYTES = 2_000  # of the output, for the log

FEW_TRANSACTIONS: Mapping[str, str] = {
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "200",
}
"""By default each event of a task is a transaction. On SQLite a request that meets one is refused, and Prefect's client
tries again 2 s later.
"""

_ENVIRONMENT: Mapping[str, str] = {
    "PREFECT_UI_ENABLED": "0",
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT__SERVER_FINAL": "1",
    "PREFECT_SERVER_DATABASE_MIGRATE_ON_START": "false",  # the child migrates when needed
    **FEW_TRANSACTIONS,
}
"""The first three as Prefect sets them for its own temporary server."""

SERVER_ENVIRONMENT: Mapping[str, str] = {
    **FEW_TRANSACTIONS,
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
}
"""Of a server that may be started again: the leases of concurrency slots are in its PREFECT_HOME. In memory, its end
would leak the slots of what ends meanwhile, and cancel the flow runs that hold others when they renew their lease.
"""


class TemporaryServer:
    """A starting server; `url` is the address of its API. It runs until this process ends."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Start it in a new session, so that it survives Ctrl-C until the command has reported the end of its run."""
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 — open as long as the server runs
        read_end, _ = os.pipe()  # the write end stays open until this process ends
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.url = f"http://127.0.0.1:{listening.getsockname()[1]}/api"
            path = os.pathsep.join(part or str(Path.cwd()) for part in sys.path)
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "swatchbook.doors.prefect_server", str(listening.fileno())],
                stdin=read_end,
                stdout=self._output,
                stderr=self._output,
                env={**environment, **_ENVIRONMENT, "PYTHONPATH": path},
                pass_fds=[listening.fileno()],
                start_new_session=True,
            )
        os.close(read_end)

    def wait(self) -> None:
        """Wait until the server responds. Raises Configuration when it does not."""
        try:
            with urlopen(f"{self.url}/health", timeout=ANSWER_SECONDS):  # noqa: S310 — our own address
                return
        except (URLError, OSError) as error:
            check_database()
            self._output.seek(0)
            ended = self._output.read()[-_TAIL_BYTES:].decode(errors="replace").strip()
            log.error("the output of Prefect's temporary server:\n%s", ended)
            raise Configuration(
                "Prefect's temporary server did not start (see the log).",
                advice="Check that SWATCHBOOK_HOME is writable, or run `prefect server start` and set PREFECT_API_URL.",
            ) from error


def is_needed(environment: Mapping[str, str]) -> bool:
    """Return whether neither the environment nor Prefect's configuration files set an API URL."""
    if environment.get("PREFECT_API_URL"):
        return False
    files = (Path(".env"), Path("prefect.toml"), Path(environment["PREFECT_HOME"]) / "profiles.toml")
    for file in files:
        with suppress(OSError):
            if "prefect_api_url" in (content := file.read_text(errors="replace").lower()) or "[api]" in content:
                return False
    return True


def main(listening: int) -> None:
    """Run the child: migrate when needed, serve, and end with the parent."""
    threading.Thread(target=_end_with_parent, name="end with parent", daemon=True).start()
    if "PREFECT_API_DATABASE_CONNECTION_URL" in os.environ:
        migrate()
    else:
        prepare_database(Path(os.environ["PREFECT_HOME"]) / "prefect.db", cached_database())
    with without_collections():
        import uvicorn
        from prefect.server.api.server import create_app

        app = create_app()
    uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on")).run(sockets=[socket.socket(fileno=listening)])


def cached_database() -> Path:
    """Return the path of the empty, migrated database that is copied for a new home."""
    return user_cache_path("swatchbook", appauthor=False) / f"prefect-{version('prefect')}.sqlite"


def _end_with_parent() -> None:
    while os.read(0, 1):  # returns when the pipe closes: nothing is ever written to it
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(END_SECONDS)
    os._exit(1)


def prepare_database(database: Path, cached: Path) -> None:
    """Migrate `database` to this Prefect version; `cached` is its empty database, created when missing.

    Safe to run concurrently. An unwritable cache costs only time.
    """
    database.parent.mkdir(parents=True, exist_ok=True)
    is_new = not database.exists()
    if is_new and cached.exists():
        _copy(cached, database)
    if (newest := _revision(cached)) is not None and _revision(database) == newest:
        return
    migrate()
    if is_new:
        with suppress(OSError, sqlite3.Error):
            cached.parent.mkdir(parents=True, exist_ok=True)
            _copy(database, cached)


def migrate() -> None:
    """Migrate the configured database as Prefect's server does when it starts."""
    import asyncio

    from prefect.server.database import provide_database_interface

    asyncio.run(provide_database_interface().create_db())


def _copy(source: Path, target: Path) -> None:
    """Copy a database atomically; a target created meanwhile by another process stays."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".copy-") as folder:
        copy = Path(folder) / target.name
        with closing(_open(source)) as old, closing(sqlite3.connect(copy)) as new:
            old.backup(new)
        with suppress(FileExistsError):
            os.link(copy, target)


def _revision(database: Path) -> str | None:
    """Return the migration revision; None for a database that is missing, empty or broken."""
    try:
        with closing(_open(database)) as connection:
            (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            return str(revision)
    except (sqlite3.Error, TypeError):
        return None


def check_database() -> None:
    """Raise Configuration if SQLite finds that the temporary server's database is damaged."""
    database = Path(os.environ["PREFECT_HOME"]) / "prefect.db"
    if not database.exists():
        return
    try:
        with closing(_open(database)) as connection:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError:  # it is in use
        return
    except sqlite3.DatabaseError:
        found = "malformed"
    if found != "ok":
        raise Configuration(
            f"Prefect's database {database} is damaged.",
            advice="Move it away: a new one is created, and only the list of earlier flow runs is lost.",
        )


def _open(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)


API_SECONDS = 5.0  # for the health check of a Prefect server


def prepare_prefect(settings: "Settings") -> None:
    """Import Prefect for the server at PREFECT_API_URL. Raises Configuration when it does not respond."""
    os.environ.update(prefect_environment(settings, os.environ))
    if url := os.environ.get("PREFECT_API_URL"):
        probe_prefect(url)
    load_prefect()


def load_prefect() -> None:
    """Import Prefect, which reads the environment once, and send its logs to our handlers."""
    with without_collections():
        import prefect  # noqa: F401

    for name in ("prefect._internal", "uvicorn", "fastapi"):  # Prefect gives these a stderr handler
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


def prefect_environment(settings: "Settings", environment: Mapping[str, str]) -> dict[str, str]:
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


if __name__ == "__main__":
    main(int(sys.argv[1]))
