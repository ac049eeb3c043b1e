"""Return freed memory to the system, let all threads share two heaps of the C library, and import without collections.

The heaps can keep some memory for a reader of large tables. Measured: after eight catalogues in one process, they held
730 MB of free memory.
"""

import ctypes
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_ARENAS = 2  # heaps for all threads; glibc makes up to 8 a processor, and each keeps what was freed in it
_M_ARENA_MAX, _M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -8, -1, -3  # mallopt's numbers in glibc's malloc.h
_KEPT = 64 << 20  # bytes that may be free at the end of each heap
_IN_HEAP = 32 << 20  # bytes of the largest block that may come from a heap: the most that glibc allows


def limit_arenas() -> None:
    """Let all threads share a few heaps. Call it before threads start; without glibc it does nothing."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)


def keep_buffers() -> None:
    """Let heaps keep some memory that was freed, for a reader whose buffers come and go. Without glibc it does nothing.

    Else each buffer of some MB is mapped again, page by page: half of the time of comparing 100,000 vectors of 768.
    """
    with suppress(OSError, AttributeError):
        glibc = ctypes.CDLL(None)
        glibc.mallopt(_M_MMAP_THRESHOLD, _IN_HEAP)
        glibc.mallopt(_M_TRIM_THRESHOLD, _KEPT)


@contextmanager
def without_collections() -> Iterator[None]:
    """Keep Python's collector off while modules are imported: it looks through their objects again and again, and they
    stay. It was a fifth of the processor time of a start of Prefect.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def release_memory() -> None:
    """Give memory that was freed back to the system. Without glibc it does nothing."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def release_memory_above(kept: int) -> None:
    """Give memory that is no longer used back if this process holds more than `kept` bytes. Only on Linux.

    What an error's traceback holds is garbage only for Python's collector, which may not look for long.
    """
    with suppress(OSError, ValueError):
        resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        if resident > kept:
            gc.collect()
            release_memory()
