"""Statistics, coverage, and the first candidates of a backfill, in a ledger with a million items that is made for it.

`python -m benchmarks.statistics [ITEMS [sqlite|postgresql]]`, a million and both by default. The collection: documents
with 500 different pictures each, each with an analysis and three vectors; one picture in a hundred has failed. Then the
last tenth of the documents loses its `color` vectors and is what a backfill finds.
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from sqlalchemy import delete, insert

from benchmarks.ledger import MOST, PICTURES, database, gather_statistics
from benchmarks.ledger import _tell as tell_value
from swatchbook.domain.records import ItemState, Role, RoleTag, document_id, identity, image_id, pair_key, sha256
from swatchbook.index.contract import Space
from swatchbook.store.ledger import missing_vectors
from swatchbook.store.ledger.database import Ledger, open_ledger
from swatchbook.store.ledger.missing_vectors import Candidate
from swatchbook.store.ledger.queries.coverage import count_statistics
from swatchbook.store.ledger.space_registry import add_space
from swatchbook.store.ledger.tables import analyses, contents, documents, images, items, placements, requested, vectors

OWNERS = 10
DIMENSION = 8
PAIRS = tuple(
    RoleTag(role=role, tag="bench@1/a") for role in (Role.ANALYSIS, Role.VISUAL, Role.COLOR, Role.UNDERSTANDING)
)
COLOR = PAIRS[2]
FAILS = 100  # one picture in so many has failed
CANDIDATES = 1_000

_TOGETHER = 20  # documents a transaction


def measure(url: str, count: int, tell: Callable[[str, float], None]) -> None:
    """Tell the seconds of each phase, and those of this process' processor time: in it SQLite does its work.

    Raises AssertionError where a count is wrong.
    """
    ledger = open_ledger(url)

    def take(what: str, phase: Callable[[], Any]) -> Any:
        started, used = time.perf_counter(), time.process_time()
        result = phase()
        tell(what, time.perf_counter() - started)
        tell(f"{what}, processor", time.process_time() - used)
        return result

    documents_made = count // (PICTURES * len(PAIRS))
    take("filled", lambda: fill_ledger(ledger, range(documents_made)))
    gather_statistics(ledger)
    pictures = documents_made * PICTURES
    counted = take("statistics, the whole", lambda: count_statistics(ledger))
    assert counted.images.found == pictures
    assert counted.images.failed == pictures // FAILS
    assert take("coverage", lambda: count_statistics(ledger).coverage).total_images == pictures
    take("statistics, an owner", lambda: count_statistics(ledger, owner="owner0"))
    lost = range(documents_made - max(1, documents_made // 10), documents_made)
    lose_color(ledger, lost)
    gather_statistics(ledger)
    found = take("1,000 candidates", lambda: first_candidates(ledger, CANDIDATES))
    assert [each.lacks for each in found] == [(COLOR,)] * min(CANDIDATES, len(lost) * PICTURES)
    ledger.close()


def first_candidates(ledger: Ledger, count: int) -> list[Candidate]:
    """Return the first candidates of a backfill of everybody's images."""
    found = list[Candidate]()
    for document in missing_vectors.completed_documents(ledger, PAIRS, None):
        for some in missing_vectors.candidates(ledger, document, limit=count - len(found)):
            found += some
        if len(found) == count:
            break
    return found


def fill_ledger(ledger: Ledger, numbers: range) -> None:
    """Make completed documents, with all that they request made, but for what has failed."""
    for pair in PAIRS:
        if pair.role is not Role.ANALYSIS:
            add_space(ledger, Space(role=pair.role, tag=pair.tag, dimension=DIMENSION))
    tables = (documents, images, placements, contents, requested, items, vectors, analyses)
    for first in range(0, len(numbers), _TOGETHER):
        rows = [_rows(number) for number in numbers[first : first + _TOGETHER]]
        with ledger.write() as connection:
            for table in tables:
                connection.execute(insert(table), [row for of in rows for row in of[table.name]])


def lose_color(ledger: Ledger, numbers: range) -> None:
    """Let these documents be as if `color` had not been there when they were ingested."""
    this = (COLOR.role, COLOR.tag)
    with ledger.write() as connection:
        for number in numbers:
            of_document = requested.c.document == _document(number)
            connection.execute(delete(requested).where(of_document, requested.c.role == COLOR.role))
            for table in (items, vectors):
                same = (table.c.role == this[0], table.c.tag == this[1], table.c.key.in_(_keys(number)))
                connection.execute(delete(table).where(*same))


def _document(number: int) -> str:
    return document_id(f"owner{number % OWNERS}", f"content {number}")


def _keys(number: int) -> list[str]:
    return [sha256(f"{number} {n}".encode()) for n in range(PICTURES)]


def _rows(number: int) -> dict[str, list[dict[str, Any]]]:
    document, owner, keys = _document(number), f"owner{number % OWNERS}", _keys(number)
    texts = {key: sha256(f"text {key}".encode()) for n, key in enumerate(keys) if n % FAILS}
    vector = np.ones(DIMENSION, "<f4").tobytes()
    broken = {"kind": "unreadable_image", "policy": "never", "message": "Broken."}
    made = [
        {"key": texts[key] if pair.role is Role.UNDERSTANDING else key, "role": pair.role, "tag": pair.tag}
        for pair in PAIRS
        for key in texts
    ]
    failed = [
        {"key": key, "role": pair.role, "tag": pair.tag}
        for pair in PAIRS
        for key in keys
        if key not in texts and pair.role is not Role.UNDERSTANDING
    ]
    return {
        "documents": [
            {"id": document, "owner": owner, "content": f"content {number}", "kind": "pdf", "name": f"{number}.pdf",
             "size": 1, "status": "completed", "stage": "COMPLETED", "options": {}, "created_at": float(number),
             "updated_at": float(number)}
        ],
        "images": [
            {"id": image_id(owner, key), "owner": owner, "content_key": key, "dirty": 1, "made": 1, "published": 1,
             "text_key": texts.get(key), "pair_key": pair_key(key, texts[key]) if key in texts else None}
            for key in keys
        ],
        "placements": [
            {"id": identity(document, n), "document": document, "generation": "G", "image": image_id(owner, key),
             "ordinal": n, "page": n // 10 + 1, "kind": "embedded", "bbox": [0, 0, 1, 1], "state": "shown"}
            for n, key in enumerate(keys)
        ],
        "contents": [
            *({"key": key, "file": f"{key}.png", "text": None} for key in keys),
            *({"key": key, "file": None, "text": "A tile."} for key in texts.values()),
        ],
        "requested": [
            {"document": document, "generation": "G", "role": pair.role, "tag": pair.tag} for pair in PAIRS
        ],
        "items": [
            *({**item, "state": ItemState.DONE, "failure": None} for item in made),
            *({**item, "state": ItemState.FAILED, "failure": broken} for item in failed),
        ],
        "vectors": [
            {**item, "dimension": DIMENSION, "data": vector} for item in made if item["role"] is not Role.ANALYSIS
        ],
        "analyses": [
            {"key": key, "tag": PAIRS[0].tag, "record": {"quality": 1.0}, "text_key": text}
            for key, text in texts.items()
        ],
    }  # fmt: skip


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else MOST
    for kind in sys.argv[2:] or ("sqlite", "postgresql"):
        with database(kind) as url:
            measure(url, count, partial(tell_value, kind))
