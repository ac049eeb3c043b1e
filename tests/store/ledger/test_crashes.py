"""Deaths: what they free, how the item at fault is found, and processes that claim and die for real."""

from pathlib import Path

import pytest

from swatchbook.store.ledger import claims, dead_runs
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.item_tries import RUN_LIMIT
from swatchbook.store.ledger.runs import Run
from swatchbook.store.ledger.tables import items as item_rows
from tests.store.ledger.scene import begin_again, begun, count, document, item, keys, lapse, make, pass_time

ROOT = Path(__file__).parents[3]


def die(ledger: Ledger, run: Run) -> None:
    lapse(ledger, run)
    assert dead_runs.mark_dead(ledger) == [run.token]


def work_until_it_dies(ledger: Ledger, run: Run, poison: set[str], size: int = 20) -> int | None:
    """One run over all that is open; the size of the group it died in, None if it came to its end."""
    for batch in claims.cut_batches(ledger, run, size):
        for group in claims.claim_groups(ledger, run, batch.members, size):
            lease = claims.claim(ledger, run, group)
            if poison & {c.key for c in lease.items}:
                die(ledger, run)
                return len(group)
            claims.commit(ledger, lease, [make(c) for c in lease.items], [], last_try=True)
    return None


def test_a_poison_item_is_found_by_halving(ledger: Ledger) -> None:
    pictures = keys(45)
    poison = pictures[3]
    run = begun(ledger, pictures=pictures)
    died_in = []
    while (size := work_until_it_dies(ledger, run, {poison})) is not None:
        died_in.append(size)
        run = begin_again(ledger, run)
    assert died_in == [20, 10, 5, 2, 1]
    row = item(ledger, poison)
    assert (row.state, row.runs, row.crashes, row.attempts) == ("pending", 1, 5, 5)
    assert row.failure["kind"] == "crashed_worker"
    assert row.next_retry_at == pytest.approx(ledger.now() + 900, abs=5)
    assert count(ledger, item_rows, state="done") == 44
    assert count(ledger, item_rows, crashes=0) == 44


def test_item_that_always_kills_fails_after_eight(ledger: Ledger) -> None:
    bad, good = keys(2)
    run = begun(ledger, pictures=[bad, good])
    lease = claims.claim(ledger, run, [good])
    claims.commit(ledger, lease, [make(c) for c in lease.items], [], last_try=False)
    claims.claim(ledger, run, [bad])
    die(ledger, run)
    for number in range(1, RUN_LIMIT + 1):
        run = begin_again(ledger, run)
        assert len(claims.claim(ledger, run, [bad]).items) == 1
        die(ledger, run)
        assert item(ledger, bad).runs == number
        pass_time(ledger, 86_400)
    row = item(ledger, bad)
    assert (row.state, row.failure["kind"], row.next_retry_at) == ("failed", "crashed_worker", None)
    assert document(ledger, run).status == "waiting"


def test_machine_killing_every_item_fails_the_document(ledger: Ledger) -> None:
    pictures = keys(20)
    run = begun(ledger, pictures=pictures)
    deaths = 0
    while document(ledger, run).status != "failed":
        run = begin_again(ledger, run) if deaths else run
        assert work_until_it_dies(ledger, run, set(pictures)) is not None
        deaths += 1
    assert deaths <= 20
    assert document(ledger, run).failure_kind == "crashed_worker"
