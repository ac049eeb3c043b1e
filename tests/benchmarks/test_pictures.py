"""The public benchmark of like pictures: what it reads, what counts as zero, and its leaderboard."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.board_command import BOARD, SCORES
from benchmarks.pictures.__main__ import main
from benchmarks.pictures.board import make_board
from benchmarks.pictures.rankings import SystemRankings, read_scores, score_rankings
from benchmarks.pictures.sets import HERE, PictureSet, picture_sets

Call = Callable[..., int]
COLOURS = {"red": (200, 20, 20), "green": (20, 200, 20)}


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Call:
    def with_words(*words: object) -> int:
        monkeypatch.setattr(sys, "argv", ["pictures", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        if isinstance(end.value.code, str):
            pytest.fail(end.value.code)
        return int(end.value.code or 0)

    return with_words


@pytest.fixture
def repositories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a repository of four pictures, which is the only set."""
    there = tmp_path / "repositories" / "somebody" / "colours"
    there.mkdir(parents=True)
    for name, colour in COLOURS.items():
        (there / name).mkdir()
        for number in range(2):
            shade = tuple(min(255, value + 3 * number) for value in colour)
            Image.new("RGB", (40, 40), shade).save(there / name / f"{number}.png")

    def git(*words: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        return subprocess.run(["git", "-C", there, *who, *words], check=True, capture_output=True, text=True).stdout

    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "-m", "pictures")
    files = sorted(there.glob("*/*.png"))
    pictures = [[_sha256(file), file.parent.name, str(file.relative_to(there))] for file in files]
    commit = git("rev-parse", "HEAD").strip()
    content = {"repo": "somebody/colours", "commit": commit, "licence": "none", "pictures": pictures}
    found = {"colours": PictureSet.model_validate_json(json.dumps(content))}
    for module in ("sets", "rankings", "systems", "board", "__main__"):
        monkeypatch.setattr(f"benchmarks.pictures.{module}.picture_sets", lambda: found)
    return tmp_path / "repositories"


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_pictures_are_obtained_ranked_and_scored(
    repositories: Path, tmp_path: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "pictures"
    assert call("obtain", target, repositories) == 0
    assert "colours: 4 of 4" in capsys.readouterr().out
    assert all("red" not in file.name for file in target.rglob("*"))
    assert call("run", "colour-histogram", target, "--to", tmp_path / "colour.json") == 0
    assert call("score", tmp_path / "colour.json", "--board", tmp_path) == 0
    assert call("table", "--board", tmp_path) == 0
    assert "| colour-histogram | unseen | 1.000 | 1.00 | 1.00 | 0.100 | 0 |" in (tmp_path / BOARD).read_text()


def test_pictures_without_an_answer_count_as_zero() -> None:
    classes = picture_sets()["clothes"].classes
    (hat, other), *_ = [[each for each in classes if classes[each] == "hat"][:2]]
    rankings = SystemRankings(system="mine", about="x", seen={"clothes": "unseen"}, sets={"clothes": {hat: (other,)}})
    found = score_rankings(rankings).sets["clothes"]
    assert found.missing == len(classes) - 1
    assert found.nearest == pytest.approx(1 / len(classes), abs=1e-3)
    assert found.of_classes == (0.0, 0.0)
    assert found.classes["hat"].of_ten == pytest.approx(0.1 / found.classes["hat"].pictures, abs=1e-4)


def test_leaderboard_is_that_of_the_scores() -> None:
    systems = [read_scores(file) for file in sorted((HERE / SCORES).glob("*.json"))]
    assert {"swatchbook", "efficientnet-lite2", "colour-histogram"} <= {one.system for one in systems}
    assert (HERE / BOARD).read_text() == make_board(systems), "run `python -m benchmarks.pictures table`"
