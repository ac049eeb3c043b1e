"""A folder of many pictures and a shop's scraped items, on both ledgers and both indexes: the real command is killed
(SIGKILL) at random points of its progress and started again until it ends. Then every count is what the files say, by
arithmetic.

A soak has 1,000 pictures and 500 items, a quick suite a fifth of that.
"""

import json
import random
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import func, select

from swatchbook.domain.records import ItemState, Role, image_id, sha256
from swatchbook.resources import Resources
from swatchbook.store.ledger.source_items import count_items
from swatchbook.store.ledger.space_registry import registered
from swatchbook.store.ledger.stored_documents import list_documents
from swatchbook.store.ledger.tables import items, source_items
from tests.command import Forked, forked, run_json
from tests.fixtures import SOAK
from tests.ingest.sources.pictures import age, write
from tests.ledger_audit import count_writes, writes
from tests.new_collection import NewCollection, environment_of

pytestmark = pytest.mark.stack

PICTURES, ITEMS = (1_000, 500) if SOAK else (200, 100)
KILLS = 12 if SOAK else 3
OWNER = "anna"


@dataclass
class Truth:
    """What the files of a source say: the ids of complete items and of failed ones; the keys of its pictures that are
    whole, and of those that are not.
    """

    complete: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)


def paint(file: Path, number: int) -> Path:
    """Noise that no other number gives."""
    side = 24
    pixels = random.Random(number).randbytes(side * side * 3)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.frombytes("RGB", (side, side), pixels).resize((2 * side, 2 * side), Image.Resampling.NEAREST).save(file)
    return age(file)


def cut(file: Path, number: int) -> Path:
    """A picture whose end is missing: its header is good."""
    data = paint(file, number).read_bytes()
    return write(file, data[: len(data) // 2])


def make_pictures(folder: Path) -> Truth:
    """Pictures of which some have a twin, some are cut short, and some are not pictures."""
    truth = Truth()
    for number in range(PICTURES):
        name = f"{number % 7}/{number:04}.png"
        file = folder / name
        if number % 25 == 3:
            cut(file, number)
        elif number % 25 == 4:
            file.parent.mkdir(parents=True, exist_ok=True)
            write(file, f"no picture, but number {number}".encode())
        else:
            truth.whole.add(key(paint(file, number)))
            truth.complete.add(name)
            if number % 20 == 0:
                shutil.copy2(file, folder / f"twin of {number:04}.png")
                truth.complete.add(f"twin of {number:04}.png")
            continue
        truth.failed.add(name)
        truth.broken.add(key(file))
    return truth


def make_shop(folder: Path, pictures: Path) -> Truth:
    """Batches of items with one picture or two; some are in the folder of pictures, too, some are cut short. Some items
    have none; at the end an id comes again, and a line is no JSON.
    """
    truth, lines = Truth(), list[str]()
    for number in range(ITEMS):
        item, shown = f"item-{number:04}", [folder / f"photos/{number:04}.png"]
        if number % 10 == 5:
            shown = []
        elif number % 10 == 6:
            truth.broken.add(key(cut(shown[0], 10_000 + number)))
        elif number % 10 == 7:
            shutil.copy2(pictures / f"{number % 7}/{number:04}.png", shown[0])
        else:
            paint(shown[0], 10_000 + number)
        if number % 4 == 0:
            shown.append(paint(folder / f"photos/{number:04} back.png", 20_000 + number))
        names = [str(file.relative_to(folder)) for file in shown]
        lines.append(json.dumps({"id": item, "title": f"Thing {number}", "price": number, "images": names}))
        keys = {key(file) for file in shown}
        truth.whole |= keys - truth.broken
        (truth.complete if keys and not keys & truth.broken else truth.failed).add(item)
    half = ITEMS // 2
    write(folder / "1.jsonl", "\n".join(lines[:half]).encode())
    lines += [json.dumps({"id": "item-0000", "images": "photos/0000.png"}), "{cut off"]
    truth.failed |= {"item-0000 (2)", f"2.jsonl#{len(lines) - half}"}
    write(folder / "2.jsonl", "\n".join(lines[half:]).encode())
    return truth


def key(file: Path) -> str:
    return sha256(file.read_bytes())


@pytest.fixture(params=[("sqlite", "lance"), ("postgresql", "weaviate")], ids="-".join)
def collection(
    request: pytest.FixtureRequest, home: Path, new_collection: NewCollection, prefect_server: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Resources:  # fmt: skip
    """An empty one, whose ledger counts what is written, and which commands find."""
    resources = new_collection(*request.param)
    monkeypatch.setenv("PREFECT_API_URL", prefect_server)
    for name, value in environment_of(resources).items():
        monkeypatch.setenv(name, value)
    count_writes(resources.ledger)
    return resources


def test_killed_again_and_again_every_count_is_exact(collection: Resources, tmp_path: Path) -> None:
    folder, shop = tmp_path / "pictures", tmp_path / "shop"
    truths = {folder: make_pictures(folder), shop: make_shop(shop, folder)}
    command = ("ingest-images", str(folder), str(shop), "--owner", OWNER)
    found = sum(len(truth.complete | truth.failed) for truth in truths.values())
    whole = set.union(*(truth.whole for truth in truths.values()))
    broken = set.union(*(truth.broken for truth in truths.values()))
    dice = random.Random(len(whole))
    killed, before = 0, dict[str, int]()
    for moment in sorted(dice.uniform(0, 1) * (found + len(MADE) * len(whole)) for _ in range(KILLS)):
        with forked(*command) as child:
            if wait_for_progress(collection, child, moment):
                child.kill()
                killed += 1
        complete = complete_items(collection)
        assert all(complete[source] >= count for source, count in before.items()), "what is complete stays so"
        before = complete
    assert killed == KILLS

    last = counts_by_source(run_json(*command, expect=3))
    again = counts_by_source(run_json(*command, expect=3))
    for source, truth in truths.items():
        done, failed, already = len(truth.complete), len(truth.failed), before.get(str(source), 0)
        total, processed, skipped, *of_failed = last[str(source)]
        assert (total, processed + skipped, *of_failed) == (done + failed, done, failed, sorted(truth.failed))
        # the folder comes first, and completes items of the shop: it has their pictures, or publishes what was made
        assert skipped == already if source == folder else skipped >= already
        assert again[str(source)] == (done + failed, 0, done, failed, sorted(truth.failed))

    stats, coverage = run_json("stats", "--owner", OWNER), run_json("stats", "coverage", "--owner", OWNER)
    images = {"found": len(whole | broken), "complete": len(whole), "rejected": len(broken)}
    assert stats["images"] == images | {"partial": 0, "failed": 0, "pending": 0}
    assert stats["failures"] == {"unreadable_image": len(broken)}
    for counted in (coverage, stats["coverage"]):
        assert (counted["total_images"], counted["with_embeddings"]) == (len(whole | broken), len(whole))
        assert counted["unpublished"] == 0
        assert counted["documents"] == {"completed with failures": 2}

    spaces = {each.space.role: each.space for each in registered(collection.ledger)}
    published = {image_id(OWNER, content) for content in whole}
    for role in (*MADE, Role.UNDERSTANDING):
        if role in spaces:
            assert collection.index.count(spaces[role]) == len(published)
            assert set(collection.index.ids(spaces[role])) == published
    assert run_json("upkeep", "verify", "--deep")["sound"]

    made = writes(collection.ledger)
    assert set(made.values()) == {1}, "nothing was made twice"
    assert {role: {content for content, of, _ in made if of == role} for role in MADE} == dict.fromkeys(MADE, whole)


MADE = (Role.ANALYSIS, Role.VISUAL, Role.COLOR, Role.TEXTURE)
"""What is made of every picture by itself."""


def wait_for_progress(collection: Resources, command: Forked, moment: float) -> bool:
    """Until so many items are listed and made; False when the command ended before."""
    while command.poll() is None:
        with collection.ledger.read() as connection:
            listed = connection.execute(select(func.count()).select_from(source_items)).scalar_one()
            made = select(func.count()).select_from(items).where(items.c.state == ItemState.DONE)
            if listed + connection.execute(made).scalar_one() >= moment:
                return True
        time.sleep(0.01)
    return False


def complete_items(collection: Resources) -> dict[str, int]:
    """Source -> its items that are complete."""
    documents = list_documents(collection.ledger)
    return {each.content: count_items(collection.ledger, each.id).skipped_items for each in documents}


def counts_by_source(report: dict[str, Any]) -> dict[str, tuple[int, int, int, int, list[str]]]:
    """Source -> total, processed, skipped and incomplete, and the ids of these; none is pending or left."""
    incomplete = ("partial_items", "bare_items", "failed_items")
    names = ("total_items", "processed_items", "skipped_items", *incomplete, "pending_items", "left_items")
    *sources, total = *report["sources"], report["total"]
    for each in (*sources, total):
        assert (each["pending_items"], each["left_items"]) == (0, 0)
    assert [total[name] for name in names] == [sum(each[name] for each in sources) for name in names]
    return {
        each["source"]: (
            *(each[name] for name in names[:3]), sum(each[name] for name in incomplete), sorted(each["incomplete_ids"])
        )
        for each in sources
    }  # fmt: skip
