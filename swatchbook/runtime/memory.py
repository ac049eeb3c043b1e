"""How much memory is free, and waiting for it."""

import time
from pathlib import Path

import psutil

_CGROUP = Path("/sys/fs/cgroup")
_LOOK_SECONDS = 0.5


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


def wait_for_memory(percent: float, *, at_most: float) -> float:
    """Wait while more than `percent` of the memory is in use, `at_most` seconds. Returns the seconds waited."""
    started, waited = time.monotonic(), 0.0
    while waited < at_most and _is_short(percent):
        time.sleep(_LOOK_SECONDS)
        waited = time.monotonic() - started
    return waited


def _is_short(percent: float) -> bool:
    used, total = memory_use()
    return used > total * percent / 100


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
