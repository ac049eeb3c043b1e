"""Measure a command from outside: its wall seconds, its memory, and a Prefect server for it."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

PYTHON = sys.executable
SWATCHBOOK = str(Path(sys.executable).with_name("swatchbook"))
_SAMPLE_SECONDS = 0.2


@contextmanager
def prefect_server(**settings: str) -> Iterator[str]:
    """A Prefect server of our own, so that both sides meet it running; on SQLite unless the settings say otherwise."""
    from devtools.weaviate import end
    from swatchbook.doors.prefect_server import SERVER_ENVIRONMENT
    from tests.fixtures import free_port, wait_for_http

    with tempfile.TemporaryDirectory() as home:
        port, log = free_port(), Path(home) / "server.log"
        given = {**SERVER_ENVIRONMENT, "PREFECT_HOME": home, "PREFECT_SERVER_ANALYTICS_ENABLED": "false", **settings}
        with log.open("wb") as out:
            server = subprocess.Popen(
                [PYTHON, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)],
                env={**os.environ, **given}, stdout=out, stderr=out,
            )  # fmt: skip
        try:
            wait_for_http(f"http://127.0.0.1:{port}/api/health", server, log)
            yield f"http://127.0.0.1:{port}/api"
        finally:
            end(server)


def timed(command: list[str], environment: Mapping[str, str]) -> float:
    """Wall seconds of a command that must succeed."""
    started = time.monotonic()
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command}: exit {done.returncode}\n{done.stderr.decode()[-3000:]}")
    return time.monotonic() - started


def peak_pss_mb(command: list[str], environment: Mapping[str, str]) -> float:
    """Largest sum of proportional set sizes of a command and its children, MiB; sampled five times a second."""
    return max(sampled_pss_mb(command, environment))


def sampled_pss_mb(command: list[str], environment: Mapping[str, str]) -> Iterator[float]:
    """The sums of proportional set sizes of a command and its children, MiB, five times a second while it runs.

    Raises RuntimeError where the command fails.
    """
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=said, stderr=said)
        root = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                yield pss_mb(root)
            except psutil.Error:  # it has just ended
                continue
            time.sleep(_SAMPLE_SECONDS)
        if process.returncode:
            said.seek(0)
            raise RuntimeError(f"{command}: exit {process.returncode}\n{said.read().decode()[-3000:]}")


def pss_mb(root: psutil.Process) -> float:
    """Return the sum of the proportional set sizes of a process and its children, MiB."""
    return sum(map(_pss, (root, *root.children(recursive=True)))) / (1 << 20)


def _pss(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0
