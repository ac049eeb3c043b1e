"""When a provider may be called: its pace, what it told us to wait, and the breaker. It decides and never sleeps.

Times are seconds of one clock. Waiting is of the whole client: what one call is told holds for all.
"""

import threading
from typing import Final

from pyrate_limiter import GCRA, Rate

from swatchbook.errors import ProviderDown

STRIKES: Final = 4
"""Connection errors and 5xx in a row until the provider counts as down: as many as a batch has tries by default, so
that an item that is asked about alone meets the outage within its run, and spends no attempt on it.
"""

_FIRST_PAUSE, _LONGEST_PAUSE = 10.0, 600.0
"""Seconds between probes of one that is down; doubling."""

_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0
"""Seconds to wait where a provider says "too many" but not how long; doubling while it goes on saying so."""

_LONGEST_TOLD = 3_600.0
"""Seconds that "come back later" is believed: whoever says a year is asked again in an hour."""

_MARGIN = 0.98
"""Of a limit is used: the provider's minute begins when a call arrives, and no two travel equally long."""

_MINUTE = 60_000  # milliseconds


class Throttle:
    """One for all threads that call a provider. A limit of 0 is none."""

    def __init__(self, *, calls_per_minute: int = 0, tokens_per_minute: int = 0) -> None:
        self._lock = threading.Lock()
        # one call at a time; tokens may be spent as the minute's whole, as providers count them
        self._calls = _Queue(Rate(max(1, round(calls_per_minute * _MARGIN)), _MINUTE, 1)) if calls_per_minute else None
        self._tokens = _Queue(Rate(tokens_per_minute, _MINUTE)) if tokens_per_minute else None
        self._told_until = self._told_at = 0.0
        self._told_in_a_row = 0
        self._strikes = 0
        self._down_until: float | None = None
        self._pause = _FIRST_PAUSE
        self._probing = False

    def take_place(self, now: float, tokens: int) -> float:
        """The next place in line for a call of so many tokens: when it may be sent. It is taken, in any case."""
        with self._lock:
            places = [line.take(now, weight) for line, weight in ((self._calls, 1), (self._tokens, tokens)) if line]
            return max(places, default=now)

    def give_back(self, now: float, tokens: int) -> None:
        """Tokens that were taken and not used."""
        with self._lock:
            if self._tokens:
                self._tokens.give_back(now, tokens)

    def closed_for(self, now: float) -> float:
        """Seconds that the provider told us to wait; 0: it may be called."""
        with self._lock:
            return max(0.0, self._told_until - now)

    def enter(self, now: float) -> bool:
        """Just before a call is sent; whether it is the probe. Raises ProviderDown while the provider is down.

        Every call that entered leaves by `reached`, `failed` or `left`.
        """
        with self._lock:
            if self._down_until is None:
                return False
            if now < self._down_until or self._probing:
                raise ProviderDown(f"The provider is down; asked again in {max(0.0, self._down_until - now):.0f} s.")
            self._probing = True
            return True

    def reached(self, probe: bool) -> None:
        """The provider answered, whatever it said: it is not down."""
        with self._lock:
            self._strikes, self._down_until, self._pause = 0, None, _FIRST_PAUSE
            self._probing = self._probing and not probe

    def failed(self, now: float, probe: bool) -> bool:
        """No connection, or an error of the provider's own; whether the provider counts as down now."""
        with self._lock:
            self._strikes += 1
            if probe:
                self._probing, self._pause = False, min(2 * self._pause, _LONGEST_PAUSE)
            if probe or (self._down_until is None and self._strikes >= STRIKES):
                self._down_until = now + self._pause
            return self._down_until is not None

    def left(self, probe: bool) -> None:
        """The call ended, and said nothing of the provider."""
        with self._lock:
            self._probing = self._probing and not probe

    def told(self, now: float, sent: float, seconds: float | None) -> None:
        """Too many calls: a call of `sent` was told to come back after so many seconds, or not when.

        Those that were under way together are told the same thing once. Told again, the wait grows, also where each
        time "at once" is said.
        """
        with self._lock:
            if sent >= self._told_at:
                self._told_in_a_row += 1
                self._told_at = now
            own = min(_FIRST_WAIT * 2.0 ** min(self._told_in_a_row - 1, 16), _LONGEST_WAIT)
            wait = own if seconds is None else min(max(seconds, own - _FIRST_WAIT), _LONGEST_TOLD)
            self._told_until = max(self._told_until, now + wait)

    def let_in(self) -> None:
        """A call was taken: no more "too many" in a row."""
        with self._lock:
            self._told_in_a_row = 0


class _Queue:
    """Places in line by the Generic Cell Rate Algorithm (ITU-T I.371), first come, first served."""

    def __init__(self, rate: Rate) -> None:
        self._rate, self._algorithm = rate, GCRA()
        self._state = self._algorithm.initial([rate])

    def take(self, now: float, weight: int) -> float:
        at = int(now * 1000)
        weight = min(weight, self._rate.burst)  # more than a minute's whole is let through, once the line is empty
        state, decision = self._algorithm.step([self._rate], self._state, at, weight)
        if decision.retry_after_ms:
            at += decision.retry_after_ms
            state, _ = self._algorithm.step([self._rate], self._state, at, weight)
        self._state = state
        return max(now, at / 1000)

    def give_back(self, now: float, weight: int) -> None:
        weight = min(weight, self._rate.burst)
        self._state, _ = self._algorithm.step([self._rate], self._state, int(now * 1000), -weight)
