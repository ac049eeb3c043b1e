"""Decide when a provider may be called: by limits per minute, requested waits and outages.

The limits are those of calls and tokens. Waits that the provider asks for are obeyed up to an hour. After four errors
in a row it counts as down; it is then probed after 10 s, doubling to 10 minutes. This module never sleeps.

Times are seconds of one clock. All calls of the client share this state: a wait that one call is asked for applies to
all.
"""

import threading
from typing import Final

from swatchbook.domain.backoff import pause_after
from swatchbook.domain.errors import ProviderDown
from swatchbook.domain.setting_values import NO_LIMIT, Rates

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

    def __init__(self, limits: Rates = NO_LIMIT) -> None:
        self._lock = threading.Lock()
        # calls are spread evenly; tokens may be spent in bursts of a whole minute's limit, as providers count them
        self._calls = _Queue(max(1, round(limits.calls * _MARGIN)), burst=1) if limits.calls else None
        self._tokens = _Queue(limits.tokens, burst=limits.tokens) if limits.tokens else None
        self._told_until = self._told_at = 0.0
        self._told_in_a_row = 0
        self.let_in_at = 0.0
        """When the last call was accepted."""
        self._strikes = 0
        self._down_until: float | None = None
        self._failed_probes = 0
        self._probing = False

    def take_place(self, now: float, tokens: int) -> float:
        """Reserve the next place in the queue for a call with its tokens, and return the time when it may be sent."""
        with self._lock:
            places = [line.take(now, weight) for line, weight in ((self._calls, 1), (self._tokens, tokens)) if line]
            return max(places, default=now)

    def give_back(self, now: float, tokens: int) -> None:
        """Return tokens that were reserved and not used."""
        with self._lock:
            if self._tokens:
                self._tokens.give_back(now, tokens)

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


class _Queue:
    """A first-come, first-served queue by the Generic Cell Rate Algorithm (ITU-T I.371).

    Each unit occupies it for a minute / `per_minute`; a call may be sent `burst` units before its own would be through.
    """

    def __init__(self, per_minute: int, burst: int) -> None:
        self._seconds, self._burst = _MINUTE / per_minute, burst
        self._through_at = 0.0  # when all units that were taken are through

    def take(self, now: float, weight: int) -> float:
        weight = min(weight, self._burst)  # a larger call is let through once the queue is empty
        self._through_at = max(self._through_at, now) + weight * self._seconds
        return max(now, self._through_at - self._burst * self._seconds)

    def give_back(self, now: float, weight: int) -> None:
        through_at = max(self._through_at, now) - min(weight, self._burst) * self._seconds
        if through_at - self._burst * self._seconds <= now:  # else calls wait: a later one would be sent before them
            self._through_at = through_at
