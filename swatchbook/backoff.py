"""The pause before the next try of what failed: 15 minutes, doubling with each failure, at most a day. Whether it is
tried again is in `errors.py`, how often at most in `ledger/item_tries.py`. The pauses of 2, 4 and 8 seconds
within a run are the setting `retry_delays`.
"""

FIRST_PAUSE, LONGEST_PAUSE = 900.0, 86_400.0
"""Seconds between runs: 15 minutes after the first failure, doubling, at most a day."""

_MOST_DOUBLINGS = 60  # beyond any longest pause, and far from a float's limit


def pause_after(failures: int, *, first: float = FIRST_PAUSE, longest: float = LONGEST_PAUSE) -> float:
    """Return the seconds to wait after this many failures (counted from 1): `first`, doubling, at most `longest`."""
    return min(first * 2.0 ** min(failures - 1, _MOST_DOUBLINGS), longest)
