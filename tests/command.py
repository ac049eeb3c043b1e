"""The real command in a process group of its own, as a person starts it, and its sudden death.

All but `Command` and `running` fork it off a process that has imported torch and the clients of the indexes: for most
commands that import takes longer than their work.
"""

import atexit
import json
import multiprocessing
import multiprocessing.forkserver
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager, suppress
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

SWATCHBOOK = str(Path(sys.executable).with_name("swatchbook"))
ROOT = Path(__file__).parents[1]


def bare_environment() -> dict[str, str]:
    """Return the environment without settings of Swatchbook and Prefect, but the OCR setting of all tests; in a wide
    terminal.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SWATCHBOOK_", "PREFECT_"))}
    return kept | {"SWATCHBOOK_OCR": os.environ["SWATCHBOOK_OCR"], "COLUMNS": "160"}


class Command:
    """One running `swatchbook …` in a new interpreter, with pipes for what it prints."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [SWATCHBOOK, *arguments],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def kill(self) -> None:
        """Send SIGKILL to the whole process group."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    def wait(self, seconds: float = 240) -> tuple[int, str, str]:
        """(exit status, stdout, stderr)."""
        try:
            out, err = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        return self.process.returncode, out.decode(), err.decode()


@cache
def _warm() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.preloaded"])
    with chdir(ROOT):  # from where it imports
        multiprocessing.forkserver.ensure_running()
    return context


class Forked:
    """One running `swatchbook …` in this folder, with exactly this environment. `begin` is called before it."""

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        folder: Path | None = None,
        begin: Callable[[], None] | None = None,
    ) -> None:
        self._arguments = arguments
        self._spoken = tempfile.TemporaryDirectory()
        given = (arguments, dict(environment), folder or Path.cwd(), self._spoken.name, begin)
        self._process = _warm().Process(target=_main, args=given)
        self._process.start()

    def poll(self) -> int | None:
        """The exit status; None while it runs."""
        return self._process.exitcode

    def kill(self) -> None:
        """Send SIGKILL to the whole process group."""
        with suppress(ProcessLookupError):  # it has none yet
            os.killpg(self._process.pid or 0, signal.SIGKILL)
        self._process.kill()
        self._process.join()

    def wait(self, seconds: float = 480) -> tuple[int, str, str]:
        """(exit status, stdout, stderr). Raises TimeoutError."""
        self._process.join(seconds)
        folder = Path(self._spoken.name)
        out, err = ((folder / name).read_text() if (folder / name).exists() else "" for name in ("out", "err"))
        if self._process.exitcode is None:
            self.kill()
            raise TimeoutError(f"swatchbook {' '.join(self._arguments)}\n{out[-2000:]}\n{err[-4000:]}")
        return self._process.exitcode, out, err


def finish(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: Path | None = None,
    seconds: float = 480,
    *,
    begin: Callable[[], None] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command as `Forked` to its end. Raises TimeoutError."""
    status, out, err = Forked(arguments, environment, folder, begin).wait(seconds)
    return subprocess.CompletedProcess(arguments, status, out, err)


def _main(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    spoken: str,
    begin: Callable[[], None] | None,
) -> None:
    os.setsid()
    for name, number, stream in (("out", 1, sys.stdout), ("err", 2, sys.stderr)):
        stream.flush()
        os.dup2(os.open(Path(spoken, name), os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = [SWATCHBOOK, *arguments]
    from interface.cli.main import main

    if begin is not None:
        begin()
    try:
        main()
    finally:
        atexit._run_exitfuncs()  # which multiprocessing leaves out


def attempt(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """(exit status, stdout, stderr) of a command that may fail."""
    return Forked(arguments, {**os.environ, **environment}).wait()


def run(*arguments: str, expect: int = 0, **environment: str) -> str:
    """The command's stdout; fails when it exits with another status."""
    status, out, err = attempt(*arguments, **environment)
    assert status == expect, f"exit {status}\n{out[-2000:]}\n{err[-4000:]}"
    return out


def run_json(*arguments: str, expect: int = 0, **environment: str) -> Any:
    return json.loads(run(*arguments, "--json", expect=expect, **environment))


@contextmanager
def running(*arguments: str, **environment: str) -> Iterator[Command]:
    """A command that is killed when the block ends, if it still runs."""
    command = Command(*arguments, **environment)
    try:
        yield command
    finally:
        if command.process.poll() is None:
            command.kill()


@contextmanager
def forked(*arguments: str, **environment: str) -> Iterator[Forked]:
    """The same, forked off."""
    command = Forked(arguments, {**os.environ, **environment})
    try:
        yield command
    finally:
        if command.poll() is None:
            command.kill()
