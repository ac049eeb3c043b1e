"""Ingest and delete, over and over: the disk is as full afterwards as it was early on.

A soak runs 50 rounds, a quick suite fewer.
"""

from datetime import timedelta
from pathlib import Path

import pytest

from swatchbook.domain.records import DocumentStatus
from swatchbook.index import lance
from swatchbook.ingest.delete import delete
from swatchbook.resources import Resources
from swatchbook.store.ledger.tables import metadata
from swatchbook.upkeep.gc import sweep
from tests.fixtures import SOAK
from tests.flows.conftest import Ingest, results_of
from tests.pdf.making import Paper, gradient, jpeg
from tests.store.ledger.scene import count

pytestmark = pytest.mark.stack

ROUNDS = 50 if SOAK else 8
SETTLED = 3
"""Rounds after which nothing may grow any more."""


def catalogue(folder: Path, number: int) -> Path:
    """Two pages of one picture each, other ones every time."""
    paper = Paper()
    for page in (1, 2):
        picture = jpeg(gradient(300 + number, 300 + page, seed=number))
        paper.page(f"Tile Alba {number}\nCeramic tile, 30 x 30 cm").insert_image((40, 80, 240, 280), stream=picture)
    return paper.save(folder / f"{number}.pdf")


def sizes(folder: Path) -> dict[str, int]:
    """Bytes by what stands directly under the folder."""
    return {entry.name: sum(map(size, (entry, *entry.rglob("*")))) for entry in folder.iterdir() if entry.exists()}


def size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


@pytest.fixture
def results(home: Path) -> Path:
    return results_of(home)


def test_disk_is_flat_over_rounds_of_ingest_and_delete(
    resources: Resources, ingest: Ingest, home: Path, results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lance, "KEEP_VERSIONS", timedelta(milliseconds=1))  # nobody reads meanwhile
    seen: list[dict[str, int]] = []
    for number in range(ROUNDS):
        report = ingest(catalogue(tmp_path, number))
        assert report.status == DocumentStatus.COMPLETED
        assert any(results.iterdir())
        assert delete(resources, report.document_id)
        assert sweep(resources, older_than=0).results > 0
        sweep(resources, older_than=0)  # what the first has found to be unused
        seen.append(sizes(home))
    settled, last = sum(seen[SETTLED].values()), sum(seen[-1].values())
    assert last <= settled * 1.1, f"grew from {seen[SETTLED]} to {seen[-1]}"
    assert list(results.iterdir()) == []
    assert list(resources.files.keys()) == []
    rows = {table.name: count(resources.ledger, table) for table in metadata.sorted_tables}
    assert {name: rows for name, rows in rows.items() if rows and name not in ("spaces", "deleted_documents")} == {}
