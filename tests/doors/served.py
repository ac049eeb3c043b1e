"""The service on a real socket, without the loop that starts runs: what comes in stays as it came."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

import pytest
import uvicorn
from fastapi import FastAPI

from swatchbook.domain.settings import Settings, load_settings
from swatchbook.resources import Resources
from swatchbook_service.app import create_app
from swatchbook_service.serve import uvicorn_config
from tests.serving import Answers, StandIn, serving


class Served(NamedTuple):
    url: str
    port: int
    resources: Resources

    @property
    def waiting(self) -> list[str]:
        """What stands in the folder of uploads that are not yet whole."""
        folder = self.resources.settings.temporary_folder
        return [path.name for path in folder.iterdir()] if folder.exists() else []


async def rest(resources: Resources, wake: asyncio.Event) -> None:
    await asyncio.Event().wait()


@contextmanager
def served(settings: Settings) -> Iterator[Served]:
    """The whole app on a free port of loopback, in a thread; neither index nor models are opened."""
    app = create_app(settings, loop=rest)
    resources: Resources = app.state.resources
    assert resources.ledger
    assert resources.files
    try:
        with on_socket(app, lifespan="off") as port:
            yield Served(f"http://127.0.0.1:{port}", port, resources)
    finally:
        resources.close()


@pytest.fixture
def service(filled: Path, keys: None) -> Iterator[Served]:
    """A service with keys that holds anna's sample."""
    with served(load_settings()) as service:
        yield service


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts a service with these settings, until the end of the test."""
    with ExitStack() as opened:
        yield lambda **given: opened.enter_context(served(Settings(**{"home": tmp_path / "home", **given})))


@contextmanager
def on_socket(app: FastAPI, *, lifespan: Literal["on", "off"]) -> Iterator[int]:
    config = uvicorn_config(app)
    config.port, config.lifespan, config.timeout_graceful_shutdown = 0, lifespan, 1
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    class Answer(Answers):
        def do_GET(self) -> None:
            self.say(status, body)

    with serving(StandIn(Answer)) as server:
        yield server.url
