"""The heartbeat of a run: a thread that renews its leases every 20 s, also while the work waits or computes. How long a
lease lasts: `ledger/leases.py`.
"""

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
"""Two heartbeats may be missed before a lease of 60 s ends."""


@contextmanager
def keep_alive(ledger: Ledger, run: Run, *, every: float = BEAT_SECONDS) -> Iterator[threading.Event]:
    """Renew the run's leases every `every` seconds while the block runs. Yields an event that is set when it is lost.

    A run that was revoked, or that another process has marked dead, is lost: its work must stop and can write nothing
    more. An outage of the ledger only delays the heartbeat: a lease that ended meanwhile is renewed, unless another
    process saw the ledger first and marked the run dead.
    """
    lost, over = threading.Event(), threading.Event()
    arguments = (ledger.with_patience(0.0), run, every, lost, over)
    thread = threading.Thread(target=_beat, args=arguments, name=f"heartbeat {run.token}", daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        over.set()
        thread.join(5)  # a heartbeat that waits for a lock finds its run ended, and ends too


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
            except Failure as failure:  # the ledger does not answer: try again, sooner
                log.warning("no heartbeat: %s", failure)
                pause = every / 20
    finally:
        if not over.is_set():
            lost.set()
