"""Rows of benchmarks/RESULTS.md: a row is older once what it measures has changed since its commit."""

import subprocess
from pathlib import Path

from benchmarks.run import BENCHMARKS, MODULES, as_markdown, is_older

ROOT = Path(__file__).parents[2]


def test_row_is_older_once_its_modules_have_changed(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.strip()

    def write(file: str, text: str) -> None:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)

    def older(commit: str | None) -> list[bool]:
        return [is_older(name, commit, tmp_path) for name in ("ingest", "reading")]

    git("init", "-q")
    write("swatchbook/search/search.py", "1")
    write("packages/catalogue/a.py", "1")
    git("add", ".")
    git("commit", "-qm", "first")
    commit = git("rev-parse", "HEAD")
    assert older(commit) == [False, False]
    write("swatchbook/search/search.py", "2")  # what is not committed counts, too
    assert older(commit) == [True, False]
    assert older(None) == [True, True]


def test_results_name_day_commit_and_what_is_older() -> None:
    kept = {name: {"at": "2026-11-29", "commit": "abcd1234", "rows": ["| a | 1 |"]} for name in ("ingest", "web")}
    rows = [line for line in as_markdown(kept, {"web"}).splitlines() if line.startswith("| a |")]
    assert rows == ["| a | 1 | 2026-11-29 abcd1234 |", "| a | 1 | 2026-11-29 abcd1234 older |"]


def test_modules_of_benchmarks_exist() -> None:
    assert MODULES.keys() <= BENCHMARKS.keys()
    assert all((ROOT / folder).exists() for folders in MODULES.values() for folder in folders)
