"""What has failed of a file of items is counted by `status`, listed by `show --json`, and named by `retry`."""

import shutil
from pathlib import Path

from tests.command import attempt, run, run_json


def test_failures_are_counted_listed_and_named(home: Path, troubled_home: Path) -> None:
    shutil.copytree(troubled_home, home)
    owner = ("--owner", "anna")
    assert "1 completed, look at it" in run("status", *owner).partition("\n")[0]
    counts = run_json("status", *owner)["counts"]
    assert (counts["completed"], counts["completed, look at it"]) == (0, 1)
    failures = run_json("show", "items.jsonl", *owner)["failures"]
    assert [(each["subject"], each["path"], each["kind"]) for each in failures] == [
        ("image", "gone.png", "file_missing"), ("item", "2", "invalid_reference"),
    ]  # fmt: skip
    status, out, err = attempt("fill", "failed", "items.jsonl", *owner)
    assert (status, out) == (0, "")
    assert err.startswith("Nothing is tried again: 2 of 3 items without all of their pictures. gone.png: The file")


def test_unchanged_sources_are_counted_in_total(home: Path, troubled_home: Path) -> None:
    shutil.copytree(troubled_home, home)
    sources = [str(troubled_home.parent / name) for name in ("pictures", "items/items.jsonl")]
    status, out, err = attempt("ingest-images", *sources, "--owner", "anna")
    assert status == 3, err
    assert out.count("unchanged, nothing to do") == 2
    assert "in total      2 sources" in out
    assert "6 = 3 skipped + 2 without pictures + 1 failed" in out
