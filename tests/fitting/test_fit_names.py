"""Weights fitted to lessons are near the given ones, agree with the lessons, and are judged on those left out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swatchbook.catalogue.choose_names import read_weights
from swatchbook.fitting.fit_names import aim, f1_with, fit_near, judge_weights, leave_each_out
from swatchbook.fitting.newton import fit_comparison, fit_logistic
from swatchbook.fitting.stored_weights import dump_weights, id_of_weights
from swatchbook.records import LessonFacts
from tests.fitting.facts import WEIGHTS, group, lesson, of_one_maker

NAMES = st.lists(st.sampled_from([f"catalogue {n}" for n in range(12)]), unique=True, max_size=8)
MAKER = [of_one_maker(f"catalogue {n}") for n in range(6)]


def moved(lessons: list[LessonFacts]) -> float:
    """How far weights of groups are moved."""
    fitted = fit_near(lessons, WEIGHTS)
    return sum(abs(row[2] - WEIGHTS.features[name][2]) for name, row in fitted.features.items())


def test_without_lessons_the_weights_are_the_given_ones() -> None:
    assert fit_near([], WEIGHTS) is WEIGHTS
    says_nothing = lesson("oak", group(0.1), group(0.0))
    assert fit_near([says_nothing], WEIGHTS) is WEIGHTS


@settings(max_examples=20)
@given(NAMES)
def test_equal_lessons_give_equal_weights_in_any_order(names: list[str]) -> None:
    lessons = [of_one_maker(name) for name in names]
    first = dump_weights(fit_near(lessons, WEIGHTS))
    assert dump_weights(fit_near(lessons, WEIGHTS)) == first
    backwards = fit_near(lessons[::-1], WEIGHTS)
    for name, values in read_weights(first).features.items():
        assert backwards.features[name] == pytest.approx(values, abs=2e-4)


@settings(max_examples=20)
@given(NAMES.filter(bool))
def test_what_is_measured_and_meant_stays(names: list[str]) -> None:
    fitted = fit_near([of_one_maker(name) for name in names], WEIGHTS)
    for table in ("features", "right"):
        before, after = getattr(WEIGHTS, table), getattr(fitted, table)
        assert {name: row[:2] for name, row in after.items()} == {name: row[:2] for name, row in before.items()}
    assert (fitted.meaning, fitted.found, fitted.silent) == (WEIGHTS.meaning, WEIGHTS.found, WEIGHTS.silent)


def test_few_lessons_change_little_and_more_change_more() -> None:
    one, six = moved(MAKER[:1]), moved(MAKER)
    assert 0 < one < six < 0.2 * sum(abs(row[2]) for row in WEIGHTS.features.values())


def test_next_catalogue_of_one_maker_is_read_better() -> None:
    unseen = of_one_maker("the next one", seed=7)
    assert f1_with(unseen, WEIGHTS) == 0.0
    assert f1_with(unseen, fit_near(MAKER, WEIGHTS)) == 1.0


def test_each_lesson_is_judged_by_weights_that_do_not_know_it() -> None:
    lessons = [*MAKER[:4], lesson("other", group(0.4), group(0.9, {"count": 3.0}))]
    for n, (shipped, fitted) in enumerate(leave_each_out(lessons, WEIGHTS)):
        others = [each for each in lessons if each is not lessons[n]]
        assert shipped == judge_weights(lessons[n], WEIGHTS)
        assert fitted == judge_weights(lessons[n], fit_near(others, WEIGHTS))
        assert fitted.f1 == f1_with(lessons[n], fit_near(others, WEIGHTS))
        assert fitted.expected > shipped.expected or n == 4


def test_one_lesson_alone_is_judged_by_the_given_weights() -> None:
    ((shipped, fitted),) = leave_each_out(MAKER[:1], WEIGHTS)
    assert shipped == fitted == judge_weights(MAKER[0], WEIGHTS)
    assert 0 < shipped.expected < 0.5
    assert shipped.f1 == 0.0


def test_aim_is_shared_by_groups_that_name_as_well() -> None:
    alike = aim([0.9, 0.9, 0.1])
    assert alike == pytest.approx([0.5, 0.5, 0.0, 0.0])
    assert aim([0.1, 0.0]) == pytest.approx([0.0, 0.0, 1.0])


def test_penalty_draws_weights_to_the_given_ones() -> None:
    rows = np.array([[1.0, 0.0], [0.0, 1.0]])
    start = np.array([0.3, -0.2])
    target = np.array([1.0, 0.0])
    far, near = (
        fit_comparison(rows, [2], target, shares=[1.0], penalties=np.full(2, penalty), towards=start)
        for penalty in (0.1, 100.0)
    )
    assert far[0] > near[0] > start[0]
    assert near == pytest.approx(start, abs=0.01)
    right = fit_logistic(rows, target, counted=np.ones(2), penalties=np.full(2, 1e6), towards=start)
    assert right == pytest.approx(start, abs=1e-5)


def test_weights_come_back_from_their_text() -> None:
    fitted = fit_near(MAKER, WEIGHTS)
    text = dump_weights(fitted)
    assert read_weights(text) == fitted
    assert id_of_weights(text) != id_of_weights(dump_weights(WEIGHTS))
    assert len(id_of_weights(text)) == 16
