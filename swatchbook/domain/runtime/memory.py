"""Measure the memory in use of the container or machine, wait until enough is free, and measure a process's peak.

`batch_size.py` decides how many items fit.
"""

import time
from collections.abc import Callable
from pathlib import Path

import psutil

_CGROUP = Path("/sys/fs/cgroup")
_POLL_SECONDS = 0.5

MemoryUse = Callable[[], tuple[int, int]]
"""A function that returns (bytes in use, bytes in total): `memory_use`, or a test's replacement."""


def memory_use() -> tuple[int, int]:
    """Return (bytes in use, bytes in total) of the process's cgroup if it has a limit, else of the machine.

    Page cache that can be dropped counts as free.
    """
    limit, used, stat = (_read(_CGROUP / name) for name in ("memory.max", "memory.current", "memory.stat"))
    machine = psutil.virtual_memory()
    if limit and used and stat and limit != "max" and int(limit) < machine.total:
        cache = next((int(line.split()[1]) for line in stat.splitlines() if line.startswith("inactive_file ")), 0)
        return int(used) - cache, int(limit)
    return machine.total - machine.available, machine.total


def wait_for_memory(percent: float, *, at_most: float, use: MemoryUse = memory_use) -> int:
    """Wait up to `at_most` seconds until less than `percent` of the memory is in use.

    Returns the bytes that are free below that limit: zero or less if the wait timed out.
    """
    until = time.monotonic() + at_most
    while True:
        used, total = use()
        free = int(total * percent / 100) - used
        if free > 0 or time.monotonic() >= until:
            return free
        time.sleep(_POLL_SECONDS)


def peak_memory_mb() -> float:
    """Return the peak resident size in MiB of this process or of its largest ended child, whichever is greater.

    They are not added: a child begins as a copy of its parent, and the kernel counts that as the child's peak.
    """
    import resource

    return max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None
