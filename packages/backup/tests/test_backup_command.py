"""`swatchbook upkeep backup` and `restore`: what they print, and their exit status."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from swatchbook.doors.cli.main import app


def swatchbook(home: Path, *words: str) -> Result:
    return CliRunner().invoke(app, words, env={"SWATCHBOOK_HOME": str(home)})


@pytest.fixture
def place(tmp_path: Path, ingested_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # no stray .env
    shutil.copytree(ingested_home, tmp_path / "home")
    done = swatchbook(tmp_path / "home", "upkeep", "backup", str(tmp_path / "backup"))
    assert done.exit_code == 0, done.output
    assert "documents  1" in done.stdout
    return tmp_path


def test_backup_is_extended_and_restored_into_another_home(place: Path) -> None:
    again = swatchbook(place / "home", "upkeep", "backup", str(place / "backup"), "--json")
    assert (again.exit_code, json.loads(again.stdout)["copied"]) == (0, 0)
    restored = swatchbook(place / "other", "upkeep", "restore", str(place / "backup"))
    assert restored.exit_code == 0, restored.output
    assert "documents restored 1" in " ".join(restored.stdout.split())
    coverage = [
        json.loads(swatchbook(place / home, "stats", "coverage", "--owner", "anna", "--json").stdout)
        for home in ("home", "other")
    ]
    assert coverage[0] == coverage[1]
    kept = json.loads(swatchbook(place / "other", "upkeep", "restore", str(place / "backup"), "--json").stdout)
    assert (kept["documents"], kept["kept"], kept["published"]) == (0, 1, 0)


def test_missing_files_are_named_and_fail_the_command(place: Path) -> None:
    shutil.rmtree(place / "home" / "files")
    lost = swatchbook(place / "home", "upkeep", "backup", str(place / "another"))
    assert lost.exit_code == 3
    assert "missing or damaged" in lost.stdout
    assert swatchbook(place / "other", "upkeep", "restore", str(place / "another")).exit_code == 3
