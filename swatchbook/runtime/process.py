"""Who a process is, and whether it still lives: only then may what it holds be freed before its lease ends."""

import os
import platform
from pathlib import Path

import psutil

from swatchbook.records import Record

_CLOCK_SLACK = 2.0
"""Seconds by which one process' start time may read differently: it is computed from the boot time, which NTP moves."""


class Process(Record):
    """A process, told apart from one of the same number on another host, boot, container or at another time."""

    host: str
    boot_id: str
    pid_namespace: str
    pid: int
    started: float  # Unix seconds


def here() -> Process:
    """This process."""
    return Process(
        host=platform.node(),
        boot_id=_boot_id(),
        pid_namespace=_pid_namespace(),
        pid=os.getpid(),
        started=psutil.Process().create_time(),
    )


def is_dead(process: Process) -> bool | None:
    """Whether it has ended (a zombie has); None where that cannot be known from here."""
    us = here()
    if (process.host, process.boot_id, process.pid_namespace) != (us.host, us.boot_id, us.pid_namespace):
        return None
    try:
        found = psutil.Process(process.pid)
        reused = abs(found.create_time() - process.started) > _CLOCK_SLACK
        return reused or found.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
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
