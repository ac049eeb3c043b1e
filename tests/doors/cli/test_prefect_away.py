"""A command whose Prefect server is lost says what does not answer, where, and what to do."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import bare_environment, finish

pytestmark = pytest.mark.stack


@pytest.fixture
def half_dead() -> Iterator[str]:
    """A server that answers that it is healthy, and hangs up on everything else."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    if b"/health" in connection.recv(4_096):
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\ntrue")

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/api"


def test_ingest_that_loses_prefect_says_so(small_catalogue: Path, tmp_path: Path, half_dead: str) -> None:
    environment = bare_environment() | {
        "SWATCHBOOK_HOME": str(tmp_path / "home"), "PREFECT_API_URL": half_dead, "PREFECT_CLIENT_MAX_RETRIES": "0",
    }  # fmt: skip
    done = finish(["ingest", str(small_catalogue)], environment, tmp_path, seconds=300)
    assert done.returncode != 0
    said = " ".join(done.stderr.split())
    assert f"Prefect does not answer at {half_dead}" in said
    assert "Start its server, or correct PREFECT_API_URL" in said
    assert "unexpected error" not in said.lower()
