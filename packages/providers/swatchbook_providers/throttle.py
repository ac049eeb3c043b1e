"""Decide when a provider may be called: by its limit of calls per minute, requested waits and outages.

Calls are spread evenly over the minute. Waits that the provider asks for are obeyed up to an hour. After four errors
in a row it counts as down; it is then probed after 10 s, doubling to 10 minutes. This module never sleeps.

Times are seconds of one clock. All calls of the client share this state: a wait that one call is asked for applies to
all.
"""

import threading
from typing import Final

from swatchbook.domain.backoff import pause_after
from swatchbook.domain.errors import ProviderDown

STRIKES: Final = 4
"""The connection errors and 5xx in a row after which the provider counts as down. A task has as many tries by default,
so that a single call detects the outage within its run, and the item spends no attempt.
"""

_FIRST_PAUSE, _LONGEST_PAUSE = 10.0, 600.0
"""The first and the longest seconds between probes of a provider that is down; they double."""

_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0
"""The first and the longest seconds to wait after "too many requests" without a time; they double while it repeats."""

_LONGEST_TOLD = 3_600.0
"""The longest requested wait that is obeyed, in seconds."""

_MARGIN = 0.98
"""The share of the limit of calls that is used: the provider counts at arrival, and network delays vary."""

_MINUTE = 60.0  # seconds


class Throttle:
    """The state shared by all threads that call a provider."""

    def __init__(self, per_minute: int = 0) -> None:
        self._lock = threading.Lock()
        self._apart = _MINUTE / max(1, round(per_minute * _MARGIN)) if per_minute else 0.0  # seconds
        self._next_at = 0.0
        self._told_until = self._told_at = 0.0
        self._told_in_a_row = 0
        self.let_in_at = 0.0
        """When the last call was accepted."""
        self._strikes = 0
        self._down_until: float | None = None
        self._failed_probes = 0
        self._probing = False

    def take_place(self, now: float) -> float:
        """Reserve the next place in the queue for a call, and return the time when it may be sent."""
        with self._lock:
            place = max(now, self._next_at)
            self._next_at = place + self._apart
            return place

    def closed_for(self, now: float) -> float:
        """Return the remaining seconds of a wait that the provider requested; 0 if it may be called."""
        with self._lock:
            return max(0.0, self._told_until - now)

    def enter(self, now: float) -> bool:
        """Register a call just before it is sent; return whether it probes a provider that was down.

        Raises ProviderDown while the provider is down. Every registered call ends with `reached`, `failed` or `left`.
        """
        with self._lock:
            if self._down_until is None:
                return False
            if now < self._down_until or self._probing:
                raise ProviderDown(f"The provider is down; we try again in {max(0.0, self._down_until - now):.0f} s.")
            self._probing = True
            return True

    def reached(self, probe: bool) -> None:
        """Record that the provider replied, with any status but 5xx: it is not down."""
        with self._lock:
            self._strikes, self._down_until, self._failed_probes = 0, None, 0
            self._probing = self._probing and not probe

    def failed(self, now: float, probe: bool) -> bool:
        """Record a connection error or 5xx; return whether the provider counts as down now."""
        with self._lock:
            self._strikes += 1
            if probe:
                self._probing, self._failed_probes = False, self._failed_probes + 1
            if probe or (self._down_until is None and self._strikes >= STRIKES):
                pause = pause_after(1 + self._failed_probes, first=_FIRST_PAUSE, longest=_LONGEST_PAUSE)
                self._down_until = now + pause
            return self._down_until is not None

    def left(self, probe: bool) -> None:
        """Record that the call ended without showing whether the provider is up."""
        with self._lock:
            self._probing = self._probing and not probe

    def pause(self, now: float, sent: float, seconds: float | None) -> None:
        """Record "too many requests" for a call sent at `sent`, with the requested wait in seconds, or None.

        Replies to calls that were in flight together count once. If it is repeated, the wait grows, even if the
        provider asks for 0 s each time.
        """
        with self._lock:
            if sent >= self._told_at:
                self._told_in_a_row += 1
                self._told_at = now
            own = pause_after(self._told_in_a_row, first=_FIRST_WAIT, longest=_LONGEST_WAIT)
            wait = own if seconds is None else min(max(seconds, own - _FIRST_WAIT), _LONGEST_TOLD)
            self._told_until = max(self._told_until, now + wait)

    def let_in(self, now: float) -> None:
        """Record that a call was accepted: the next "too many requests" is the first in a row."""
        with self._lock:
            self._told_in_a_row, self.let_in_at = 0, now
