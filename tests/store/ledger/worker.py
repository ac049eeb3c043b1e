"""A process that works on a document, for a test that kills it: python worker.py URL OWNER KEY…"""

import sys
import threading

from swatchbook.ingest.run import keep_alive
from swatchbook.store.ledger import claims
from swatchbook.store.ledger.database import open_ledger
from tests.store.ledger.scene import begun


def hold(url: str, owner: str, keys: list[str]) -> None:
    """Claim all keys, say so, and stay until killed."""
    ledger = open_ledger(url)
    run = begun(ledger, owner=owner, pictures=keys)
    with keep_alive(ledger, run, every=0.1):
        claims.claim(ledger, run, keys)
        print(run.model_dump_json(), flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    hold(sys.argv[1], sys.argv[2], sys.argv[3:])
