"""What a person waits for before the work begins: whole processes, from a cold shell, against `import torch`.

Both sides run in turn. Compared are medians of processor time, user and system, of a process and the children that it
has waited for: on a machine that others use as well, wall time says how busy those are. Wall is told beside it.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

PYTHON = sys.executable
SWATCHBOOK = str(Path(sys.executable).with_name("swatchbook"))
TORCH = (PYTHON, "-c", "import torch")
QUERY = ("search", "slow-grown oak with long flames", "--json")


class Spent(NamedTuple):
    """Seconds of one process, or their medians."""

    wall: float
    cpu: float


class Ingest(NamedTuple):
    """One ingest from a cold shell and the same domain calls bare; seconds until the first page was read."""

    whole: Spent
    bare: Spent
    first_page: float


def spend(command: Sequence[str], environment: Mapping[str, str], watch: Callable[[], None] = lambda: None) -> Spent:
    """Run a command that must succeed; `watch` is called ten times a second meanwhile."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, env=dict(environment), stdout=said, stderr=said)
        while True:
            pid, status, used = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            watch()
            time.sleep(0.1)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise RuntimeError(f"{command}: exit {process.returncode}\n{said.read().decode()[-3000:]}")
    return Spent(time.monotonic() - started, used.ru_utime + used.ru_stime)


def medians(spent: Sequence[Spent]) -> Spent:
    return Spent(median(each.wall for each in spent), median(each.cpu for each in spent))


def reading_commands(rounds: int, catalogue: Path) -> dict[str, Spent]:
    """`torch`, `status`, `search`, in turn, over a collection of one file."""
    with tempfile.TemporaryDirectory() as home:
        here = _environment(Path(home))
        spend((PYTHON, "-m", "benchmarks.bare_ingest", str(catalogue)), here)
        commands = {"torch": TORCH, "status": (SWATCHBOOK, "status"), "search": (SWATCHBOOK, *QUERY)}
        for command in commands.values():
            spend(command, here)  # from a warm disk
        found: dict[str, list[Spent]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                found[name].append(spend(command, here))
    return {name: medians(spent) for name, spent in found.items()}


def ingest(rounds: int, catalogue: Path, small: Path) -> Ingest:
    """Each into a new home and without a Prefect server, a migrated database of Prefect's in the cache, as people have
    it after their first ingest: here that of a small catalogue.
    """
    whole, bare, first = [], [], []
    with tempfile.TemporaryDirectory() as cache:
        with tempfile.TemporaryDirectory() as home:
            spend((SWATCHBOOK, "ingest", str(small)), _environment(Path(home)) | {"XDG_CACHE_HOME": cache})
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
                bare.append(spend((PYTHON, "-m", "benchmarks.bare_ingest", str(catalogue)), _environment(Path(one))))
                environment = _environment(Path(two)) | {"XDG_CACHE_HOME": cache}
                page = _FirstPage(Path(two))
                whole.append(spend((SWATCHBOOK, "ingest", str(catalogue)), environment, page.look))
                first.append(page.seconds)
    return Ingest(medians(whole), medians(bare), median(first))


class _FirstPage:
    """When the first page of an ingest was read: pages are written to a file under the home as they come."""

    def __init__(self, home: Path) -> None:
        self._home, self._started, self.seconds = home, time.monotonic(), float("inf")

    def look(self) -> None:
        written = (file for folder in ("tmp", "files") for file in (self._home / folder).rglob("*.jsonl"))
        if self.seconds == float("inf") and any(_size(file) for file in written):
            self.seconds = time.monotonic() - self._started


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:  # it has just been moved
        return 0


def _environment(home: Path) -> dict[str, str]:
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("SWATCHBOOK_", "PREFECT_"))}
    return bare | {"SWATCHBOOK_HOME": str(home)}
