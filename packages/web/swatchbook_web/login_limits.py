"""Slow down who tries keys at the login: by the address that asks, and by the beginning of the key that is tried.

The first tries are free; after that one is allowed every few seconds. Only wrong keys are counted and refused. Behind a
proxy of FORWARDED_ALLOW_IPS the address is that of the browser, else people behind one proxy share its address.
"""

import hashlib
import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence

from fastapi import HTTPException

FREE_TRIES = 10
"""Wrong keys of one address, or with one beginning, before each further one has to wait."""

TRY_SECONDS = 6.0
"""For which one further try waits."""

_BEGINNING = 8  # characters of a key
_REMEMBERED = 10_000  # addresses and beginnings; the one whose last try is longest ago goes first


class LoginLimits:
    """The wrong tries of late: how many, less one for each TRY_SECONDS that have passed."""

    def __init__(self) -> None:
        self._tries: OrderedDict[str, tuple[float, float]] = OrderedDict()  # -> tries left at a time, that time
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._tries)

    def require(self, address: str, key: str) -> None:
        """Raise 429, with the seconds to wait, while an address or the beginning of a key has no try left."""
        now = time.monotonic()
        with self._lock:
            most = max(self._left(name, now) for name in _names(address, key))
        if most > FREE_TRIES - 1:
            wait = math.ceil((most - FREE_TRIES + 1) * TRY_SECONDS)
            detail = f"Too many wrong keys; try again in {wait} s."
            raise HTTPException(429, detail, headers={"Retry-After": str(wait)})

    def count(self, address: str, key: str) -> None:
        """Remember that a key was wrong."""
        now = time.monotonic()
        with self._lock:
            for name in _names(address, key):
                self._tries[name] = self._left(name, now) + 1, now
                self._tries.move_to_end(name)
            while len(self._tries) > _REMEMBERED:
                self._tries.popitem(last=False)

    def _left(self, name: str, now: float) -> float:
        tries, since = self._tries.get(name, (0.0, now))
        return max(0.0, tries - (now - since) / TRY_SECONDS)


def _names(address: str, key: str) -> Sequence[str]:
    """Return the names under which a try counts: no part of a key is kept. Of IPv6 a network of 64 bits is one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        network = address
    else:
        network = str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address
    return network, hashlib.sha256(key[:_BEGINNING].encode("utf-8", "replace")).hexdigest()
