"""Say how sure the products of a whole document are: the fitted probability that their F1 is at least 0.8, or, where
none are found, that there are none.

The names of one document are right or wrong together, so the mean of their probabilities says too much of it.
`python -m devtools.fit_products` makes the weights from documents that were left out of the fit.
"""

from collections.abc import Mapping, Sequence
from math import exp, log

from swatchbook_catalogue.choose_names import LARGEST_LOG_ODDS, UNLIKELY, Choice, Weights, judge_groups, judge_names
from swatchbook_catalogue.name_groups import NameGroup, find_oddities

GOOD = 0.8
"""The F1 from which a person can work with the products of a document: at most a few names are missed or wrong."""


def judge_document(groups: Sequence[NameGroup], choice: Choice | None, weights: Weights) -> float | None:
    """Return the probability that a document's products are good, or that it offers none; None without weights."""
    probabilities = judge_groups([g.features for g in groups], [g.meaning for g in groups], weights)
    if choice is None:
        return judge_silence(measure_silence(probabilities, groups[0].features if groups else {}), weights)
    best = max(range(len(groups)), key=lambda n: probabilities[n])
    names = judge_names(find_oddities(groups[best]), probabilities[best], weights)
    return judge_found(measure_found(probabilities, groups[best].features, names), weights)


def judge_found(measured: Mapping[str, float], weights: Weights) -> float | None:
    """Return the probability that the F1 of found products is at least `GOOD`; None without weights."""
    return _probability(measured, weights.found, weights.any_found)


def judge_silence(measured: Mapping[str, float], weights: Weights) -> float | None:
    """Return the probability that a document without found products offers none; None without weights."""
    return _probability(measured, weights.silent, weights.any_silent)


def measure_found(
    probabilities: Sequence[float], features: Mapping[str, float], names: Sequence[float]
) -> dict[str, float]:
    """Return what tells how good the products of a document are.

    `expected` is the F1 that would come of the names if their probabilities were independent, `undecided` the entropy
    of the choice. `probabilities`: of the groups, and last of "none"; `features`: of the chosen group; `names`: of its
    names.
    """
    likely = [p for p in names if p >= UNLIKELY]
    return {
        "expected": 2 * sum(likely) / (len(likely) + sum(names)),
        "undecided": -sum(p * log(p) for p in probabilities if p),
        **{name: features.get(name, 0.0) for name in ("few", "uneven", "measured")},
    }


def measure_silence(probabilities: Sequence[float], features: Mapping[str, float]) -> dict[str, float]:
    """Return what tells whether a document without found products offers none. `features`: of any of its groups."""
    return {
        "none": log_odds(probabilities[-1]),
        **{name: features.get(name, 0.0) for name in ("document_services", "document_occasions")},
    }


def log_odds(p: float) -> float:
    """Return the logarithm of a probability's odds, within what counts as sure."""
    inside = min(max(p, 1e-9), 1 - 1e-9)
    return max(-LARGEST_LOG_ODDS, min(LARGEST_LOG_ODDS, log(inside / (1 - inside))))


def _probability(
    measured: Mapping[str, float], weights: Mapping[str, tuple[float, float, float]], start: float
) -> float | None:
    if not weights:
        return None
    score = start + sum(weight * (measured[name] - mean) / spread for name, (mean, spread, weight) in weights.items())
    return 1 / (1 + exp(-score))
