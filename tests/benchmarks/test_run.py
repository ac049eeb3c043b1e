"""Rows of benchmarks/RESULTS.md name their day and commit, and say if what they measure has changed since."""

from pathlib import Path

from benchmarks.run import BENCHMARKS, MODULES, as_markdown

ROOT = Path(__file__).parents[2]


def test_results_name_day_commit_and_what_is_older() -> None:
    kept = {name: {"at": "2026-11-29", "commit": "abcd1234", "rows": ["| a | 1 |"]} for name in ("ingest", "web")}
    rows = [line for line in as_markdown(kept, {"web"}).splitlines() if line.startswith("| a |")]
    assert rows == ["| a | 1 | 2026-11-29 abcd1234 |", "| a | 1 | 2026-11-29 abcd1234 older |"]


def test_modules_of_benchmarks_exist() -> None:
    assert MODULES.keys() <= BENCHMARKS.keys()
    assert all((ROOT / folder).exists() for folders in MODULES.values() for folder in folders)
