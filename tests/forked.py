"""Python programs forked off a process that has imported torch, Prefect and the clients of the indexes: for most of
them that import takes longer than their work.
"""

import atexit
import multiprocessing
import multiprocessing.forkserver
import os
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir, suppress
from functools import cache
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerContext
from pathlib import Path

ROOT = Path(__file__).parents[1]
_TURN = threading.Lock()  # a status is read once: by who asks for it, or by the start of another process
SWATCHBOOK = str(Path(sys.executable).with_name("swatchbook"))


@cache
def warm() -> ForkServerContext:
    """What starts processes that have imported `tests.preloaded`."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.preloaded"])
    with chdir(ROOT):  # from where it imports
        multiprocessing.forkserver.ensure_running()
    return context


class Forked:
    """A module that runs as `python -m …` does, in a new session, with exactly this environment.

    What it prints is appended to these files. `begin` is called first. Its methods are those of `subprocess.Popen`.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        out: Path,
        err: Path,
        begin: Callable[[], None] | None = None,
    ) -> None:
        given = (tuple(command), dict(environment), folder, out, err, begin)
        self._command, self._process = command, warm().Process(target=_main, args=given)
        with _TURN:
            self._process.start()

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    @property
    def sentinel(self) -> int:
        return self._process.sentinel

    def poll(self) -> int | None:
        """The exit status; None while it runs."""
        with _TURN:
            return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        wait([self.sentinel], timeout)
        status = self.poll()
        if status is None:
            raise subprocess.TimeoutExpired(self._command, timeout or 0)
        return status

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()

    def kill_all(self) -> None:
        """Send SIGKILL to its whole process group, and wait for its end."""
        with suppress(ProcessLookupError):  # it has none yet
            os.killpg(self.pid, signal.SIGKILL)
        self.kill()
        self.wait()


def _main(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    out: Path,
    err: Path,
    begin: Callable[[], None] | None,
) -> None:
    os.setsid()
    for path, number, stream in ((out, 1, sys.stdout), (err, 2, sys.stderr)):
        stream.flush()
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(opened, number)
        os.close(opened)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    module, *arguments = command
    sys.argv = [SWATCHBOOK, *arguments]
    if begin is not None:
        begin()
    try:
        runpy.run_module(module, run_name="__main__")
    finally:
        atexit._run_exitfuncs()  # which multiprocessing leaves out
