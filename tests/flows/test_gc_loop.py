"""`gc --now` in a loop during ingests of several kinds, deletes, a backup and a restore: all of them are complete."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from swatchbook.domain.settings import Settings
from swatchbook.resources import open_resources
from swatchbook.store.ledger.stored_documents import list_documents
from swatchbook.upkeep.gc import sweep
from tests.command import forked, run_json
from tests.fixtures import SOAK
from tests.ingest.sources.pictures import draw

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("prefect_api")]

ROUNDS = 6 if SOAK else 2


@contextmanager
def collecting(home: Path) -> Iterator[None]:
    """Collect garbage again and again, as `gc --now` in another process; what that raised is raised at the end."""
    over, raised, rounds = threading.Event(), list[BaseException](), list[int]()

    def collect() -> None:
        try:
            with open_resources(Settings(home=home)) as resources:
                while not over.is_set():
                    rounds.append(sweep(resources, older_than=0).orphans)
                    over.wait(0.1)  # else the others hardly get a turn
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=collect, name="gc --now")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    assert not raised, raised
    assert rounds


def test_all_is_complete_beside_a_loop_of_gc(home: Path, small_catalogue: Path, tmp_path: Path) -> None:
    folder, batch = tmp_path / "folder", tmp_path / "batch"
    for number in range(12):
        draw(folder / f"{number}.png", number)
        draw(batch / f"{number}.png", number + 6)  # half of the pictures are in both
    rows = [{"id": str(number), "name": f"Oak {number}", "images": [f"{number}.png"]} for number in range(12)]
    (batch / "items.jsonl").write_text("\n".join(map(json.dumps, rows)))
    sources = (small_catalogue, folder, batch / "items.jsonl")
    with collecting(home):
        for number in range(ROUNDS):
            owner = f"owner-{number % 2}"
            with ExitStack() as stack:
                ingests = [stack.enter_context(forked("ingest", str(path), "--owner", owner)) for path in sources]
                if number:
                    stack.enter_context(forked("owners", "delete", f"owner-{(number - 1) % 2}", "--yes"))
                for command in ingests:
                    status, out, err = command.wait()
                    assert status == 0, out + err
            done = run_json("stats", "coverage", "--owner", owner)
            assert done["with_embeddings"] == done["total_images"] > 12
        assert run_json("upkeep", "verify", "--deep")["sound"]
        saved = run_json("upkeep", "backup", str(tmp_path / "backup"))
        assert (saved["missing"], saved["documents"]) == ([], 3)
    there = tmp_path / "there"
    with open_resources(Settings(home=there)) as resources:
        assert list_documents(resources.ledger) == []  # the ledger is made
    with collecting(there):
        restored = run_json("upkeep", "restore", str(tmp_path / "backup"), SWATCHBOOK_HOME=str(there))
        assert (restored["documents"], restored["unfinished"], restored["missing"]) == (3, 0, [])
        assert run_json("upkeep", "verify", "--deep", SWATCHBOOK_HOME=str(there))["sound"]
