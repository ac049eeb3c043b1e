"""Interrupt one core again and again, each time for about 0.1 ms: what runs there stops in the middle of system calls.

python -m tests.interrupted_core CORE, until it is killed.
"""

import ctypes
import os
import sys
import time

TIMERS = 400  # that end at the same moment, in one interrupt
AHEAD = 600_000  # nanoseconds from setting the timers to their end


class Moment(ctypes.Structure):
    """`itimerspec`: interval and end, each in seconds and nanoseconds."""

    _fields_ = tuple((name, ctypes.c_long) for name in ("every_s", "every_ns", "s", "ns"))


def interrupt(core: int) -> None:
    os.sched_setaffinity(0, {core})
    libc = ctypes.CDLL(None)
    timers = [libc.timerfd_create(time.CLOCK_MONOTONIC, 0) for _ in range(TIMERS)]
    assert min(timers) > 0
    while True:
        end = time.monotonic_ns() + AHEAD
        moment = Moment(0, 0, *divmod(end, 10**9))
        for timer in timers:
            libc.timerfd_settime(timer, 1, ctypes.byref(moment), None)  # 1: at this moment, not after so long
        time.sleep(max(0, end - time.monotonic_ns()) / 1e9)


if __name__ == "__main__":
    interrupt(int(sys.argv[1]))
