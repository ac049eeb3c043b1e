"""Run the service (`swatchbook serve`): listen, and end on SIGTERM with 8 s for requests in flight.

Limits of connections: 400 at a time, 20 s and 32 KiB for the headers of a request, 15 s without one.
"""

import asyncio
import errno
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from interface.cli.prefect_environment import prefect_environment
from interface.service.app import create_app, open_parts
from swatchbook.errors import Configuration, reason_of
from swatchbook.settings import Settings

HEAD_SECONDS = 20.0  # for a connection to send its request headers, and to close after the last response
_IDLE_SECONDS = 15  # between two requests of a connection
_SHUTDOWN_SECONDS = 8  # for requests in flight; Docker waits 10 before SIGKILL
_HEAD_BYTES = 32 << 10
_CONNECTIONS = 400  # beyond that, 503: waiting requests would only take memory
_BACKLOG = 1_024
_SWITCH_SECONDS = 0.001  # for which a thread that counts lets others wait at most; a search may wait hundreds of times


def serve(settings: Settings, say: Callable[[str], None]) -> None:
    """Serve until SIGTERM or Ctrl-C. Calls `say` with one line once the service accepts requests.

    Raises Configuration when the address is in use or invalid, when other machines could reach it without a key, or
    when a resource cannot be opened.
    """
    os.environ.update(prefect_environment(settings, os.environ))  # Prefect reads it once, on import
    app = create_app(settings)
    with _listening(settings.host, settings.port) as listener:
        open_parts(app.state.resources)
        sys.setswitchinterval(_SWITCH_SECONDS)
        gc.freeze()  # what is there now stays: collections would look at all of it again, and stop every request
        server = uvicorn.Server(uvicorn_config(app))
        app.state.stopping = lambda: server.should_exit
        for sign in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises it again after its shutdown: ignored then
            signal.signal(sign, lambda *_: None)
        address = _base_url(settings.host, listener.getsockname()[1])
        say(f"Swatchbook at {address} · docs at {address}/docs")
        server.run(sockets=[listener])
    if not server.started:
        raise Configuration("The service did not start.", advice="See the log, and run `swatchbook doctor`.")


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
        proxy_headers=False,
        limit_concurrency=_CONNECTIONS,
        h11_max_incomplete_event_size=_HEAD_BYTES,
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


def _base_url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
