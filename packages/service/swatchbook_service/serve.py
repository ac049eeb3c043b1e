"""Run the service (`swatchbook serve`): listen, and end within 9 s of SIGTERM, of which requests in flight have 8.

Limits of connections: 400 at a time, 20 s and 32 KiB for the headers of a request, 15 s without one. `--with-prefect`
also runs a Prefect server and a worker as children of the service, for one machine.
"""

import asyncio
import errno
import gc
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
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from swatchbook.domain.errors import Configuration, Failure, reason_of
from swatchbook.domain.runtime.process import end_with_parent
from swatchbook.domain.settings import Settings
from swatchbook.doors.prefect_server import SERVER_ENVIRONMENT, load_prefect, prefect_environment
from swatchbook.ingest.required_parts import require_parts
from swatchbook_service.app import create_app, open_parts
from swatchbook_service.middleware import HEAD_BYTES

HEAD_SECONDS = 20.0  # for a connection to send its request headers, and to close after the last response
_IDLE_SECONDS = 15  # between two requests of a connection
_SHUTDOWN_SECONDS = 8  # for requests in flight; Docker waits 10 before SIGKILL
_CONNECTIONS = 400  # beyond that, 503: waiting requests would only take memory
_BACKLOG = 1_024
_POLL_SECONDS = 0.5
_SWITCH_SECONDS = 0.001  # for which a thread that counts lets others wait at most; a search may wait hundreds of times


def serve(settings: Settings, say: Callable[[str], None]) -> None:
    """Serve until SIGTERM or Ctrl-C. Calls `say` with one line once the service accepts requests, and with another one
    if ingests would be blocked.

    Raises Configuration when the address is in use or invalid, when other machines could reach it without a key, or
    when a resource cannot be opened.
    """
    os.environ.update(prefect_environment(settings, os.environ))  # Prefect reads it once, on import
    app = create_app(settings)

    def begun(address: str) -> None:
        say(f"Swatchbook at {address} · docs at {address}/docs")
        threading.Thread(target=say_what_is_missing, name="look for parts", daemon=True).start()

    def say_what_is_missing() -> None:
        try:
            require_parts(app.state.resources.models, settings, reviews=True)
        except Failure as failure:  # searches work, and runs may be on machines that have it
            say(f"Ingests would be blocked here: {failure}")

    run(app, settings, begun)


def run(app: FastAPI, settings: Settings, begun: Callable[[str], None]) -> None:
    """Run an application with `state.resources` until SIGTERM or Ctrl-C. Calls `begun` with its address.

    Raises Configuration when the address is in use or invalid, or when a resource cannot be opened.
    """
    with _listening(settings.host, settings.port) as listener:
        open_parts(app.state.resources)
        sys.setswitchinterval(_SWITCH_SECONDS)
        gc.freeze()  # what is there now stays: collections would look at all of it again, and stop every request
        server = uvicorn.Server(uvicorn_config(app))
        for sign in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises it again after its shutdown: ignored then
            signal.signal(sign, lambda *_: None)
        ended = threading.Event()
        threading.Thread(target=_end_in_time, args=(server, ended), name="end in time", daemon=True).start()
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        begun(f"http://{host}:{listener.getsockname()[1]}")
        try:
            server.run(sockets=[listener])
        finally:
            ended.set()
    if not server.started:
        raise Configuration("The service did not start.", advice="See the log, and run `swatchbook doctor`.")


def _end_in_time(server: uvicorn.Server, ended: threading.Event) -> None:
    """End the process a second after the requests had their time, unless `ended` is set by then.

    asyncio waits for the loop's threads, which nothing can interrupt: in a large collection `gc` takes minutes. What
    they do may be killed at any moment, and the next start goes on with it.
    """
    while not server.should_exit:
        if ended.wait(_POLL_SECONDS):
            return
    if not ended.wait(_SHUTDOWN_SECONDS + 1):
        log.warning("Stopped in the middle of background work; the next start goes on with it.")
        os._exit(0)


def uvicorn_config(app: FastAPI) -> uvicorn.Config:
    """Return the server configuration, which limits time and memory of every connection."""
    return uvicorn.Config(
        app,
        http=TimeoutProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="error",  # clients could fill the disk with warnings
        access_log=False,
        server_header=False,
        proxy_headers=True,  # of proxies that FORWARDED_ALLOW_IPS names, else of this machine's
        limit_concurrency=_CONNECTIONS,
        h11_max_incomplete_event_size=HEAD_BYTES,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )


class TimeoutProtocol(H11Protocol):
    """uvicorn's HTTP with a timeout for request headers and unread bodies, for which it would wait for ever."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self.loop.call_later(HEAD_SECONDS, self._close_if_silent, self.cycle)

    def _close_if_silent(self, before: RequestResponseCycle | None) -> None:
        """Close the connection if it is idle and no request has begun since the last check; else check again."""
        is_idle = self.cycle is None or self.cycle.response_complete
        if self.transport.is_closing():
            return
        if is_idle and self.cycle is before:
            self.transport.close()
        else:
            self.loop.call_later(HEAD_SECONDS, self._close_if_silent, self.cycle)


def _listening(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises Configuration when the address is not available."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.create_server(address, family=family, backlog=_BACKLOG)
        # connections inherit it; asyncio does not set it for this kind of socket. Without it, the body of a response
        # waits 40 ms for the client to confirm its head
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Configuration(
                f"Port {port} on {host} is in use.", advice="Set another --port or SWATCHBOOK_PORT."
            ) from error
        raise Configuration(
            f"The service cannot listen on {host}:{port}: {reason_of(error)}.",
            advice="Check SWATCHBOOK_HOST and SWATCHBOOK_PORT.",
        ) from error


log = logging.getLogger(__name__)

HOST, PORT = "127.0.0.1", 4200
# --- Prefect with the service -----------------------------------------------------------------------------------------

START_SECONDS = 120.0  # for the server's first start on a busy machine; an idle one takes 10
END_SECONDS = 20.0  # for a child to end after a signal: the worker first ends its runs
_RESTART_SECONDS = 5.0  # before a child that ended by itself is started again


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
        family = list[psutil.Process]()
        with suppress(psutil.NoSuchProcess):
            family += psutil.Process(self._process.pid).children(recursive=True)
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
    of_server = {**SERVER_ENVIRONMENT, **os.environ, "PREFECT_HOME": str(settings.home / "prefect-server")}
    command = [sys.executable, "-m", "prefect"]
    start = [*command, "server", "start", "--host", HOST, "--port", str(port)]
    server = Child("Prefect's server", start, of_server, logs / "prefect-server.log")
    try:
        _wait_for(server, f"{address}/api/health")
        os.environ["PREFECT_API_URL"] = f"{address}/api"
        load_prefect()
        from swatchbook.deployments.declared import CONTROL
        from swatchbook_service.setup import Mode, set_up

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
