"""Deaths: what they free, how the item at fault is found, and processes that claim and die for real."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from swatchbook.domain.errors import RunRevoked
from swatchbook.store.ledger import claims, dead_runs, runs
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.item_tries import RUN_LIMIT
from swatchbook.store.ledger.runs import Run
from swatchbook.store.ledger.tables import items as item_rows
from swatchbook.store.ledger.tables import runs as run_rows
from tests.store.ledger.scene import begin_again, begun, count, document, item, keys, lapse, make, one, pass_time

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


@contextmanager
def worker(url: str, owner: str, pictures: list[str]) -> Iterator[subprocess.Popen[str]]:
    code = [sys.executable, "-m", "tests.store.ledger.worker", url, owner, *pictures]
    process = subprocess.Popen(code, cwd=ROOT, text=True, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.gate
def test_a_killed_process_frees_what_it_held(ledger: Ledger, url: str) -> None:
    pictures = keys(3)
    with worker(url, "anna", pictures) as process:
        assert process.stdout
        run = Run.model_validate_json(process.stdout.readline())
        assert one(ledger, run_rows).pid == process.pid
        assert dead_runs.mark_dead(ledger) == []
        assert item(ledger, pictures[0]).state == "leased"
        os.kill(process.pid, signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and still a zombie
        assert one(ledger, run_rows).lease_until > ledger.now() + 50
        assert dead_runs.mark_dead(ledger) == [run.token]
    row = item(ledger, pictures[0])
    assert (row.state, row.crashes, row.attempts) == ("pending", 1, 1)
    assert (document(ledger, run).status, document(ledger, run).run) == ("waiting", None)
    with pytest.raises(RunRevoked):
        runs.record_heartbeat(ledger, run)
    claims.claim(ledger, begin_again(ledger, run), pictures)
    assert item(ledger, pictures[0]).attempts == 2
