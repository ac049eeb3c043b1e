"""What differs between the outcomes of two commits, and what differs between two runs of one, is told apart."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from devtools.compare_commits import Outcome, ledger_rows, report

ROW = ("9d0f6719-84c0-555b-8999-802a7deb88aa", "01M8HPQQ0KTXGFF5DFC7PCPCZM", 1795890632.4, '{"seconds": 4, "n": 2}')


def write_ledger(path: Path, *rows: tuple[object, ...]) -> None:
    with closing(sqlite3.connect(path)) as ledger, ledger:
        ledger.execute("CREATE TABLE documents (id, generation, created_at, report)")
        ledger.executemany("INSERT INTO documents VALUES (?, ?, ?, ?)", rows)


def test_rows_of_two_runs_are_equal(tmp_path: Path) -> None:
    write_ledger(tmp_path / "old", ROW)
    write_ledger(tmp_path / "new", (ROW[0], "01M8HPRNPKNZD9JFWWD4BV84WY", 1795890999.1, '{"n": 2, "seconds": 5}'))
    write_ledger(tmp_path / "other", (*ROW[:3], json.dumps({"n": 3, "seconds": 4})))
    assert ledger_rows(tmp_path / "old") == ledger_rows(tmp_path / "new") != ledger_rows(tmp_path / "other")


def test_every_difference_is_printed_with_its_place() -> None:
    old = Outcome({"searches": {"oak": ["a", "b"]}, "exports": {"csv": ["name"], "xml": []}}, {"ingest": 40.0})
    new = Outcome({"searches": {"oak": ["a", "b"]}, "exports": {"csv": ["code", "name"]}}, {"ingest": 41.5})
    assert report(old, old)[1] is False
    text, differ = report(old, new)
    assert differ
    assert text.splitlines() == [
        "searches: equal", "exports: 4 different", "  csv: 1 → 2 entries", '  csv 1: "name" → "code"',
        '  csv 2: null → "name"', "  xml: only old", "processor seconds, old → new", "  ingest: 40.0 → 41.5",
    ]  # fmt: skip
