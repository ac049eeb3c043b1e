"""`swatchbook label` and `swatchbook evaluate products`, on the ingested sample."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from interface.cli.main import app
from swatchbook.errors import InvalidReference
from swatchbook.ledger.queries.image import image_details, image_ids
from swatchbook.resources import open_resources
from swatchbook.settings import load_settings

pytestmark = pytest.mark.usefixtures("filled")


def run(*words: str | Path, expect: int = 0) -> Any:
    result = CliRunner().invoke(app, [*map(str, words), "--owner", "anna"])
    assert result.exit_code == expect, result.output + str(result.exception)
    return result


@pytest.fixture
def labels(tmp_path: Path) -> dict[str, Any]:
    """The draft of the sample's labels."""
    drafted: dict[str, Any] = json.loads(run("label", "small.pdf").stdout)
    return drafted


@pytest.fixture
def file(tmp_path: Path, labels: dict[str, Any]) -> Path:
    path = tmp_path / "labels" / "small.json"
    path.parent.mkdir()
    path.write_text(json.dumps(labels))
    return path


def test_a_draft_says_what_the_result_says(labels: dict[str, Any], file: Path) -> None:
    assert [product["name"] for product in labels["products"]] == ["Nordvik Oak", "Palladio Terrazzo"]
    assert labels["products"][0]["metadata"]["price"]
    assert labels["pages"] == 6
    assert labels["all_product_images"] == len(labels["image_links"]) > 0
    (scored,) = json.loads(run("evaluate", "products", file.parent, "--json").stdout)["scores"]
    assert (scored["f1"], scored["exact_pages"], scored["wrong"], scored["links"]["missed"]) == (1, 1, [], [])
    table = run("evaluate", "products", file).stdout
    assert "small" in table
    assert "F1 of 1 catalogue mean 1.00 · median 1.00 · floor 1.00" in " ".join(table.split())


def test_what_was_won_and_lost_is_named(labels: dict[str, Any], file: Path, tmp_path: Path) -> None:
    before = tmp_path / "before.json"
    before.write_text(run("evaluate", "products", file, "--json").stdout)
    assert "Nothing changed." in run("evaluate", "products", file, "--compare", before).stdout
    corrected = labels["products"][0]["name"]
    labels["products"][0]["name"] = "Something else"
    file.write_text(json.dumps(labels))
    now = json.loads(run("evaluate", "products", file, "--compare", before, "--json").stdout)
    assert now["summary"]["f1_mean"] == 0.5
    (change,) = now["changes"]
    page = labels["products"][0]["first_page"]
    assert change["newly_wrong"] == [f"{page} {corrected}"]
    assert f"- wrong: {page} {corrected}" in run("evaluate", "products", file, "--compare", before).stdout


def test_documents_that_are_absent_are_named(labels: dict[str, Any], file: Path) -> None:
    other = file.with_name("other.json")
    other.write_text(json.dumps(labels | {"slug": "other", "sha256": "0" * 64}))
    some = run("evaluate", "products", file.parent, expect=3)
    assert "other is not scored" in some.stderr
    assert "mean 1.00" in some.stdout
    run("evaluate", "products", other, expect=1)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["small.json"], "small.json is no truth file: slug: Field required."),
        (["nothing.json"], "nothing.json cannot be read: no such file or directory."),
        ([".", "--compare", "small.json"], "small.json is no result of this version."),
    ],
)
def test_wrong_files_are_refused(file: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], reason: str) -> None:
    monkeypatch.chdir(file.parent)
    file.write_text("{}")
    result = CliRunner().invoke(app, ["evaluate", "products", *words, "--owner", "anna"])
    assert isinstance(result.exception, InvalidReference)
    assert result.exception.message == reason


def test_edits_by_hand_are_labels() -> None:
    run("products", "small.pdf", "rename", "Nordvik Oak", "Something else")
    (drafted, _) = json.loads(run("label", "small.pdf").stdout)["products"]
    assert drafted["name"] == "Something else"
    (scored,) = json.loads(run("evaluate", "products", "--edited", "--json").stdout)["scores"]
    assert (scored["f1"], scored["wrong"]) == (0.5, ["3 Nordvik Oak"])
    run("evaluate", "products", expect=2)


# --- searches ---------------------------------------------------------------------------------------------------------


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


def test_searches_are_scored_by_role_and_fitted_weights_are_those_of_the_next_search(
    questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = tmp_path / ".env"
    env.write_text("SWATCHBOOK_RELEVANCE_FLOOR=0.1\nSWATCHBOOK_SEARCH_WEIGHTS={}\n")
    result = json.loads(run("evaluate", "search", questions, "--save", env, "--json").stdout)
    assert (result["questions"], result["skipped"]) == (2, 2)
    assert {each["role"] for each in result["roles"]} == {"keyword", "text", "understanding"}
    assert result["fused"]["recall"]["mean"] == 1
    kept, written = env.read_text().splitlines()
    assert kept == "SWATCHBOOK_RELEVANCE_FLOOR=0.1"
    weights = json.loads(written.partition("=")[2])["text"]
    assert weights == {role: weight for role, weight in result["fitted"].items() if weight}
    monkeypatch.setenv("SWATCHBOOK_SEARCH_WEIGHTS", '{"text": {"keyword": 1}}')
    (hit, *_) = json.loads(run("search", "oak", "--explain", "--json").stdout)
    assert [*hit["why"]] == ["keyword"]
    table = " ".join(run("evaluate", "search", questions).stdout.split())
    assert "all, fitted on others" in table


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


@pytest.mark.parametrize("line", ["{", "[]", '{"text": ""}', '{"text": "oak"}', "[" * 100_000])
def test_what_is_no_question_is_named_by_its_line(tmp_path: Path, line: str) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text(f'{{"text": "oak", "products": ["Oak"]}}\n{line}\n')
    result = CliRunner().invoke(app, ["evaluate", "search", str(file), "--owner", "anna"])
    assert isinstance(result.exception, InvalidReference)
    assert "line 2 is not a question" in str(result.exception)
