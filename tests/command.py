"""The real command in a process group of its own, as a person starts it, and its sudden death.

All but `Command` and `running` fork it off a process that has imported torch and the clients of the indexes: for most
commands that import takes longer than their work.
"""

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests import forked as forking
from tests.forked import SWATCHBOOK

OF_ALL_TESTS = ("SWATCHBOOK_OCR", "SWATCHBOOK_OCR_LANGUAGES")


def bare_environment() -> dict[str, str]:
    """Return the environment without settings of Swatchbook and Prefect, but the OCR settings of all tests; in a wide
    terminal.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SWATCHBOOK_", "PREFECT_"))}
    return kept | {name: os.environ[name] for name in OF_ALL_TESTS} | {"COLUMNS": "160"}


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
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    def wait(self, seconds: float = 240) -> tuple[int, str, str]:
        try:
            out, err = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        return self.process.returncode, out.decode(), err.decode()


class Forked:
    """One running `swatchbook …` in this folder, with exactly this environment. `begin` is called before it."""

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        folder: Path | None = None,
        begin: Callable[[], None] | None = None,
    ) -> None:
        self._spoken = tempfile.TemporaryDirectory()
        self._out, self._err = (Path(self._spoken.name, name) for name in ("out", "err"))
        command = ("swatchbook.doors.cli.main", *arguments)
        self._process = forking.Forked(command, environment, folder or Path.cwd(), self._out, self._err, begin)

    def poll(self) -> int | None:
        """The exit status; None while it runs."""
        return self._process.poll()

    def kill(self) -> None:
        self._process.kill_all()

    def wait(self, seconds: float = 480) -> tuple[int, str, str]:
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired as late:
            self.kill()
            late.output, late.stderr = self._output(self._out)[-2000:], self._output(self._err)[-4000:]
            raise
        return status, self._output(self._out), self._output(self._err)

    @staticmethod
    def _output(file: Path) -> str:
        return file.read_text() if file.exists() else ""


def finish(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: Path | None = None,
    seconds: float = 480,
    *,
    begin: Callable[[], None] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command as `Forked` to its end. Raises subprocess.TimeoutExpired."""
    status, out, err = Forked(arguments, environment, folder, begin).wait(seconds)
    return subprocess.CompletedProcess(arguments, status, out, err)


def attempt(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """(exit status, stdout, stderr) of a command that may fail."""
    return Forked(arguments, {**os.environ, **environment}).wait()


def run(*arguments: str, expect: int = 0, **environment: str) -> str:
    status, out, err = attempt(*arguments, **environment)
    assert status == expect, f"exit {status}\n{out[-2000:]}\n{err[-4000:]}"
    return out


def run_json(*arguments: str, expect: int = 0, **environment: str) -> Any:
    return json.loads(run(*arguments, "--json", expect=expect, **environment))


@contextmanager
def running(*arguments: str, **environment: str) -> Iterator[Command]:
    command = Command(*arguments, **environment)
    try:
        yield command
    finally:
        if command.process.poll() is None:
            command.kill()


@contextmanager
def forked(*arguments: str, **environment: str) -> Iterator[Forked]:
    command = Forked(arguments, {**os.environ, **environment})
    try:
        yield command
    finally:
        if command.poll() is None:
            command.kill()
