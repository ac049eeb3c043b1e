"""Fit the weights that choose between readings that agree with what a person showed.

    python -m devtools.fit_teaching LABELS PDFS KEEP      fit, write `weights.json` of `learning/`, print
    … --half 0|1 --weights FILE      fit on every second document, for `score_teaching` on the others

KEEP is a folder that keeps what was read and measured. On each document a simulated person corrects the present names,
up to four times, three times over; each of these moments is a choice between hypotheses, whose target is their F1. A
hypothesis that is 0.1 worse than another has less than half of its share. Newton's method on the cross entropy, an L2
penalty; the random numbers are seeded by the document's name.
"""

import argparse
import json
import random
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from devtools.evaluation.person import Labelled, click_on, f1_of, read_labelled
from devtools.evaluation.truth import read_truths
from swatchbook.domain.records import Example
from swatchbook_teach.learning.learn import measured_hypotheses
from swatchbook_teach.learning.score import weights

Array = NDArray[np.float64]

WEIGHTS: Final = Path("packages/teach/swatchbook_teach/learning/weights.json")
ROUNDS: Final = 3
ACTIONS: Final = 4
SHARPNESS: Final = 9.5
"""A hypothesis whose F1 is 0.1 lower has less than half of the target's share: e^(-0.95)."""
PENALTY: Final = 2.0
STEPS: Final = 60


class Moment(NamedTuple):
    """A choice after `action` examples: features of each hypothesis, one row each, and its F1."""

    action: int
    features: Array
    f1: Array


def main() -> None:
    """Measure, fit and print."""
    given = _arguments()
    names = given.names or sorted(path.stem for path in given.pdfs.glob("*.pdf"))
    with ProcessPoolExecutor(given.processes) as processes:
        measured = list(processes.map(partial(_measured, given.labels, given.pdfs, given.keep), names))
    moments = {name: found for name, found in zip(names, measured, strict=True) if found}
    order = sorted(weights())
    chosen = list(moments) if given.half is None else list(moments)[given.half :: 2]
    fitted = fit([m for name in chosen for m in moments[name]])
    _report(fitted, moments)
    given.weights.write_text(json.dumps(dict(zip(order, map(float, fitted.round(3)), strict=True)), indent=1) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("\n\n")[1])
    parser.add_argument("labels", type=Path)
    parser.add_argument("pdfs", type=Path)
    parser.add_argument("keep", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--half", type=int, choices=(0, 1))
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--processes", type=int, default=2)
    return parser.parse_args()


def _report(fitted: Array, moments: dict[str, list[Moment]]) -> None:
    for action in range(1, ACTIONS + 1):
        chosen, best = [], []
        for found in moments.values():
            here = [m for m in found if m.action == action]
            if here:
                chosen.append(mean(float(m.f1[int(np.argmax(m.features @ fitted))]) for m in here))
                best.append(mean(float(m.f1.max()) for m in here))
        sys.stdout.write(
            f"after {action}: mean {mean(chosen):.3f} median {median(chosen):.3f} floor {min(chosen):.3f}; "
            f"the best there is: mean {mean(best):.3f}; {len(chosen)} documents\n"
        )


# --- measure ----------------------------------------------------------------------------------------------------------


def _measured(labels: Path, pdfs: Path, keep: Path, name: str) -> list[Moment]:
    """Return the moments of a document; none without labelled products."""
    (truth,) = read_truths([labels / f"{name}.json"])
    if not truth.products:
        return []
    labelled = read_labelled(truth, pdfs / f"{name}.pdf", keep)
    chance = random.Random(name)  # noqa: S311 - a simulation
    return [moment for _ in range(ROUNDS) for moment in _moments(labelled, chance)]


def _moments(labelled: Labelled, chance: random.Random) -> list[Moment]:
    """Return the choices that a person's corrections lead to; each corrects what the present weights would propose."""
    texts = labelled.texts
    known = weights()
    order = sorted(known)
    proposed, examples, found = [texts.found], list[Example](), list[Moment]()
    for action in range(1, ACTIONS + 1):
        click = click_on(labelled, proposed[-1], chance)
        if click is None:
            break
        examples.append(click)
        choices, measured = zip(*measured_hypotheses(texts, examples, proposed), strict=True)
        rows = np.array([[each[feature] for feature in order] for each in measured])
        found.append(Moment(action, rows, np.array([f1_of(labelled, h.texts) for h in choices])))
        best = int(np.argmax(rows @ np.array([known[feature] for feature in order])))
        proposed.append(choices[best].texts)
    return found


# --- fit --------------------------------------------------------------------------------------------------------------


def fit(moments: Sequence[Moment]) -> Array:
    """Return the weights in the order of their names."""
    width = moments[0].features.shape[1]
    spread = np.vstack([m.features for m in moments]).std(0) + 1e-3
    scaled = [m.features / spread for m in moments]
    targets = [t / t.sum() for m in moments for t in [np.exp(SHARPNESS * (m.f1 - m.f1.max()))]]
    found = np.zeros(width)
    for _ in range(STEPS):
        gradient, curvature = PENALTY * found, PENALTY * np.eye(width)
        for x, target in zip(scaled, targets, strict=True):
            scores = x @ found
            p = np.exp(scores - scores.max())
            p /= p.sum()
            gradient += x.T @ (p - target)
            expected = x.T @ p
            curvature += (x.T * p) @ x - np.outer(expected, expected)
        step = np.linalg.solve(curvature, gradient)
        found -= step * min(1.0, 2.0 / np.abs(step).max())
        if np.abs(step).max() < 1e-5:
            break
    return np.asarray(found / spread)


if __name__ == "__main__":
    main()
