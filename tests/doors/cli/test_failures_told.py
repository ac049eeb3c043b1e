"""What has failed of a file of items is counted by `status`, listed by `show --json`, and named by `retry`."""

import json
from pathlib import Path

import pytest

from tests.command import attempt, bare_environment, finish, run, run_json
from tests.ingest.sources.pictures import draw


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a file of items was ingested of which two have no picture."""
    folder = tmp_path_factory.mktemp("told")
    draw(folder / "teal.png")
    items = [
        {"id": "1", "name": "Teal tile", "images": ["teal.png"]},
        {"id": "2", "name": "No picture"},
        {"id": "3", "name": "Gone", "images": ["gone.png"]},
    ]
    (folder / "items.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in items))
    done = finish(["ingest", "items.jsonl"], bare_environment() | {"SWATCHBOOK_HOME": str(folder / "home")}, folder)
    assert done.returncode == 3, done.stderr
    return folder


@pytest.fixture
def told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATCHBOOK_HOME", str(folder / "home"))


def test_status_counts_documents_as_it_calls_them(told: None) -> None:
    assert run("status").startswith("1 completed, look at it\n")
    counts = run_json("status")["counts"]
    assert (counts["completed"], counts["completed, look at it"]) == (0, 1)


def test_show_lists_failures_in_json(told: None) -> None:
    failures = run_json("show", "items.jsonl")["failures"]
    assert [(each["subject"], each["path"], each["kind"]) for each in failures] == [
        ("image", "gone.png", "file_missing"), ("item", "2", "invalid_reference"),
    ]  # fmt: skip


def test_retry_names_what_failed_for_good(told: None) -> None:
    status, out, err = attempt("fill", "failed", "items.jsonl")
    assert (status, out) == (0, "")
    assert err.startswith("Nothing is tried again: 2 of 3 items without all of their pictures. gone.png: The file")
    assert "Nothing to do" in attempt("fill", "failed")[2]
