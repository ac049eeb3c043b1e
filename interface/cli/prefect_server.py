"""Prefect's temporary server, for a command that finds no PREFECT_API_URL: a child that ends when the command does.

Prefect would start one itself, when its client is first used. Ours starts seconds earlier, beside what else the command
does first; it does not migrate a database that is migrated; and it ends with its parent even when that is killed, since
its stdin is a pipe that only the parent holds. `python -m interface.cli.prefect_server FD` is the child.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import IO
from urllib.error import URLError
from urllib.request import urlopen

from platformdirs import user_cache_path

from interface.cli import prefect_database
from swatchbook.errors import Configuration

ANSWER_SECONDS = 120.0  # for a first start on a busy machine; a quiet one takes 6
END_SECONDS = 5.0  # for requests under way when the parent has ended
_LAST_WORDS = 2_000  # bytes

_ENVIRONMENT: Mapping[str, str] = {
    "PREFECT_UI_ENABLED": "0",
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT__SERVER_FINAL": "1",
    "PREFECT_SERVER_DATABASE_MIGRATE_ON_START": "false",  # the child does, where that is needed
}
"""What Prefect tells its own temporary server, but for the last."""


class TemporaryServer:
    """A server on its way up; `url` is its API's address. Nothing ends it but the end of this process."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Start it, in a group of its own: a Ctrl-C is the command's, which then tells the server how its run ended."""
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 — the server's, as long as it runs
        held, _ = os.pipe()  # the other end stays open until this process has ended
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.url = f"http://127.0.0.1:{listening.getsockname()[1]}/api"
            path = os.pathsep.join(part or str(Path.cwd()) for part in sys.path)
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "interface.cli.prefect_server", str(listening.fileno())],
                stdin=held,
                stdout=self._said,
                stderr=self._said,
                env={**environment, **_ENVIRONMENT, "PYTHONPATH": path},
                pass_fds=[listening.fileno()],
                start_new_session=True,
            )
        os.close(held)

    def wait(self) -> None:
        """Until it answers. Raises Configuration where it does not."""
        try:
            with urlopen(f"{self.url}/health", timeout=ANSWER_SECONDS):  # noqa: S310 — our own address
                return
        except (URLError, OSError) as error:
            raise Configuration(
                f"Prefect's temporary server does not start: {self._last_words() or error}",
                advice="See that the home can be written to, or start `prefect server start` and set PREFECT_API_URL.",
            ) from error

    def _last_words(self) -> str:
        self._said.seek(0)
        lines = self._said.read()[-_LAST_WORDS:].decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""


def is_wanted(environment: Mapping[str, str]) -> bool:
    """Whether no server is named: not in the environment, nor in the files that Prefect also reads."""
    if environment.get("PREFECT_API_URL"):
        return False
    files = (Path(".env"), Path("prefect.toml"), Path(environment["PREFECT_HOME"]) / "profiles.toml")
    for file in files:
        with suppress(OSError):
            if "prefect_api_url" in (written := file.read_text(errors="replace").lower()) or "[api]" in written:
                return False
    return True


def main(listening: int) -> None:
    """The child: migrate where that is needed, serve, and end with the parent."""
    threading.Thread(target=_end_with_parent, name="end with parent", daemon=True).start()
    database = None if "PREFECT_API_DATABASE_CONNECTION_URL" in os.environ else Path(os.environ["PREFECT_HOME"])
    prefect_database.prepare(database / "prefect.db", _kept()) if database else prefect_database.migrate()
    import uvicorn

    config = uvicorn.Config("prefect.server.api.server:create_app", factory=True, log_level="error", lifespan="on")
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=listening)])


def _kept() -> Path:
    return user_cache_path("swatchbook", appauthor=False) / f"prefect-{version('prefect')}.sqlite"


def _end_with_parent() -> None:
    while os.read(0, 1):  # nothing is ever written to it
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(END_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
