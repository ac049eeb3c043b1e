"""Ingest and delete, over and over: the disk is as full afterwards as it was early on.

A soak runs 50 rounds, a quick suite fewer.
"""

from collections import Counter
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
from tests.store.ledger.scene import count
from tests.upkeep.changing import small_catalogue

pytestmark = pytest.mark.stack

ROUNDS = 50 if SOAK else 8
SETTLED = 3
"""Rounds after which nothing may grow any more."""


def test_disk_use_stays_flat_over_ingests_and_deletes(
    resources: Resources, ingest: Ingest, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = results_of(home)
    monkeypatch.setattr(lance, "KEEP_VERSIONS", timedelta(milliseconds=1))  # nobody reads meanwhile
    seen = list[Counter[str]]()
    for number in range(ROUNDS):
        report = ingest(small_catalogue(tmp_path, number))
        assert report.status == DocumentStatus.COMPLETED
        assert any(results.iterdir())
        assert delete(resources, report.document_id)
        assert sweep(resources, older_than=0).results > 0
        sweep(resources, older_than=0)  # what the first has found to be unused
        seen.append(Counter())
        for file in filter(Path.is_file, home.rglob("*")):
            seen[-1][file.relative_to(home).parts[0]] += file.stat().st_size
    settled, last = sum(seen[SETTLED].values()), sum(seen[-1].values())
    assert last <= settled * 1.1, f"grew from {seen[SETTLED]} to {seen[-1]}"
    assert list(results.iterdir()) == []
    assert list(resources.files.keys()) == []
    rows = {table.name: count(resources.ledger, table) for table in metadata.sorted_tables}
    assert {name: rows for name, rows in rows.items() if rows and name != "spaces"} == {}
