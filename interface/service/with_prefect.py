"""Run a Prefect server and a worker as children of the service, for one machine (`swatchbook serve --with-prefect`)."""

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil

from interface.cli.prefect_environment import load_prefect, prefect_environment
from interface.cli.worker import end_with_parent
from swatchbook.errors import Configuration
from swatchbook.settings import Settings

log = logging.getLogger(__name__)

HOST, PORT = "127.0.0.1", 4200
START_SECONDS = 120.0  # for the server's first start on a busy machine; an idle one takes 10
END_SECONDS = 20.0  # for a child to end after a signal: the worker first ends its runs
_RESTART_SECONDS = 5.0  # before a child that ended by itself is started again
_POLL_SECONDS = 0.5


class Child:
    """A child process that is started again when it ends by itself, and ends with this process, even by SIGKILL."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log_file: Path) -> None:
        self._name, self._command, self._environment, self._log_file = name, command, environment, log_file
        self._over, self._starting = threading.Event(), threading.Lock()
        self._process = self._start()
        threading.Thread(target=self._watch, name=f"watch {name}", daemon=True).start()

    def stop(self, sign: signal.Signals) -> None:
        """End the process, and after END_SECONDS all that is left of it by force."""
        with self._starting:
            self._over.set()
        family = _descendants(self._process.pid)
        self._process.send_signal(sign)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(END_SECONDS)
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.kill()
        self._process.wait()

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def last_line(self) -> str:
        """Return the last line of its log."""
        lines = self._log_file.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def _start(self) -> subprocess.Popen[bytes]:
        self._log_file.parent.mkdir(parents=True, exist_ok=True)
        with self._log_file.open("ab") as output:
            # A new session: Ctrl-C would reach the children too, and the runs would not be ended in order.
            return subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=end_with_parent,
            )

    def _watch(self) -> None:
        while not self._over.wait(_POLL_SECONDS):
            if self.has_ended():
                log.error("%s ended by itself, and is started again: %s", self._name, self.last_line())
                self._over.wait(_RESTART_SECONDS)
                with self._starting:
                    if not self._over.is_set():
                        self._process = self._start()
        self._process.wait()  # the kernel ends a child with the thread that started it


@contextmanager
def running_prefect(settings: Settings, say: Callable[[str], None]) -> Iterator[None]:
    """Run a Prefect server and a worker of the control pool while the block runs, set up for these settings.

    Sets PREFECT_API_URL for this process. Raises Configuration when it is set already, when the server's port is in use
    or when it does not start.
    """
    if url := os.environ.get("PREFECT_API_URL"):
        raise Configuration(
            f"PREFECT_API_URL is {url}: there is a Prefect server already.",
            advice="Run `swatchbook serve` without --with-prefect, or unset PREFECT_API_URL.",
        )
    os.environ.update(prefect_environment(settings, os.environ))
    port = int(os.environ.get("PREFECT_SERVER_API_PORT") or PORT)
    _require_free(port)
    address = f"http://{HOST}:{port}"
    logs = settings.home / "logs"
    # A database of its own: `swatchbook ingest` uses the one in PREFECT_HOME for its temporary server.
    of_server = {**os.environ, "PREFECT_HOME": str(settings.home / "prefect-server")}
    command = [sys.executable, "-m", "prefect"]
    start = [*command, "server", "start", "--host", HOST, "--port", str(port)]
    server = Child("Prefect's server", start, of_server, logs / "prefect-server.log")
    try:
        _wait_for(server, f"{address}/api/health")
        os.environ["PREFECT_API_URL"] = f"{address}/api"
        load_prefect()
        from deployments.pools import CONTROL
        from deployments.setup import Mode, set_up

        asyncio.run(set_up(settings, Mode()))
        of_worker = {"PREFECT_WORKER_QUERY_SECONDS": "2", **os.environ}
        work = [*command, "worker", "start", "--pool", CONTROL, "--type", "process"]
        worker = Child("Prefect's worker", work, of_worker, logs / "prefect-worker.log")
        try:
            say(f"Prefect at {address}")
            yield
        finally:
            worker.stop(signal.SIGINT)
    finally:
        server.stop(signal.SIGTERM)


def _require_free(port: int) -> None:
    try:
        socket.create_server((HOST, port)).close()
    except OSError as error:
        raise Configuration(
            f"Port {port} on {HOST} is in use, where Prefect's server would listen.",
            advice="Set another PREFECT_SERVER_API_PORT; or set PREFECT_API_URL if a Prefect server runs there.",
        ) from error


def _wait_for(server: Child, url: str) -> None:
    """Wait until the server responds. Raises Configuration when it does not."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and not server.has_ended():
        try:
            with urlopen(url, timeout=_POLL_SECONDS):  # noqa: S310 — our own address
                return
        except (URLError, OSError):
            time.sleep(_POLL_SECONDS)
    raise Configuration(
        f"Prefect's server did not start: {server.last_line()}",
        advice="See logs/prefect-server.log in SWATCHBOOK_HOME.",
    )


def _descendants(pid: int) -> list[psutil.Process]:
    found = list[psutil.Process]()
    with suppress(psutil.NoSuchProcess):
        found += psutil.Process(pid).children(recursive=True)
    return found
