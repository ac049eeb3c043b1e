"""Measure how well searches answer labelled questions.

Scores are computed for each role alone, for all with the weights in use, without each role, and with weights that are
fitted to the questions. For each question there are three measures, of its first 100 results:

- recall: the share of its answers (of ten, if it has more) that is among the first ten;
- precision: the mean of the precision at each answer (its mean over questions is the mAP);
- gain: the nDCG of the first ten, where each answer counts 1.

Weights are fitted by trying a grid of them and taking the highest gain. Cross-validation estimates how good that is on
other questions: each fifth of the questions is scored with the weights that are best on the others. Intervals have 95 %
of 1,000 resamples of the questions.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple

import numpy as np

from swatchbook.arrays import Vectors
from swatchbook.index.base import Match
from swatchbook.records import Record
from swatchbook.search.fusion import Ranked, fuse
from swatchbook.search.search import CANDIDATES

FIRST: Final = 10
"""The number of first results that recall and gain use."""

FOLDS: Final = 5
MOST_TRIED: Final = 300
"""The most sets of weights that are tried."""

_RESAMPLES: Final = 1_000

Measure = Literal["recall", "precision", "gain"]
MEASURES: Final[tuple[Measure, ...]] = ("recall", "precision", "gain")


class Asked(NamedTuple):
    """A question with the matches of each role, the results to which they lead, and its answers.

    `aside` is a result that does not count, such as the picture of the query.
    """

    candidates: Mapping[str, Sequence[Match]]
    results: Mapping[str, Ranked]
    answers: Collection[str]
    aside: str | None = None

    def score(self, weights: Mapping[str, float]) -> tuple[float, float, float]:
        """Return recall, precision and gain with these weights of the roles."""
        given = {role: found for role, found in self.candidates.items() if weights.get(role, 0) > 0}
        fused = fuse(given, lambda role, _: self.results[role], weights, most=CANDIDATES)
        ranked = sorted((target for target in fused if target != self.aside), key=lambda t: (-fused[t].score, t))
        return score_ranking(ranked, self.answers)


class Estimate(Record):
    """A mean over the questions, with the interval of its resamples."""

    mean: float
    low: float
    high: float


class Scores(Record):
    """The three measures of a ranking."""

    recall: Estimate
    precision: Estimate
    gain: Estimate


class RoleScores(Record):
    """A role with the scores of its ranking alone, its weight in use, and the loss of the fused measures without it.

    `cost` is None if no role is left without it, or if it has no weight.
    """

    role: str
    weight: float
    alone: Scores
    cost: Scores | None


class Retrieval(Record):
    """The scores of searches. `by_fitted` is cross-validated: no question helped to fit the weights that score it."""

    questions: int
    skipped: int
    roles: tuple[RoleScores, ...]
    fused: Scores
    fitted: Mapping[str, float]
    by_fitted: Scores


def score_ranking(ranked: Sequence[str], answers: Collection[str]) -> tuple[float, float, float]:
    """Return recall, average precision and nDCG of a ranking. There is at least one answer."""
    right = [target in answers for target in ranked]
    ideal = min(FIRST, len(answers))
    gain = sum(1 / math.log2(place + 2) for place, hit in enumerate(right[:FIRST]) if hit)
    found, precisions = 0, 0.0
    for place, hit in enumerate(right, start=1):
        if hit:
            found += 1
            precisions += found / place
    best = sum(1 / math.log2(place + 2) for place in range(ideal))
    return sum(right[:FIRST]) / ideal, precisions / len(answers), gain / best


def evaluate_retrieval(asked: Sequence[Asked], weights: Mapping[str, float], skipped: int) -> Retrieval:
    """Return the scores of at least one question. `weights` are those in use, by role."""
    found = sorted({role for each in asked for role in each.candidates})
    in_use = {role: weights.get(role, 0.0) for role in found}
    tried = [in_use if any(in_use.values()) else dict.fromkeys(found, 1.0), *grid(found)]
    table = np.array([[each.score(some) for each in asked] for some in tried])  # (tried, questions, measures)
    fused = table[0]

    def cost(role: str) -> Scores | None:
        left = {each: weight for each, weight in in_use.items() if each != role}
        if not in_use[role] or not any(left.values()):
            return None
        return estimate(fused - np.array([each.score(left) for each in asked]))

    return Retrieval(
        questions=len(asked),
        skipped=skipped,
        roles=tuple(
            RoleScores(
                role=role,
                weight=in_use[role],
                alone=estimate(np.array([each.score({role: 1.0}) for each in asked])),
                cost=cost(role),
            )
            for role in found
        ),
        fused=estimate(fused),
        fitted=tried[_best(table)],
        by_fitted=estimate(cross_validated(table)),
    )


def grid(roles: Sequence[str]) -> list[dict[str, float]]:
    """Return sets of weights that sum to 1, in the smallest equal steps that give at most MOST_TRIED sets."""
    steps = max(n for n in range(1, 21) if n == 1 or math.comb(n + len(roles) - 1, n) <= MOST_TRIED)
    return [
        {role: round(share / steps, 4) for role, share in zip(roles, shares, strict=True)}
        for shares in _sums(len(roles), steps)
    ]


def _sums(parts: int, whole: int) -> Iterator[tuple[int, ...]]:
    if parts == 1:
        yield (whole,)
        return
    for first in range(whole, -1, -1):
        for rest in _sums(parts - 1, whole - first):
            yield (first, *rest)


def cross_validated(table: Vectors) -> Vectors:
    """Return (questions, measures) with the weights that are best on the other folds.

    `table` has the shape (tried, questions, measures).
    """
    questions = np.arange(table.shape[1])
    scored: Vectors = np.empty_like(table[0])
    for fold in range(min(FOLDS, len(questions))):
        held = questions % FOLDS == fold
        chosen = _best(table[:, ~held]) if (~held).any() else 0
        scored[held] = table[chosen][held]
    return scored


def _best(table: Vectors) -> int:
    """Return the index of the tried weights with the highest mean gain; with equal gains the first."""
    return int(np.argmax(np.round(table[:, :, MEASURES.index("gain")].mean(axis=1), 6)))


def estimate(values: Vectors) -> Scores:
    """Return the means of (questions, measures), with their intervals. The resamples are always the same."""
    drawn = np.random.default_rng(0).integers(len(values), size=(_RESAMPLES, len(values)))
    means = values[drawn].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975], axis=0)
    spread = np.stack([values.mean(axis=0), low, high]).round(4).T.tolist()
    return Scores(
        **{
            measure: Estimate(mean=mean, low=least, high=most)
            for measure, (mean, least, most) in zip(MEASURES, spread, strict=True)
        }
    )
