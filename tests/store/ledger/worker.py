"""A process that works on a document, for tests that run or kill it: python worker.py hold|work URL OWNER KEY…"""

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from swatchbook.ingest.run import keep_alive
from swatchbook.store.ledger import claims
from swatchbook.store.ledger.database import open_ledger
from swatchbook.store.ledger.runs import Run
from tests.store.ledger.scene import VISUAL, begun, make


def hold(url: str, owner: str, keys: list[str]) -> None:
    """Claim all keys, say so, and stay until killed."""
    ledger = open_ledger(url)
    run = begun(ledger, owner=owner, pictures=keys)
    with keep_alive(ledger, run, every=0.1):
        claims.claim(ledger, run, keys)
        print(run.model_dump_json(), flush=True)
        threading.Event().wait()


def work(url: str, owner: str, keys: list[str]) -> None:
    """Claim and commit every key that nobody else has, in two threads, and print each claimed; begin on a line in."""
    ledger = open_ledger(url)
    run = begun(ledger, owner=owner, requested=(VISUAL,), pictures=keys)
    print("ready", flush=True)
    input()
    with ThreadPoolExecutor(2) as threads:
        for claimed in threads.map(lambda part: _work(url, run, part), (keys, keys[::-1])):
            print("\n".join(claimed), flush=True)


def _work(url: str, run: Run, keys: list[str]) -> list[str]:
    ledger = open_ledger(url)
    claimed = []
    for start in range(0, len(keys), 5):
        lease = claims.claim(ledger, run, keys[start : start + 5])
        claimed += [c.key for c in lease.items]
        time.sleep(0.001)
        claims.commit(ledger, lease, [make(c) for c in lease.items], [], last_try=False)
    ledger.close()
    return claimed


if __name__ == "__main__":
    {"hold": hold, "work": work}[sys.argv[1]](sys.argv[2], sys.argv[3], sys.argv[4:])
