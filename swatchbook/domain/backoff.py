"""The pause before the next try of what failed: 15 minutes, doubling with each failure, at most a day. Whether it is
tried again is in `errors.py`, how often at most in `store/ledger/item_tries.py`. The pauses of 2, 4 and 8 seconds
within a run are the setting `retry_delays`. Also here: the pause that a server asks for.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FIRST_PAUSE, LONGEST_PAUSE = 900.0, 86_400.0
"""Seconds between runs: 15 minutes after the first failure, doubling, at most a day."""

_MOST_DOUBLINGS = 60  # beyond any longest pause, and far from a float's limit


def pause_after(failures: int, *, first: float = FIRST_PAUSE, longest: float = LONGEST_PAUSE) -> float:
    """Return the seconds to wait after this many failures (counted from 1): `first`, doubling, at most `longest`."""
    return min(first * 2.0 ** min(failures - 1, _MOST_DOUBLINGS), longest)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait by Retry-After (a number or date, RFC 9110) or OpenAI's retry-after-ms, else None."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        given = headers.get(name, "")
        if re.fullmatch(r"\d+(\.\d+)?", given):
            return float(given) * unit
        if then := _time(given):
            now = _time(headers.get("date", "")) or datetime.now(UTC)  # the server's clock, if it sends it
            return max(0.0, (then - now).total_seconds())
    return None


def _time(given: str) -> datetime | None:
    """Parse an HTTP date; None if it is invalid. Without a time zone it is UTC."""
    try:
        time = parsedate_to_datetime(given)
    except (ValueError, OverflowError):
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
