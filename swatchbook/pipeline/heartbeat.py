"""The heartbeat: a thread of its own that keeps a run's leases alive, also while the work waits or computes."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from swatchbook.errors import Failure, RunRevoked
from swatchbook.ledger import runs
from swatchbook.ledger.database import Ledger
from swatchbook.ledger.runs import Run

log = logging.getLogger(__name__)

BEAT_SECONDS = 20.0
"""Two beats may be missed before a lease of 60 s ends."""


class Heartbeat:
    """`lost` is set once the run is no longer ours: work must stop, and can write nothing more."""

    def __init__(self) -> None:
        self.lost = threading.Event()


@contextmanager
def keep_alive(ledger: Ledger, run: Run, *, every: float = BEAT_SECONDS) -> Iterator[Heartbeat]:
    """Renew the run's leases every `every` seconds for as long as the block lasts.

    An outage of the ledger is sat out, however long: a lease that ended meanwhile is renewed, unless somebody who saw
    the ledger earlier has buried the run.
    """
    beat, over = Heartbeat(), threading.Event()
    args = (ledger.with_patience(0.0), run, every, beat.lost, over)
    thread = threading.Thread(target=_beat, args=args, name=f"heartbeat {run.token}", daemon=True)
    thread.start()
    try:
        yield beat
    finally:
        over.set()
        thread.join(5)  # one that waits for a lock finds its run ended, and ends too


def _beat(ledger: Ledger, run: Run, every: float, lost: threading.Event, over: threading.Event) -> None:
    pause = every
    try:
        while not over.wait(pause):
            try:
                runs.record_heartbeat(ledger, run)
                pause = every
            except RunRevoked as revoked:
                log.warning("%s", revoked)
                return
            except Failure as failure:  # the ledger is away: again, sooner
                log.warning("no heartbeat: %s", failure)
                pause = every / 20
    finally:
        if not over.is_set():
            lost.set()
