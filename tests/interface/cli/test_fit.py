"""`swatchbook fit`: what it shows of taught catalogues, when it uses the weights, and how they are turned off."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from interface.cli.main import app
from swatchbook.errors import InvalidReference
from swatchbook.ledger.fitted_weights import weights_in_use
from swatchbook.ledger.stored_documents import PDF, Document, queue
from swatchbook.pipeline import fit as fitting
from swatchbook.pipeline.fit import Learnt, read_lessons
from swatchbook.records import DEFAULT_OWNER, IngestOptions, LessonFacts, sha256
from swatchbook.resources import Resources
from tests.fitting.facts import WEIGHTS, group, lesson, of_one_maker


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["fit", *words])


def answer(*words: str) -> Any:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output + str(result.exception)
    return json.loads(result.stdout)


def stored(resources: Resources, name: str) -> Document:
    content = sha256(name.encode())
    return queue(
        resources.ledger, owner=DEFAULT_OWNER, content=content, kind=PDF, name=name, file=f"{content}.pdf", size=1,
        options=IngestOptions(),
    )  # fmt: skip


def teach(resources: Resources, monkeypatch: pytest.MonkeyPatch, lessons: list[LessonFacts]) -> None:
    """Let the documents of the collection tell these lessons, and one nothing."""
    documents = tuple(stored(resources, f"catalogue {n}.pdf") for n in range(len(lessons)))
    learnt = Learnt(documents, tuple(lessons), (stored(resources, "strange.pdf"),))
    monkeypatch.setattr(fitting, "collect_lessons", lambda resources, owner: learnt)


MAKER = [of_one_maker(f"catalogue {n}") for n in range(6)]


def contrary(number: int) -> LessonFacts:
    """A catalogue whose names are the larger group, or with an odd number the smaller one."""
    mean = WEIGHTS.features["count"][0]
    step = 1.5 if number % 2 else -1.5
    right, wrong = group(0.9, {"count": mean + step}), group(0.1, {"count": mean - step}, right=0)
    return lesson(f"contrary {number}", right, wrong)


def test_weights_that_are_better_are_used_and_can_be_turned_off(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    teach(resources, monkeypatch, MAKER)
    tried = run("--dry-run")
    assert tried.exit_code == 0, tried.output + str(tried.exception)
    assert "catalogue 0.pdf" in tried.stdout
    assert "strange.pdf tells nothing" in tried.stderr
    assert "Nothing has changed." in tried.stderr
    assert weights_in_use(resources.ledger, DEFAULT_OWNER) == ""

    told = answer()
    assert (told["better"], told["used"]["id"], told["used"]["lessons"]) == (True, told["weights"], 6)
    assert weights_in_use(resources.ledger, DEFAULT_OWNER) == told["weights"]
    assert [each["fitted"] for each in told["left_out"]] == [each["fitted"] for each in answer("--dry-run")["left_out"]]
    (listed,) = answer("--list")
    assert (listed["id"], listed["in_use"]) == (told["weights"], True)
    assert told["weights"] in run("--list").stdout

    assert "shipped weights" in run("--off").stderr
    assert weights_in_use(resources.ledger, DEFAULT_OWNER) == ""
    again = run("--off")
    assert again.exit_code == 1
    assert isinstance(again.exception, InvalidReference)


def test_weights_that_are_not_better_are_used_only_when_asked(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    teach(resources, monkeypatch, [contrary(number) for number in range(6)])
    told = run()
    assert told.exit_code == 0, told.output + str(told.exception)
    assert "not better" in told.stderr
    assert "--use" in told.stderr
    assert weights_in_use(resources.ledger, DEFAULT_OWNER) == ""
    assert answer("--use")["better"] is False
    assert weights_in_use(resources.ledger, DEFAULT_OWNER) != ""


def test_lessons_are_written_and_nothing_else_is_done(
    resources: Resources, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    teach(resources, monkeypatch, MAKER[:2])  # too few to fit
    assert "2 lessons → " in run("--lessons", str(tmp_path / "lessons.json")).stderr
    assert read_lessons(tmp_path / "lessons.json") == tuple(MAKER[:2])
    assert len(answer("--lessons", str(tmp_path / "again.json"))["lessons"]) == 2
    assert weights_in_use(resources.ledger, DEFAULT_OWNER) == ""
    assert run("--lessons", str(tmp_path)).exit_code == 1


def test_too_few_taught_catalogues_are_refused(resources: Resources) -> None:
    assert weights_in_use(resources.ledger, DEFAULT_OWNER) == ""
    for words in ((), ("--use",), ("--dry-run", "--json")):
        refused = run(*words)
        assert refused.exit_code == 1
        assert isinstance(refused.exception, InvalidReference)
        assert "0 of your catalogues have names" in str(refused.exception)


@pytest.mark.parametrize(
    "words", [("--use", "--off"), ("--list", "--off"), ("--use", "--dry-run"), ("--use", "--lessons", "x.json")]
)
def test_contrary_options_are_wrong_usage(resources: Resources, words: tuple[str, ...]) -> None:
    assert run(*words).exit_code == 2
