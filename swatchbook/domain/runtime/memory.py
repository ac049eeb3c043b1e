"""Measure the memory in use of the container or machine, wait until enough is free, and measure a process's peak.

`batch_size.py` decides how many items fit.
"""

import time
from collections.abc import Callable
from pathlib import Path

import psutil

_CGROUPS, _OURS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
_FILES = (
    ("", "memory.max", "memory.current", "inactive_file"),
    ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
"""The folder, limit, use and droppable page cache of cgroup v2, and of v1."""

_POLL_SECONDS = 0.5

MemoryUse = Callable[[], tuple[int, int]]
"""A function that returns (bytes in use, bytes in total): `memory_use`, or a test's replacement."""


def memory_use() -> tuple[int, int]:
    """Return (bytes in use, bytes in total) of the process's cgroup if it has a limit, else of the machine.

    Page cache that can be dropped counts as free.
    """
    machine = psutil.virtual_memory()
    for folder, maximum, current, droppable in _FILES:
        root = _CGROUPS / folder
        own = root / _own_cgroup(folder)  # in a container it may be that of the host, and ours is at the root
        for cgroup in (each for each in (own, *own.parents) if each.is_relative_to(root)):
            limit, used, stat = (_read(cgroup / name) for name in (maximum, current, "memory.stat"))
            if limit and used and stat and limit != "max" and int(limit) < machine.total:
                cache = dict(line.split(" ", 1) for line in stat.splitlines()).get(droppable, "0")
                return int(used) - int(cache), int(limit)
    return machine.total - machine.available, machine.total


def _own_cgroup(controller: str) -> str:
    """Return the path of the process's cgroup below that controller's folder; "" is that of v2."""
    lines = (line.split(":", 2) for line in (_read(_OURS) or "").splitlines())
    return next((path.lstrip("/") for _, names, path in lines if controller in names.split(",")), "")


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
