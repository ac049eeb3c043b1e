"""Prefect's temporary server: it ends with its command, and is not started where a file names another one."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from swatchbook.doors.prefect_server import is_needed
from tests.tables import rows_of

SWATCHBOOK = str(Path(sys.executable).with_name("swatchbook"))
ANSWERS = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=120).read()"


@pytest.fixture
def environment(home: Path, tmp_path: Path) -> dict[str, str]:
    """Without any PREFECT_* variable, and with a cache of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return kept | {"SWATCHBOOK_HOME": str(home), "XDG_CACHE_HOME": str(tmp_path / "cache")}


@pytest.mark.stack
@pytest.mark.gate
def test_killed_command_leaves_no_server(environment: dict[str, str], small_catalogue: Path, tmp_path: Path) -> None:
    command = subprocess.Popen(
        [SWATCHBOOK, "ingest", str(small_catalogue)],
        env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    server, port = wait_for_listener(psutil.Process(command.pid), seconds=120)
    subprocess.run([sys.executable, "-c", ANSWERS, f"http://127.0.0.1:{port}/api/health"], check=True, timeout=150)
    command.kill()
    command.wait()
    try:
        server.wait(20)
    finally:
        if server.is_running():
            server.kill()


def wait_for_listener(parent: psutil.Process, *, seconds: float) -> tuple[psutil.Process, int]:
    end = time.monotonic() + seconds
    while time.monotonic() < end and parent.is_running():
        for child in parent.children():
            for connection in child.net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN:
                    return child, connection.laddr.port
        time.sleep(0.1)
    raise AssertionError("the command has started no server")


@pytest.mark.parametrize(("file", "written", "wanted"), rows_of(__file__, "files"))
def test_server_that_a_file_names_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, written: str, wanted: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / file).write_text(written)
    assert is_needed({"PREFECT_HOME": str(tmp_path)}) is wanted
    assert is_needed({"PREFECT_HOME": str(tmp_path), "PREFECT_API_URL": "http://shop/api"}) is False
