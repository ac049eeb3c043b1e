"""The heartbeat: a thread of its own that keeps a run's leases alive, also while the work waits or computes."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from swatchbook.errors import Failure, RunRevoked
from swatchbook.ledger import runs
from swatchbook.ledger.database import Ledger
from swatchbook.ledger.leases import LEASE_SECONDS
from swatchbook.ledger.runs import Run

log = logging.getLogger(__name__)

BEAT_SECONDS = 20.0
"""Two beats may be missed before a lease of 60 s ends."""


class Beat:
    """`lost` is set once the run is no longer ours, or may not be: work must stop and write nothing more."""

    def __init__(self) -> None:
        self.lost = threading.Event()


@contextmanager
def beating(ledger: Ledger, run: Run, *, every: float = BEAT_SECONDS) -> Iterator[Beat]:
    """Renew the run's leases every `every` seconds for as long as the block lasts.

    An outage of the ledger shorter than the lease is sat out.
    """
    beat, over = Beat(), threading.Event()
    thread = threading.Thread(
        target=_beat, args=(ledger, run, every, beat.lost, over), name=f"heartbeat {run.token}", daemon=True
    )
    thread.start()
    try:
        yield beat
    finally:
        over.set()
        thread.join(5)  # one that waits for a lock finds its run ended, and ends too


def _beat(ledger: Ledger, run: Run, every: float, lost: threading.Event, over: threading.Event) -> None:
    renewed, pause = time.monotonic(), every
    try:
        while not over.wait(pause):
            began = time.monotonic()
            try:
                runs.heartbeat(ledger, run)
                renewed, pause = began, every
            except RunRevoked as revoked:
                log.warning("%s", revoked)
                return
            except Failure as failure:  # the ledger is away: again, sooner, until the lease is surely over
                log.warning("no heartbeat: %s", failure)
                if time.monotonic() - renewed > LEASE_SECONDS:
                    return
                pause = every / 10
    finally:
        if not over.is_set():
            lost.set()
