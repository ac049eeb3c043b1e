"""Clocks for clients of providers: one that only sleeping moves, and one that runs faster than the world's."""

import threading
import time


class SetClock:
    """Stands still but for `sleep`, which returns at once."""

    def __init__(self) -> None:
        self._now, self._lock = 1_000.0, threading.Lock()

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._now += seconds


class FastClock:
    """So many times faster than the world's."""

    def __init__(self, scale: float) -> None:
        self._scale = scale

    def now(self) -> float:
        return time.monotonic() * self._scale

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / self._scale)
