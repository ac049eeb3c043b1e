"""`swatchbook evaluate search`, on the ingested sample."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.settings import load_settings
from swatchbook.doors.cli.main import app
from swatchbook.resources import open_resources
from swatchbook.store.ledger.queries.image import image_details, image_ids

pytestmark = pytest.mark.usefixtures("filled")


def run(*words: str | Path, expect: int = 0) -> Any:
    result = CliRunner().invoke(app, [*map(str, words), "--owner", "anna"])
    assert result.exit_code == expect, result.output + str(result.exception)
    return result


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    lines = [
        {"text": "oiled oak floor", "products": ["Nordvik Oak"]},
        {"text": "terrazzo with marble chips", "products": ["palladio terrazzo"]},
        {"text": "an answer that nobody has", "products": ["Nothing"]},
        {"text": "of another owner", "products": ["Nordvik Oak"], "catalogue": "zoe"},
    ]
    file = tmp_path / "questions.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    return file


def test_roles_are_scored_by_the_weights_in_use(questions: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = json.loads(run("evaluate", "search", questions, "--json").stdout)
    assert (result["questions"], result["skipped"]) == (2, 2)
    assert {each["role"] for each in result["roles"]} == {"keyword", "text", "understanding"}
    assert result["fused"]["recall"]["mean"] == 1
    monkeypatch.setenv("SWATCHBOOK_SEARCH_WEIGHTS", '{"text": {"keyword": 1}}')
    (hit, *_) = json.loads(run("search", "oak", "--explain", "--json").stdout)
    assert [*hit["why"]] == ["keyword"]
    table = " ".join(run("evaluate", "search", questions).stdout.split())
    assert "all, as they weigh" in table


def test_pictures_are_asked_for_by_their_class(filled: Path, tmp_path: Path) -> None:
    with open_resources(load_settings()) as resources:
        for number, one in enumerate(image_ids(resources.ledger, "anna")[:6]):
            details = image_details(resources.ledger, one)
            assert details is not None
            assert details.file is not None
            target = tmp_path / "classes" / ("even" if number % 2 == 0 else "odd") / details.file
            target.parent.mkdir(parents=True, exist_ok=True)
            with resources.files.local(details.file) as path:
                target.write_bytes(path.read_bytes())
    (tmp_path / "classes" / "even" / "notes.txt").write_text("no picture")
    result = json.loads(run("evaluate", "search", tmp_path / "classes", "--json").stdout)
    assert (result["questions"], result["skipped"]) == (6, 1)
    assert {each["role"] for each in result["roles"]} == {"color", "structure", "texture", "visual"}
    assert 0 <= result["fused"]["precision"]["low"] <= result["fused"]["precision"]["high"] <= 1


def test_what_is_no_question_is_named_by_its_line(tmp_path: Path) -> None:
    for line in ["{", "[]", '{"text": ""}', '{"text": "oak"}', "[" * 100_000]:
        file = tmp_path / "questions.jsonl"
        file.write_text(f'{{"text": "oak", "products": ["Oak"]}}\n{line}\n')
        result = CliRunner().invoke(app, ["evaluate", "search", str(file), "--owner", "anna"])
        assert isinstance(result.exception, InvalidReference)
        assert "line 2 is not a question" in str(result.exception)
