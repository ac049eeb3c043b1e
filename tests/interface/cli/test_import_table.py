"""`swatchbook import` through the real command: a collection with some vectors becomes searchable with all."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.command import bare_environment, finish, run_json
from tests.sources.pictures import draw

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("prefect_api")]
"""One server for all commands: each would start its own, which takes longer than their work."""

TABLE = """image_id,account,state,small,full,name,price,embedding,embedding_model
1,anna,done,1-small.png,1.png,Oak floor,49.90,,
2,anna,pending,2-small.png,2.png,Slate,35.00,,
3,bob,Completed,,3.png,Linen,12,"[0.6, 0.8]",shop-2025
4,bob,done,4-small.png,,Brass,7,,
"""

MAPPING = """root: pictures
columns:
  id: image_id
  user: account
  status: state
  compressed_path: small
  original_path: full
  title: name
  price: price
  vector: embedding
  model: embedding_model
completed: [completed, done]
models:
  shop-2025: efficientnet-lite2@9656183e/middle-260
"""

IMPORT = ("import", "pictures.csv", "--config", "mapping.yaml")


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> tuple[Path, dict[str, Any]]:
    """(folder with the table, what the command printed); its home is `made`."""
    folder = tmp_path_factory.mktemp("import")
    for number in (1, 2, 3):
        draw(folder / "pictures" / f"{number}.png", number)
    (folder / "pictures.csv").write_text(TABLE)
    (folder / "mapping.yaml").write_text(MAPPING)
    there = {"SWATCHBOOK_HOME": str(folder / "made"), "PREFECT_API_URL": prefect_server}
    done = finish([*IMPORT, "--roles", "visual", "--json"], bare_environment() | there, folder)
    assert done.returncode == 3, done.stderr
    return folder, json.loads(done.stdout)


@pytest.fixture
def folder(imported: tuple[Path, dict[str, Any]], home: Path) -> Path:
    """The folder with the table; the home is a copy of the one that it was imported into."""
    shutil.copytree(imported[0] / "made", home)
    return imported[0]


@pytest.mark.gate
def test_collection_becomes_searchable(folder: Path, imported: tuple[Path, dict[str, Any]]) -> None:
    printed = imported[1]
    table = printed["table"]
    counts = ("rows", "taken", "not_completed", "left_out", "of_others", "given", "taken_over", "refused")
    assert [table[name] for name in counts] == [4, 2, 1, 1, 0, 1, 0, 1]
    assert [row["id"] for row in table["left_out_rows"]] == ["4"]
    assert [row["id"] for row in table["refused_vectors"]] == ["3"]
    assert printed["before"] == {"images": 0, "with_vectors": 0}
    assert printed["after"] == {"images": 2, "with_vectors": 2}
    assert (printed["total"]["total_items"], printed["total"]["processed_items"]) == (2, 2)
    found = run_json("search", "--image", str(folder / "pictures" / "3.png"), "--owner", "bob")
    assert [hit["title"] for hit in found] == ["Linen"]
    shown = run_json("show", "pictures.csv", "--owner", "anna")
    assert (shown["document"]["kind"], shown["products"][0]["metadata"]["price"]) == ("table", "49.90")


def test_dry_run_only_counts(imported: tuple[Path, dict[str, Any]], home: Path) -> None:
    done = finish([*IMPORT, "--dry-run", "--json"], os.environ, imported[0])
    assert done.returncode == 3, done.stderr
    printed = json.loads(done.stdout)
    assert (printed["dry_run"], printed["table"]["taken"], printed["sources"]) == (True, 2, [])
    assert run_json("owners") == []
