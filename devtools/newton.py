"""Fit the scores of groups that are compared with each other, and of rows that are right or wrong: Newton's method, an
L2 penalty, no random numbers.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

STEPS: Final = 40
SETTLED: Final = 1e-6
"""Steps that are smaller do not change the weights, which have four digits."""

Array = NDArray[np.float64]
Fitted = tuple[dict[str, tuple[float, float, float]], float]
"""The mean, spread and weight of each feature, and the score without any."""


def fit_comparison(
    rows: Array, counts: Sequence[int], target: Array, *, shares: Sequence[float], penalties: Array
) -> Array:
    """Return the weights with which the softmax over each document's rows comes nearest to the target.

    `counts`: the rows of each document, `shares`: how much it counts. `penalties` draw each weight to zero.
    """
    starts = np.cumsum([0, *counts[:-1]])
    counted = np.asarray(shares, np.float64)
    of_row = np.repeat(counted, counts)
    penalty = np.diag(penalties)
    found = np.zeros(rows.shape[1])
    for _ in range(STEPS):
        scores = rows @ found
        raised = np.exp(scores - np.repeat(np.maximum.reduceat(scores, starts), counts))
        p = raised / np.repeat(np.add.reduceat(raised, starts), counts)
        weighted = rows * p[:, None]
        expected = np.add.reduceat(weighted, starts)
        gradient = penalty @ found + rows.T @ (of_row * (p - target))
        curvature = penalty + weighted.T @ (rows * of_row[:, None]) - expected.T @ (expected * counted[:, None])
        step = np.linalg.solve(curvature, gradient)
        found -= step * min(1.0, 2.0 / np.abs(step).max())
        if np.abs(step).max() < SETTLED:
            break
    return found


def fit_logistic(rows: Array, right: Array, *, counted: Array, penalties: Array) -> Array:
    """Return the weights of the probability that a row is right. `counted`: how much each row counts."""
    penalty = np.diag(penalties)
    found = np.zeros(rows.shape[1])
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-np.clip(rows @ found, -30, 30)))
        gradient = penalty @ found + rows.T @ (counted * (p - right))
        step = np.linalg.solve(penalty + (rows.T * (counted * p * (1 - p))) @ rows, gradient)
        found -= step * min(1.0, 2.0 / np.abs(step).max())
        if np.abs(step).max() < SETTLED:
            break
    return found


def fit_probability(
    rows: Sequence[Mapping[str, float]], right: Sequence[bool], penalty: float, shares: Sequence[float] | None = None
) -> Fitted:
    """Return the weights of the probability that a row is right. `shares`: how much each row counts, else 1."""
    names = sorted(rows[0])
    x = np.array([[row[name] for name in names] for row in rows])
    counted = np.ones(len(right)) if shares is None else np.array(shares)
    centre, spread = x.mean(0), x.std(0) + 1e-3
    z = np.hstack([(x - centre) / spread, np.ones((len(x), 1))])
    penalties = np.append(np.full(len(names), penalty), 0.01)
    found = fit_logistic(z, np.array(right, np.float64), counted=counted, penalties=penalties)
    return named_weights(names, centre, spread, found), round(float(found[-1]), 4)


def named_weights(
    names: Sequence[str], centre: Array, spread: Array, weights: Array
) -> dict[str, tuple[float, float, float]]:
    """Return mean, spread and weight of each feature, rounded to what files keep; later weights are left out."""
    return {
        name: (round(float(m), 5), round(float(s), 5), round(float(w), 4))
        for name, m, s, w in zip(names, centre, spread, weights, strict=False)
    }
