"""The real command in a process group of its own, as a person starts it, and its sudden death."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SWATCHBOOK = str(Path(sys.executable).with_name("swatchbook"))


class Command:
    """One running `swatchbook …`."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [SWATCHBOOK, *arguments],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def kill(self) -> None:
        """SIGKILL to the whole group: nobody gets to say goodbye."""
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


def run(*arguments: str, expect: int = 0, **environment: str) -> str:
    """The command's stdout; fails when it exits with another status."""
    status, out, err = Command(*arguments, **environment).wait()
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
