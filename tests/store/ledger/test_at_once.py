"""Many runs at once at documents that show the same pictures and say the same: nobody stands in another's way."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text

from swatchbook.domain.records import DocumentStatus
from swatchbook.ingest.run import keep_alive
from swatchbook.store.ledger import claims, dead_runs, edited_products, publishing, stage_results
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.document_commands import delete_rows, finish_delete, mark_deleting
from swatchbook.store.ledger.queries import account
from swatchbook.store.ledger.runs import Run
from swatchbook.store.ledger.stored_documents import list_documents
from swatchbook.store.ledger.tables import items as item_rows
from swatchbook.store.ledger.tables import runs as run_rows
from tests.store.ledger import scene
from tests.store.ledger.scene import EVERYTHING, MULTIMODAL, count

PICTURES = [f"picture {n}" for n in range(40)]
SAYINGS = ("Material: oak.", "Material: ash.", "Colors: white, grey.")
ROUNDS = 4
WANTS = (*EVERYTHING, MULTIMODAL)


def work_off(ledger: Ledger, number: int) -> None:
    """One document again and again: other options each time, forced at times, and deleted in the end."""
    order = random.Random(number)
    owner, content = f"owner{number % 3}", f"catalogue {number}"
    document = ""
    for turn in range(ROUNDS):
        run = scene.begin(ledger, owner=owner, content=content, requested=WANTS, fingerprint=str(turn), force=turn == 2)
        document = run.document
        with keep_alive(ledger, run, every=0.01):
            shown = [scene.placed(run, name, page=1 + n // 5) for n, name in enumerate(order.sample(PICTURES, 25))]
            stage_results.save_chunks(
                ledger, run, scene.chunked(run, *order.sample(("Common.", "Shared.", "Everywhere."), 3))
            )
            stage_results.save_extraction(ledger, run, scene.extraction(*shown))
            make(ledger, run, order)
            product = scene.product(run, f"Oslo {turn}")
            edited_products.save_assembly(ledger, run, [product], [scene.link(placed.id, product) for placed in shown])
            publish(ledger, f"{number} {turn}")
            scene.end(ledger, run)
    if number % 2:
        mark_deleting(ledger, document)
        delete_rows(ledger, document)


def make(ledger: Ledger, run: Run, order: random.Random) -> None:
    """As stage 6: claims of a few keys, side by side with everybody else's."""
    for batch in claims.cut_batches(ledger, run, 5):
        for _ in range(2):  # what is made of its text comes with the analysis
            lease = claims.claim(ledger, run, batch.members)
            made = [scene.make(claimed, text=order.choice(SAYINGS)) for claimed in lease.items]
            claims.commit(ledger, lease, made, [], last_try=True)
            claims.release(ledger, lease)


def publish(ledger: Ledger, name: str) -> None:
    rows = publishing.lease_dirty(ledger, name, limit=50)
    publishing.publications(ledger, [row for row in rows if not row.gone])
    scene.settle(ledger, name, rows)


@pytest.mark.stack
def test_runs_that_share_everything_end_as_if_alone(ledger: Ledger) -> None:
    with ThreadPoolExecutor(6) as threads:
        for done in [threads.submit(work_off, ledger, number) for number in range(6)]:
            done.result(120)
    for known in list_documents(ledger):
        if known.status == DocumentStatus.DELETING:
            continue
        content = known.name.removesuffix(".pdf")
        run = scene.begin(ledger, owner=known.owner, content=content, requested=WANTS, fingerprint="last")
        scene.make_all(ledger, run)
        scene.publish_all(ledger)
        assert scene.end(ledger, run) == DocumentStatus.COMPLETED
    assert account.account(ledger).pending == 0
    assert count(ledger, item_rows, state="leased") == 0
    assert count(ledger, run_rows, state="live") == 0
    assert dead_runs.mark_dead(ledger) == []
    scene.publish_all(ledger)
    for known in list_documents(ledger, status=DocumentStatus.DELETING):
        assert finish_delete(ledger, known.id)
    assert deadlocks(ledger) == 0


def deadlocks(ledger: Ledger) -> int:
    if ledger.url.get_backend_name() == "sqlite":
        return 0
    with ledger.read() as connection:
        connection.execute(select(text("pg_stat_clear_snapshot()")))
        found = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(connection.execute(found).scalar_one())
