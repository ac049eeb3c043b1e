"""How much memory is free, and waiting for it."""

import time
from collections.abc import Callable
from pathlib import Path

import psutil

_CGROUP = Path("/sys/fs/cgroup")
_LOOK_SECONDS = 0.5

MemoryUse = Callable[[], tuple[int, int]]
"""(bytes in use, bytes there are): `memory_use`, or what a test says instead."""


def memory_use() -> tuple[int, int]:
    """(bytes that cannot be reclaimed, bytes there are) for this process: its cgroup's limit where there is one, else
    the machine's. Page cache that can be dropped counts as free.
    """
    limit, used, stat = (_read(_CGROUP / name) for name in ("memory.max", "memory.current", "memory.stat"))
    machine = psutil.virtual_memory()
    if limit and used and stat and limit != "max" and int(limit) < machine.total:
        cache = next((int(line.split()[1]) for line in stat.splitlines() if line.startswith("inactive_file ")), 0)
        return int(used) - cache, int(limit)
    return machine.total - machine.available, machine.total


def wait_for_memory(percent: float, *, at_most: float, use: MemoryUse = memory_use) -> int:
    """Wait while `percent` of the memory or more is in use, `at_most` seconds. Returns the bytes that are free below
    that; none or less where the wait was in vain.
    """
    until = time.monotonic() + at_most
    while True:
        used, total = use()
        free = int(total * percent / 100) - used
        if free > 0 or time.monotonic() >= until:
            return free
        time.sleep(_LOOK_SECONDS)


def peak_memory_mb() -> float:
    """Largest resident size so far of this process, or of the largest of its children that ended: the greater, MiB.

    Not their sum: a child begins as a copy of its parent, and the kernel counts that as the child's own peak.
    """
    import resource

    return max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None
