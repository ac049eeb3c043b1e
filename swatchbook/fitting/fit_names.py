"""Fit the weights that choose the names of products to lessons, near given ones: few lessons change little.

The most probable weights (maximum a posteriori): each weight is drawn to the given one by a penalty. What a group means
counts as before. `python -m devtools.fit_products` fits the given ones, from labelled documents.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import log
from typing import Final, NamedTuple

import numpy as np

from swatchbook.catalogue.choose_names import LARGEST_LOG_ODDS, SILENT, Weights, judge_groups, judge_names
from swatchbook.fitting.lessons import NOTHING, f1_of_likely, says_something
from swatchbook.fitting.newton import Array, fit_comparison, fit_logistic
from swatchbook.records import GroupFacts, LessonFacts

SHARPNESS: Final = 9.5
"""A group whose F1 is 0.1 lower has less than half of the target's probability: e^(-0.95)."""
OF_ONE: Final = 40
"""The names of one document weigh as much as so many at most: catalogues with hundreds would decide alone."""
PENALTY: Final = 10.0
PENALTY_OF_NAMES: Final = 30.0
"""How strongly weights of groups, and of single names, are drawn to the given ones: docs/research/fit.md."""
FEWEST: Final = 5
"""The fewest lessons that are fitted to: with three, whether weights are better on one left out is mostly chance."""
_OWN: Final = (1.0,)
"""The weight of a meaning that is known by its score."""


def fit_near(lessons: Sequence[LessonFacts], given: Weights) -> Weights:
    """Return the weights nearest to the given ones that agree with lessons; without any the given ones."""
    used = [lesson for lesson in lessons if says_something(lesson)]
    return _fit_right(used, _fit_groups(used, given)) if used else given


def _fit_groups(lessons: Sequence[LessonFacts], given: Weights) -> Weights:
    names = list(given.features)
    mean, spread, start = (np.array(column) for column in zip(*given.features.values(), strict=True))
    x = [
        (np.array([[group.features[name] for name in names] for group in lesson.groups]) - mean) / spread
        for lesson in lessons
    ]
    found = fit_comparison(
        np.vstack([with_none(of_lesson) for of_lesson in x]),
        [len(of_lesson) + 1 for of_lesson in x],
        np.concatenate([aim([group.f1 for group in lesson.groups]) for lesson in lessons]),
        shares=[1.0] * len(lessons),
        penalties=np.full(len(names) + 1, PENALTY),
        towards=np.append(start, given.none),
        given=np.concatenate([[*(group.like for group in lesson.groups), 0.0] for lesson in lessons]),
    )
    return replace(given, features=_with(given.features, found), none=round(float(found[-1]), 4))


def _fit_right(lessons: Sequence[LessonFacts], given: Weights) -> Weights:
    """Return the weights with those of single names fitted to the names of each lesson's best group."""
    names = list(given.right)
    mean, spread, start = (np.array(column) for column in zip(*given.right.values(), strict=True))
    rows, right, counted = [], [], []
    for lesson in lessons:
        best = max(range(len(lesson.groups)), key=lambda n: lesson.groups[n].f1)
        odds = _log_odds(_judge(lesson, given)[best])
        for is_right, odd in _names(lesson, lesson.groups[best]):
            rows.append([{**odd, "chosen": odds}[name] for name in names])
            right.append(is_right)
            counted.append(min(1.0, OF_ONE / len(lesson.groups[best].names)))
    found = fit_logistic(
        np.hstack([(np.array(rows) - mean) / spread, np.ones((len(rows), 1))]),
        np.array(right, np.float64),
        counted=np.array(counted),
        penalties=np.full(len(names) + 1, PENALTY_OF_NAMES),
        towards=np.append(start, given.any_right),
    )
    return replace(given, right=_with(given.right, found), any_right=round(float(found[-1]), 4))


def aim(f1: Sequence[float]) -> Array:
    """Return the probability that each group should have, and last that of "none", from the F1 of each."""
    each = np.array(f1)
    wanted = np.exp(SHARPNESS * each) * (each > NOTHING)
    y = np.append(wanted, 0.0 if wanted.any() else 1.0)
    return np.asarray(y / y.sum())


def with_none(x: Array) -> Array:
    """Return the rows of the groups with a column of zeros, and the row of "none"."""
    width = x.shape[1]
    return np.vstack([np.hstack([x, np.zeros((len(x), 1))]), np.append(np.zeros(width), 1.0)])


def _with(given: Mapping[str, tuple[float, float, float]], weights: Array) -> dict[str, tuple[float, float, float]]:
    return {
        name: (mean, spread, round(float(weight), 4))
        for (name, (mean, spread, _)), weight in zip(given.items(), weights, strict=False)
    }


# --- how weights do ---------------------------------------------------------------------------------------------------


class Judged(NamedTuple):
    """How weights do on a document: the F1 of the names that they choose, and that to expect by their probabilities."""

    f1: float
    expected: float


def leave_each_out(lessons: Sequence[LessonFacts], given: Weights) -> list[tuple[Judged, Judged]]:
    """Return for each lesson how the given weights do on it, and how those do that are fitted to the other lessons."""
    return [
        (judge_weights(lesson, given), judge_weights(lesson, fit_near([*lessons[:n], *lessons[n + 1 :]], given)))
        for n, lesson in enumerate(lessons)
    ]


def judge_weights(lesson: LessonFacts, weights: Weights) -> Judged:
    """Return how weights do on a document. The expected F1 also tells them apart where both choose the same group."""
    expected = sum(p * group.f1 for p, group in zip(_judge(lesson, weights), lesson.groups, strict=False))
    return Judged(f1_with(lesson, weights), expected)


def f1_with(lesson: LessonFacts, weights: Weights) -> float:
    """Return the F1 of the names that weights choose: the likely ones of the likeliest group; 0 where that is "none".

    Names of other groups that join it are not counted.
    """
    probabilities = _judge(lesson, weights)
    if probabilities[-1] > SILENT or not lesson.groups:
        return 0.0
    best = max(range(len(lesson.groups)), key=lambda n: probabilities[n])
    names = _names(lesson, lesson.groups[best])
    likely = judge_names([odd for _, odd in names], probabilities[best], weights)
    return f1_of_likely(lesson.groups[best].f1, [(p, right) for p, (right, _) in zip(likely, names, strict=True)])


def _judge(lesson: LessonFacts, weights: Weights) -> list[float]:
    """Return the probability of each group, and last that of "none"."""
    by_score = replace(weights, meaning=_OWN)
    return judge_groups([group.features for group in lesson.groups], [(g.like,) for g in lesson.groups], by_score)


def _names(lesson: LessonFacts, group: GroupFacts) -> list[tuple[bool, dict[str, float]]]:
    return [(right > 0, dict(zip(lesson.oddities, odd, strict=True))) for right, *odd in group.names]


def _log_odds(p: float) -> float:
    return LARGEST_LOG_ODDS if p >= 1 else min(log(max(p, 1e-9) / (1 - p)), LARGEST_LOG_ODDS)
