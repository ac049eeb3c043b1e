"""Measures of rankings against values computed by hand, and questions to the ingested sample."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from devtools.evaluation.searches import Asked, estimate, evaluate_retrieval, score_ranking
from devtools.score_searches import score
from swatchbook.domain.errors import InvalidReference
from swatchbook.index.contract import Match
from swatchbook.resources import Resources


def test_measures_are_those_of_the_textbook() -> None:
    recall, precision, gain = score_ranking(["a", "x", "b", "y"], {"a", "b", "c"})
    assert recall == pytest.approx(2 / 3)
    assert precision == pytest.approx((1 / 1 + 2 / 3) / 3)
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert gain == pytest.approx((1 + 1 / math.log2(4)) / ideal)
    assert score_ranking(["x"], {"a"}) == score_ranking([], {"a"}) == (0, 0, 0)
    many = {str(n) for n in range(30)}
    assert score_ranking([str(n) for n in range(30)], many) == pytest.approx((1, 1, 1))


def asked(number: int) -> Asked:
    """A question that `good` answers first, and `bad` last; of equal scores the answer comes last."""
    ids = [f"{number}-{n}" for n in range(39, 19, -1)]

    def found(order: list[str]) -> list[Match]:
        return [Match(id=each, distance=0.01 * place) for place, each in enumerate(order)]

    candidates = {"good": found(ids), "bad": found(ids[::-1])}
    ranked = {role: [(m.id, 1 - (m.distance or 0)) for m in matches] for role, matches in candidates.items()}
    return Asked(candidates, ranked, {ids[0]})


def test_a_costly_role_gains_when_left_out() -> None:
    questions = [asked(n) for n in range(12)]
    led_by_bad = evaluate_retrieval(questions, {"good": 0.4, "bad": 0.6}, skipped=3)
    bad, good = led_by_bad.roles
    assert (bad.alone.gain.mean, good.alone.gain.mean) == (0, 1)
    assert bad.cost is not None
    assert bad.cost.precision.mean < 0
    assert led_by_bad.fused.gain.mean < 1
    assert (led_by_bad.questions, led_by_bad.skipped) == (12, 3)
    _, good = evaluate_retrieval(questions, {"good": 0.6, "bad": 0.4}, skipped=0).roles
    assert good.cost is not None
    assert good.cost.gain.mean == 1


def test_what_does_not_count_is_no_result() -> None:
    first = asked(0)
    assert first._replace(aside="0-39", answers={"0-38"}).score({"good": 1})[2] == 1
    assert first.score({"good": 1})[2] == 1


def test_intervals_contain_means_and_shrink_with_more_questions() -> None:
    few, many = (estimate(np.tile([[0.0] * 3, [1.0] * 3], (n, 1))).gain for n in (5, 500))
    assert few.low < few.mean == 0.5 < few.high
    assert many.high - many.low < (few.high - few.low) / 4


@pytest.mark.usefixtures("filled")
def test_questions_without_an_answer_are_skipped(resources: Resources, tmp_path: Path) -> None:
    lines = [
        {"text": "oiled oak floor", "products": ["Nordvik Oak"]},
        {"text": "an answer that nobody has", "products": ["Nothing"]},
        {"text": "of another owner", "products": ["Nordvik Oak"], "catalogue": "zoe"},
    ]
    file = tmp_path / "questions.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    result = score(resources, file, "anna")
    assert (result.questions, result.skipped, result.fused.recall.mean) == (1, 2, 1)
    file.write_text("{")
    with pytest.raises(InvalidReference, match="line 1 is not a question"):
        score(resources, file, "anna")
