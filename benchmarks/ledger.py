"""A million items claimed, committed, accounted and listed, in bounded memory, on each database.

`python -m benchmarks.ledger [ITEMS [sqlite|postgresql]]`, a million and both by default: some minutes for each.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import insert

from swatchbook.domain.records import IngestOptions, Role, RoleTag, document_id, identity, image_id, sha256
from swatchbook.index.contract import Space
from swatchbook.store.ledger import claims, publishing, runs, schedule
from swatchbook.store.ledger.claims import ItemResult
from swatchbook.store.ledger.database import Ledger, open_ledger
from swatchbook.store.ledger.queries import account as queries_account
from swatchbook.store.ledger.queries.coverage import count_statistics
from swatchbook.store.ledger.runs import Run
from swatchbook.store.ledger.stored_documents import Document, list_documents
from swatchbook.store.ledger.tables import documents, images, placements
from swatchbook.store.ledger.tables import items as item_rows

MOST = 1_000_000
PICTURES = 500  # of a document
OWNERS = 10
BATCH = 250  # keys claimed and committed together
DIMENSION = 32
VISUAL = RoleTag(role=Role.VISUAL, tag="bench@1/a")

_TOGETHER = 20  # documents a transaction


def measure(url: str, count: int, tell: Callable[[str, float], None]) -> None:
    """Tells the seconds of each phase, and by how many MB this process' peak memory grew over all of them."""
    ledger = open_ledger(url)

    def take(what: str, phase: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        result = phase()
        tell(what, time.perf_counter() - started)
        return result

    numbers = range(count // PICTURES)
    take("filled", lambda: fill(ledger, numbers))
    gather_statistics(ledger)
    peak = _peak_mb()
    take("claimed and committed", lambda: work_off(ledger, numbers))
    gather_statistics(ledger)
    account = take("accounted, the whole", lambda: queries_account.account(ledger))
    assert account.found == account.pending == count  # made, and not yet published
    take("accounted, an owner", lambda: queries_account.account(ledger, owner="owner0"))
    take("accounted, a document", lambda: queries_account.account(ledger, document=_document(0)))
    take("coverage", lambda: count_statistics(ledger).coverage)
    listed = take("documents listed", lambda: sum(1 for _ in all_documents(ledger)))
    assert listed == len(numbers)
    space = Space(role=VISUAL.role, tag=VISUAL.tag, dimension=DIMENSION)
    assert take("images listed", lambda: sum(1 for _ in publishing.searchable_ids(ledger, space))) == count
    assert take("unpublished counted", lambda: publishing.count_unpublished(ledger)) == count
    assert len(take("200 leased to publish", lambda: publishing.lease_dirty(ledger, "bench"))) == 200
    take("due", lambda: schedule.due_documents(ledger))
    tell("memory, MB", _peak_mb() - peak)
    ledger.close()


def fill(ledger: Ledger, numbers: range) -> None:
    """Documents with pictures of their own, every item pending: what stage 5 leaves."""
    for first in range(0, len(numbers), _TOGETHER):
        rows = [_rows(number) for number in numbers[first : first + _TOGETHER]]
        with ledger.write() as connection:
            for table in (documents, images, placements, item_rows):
                connection.execute(insert(table), [row for of in rows for row in of[table.name]])


def gather_statistics(ledger: Ledger) -> None:
    """What PostgreSQL's autovacuum does by itself within a minute."""
    if ledger.url.get_backend_name() == "postgresql":
        with ledger.write() as connection:
            connection.exec_driver_sql("ANALYZE")


def work_off(ledger: Ledger, numbers: range) -> None:
    """Every document by a run of its own, up to its end."""
    for number in numbers:
        _run(ledger, number)


def _run(ledger: Ledger, number: int) -> None:
    run = runs.begin(ledger, _document(number), options=IngestOptions(), fingerprint="f", requested=(VISUAL,))
    assert isinstance(run, Run)
    vector = np.ones(DIMENSION, np.float32)
    for batch in claims.cut_batches(ledger, run, BATCH):
        lease = claims.claim(ledger, run, batch.members)
        made = [ItemResult(key=c.key, role=c.role, tag=c.tag, vector=vector) for c in lease.items]
        claims.commit(ledger, lease, made, [], last_try=True)
    status, due_at = queries_account.next_status(ledger, run.document)
    runs.end(ledger, run, status, due_at=due_at)


def all_documents(ledger: Ledger) -> Iterator[Document]:
    after: tuple[float, str] | None = None
    while page := list_documents(ledger, after=after, limit=100):
        yield from page
        after = page[-1].created_at, page[-1].id


def _document(number: int) -> str:
    return document_id(f"owner{number % OWNERS}", f"content {number}")


def _rows(number: int) -> dict[str, list[dict[str, Any]]]:
    document, owner = _document(number), f"owner{number % OWNERS}"
    keys = [sha256(f"{number} {n}".encode()) for n in range(PICTURES)]
    return {
        "documents": [
            {"id": document, "owner": owner, "content": f"content {number}", "kind": "pdf", "name": f"{number}.pdf",
             "size": 1, "status": "queued", "stage": "REGISTERED", "options": {}, "created_at": float(number),
             "updated_at": float(number)}
        ],
        "images": [{"id": image_id(owner, key), "owner": owner, "content_key": key, "dirty": 1} for key in keys],
        "placements": [
            {"id": identity(document, n), "document": document, "generation": "G", "image": image_id(owner, key),
             "ordinal": n, "page": n // 10 + 1, "kind": "embedded", "bbox": [0, 0, 1, 1], "state": "shown"}
            for n, key in enumerate(keys)
        ],
        "items": [{"key": key, "role": VISUAL.role, "tag": VISUAL.tag, "state": "pending"} for key in keys],
    }  # fmt: skip


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _tell(kind: str, what: str, value: float) -> None:
    print(f"{kind:10} {what:24} {value:10.2f}", flush=True)


@contextmanager
def database(kind: str) -> Iterator[str]:
    """A fresh one on disk."""
    from tests.postgres import running_postgres

    with tempfile.TemporaryDirectory() as folder:
        if kind == "sqlite":
            yield f"sqlite:///{folder}/ledger.sqlite"
        else:
            with running_postgres(Path(folder)) as server:
                yield server.new_database("ledger")


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else MOST
    for kind in sys.argv[2:] or ("sqlite", "postgresql"):
        with database(kind) as url:
            measure(url, count, partial(_tell, kind))
