"""`swatchbook import` through the real command: a collection with some vectors becomes searchable with all."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.command import bare_environment, finish, run_json
from tests.ingest.sources.pictures import draw
from tests.tables import text_of

IMPORT = ("import", "pictures.csv", "--config", "mapping.yaml")


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the table, which is not UTF-8."""
    folder = tmp_path_factory.mktemp("import")
    for number in (1, 2, 3):
        draw(folder / "pictures" / f"{number}.png", number)
    for name, table in (("pictures.csv", "table"), ("mapping.yaml", "mapping")):
        (folder / name).write_text(text_of(__file__, table), encoding="cp1252")
    return folder


@pytest.fixture(scope="module")
def imported(given: Path, prefect_server: str) -> tuple[Path, dict[str, Any]]:
    """(folder with the table, what the command printed); its home is `made`."""
    folder = given
    there = {"SWATCHBOOK_HOME": str(folder / "made"), "PREFECT_API_URL": prefect_server}
    done = finish([*IMPORT, "--roles", "visual", "--json"], bare_environment() | there, folder)
    assert done.returncode == 3, done.stderr
    return folder, json.loads(done.stdout)


@pytest.fixture
def folder(imported: tuple[Path, dict[str, Any]], home: Path) -> Path:
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
    assert (printed["total"]["total_items"], printed["total"]["processed_items"]) == (2, 2)
    found = run_json("search", "--image", str(folder / "pictures" / "3.png"), "--owner", "bob")
    assert [hit["title"] for hit in found] == ["Linen"]
    shown = run_json("show", "pictures.csv", "--owner", "anna")
    assert (shown["document"]["kind"], shown["products"][0]["metadata"]["price"]) == ("table", "49.90")


def test_dry_run_only_counts(given: Path, home: Path) -> None:
    done = finish([*IMPORT, "--dry-run", "--json"], os.environ, given)
    assert done.returncode == 3, done.stderr
    assert "Lines to check: 2 “1,anna,done,1-small.png,1.png,Chêne" in done.stderr
    printed = json.loads(done.stdout)
    assert (printed["dry_run"], printed["table"]["taken"], printed["sources"]) == (True, 2, [])
    assert run_json("owners") == []
