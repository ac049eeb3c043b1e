"""Send heartbeats: every 20 s a thread shows that a run, or a flow run, is alive, also while the work is waiting.

The heartbeat of a run renews its leases; `ledger/leases.py` has their length.
"""

import logging
import threading
from collections.abc import Callable, Iterator
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
    patient = ledger.with_patience(0.0)
    with beating(lambda: runs.record_heartbeat(patient, run), run.token, every=every) as lost:
        yield lost


@contextmanager
def beating(beat: Callable[[], None], name: str, *, every: float = BEAT_SECONDS) -> Iterator[threading.Event]:
    """Call `beat` every `every` seconds while the block runs, sooner after a Failure. `name`: of the thread.

    Yields an event that is set when it raised RunRevoked.
    """
    lost, over = threading.Event(), threading.Event()
    thread = threading.Thread(target=_beat, args=(beat, every, lost, over), name=f"heartbeat {name}", daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        over.set()
        thread.join(5)  # a heartbeat that waits for a lock finds its run ended, and ends too


def _beat(beat: Callable[[], None], every: float, lost: threading.Event, over: threading.Event) -> None:
    pause = every
    try:
        while not over.wait(pause):
            try:
                beat()
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
