"""Fit how sure the products of a whole document are (`judge_document.py`), and say by document how
far such probabilities are from the truth.

A case is a document and what weights that do not know it choose: right if the F1 of the likely names is at least 0.8,
or if nothing is said of a document that offers nothing. Backing is not among what is measured, so a document that only
it silences counts as found.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Final, NamedTuple

from devtools.measured_groups import Decision, Together
from devtools.newton import Fitted, fit_probability
from swatchbook_catalogue.choose_names import LEAST_LIKELY, UNLIKELY, Weights
from swatchbook_catalogue.judge_document import (
    GOOD,
    judge_found,
    judge_silence,
    measure_found,
    measure_silence,
)

PENALTY: Final = 3.0
"""A third of it, or nearly three times as much, is as good within the noise of 151 documents."""
Judged = Sequence[tuple[float, bool]]
"""Probabilities, each with whether it was right."""


class Case(NamedTuple):
    """What was chosen for a document, measured. `naive`: the mean probability of its names, or that of "none"."""

    name: str
    silent: bool
    measured: dict[str, float]
    right: bool
    naive: float


def f1_of_likely(decision: Decision, names: Sequence[float]) -> float:
    """Return the F1 of what is said of a document: of the likely names of the chosen group. `names`: the probabilities
    of the decision's names. A document that offers nothing has 1 if nothing is said.

    The number of products follows from the group's F1.
    """
    if decision.offers_none:
        return float(is_silent(names))
    if is_silent(names):
        return 0.0
    right = sum(row.right for row in decision.rows)
    if not right or not decision.f1:  # names of families are right, too, and no products
        return decision.f1
    products = max(right, 2 * right / decision.f1 - len(names))
    likely = [row.right for p, row in zip(names, decision.rows, strict=True) if p >= UNLIKELY]
    return 2 * sum(likely) / (len(likely) + products)


def is_silent(names: Sequence[float]) -> bool:
    """Return whether nothing is said where the names of the chosen group have these probabilities."""
    return not names or sum(p >= UNLIKELY for p in names) < LEAST_LIKELY * len(names)


def cases_of(decisions: Sequence[Decision], names: Mapping[str, Sequence[float]]) -> list[Case]:
    """Return the cases of decisions. `names`: name of a document -> the probabilities of its names."""
    return [_case(decision, names[decision.name]) for decision in decisions]


def _case(decision: Decision, names: Sequence[float]) -> Case:
    right = f1_of_likely(decision, names) >= GOOD
    if is_silent(names):
        measured = measure_silence(decision.probabilities, decision.features)
        return Case(decision.name, True, measured, right, decision.probabilities[-1])
    measured = measure_found(decision.probabilities, decision.features, names)
    return Case(decision.name, False, measured, right, fmean(p for p in names if p >= UNLIKELY))


def fit_sure(cases: Sequence[Case]) -> tuple[*Fitted, *Fitted]:
    """Return the weights for documents with products, and for those without, as `Weights` has them."""
    return *_fit([c for c in cases if not c.silent]), *_fit([c for c in cases if c.silent])


def _fit(cases: Sequence[Case]) -> Fitted:
    return fit_probability([c.measured for c in cases], [c.right for c in cases], PENALTY) if cases else ({}, 0.0)


def judge(case: Case, weights: Weights) -> float:
    """Return the probability of a case, 0.5 without weights."""
    sure = (judge_silence if case.silent else judge_found)(case.measured, weights)
    return 0.5 if sure is None else sure


def judge_left_out(cases: Sequence[Case], together: Together) -> Judged:
    """Return the probability of each case by weights fitted on cases of other documents, and whether it is right."""
    parts: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        parts[together(case.name)].append(case)
    judged = []
    for part, left_out in parts.items():
        weights = Weights({}, (), 0.0, {}, 0.0, *fit_sure([c for c in cases if together(c.name) != part]))
        judged += [(judge(case, weights), case.right) for case in left_out]
    return judged


def calibration_error(judged: Judged) -> float:
    """Return how far probabilities are from the shares that are right, in ten bins, by their counts."""
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for p, right in judged:
        bins[min(int(10 * p), 9)].append((p, right))
    return sum(abs(sum(p - right for p, right in found)) for found in bins.values()) / max(1, len(judged))


def brier(judged: Judged) -> float:
    """Return the mean squared difference of probabilities from the truth: 0 is best, 0.25 is that of one half."""
    return fmean((p - right) ** 2 for p, right in judged)


def summarise(cases: Sequence[Case], together: Together) -> str:
    """Return the errors of the fitted probabilities and of the naive ones."""
    figures = [
        f"{name} {calibration_error(judged):.3f}, Brier {brier(judged):.3f}"
        for name, judged in (
            ("fitted", judge_left_out(cases, together)),
            ("naive", [(c.naive, c.right) for c in cases]),
        )
    ]
    return f"expected calibration error of {len(cases)} documents: {'; '.join(figures)}"
