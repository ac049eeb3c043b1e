"""Fit a probability: a logistic regression with an L2 penalty by Newton's method, no random numbers."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

STEPS: Final = 40
SETTLED: Final = 1e-6
"""Steps that are smaller do not change the weights, which have four digits."""

Fitted = tuple[dict[str, tuple[float, float, float]], float]
"""The mean, spread and weight of each feature, and the score without any."""


def fit_probability(
    rows: Sequence[Mapping[str, float]], right: Sequence[bool], penalty: float, shares: Sequence[float] | None = None
) -> Fitted:
    """Return the weights of the probability that a row is right. `shares`: how much each row counts, else 1."""
    names = sorted(rows[0])
    x = np.array([[row[name] for name in names] for row in rows])
    y = np.array(right, np.float64)
    counted = np.ones(len(y)) if shares is None else np.array(shares)
    centre, spread = x.mean(0), x.std(0) + 1e-3
    z = np.hstack([(x - centre) / spread, np.ones((len(x), 1))])
    penalties = np.diag(np.append(np.full(len(names), penalty), 0.01))
    found = np.zeros(len(names) + 1)
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-z @ found))
        gradient = penalties @ found + z.T @ (counted * (p - y))
        step = np.linalg.solve(penalties + (z.T * (counted * p * (1 - p))) @ z, gradient)
        found -= step * min(1.0, 2.0 / np.abs(step).max())
        if np.abs(step).max() < SETTLED:
            break
    weights = {
        name: (round(float(m), 5), round(float(s), 5), round(float(w), 4))
        for name, m, s, w in zip(names, centre, spread, found, strict=False)
    }
    return weights, round(float(found[-1]), 4)
