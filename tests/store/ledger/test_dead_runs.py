"""Deaths: of runs that get nowhere though their heart beats, what they leave, and how the item at fault is found."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from swatchbook.domain.errors import RunRevoked
from swatchbook.domain.records import DocumentStatus, Stage
from swatchbook.store.ledger import claims, dead_runs, schedule
from swatchbook.store.ledger.database import Ledger, db_now, open_ledger
from swatchbook.store.ledger.dead_runs import DEATHS, STALL_SECONDS, mark_dead
from swatchbook.store.ledger.item_tries import RUN_LIMIT
from swatchbook.store.ledger.runs import Run, record_alive, record_heartbeat, record_progress
from swatchbook.store.ledger.tables import items, runs
from tests.ledgers import NewLedger
from tests.store.ledger.scene import (
    begin_again,
    begun,
    change,
    count,
    document,
    item,
    keys,
    lapse,
    make,
    one,
    pass_time,
)


def wait(ledger: Ledger, run: Run, seconds: float) -> None:
    """Let the run's last progress be so long ago; its heart goes on beating."""
    change(ledger, runs, runs.c.token == run.token, progress_at=db_now() - seconds)
    record_heartbeat(ledger, run)


@pytest.mark.gate
def test_run_without_progress_is_dead(ledger: Ledger) -> None:
    run = begun(ledger, pictures=keys(1))
    record_progress(ledger, run, Stage.READ, 3, 10)
    wait(ledger, run, STALL_SECONDS - 5)
    assert mark_dead(ledger) == []
    wait(ledger, run, STALL_SECONDS + 1)
    record_alive(ledger, run)
    assert mark_dead(ledger) == [], "it waits deliberately"
    for deaths in range(1, DEATHS + 1):
        wait(ledger, run, STALL_SECONDS + 1)
        assert mark_dead(ledger) == [run.token]
        row = document(ledger, run)
        assert row.deaths == deaths
        with pytest.raises(RunRevoked):
            record_heartbeat(ledger, run)
        if deaths == DEATHS:
            break
        assert row.status == DocumentStatus.WAITING
        where = "PAGES_READ (3/10); the next run continues there."
        assert row.message == f"Its process hung while working towards {where}"
        assert [found.id for found in schedule.due_documents(ledger)] == [run.document]
        run = begin_again(ledger, run)
        record_progress(ledger, run, Stage.READ, 3, 10)
    assert (row.status, row.failure_kind) == (DocumentStatus.FAILED, "crashed_worker")
    assert "hung" in row.message
    assert schedule.due_documents(ledger) == []


@pytest.fixture
def process(ledger: Ledger) -> Iterator[psutil.Process]:
    """One that has the ledger open, does nothing and takes no notice."""
    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    file = ledger.url.database if ledger.url.get_backend_name() == "sqlite" else os.devnull
    with Path(str(file)).open() as held, subprocess.Popen(sleep, stdin=held) as started:
        try:
            yield psutil.Process(started.pid)
        finally:
            started.kill()


def belongs(ledger: Ledger, run: Run, process: psutil.Process, **values: object) -> None:
    mine = {"pid": process.pid, "pid_started": process.create_time(), **values}
    change(ledger, runs, runs.c.token == run.token, **mine)


def test_process_that_outlives_its_dead_run_is_killed(ledger: Ledger, process: psutil.Process) -> None:
    run = begun(ledger)
    belongs(ledger, run, process)
    wait(ledger, run, STALL_SECONDS + 1)
    mark_dead(ledger)
    assert dead_runs.kill_hung(ledger) == []  # it may be about to notice
    ended = one(ledger, runs, token=run.token).ended_at - dead_runs.NOTICE_SECONDS - 1
    belongs(ledger, run, process, ended_at=ended)
    assert dead_runs.kill_hung(ledger) == [process.pid]
    psutil.wait_procs([process], timeout=10)
    assert dead_runs.kill_hung(ledger) == []


def test_only_a_hung_process_here_is_killed(ledger: Ledger, process: psutil.Process) -> None:
    first, second, mine, elsewhere = (begun(ledger, content=name) for name in "abcd")
    long_ago = one(ledger, runs, token=first.token).started_at - 1_000
    belongs(ledger, second, process)  # which went on to this run
    belongs(ledger, first, process, state="dead", ended_at=long_ago)
    belongs(ledger, mine, psutil.Process(), state="dead", ended_at=long_ago)
    belongs(ledger, elsewhere, process, state="dead", ended_at=long_ago, host="elsewhere")
    assert dead_runs.kill_hung(ledger) == []
    assert process.is_running()


@pytest.mark.parametrize("database", ["sqlite"])
def test_copied_home_does_not_kill_the_original_process(new_ledger: NewLedger, process: psutil.Process) -> None:
    with closing(open_ledger(new_ledger())) as copy:
        run = begun(copy)
        belongs(copy, run, process, state="dead", ended_at=one(copy, runs, token=run.token).started_at - 1_000)
        assert dead_runs.kill_hung(copy) == []
    assert process.is_running()


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
    assert count(ledger, items, state="done") == 44
    assert count(ledger, items, crashes=0) == 44


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
