"""Find out whether a process is alive, by its host, boot, container, pid and start time; lower this one's priority.

Work in the background has nice 5. `store/ledger/dead_runs.py` has the rule when a run is dead.
"""

import ctypes
import os
import platform
import signal
import sys
from contextlib import suppress
from pathlib import Path

import psutil

from swatchbook.domain.records import Record

_CLOCK_SLACK = 2.0
"""Seconds of tolerance in a process's start time: it is computed from the boot time, which NTP adjusts."""

_PR_SET_PDEATHSIG = 1

BACKGROUND = 5
"""Nice value of flows: they get a quarter of a processor that another process wants all of.

With less, they might starve on a busy machine until their leases run out."""

_THREADS = Path("/proc/self/task")


class Process(Record):
    """The identity of a process: unique across hosts, boots, containers and reused process ids."""

    host: str
    boot_id: str
    pid_namespace: str
    pid: int
    pid_started: float  # Unix seconds


def here() -> Process:
    """Return the identity of this process."""
    return Process(
        host=platform.node(),
        boot_id=_boot_id(),
        pid_namespace=_pid_namespace(),
        pid=os.getpid(),
        pid_started=psutil.Process().create_time(),
    )


def yield_to_people() -> None:
    """Let other processes go first, from now on: lower the priority of this one, and of all that it starts.

    On Linux each thread has its own. Linux compares priorities within a session (or container): a service and a worker
    in sessions of their own share the processors evenly.
    """
    threads = [int(each.name) for each in _THREADS.iterdir()] if _THREADS.exists() else [0]
    for thread in threads:
        with suppress(OSError):  # it has ended
            os.setpriority(os.PRIO_PROCESS, thread, max(BACKGROUND, os.getpriority(os.PRIO_PROCESS, thread)))


def is_dead(process: Process) -> bool | None:
    """Return whether a process has ended (a zombie has); None if it runs on another host or in another container."""
    us = here()
    if (process.host, process.boot_id, process.pid_namespace) != (us.host, us.boot_id, us.pid_namespace):
        return None
    try:
        current = psutil.Process(process.pid)
        reused = abs(current.create_time() - process.pid_started) > _CLOCK_SLACK
        return reused or current.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return None


def _boot_id() -> str:
    file = Path("/proc/sys/kernel/random/boot_id")
    return file.read_text().strip() if file.exists() else f"{psutil.boot_time():.0f}"


def _pid_namespace() -> str:
    link = Path("/proc/self/ns/pid")
    return str(link.readlink()) if link.is_symlink() else ""


def end_with_parent() -> None:
    """Run in the child before exec: an orphaned worker would compete with the next one."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # background jobs and a container's first process ignore it
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
