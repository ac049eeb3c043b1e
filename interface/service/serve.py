"""The service as a process: it listens, says where, and ends in order when it is told to."""

import asyncio
import errno
import os
import signal
import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from interface.cli.prefect_run import prefect_environment
from interface.service.app import create_app, open_parts
from swatchbook.errors import Configuration
from swatchbook.settings import Settings

HEAD_SECONDS = 20.0  # for a connection to say what it wants, and to come to an end once it is answered
_IDLE_SECONDS = 15  # between two requests of a connection
_FAREWELL_SECONDS = 8  # for requests being answered; Docker waits 10 before it kills
_HEAD_BYTES = 32 << 10
_CONNECTIONS = 400  # beyond, 503: what waits would only take memory
_BACKLOG = 1_024


def serve(settings: Settings, say: Callable[[str], None]) -> None:
    """Serve until SIGTERM or Ctrl-C. `say` gets one line once requests may be sent.

    Raises Configuration: the address is taken or not ours, it would be open to others without a key, or a part of the
    resources cannot be opened.
    """
    os.environ.update(prefect_environment(settings, os.environ))  # Prefect reads it once, when the loop imports it
    app = create_app(settings)
    with _listening(settings.host, settings.port) as listener:
        open_parts(app.state.resources)
        server = uvicorn.Server(configured(app))
        for sign in (signal.SIGTERM, signal.SIGINT):  # the server raises it anew when it has ended: that is in order
            signal.signal(sign, lambda *_: None)
        address = _address(settings.host, listener.getsockname()[1])
        say(f"Swatchbook at {address} · docs at {address}/docs")
        server.run(sockets=[listener])
    if not server.started:
        raise Configuration("The service did not start.", advice="The log says why: `swatchbook doctor`.")


def configured(app: FastAPI) -> uvicorn.Config:
    """How the app is served: patience and memory of every connection are bounded."""
    return uvicorn.Config(
        app,
        http=Impatient,
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="error",  # strangers could fill the disk with warnings of what they send
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_CONNECTIONS,
        h11_max_incomplete_event_size=_HEAD_BYTES,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=_FAREWELL_SECONDS,
    )


class Impatient(H11Protocol):
    """uvicorn's HTTP, which would wait for ever for a head, and for the rest of a body that nobody reads."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self.loop.call_later(HEAD_SECONDS, self._close_if_silent, self.cycle)

    def _close_if_silent(self, before: RequestResponseCycle | None) -> None:
        """Where nothing is being answered and no request has begun since the look before; else look again."""
        is_idle = self.cycle is None or self.cycle.response_complete
        if self.transport.is_closing():
            return
        if is_idle and self.cycle is before:
            self.transport.close()
        else:
            self.loop.call_later(HEAD_SECONDS, self._close_if_silent, self.cycle)


def _listening(host: str, port: int) -> socket.socket:
    """A listening socket. Raises Configuration where the address cannot be had."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address, family=family, backlog=_BACKLOG)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        raise Configuration(
            f"Port {port} on {host} is in use." if taken else f"The service cannot listen on {host}:{port}: {error}.",
            advice="Choose another with --port or SWATCHBOOK_PORT." if taken else "Check SWATCHBOOK_HOST and _PORT.",
        ) from error


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
