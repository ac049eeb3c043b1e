"""How much memory is free, and waiting for it."""

import time
from collections.abc import Callable
from pathlib import Path

import psutil

_CGROUP = Path("/sys/fs/cgroup")


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


def wait_for_memory(percent: float, *, at_most: float = 60.0, alive: Callable[[], None] = lambda: None) -> float:
    """Wait while more than `percent` of the memory is in use, `at_most` seconds: somebody else may hold it for ever.

    Returns the seconds waited. `alive` is called at each look.
    """
    started = time.monotonic()
    while (waited := time.monotonic() - started) < at_most:
        used, total = memory_use()
        if used <= total * percent / 100:
            break
        alive()
        time.sleep(0.5)
    return waited


def peak_memory_mb() -> float:
    """Largest resident size of this process so far, MiB."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None
