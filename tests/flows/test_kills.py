"""Kill it anywhere, run it again: the end is that of an undisturbed run, and nothing committed was made again.

A soak kills 30 times, a quick suite less often.
"""

import json
import os
import random
import signal
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from swatchbook.domain.records import Stage
from swatchbook.doors.cli.terminal import OPEN
from swatchbook.store.ledger.database import Ledger, open_ledger
from swatchbook.store.ledger.document_commands import mark_deleting
from swatchbook.store.ledger.run_queries import live_runs
from swatchbook.store.ledger.tables import items, runs
from tests.command import Forked, attempt, forked, run, run_json
from tests.dying import die_at, end_leases
from tests.fixtures import SOAK
from tests.ingest.sources.pictures import draw
from tests.ledger_audit import count_writes, writes
from tests.store.ledger.scene import count

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("prefect_api")]

KILLS = 30 if SOAK else 3
KILLS_A_DOCUMENT = 3
KILLS_OF_ALL = 12
STAGES = list(Stage)[1:]
VOLATILE = {"generation", "run", "created_at", "updated_at", "report", "attempts", "deaths", "force", "due_at"}


@pytest.fixture
def ledger(home: Path) -> Iterator[Ledger]:
    """The home's ledger, opened before the command is, with its writes counted."""
    home.mkdir(parents=True)
    ledger = open_ledger(f"sqlite:///{home / 'ledger.sqlite'}")
    count_writes(ledger)
    yield ledger
    ledger.close()


@pytest.fixture(scope="session")
def undisturbed(ingested_home: Path, small_catalogue: Path) -> Any:
    return settled(run_json("show", small_catalogue.name, "--owner", "anna", SWATCHBOOK_HOME=str(ingested_home)))


@pytest.fixture
def ingest(small_catalogue: Path) -> tuple[str, ...]:
    """The command that made `undisturbed`."""
    return ("ingest", str(small_catalogue), "--owner", "anna")


def settled(record: Any) -> Any:
    """A record without what tells one run from another."""
    if isinstance(record, dict):
        return {k: settled(v) for k, v in record.items() if k not in VOLATILE}
    if isinstance(record, list):
        return [settled(v) for v in record]
    return record


def wait_for_stage(ledger: Ledger, command: Forked, stage: Stage) -> bool:
    """Until the command's run works towards `stage` or beyond; False when it ended before."""
    order = {s.value: n for n, s in enumerate(Stage)}
    while command.poll() is None:
        if any(r.stage and order[r.stage] >= order[stage] for r in live_runs(ledger)):
            return True
        time.sleep(0.01)
    return False


def documents() -> list[list[tuple[Stage, float]]]:
    """The moments of death: a stage and how long after its start, a few for each document."""
    dice = random.Random(7)
    moments = [(STAGES[n % len(STAGES)], dice.uniform(0, 0.8)) for n in range(KILLS)]
    moments.sort(key=lambda m: STAGES.index(m[0]))
    rows = (len(moments) + KILLS_A_DOCUMENT - 1) // KILLS_A_DOCUMENT
    return [moments[row::rows] for row in range(rows)]


@pytest.mark.parametrize("moments", documents(), ids=lambda ms: "+".join(f"{s.name}{d:.1f}" for s, d in ms))
@pytest.mark.gate
def test_killed_group_goes_on_to_the_same_end(
    ledger: Ledger, ingest: Sequence[str], undisturbed: Any, moments: list[tuple[Stage, float]]
) -> None:
    killed = 0
    for stage, delay in moments:
        with forked(*ingest) as command:
            if not wait_for_stage(ledger, command, stage):
                break
            time.sleep(delay)
            if command.poll() is None:
                command.kill()
                killed += 1
    assert killed
    run(*ingest)
    assert settled(run_json("show", undisturbed["document"]["id"], "--owner", "anna")) == undisturbed
    assert set(writes(ledger).values()) == {1}
    assert run_json("upkeep", "verify")["sound"]


def test_two_ingests_at_once_are_one_run(ledger: Ledger, ingest: Sequence[str], undisturbed: Any) -> None:
    with forked(*ingest) as one, forked(*ingest) as two:
        for command in (one, two):
            status, out, err = command.wait()
            assert status == 0, out + err
    assert settled(run_json("show", undisturbed["document"]["id"], "--owner", "anna")) == undisturbed
    assert set(writes(ledger).values()) == {1}
    assert count(ledger, runs) == 1


def test_two_owners_at_once_share_what_is_made(ledger: Ledger, small_catalogue: Path) -> None:
    path = str(small_catalogue)
    with forked("ingest", path, "--owner", "ann") as one, forked("ingest", path, "--owner", "bob") as two:
        for command in (one, two):
            status, out, err = command.wait()
            assert status == 0, out + err
    assert set(writes(ledger).values()) == {1}
    ann, bob = (run_json("stats", "coverage", "--owner", owner) for owner in ("ann", "bob"))
    assert ann["with_embeddings"] == bob["with_embeddings"] == ann["total_images"] > 0


def test_delete_during_ingest_leaves_nothing_and_allows_another(
    ledger: Ledger, ingest: Sequence[str], undisturbed: Any
) -> None:
    with forked(*ingest) as command:
        assert wait_for_stage(ledger, command, Stage.EMBEDDED)
        mark_deleting(ledger, undisturbed["document"]["id"])  # what `delete` does first, before it loads the index
        status, _, err = attempt("delete", undisturbed["document"]["id"], "--owner", "anna", "--yes")
        done, unfinished, gone = status == 0, "To finish: swatchbook fill failed" in err, "There is no document" in err
        assert done or unfinished or gone, "the ingest that it met may be in the index now, or have deleted it first"
        assert "in the trash" not in err, "it is being deleted for good"
        status, _, _ = command.wait()
        assert status != 0
    if unfinished:
        run("fill", "failed", "--owner", "anna")
    assert run_json("stats", "coverage")["total_images"] == 0
    assert run_json("upkeep", "verify")["sound"]
    run(*ingest)
    assert settled(run_json("show", undisturbed["document"]["id"], "--owner", "anna")) == undisturbed


def test_dead_run_of_another_owner_holds_nothing_up(ledger: Ledger, small_catalogue: Path) -> None:
    with forked("ingest", str(small_catalogue), "--owner", "ann") as ann:
        assert wait_for_stage(ledger, ann, Stage.EMBEDDED)
        while not held(ledger):
            time.sleep(0.01)
        ann.kill()
    assert held(ledger)
    run("ingest", str(small_catalogue), "--owner", "bob")
    bob = run_json("stats", "coverage", "--owner", "bob")
    assert bob["with_embeddings"] == bob["total_images"] > 0


@pytest.mark.parametrize("seed", range(9 if SOAK else 1))
def test_commands_that_die_beside_others_lose_nothing(
    ledger: Ledger, small_catalogue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """In each round three ingests run beside what people do with the documents of the round before. Each command dies
    at a step by chance, if it has so many; then all of them are run again.
    """
    monkeypatch.setenv("SWATCHBOOK_REVIEW__BELOW", "1")  # each picture waits for a review
    dice, killed, number = random.Random(seed), 0, 0
    while killed < KILLS_OF_ALL:
        number += 1
        commands = ingests(small_catalogue, tmp_path, number) + (changes(tmp_path, number - 1) if number > 1 else [])
        begun = [
            Forked(words, os.environ, begin=partial(die_at, round(10 ** dice.uniform(0.5, 3.2)), tmp_path))
            for words in commands
        ]
        statuses = [command.wait()[0] for command in begun]
        killed += statuses.count(-signal.SIGKILL)
        end_leases(ledger)
        for words in (words for words, status in zip(commands, statuses, strict=True) if status):
            while (ended := attempt(*words))[0] == OPEN:  # a busy machine took too long for a page
                pass
            status, out, err = ended
            assert status == 0 or "There is no document" in err or "read so already" in err, (words, out, err)
        for owner, images in (("anna", 14), ("bert", 4 * number + 3)):
            done = run_json("stats", "coverage", "--owner", owner)
            assert (done["total_images"], done["with_embeddings"]) == (images, images), (number, owner)
        assert run_json("upkeep", "verify", "--deep")["sound"]
        assert (live_runs(ledger), held(ledger)) == ([], 0)
        assert set(writes(ledger).values()) == {1}
        if number > 1:
            taught = (f"small-{number - 1}.pdf", "--owner", "anna", "--json")
            assert f'"No. {number - 1}"' in run("products", *taught)
            assert '"in_use": true' in run("readings", *taught)


def ingests(small_catalogue: Path, folder: Path, number: int) -> list[tuple[str, ...]]:
    """The ingests of a round: a catalogue whose pictures are known from the first round on, and two sources with their
    own.
    """
    pdf, pictures, items = (folder / f"{name}-{number}{end}" for name, end in (("small", ".pdf"), ("a", ""), ("b", "")))
    pdf.write_bytes(small_catalogue.read_bytes() + b"\n%%%d\n" % number)
    for each in range(7):
        draw((pictures if each < 4 else items) / f"{each}.png", 10 * number + each)
    rows = [{"id": str(each), "name": f"Oak {each}", "images": [f"{each}.png"]} for each in range(4, 7)]
    (items / f"items-{number}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    sources = ((pdf, "anna"), (pictures, "bert"), (items / f"items-{number}.jsonl", "bert"))
    return [("ingest", str(path), "--owner", owner) for path, owner in sources]


def changes(folder: Path, number: int) -> list[tuple[str, ...]]:
    """What people do with the documents of a round."""
    pdf, anna = f"small-{number}.pdf", ("--owner", "anna")
    shown = [word for name in ("3:Nordvik Oak", "5:Palladio Terrazzo") for word in ("--name", name)]
    waiting = run_json("review", "list", *anna)[number]["image_id"]
    return [
        ("teach", pdf, *shown, "--accept", *anna),
        ("products", pdf, "set-fact", "Nordvik Oak", "batch", f"No. {number}", *anna),
        ("review", "accept", waiting, *anna),
        ("upkeep", "gc", "--now"),
        ("upkeep", "backup", str(folder / "backup")),
        ("delete", f"items-{number}.jsonl", "--owner", "bert", "--yes"),
    ]


def held(ledger: Ledger) -> int:
    """Items under lease."""
    return count(ledger, items, state="leased")
