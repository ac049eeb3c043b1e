"""Hold files back from garbage collection while a block of code runs (`store/ledger/runs.py`)."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

from swatchbook.domain.errors import Failure
from swatchbook.ingest.run import beating
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.runs import begin_process, end_process, renew_process


@contextmanager
def holding_files(ledger: Ledger) -> Iterator[None]:
    """Let nothing be deleted that this process stores, or that is unused only since now, until the block ends.

    Raises LedgerDown. A process that is killed holds nothing any more.
    """
    token, patient = begin_process(ledger), ledger.with_patience(0.0)
    try:
        with beating(partial(renew_process, patient, token), f"hold {token}"):
            yield
    finally:
        with suppress(Failure):  # it ends with this process at the latest
            end_process(patient, token)
