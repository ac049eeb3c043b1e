"""A folder of pictures and a scraped batch on each ledger with each index, through the real commands: ingested, grown,
mirrored, counted, filled again, backed up into a collection on the other index, and cleared.
"""

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from swatchbook.domain.records import ItemState, Role
from swatchbook.resources import Resources
from swatchbook.store.ledger.space_registry import registered
from swatchbook.store.ledger.stored_documents import list_documents
from swatchbook.store.ledger.tables import items, requested, vectors
from swatchbook.upkeep.backup.restore import restore
from swatchbook.upkeep.backup.write import back_up
from swatchbook.upkeep.verify import verify
from tests.command import run, run_json
from tests.ingest.sources.pictures import draw, write
from tests.new_collection import NewCollection, environment_of, new_collection, postgres, weaviate_server
from tests.upkeep.backup.collection import indexed

__all__ = ["new_collection", "postgres", "weaviate_server"]

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("home", "prefect_api")]

COUNTS = ("total_items", "processed_items", "skipped_items", "failed_items", "left_items")
ANNA = ("--owner", "anna")


class Sources:
    """A folder with three pictures and a file that is no picture, and a batch of two items with a picture each."""

    def __init__(self, base: Path) -> None:
        self.pictures, self.shop = base / "pictures", base / "shop" / "items.jsonl"
        for number, name in enumerate(("oak.png", "slate.jpg", "sub/linen.webp")):
            draw(self.pictures / name, number)
        write(self.pictures / "letter.png", b"Dear reader, this is no picture.")
        for number in (20, 21):
            draw(self.shop.parent / f"{number}.png", number)
        self.sell(price=120)

    def sell(self, price: int) -> None:
        sofa = {"id": "sofa-1", "title": "Linen sofa", "price": 900, "file_path": "20.png"}
        rug = {"id": "rug-1", "title": "Woven rug", "price": price, "currency": "EUR", "file_path": "21.png"}
        write(self.shop, "\n".join(map(json.dumps, (sofa, rug))).encode())

    def ingest(self, resources: Resources, *options: str) -> dict[str, list[int]]:
        """Ingest both, and return the counts of each."""
        command = ("ingest-images", str(self.pictures), str(self.shop), *ANNA, *options)
        told = run_json(*command, expect=3, **environment_of(resources))
        return {Path(each["source"]).name: [each[name] for name in COUNTS] for each in told["sources"]}


def counted(resources: Resources) -> dict[str, Any]:
    told = run_json("stats", *ANNA, **environment_of(resources))
    return {name: told[name] for name in ("images", "failures", "coverage")}


@pytest.mark.parametrize(("ledger", "index"), [*product(("sqlite", "postgresql"), ("lance", "weaviate"))])
def test_from_first_ingest_to_clear(new_collection: NewCollection, tmp_path: Path, ledger: str, index: str) -> None:
    resources, sources = new_collection(ledger, index), Sources(tmp_path)
    environment = environment_of(resources)
    assert sources.ingest(resources) == {"pictures": [4, 3, 0, 1, 0], "items.jsonl": [2, 2, 0, 0, 0]}
    draw(sources.pictures / "brass.png", 9)
    (sources.pictures / "oak.png").unlink()
    sources.sell(price=99)
    assert sources.ingest(resources) == {"pictures": [4, 1, 2, 1, 1], "items.jsonl": [2, 1, 1, 0, 0]}
    assert sources.ingest(resources, "--mirror") == {"pictures": [4, 0, 3, 1, 0], "items.jsonl": [2, 0, 2, 0, 0]}
    found = run_json("search", "rug", *ANNA, "--by", "product", "--where", "price_max=100", **environment)
    assert found[0]["title"] == "Woven rug"

    whole = counted(resources)
    assert {name: count for name, count in whole["images"].items() if count} == {
        "found": 6, "complete": 5, "rejected": 1,
    }  # fmt: skip
    assert whole["failures"] == {"unreadable_image": 1}
    with resources.ledger.write() as connection:  # as if the role had not been there
        connection.execute(delete(items).where(items.c.role == Role.COLOR, items.c.state == ItemState.DONE))
        for table in (vectors, requested):
            connection.execute(delete(table).where(table.c.role == Role.COLOR))
    assert counted(resources) != whole
    assert run_json("fill", "missing", *ANNA, **environment)["made"] == 5
    assert counted(resources) == whole

    other = new_collection("sqlite", "weaviate" if index == "lance" else "lance")
    assert back_up(resources, tmp_path / "backup").missing == ()
    assert restore(other, tmp_path / "backup").documents == 2
    assert indexed(other) == indexed(resources)
    assert sources.ingest(other) == {"pictures": [4, 0, 3, 1, 0], "items.jsonl": [2, 0, 2, 0, 0]}

    run("ingest-images", str(sources.pictures), str(sources.shop), *ANNA, "--clear", "--yes", **environment)
    assert list_documents(resources.ledger) == []
    assert not any(resources.index.count(each.space) for each in registered(resources.ledger) if not each.dropping)
    assert verify(resources).sound
