"""Fit the weights by which a search judges the relevance of its results, and score it, on questions that documents
answer and questions that they do not.

Usage: python -m devtools.fit_relevance QUESTIONS [--errors]
The collection that the settings name has the catalogues, each of the owner that has its name: docs/quality.md says how.
QUESTIONS holds `answerable.jsonl` and `unanswerable.jsonl`. The first question of each two chooses the weights, the
second one is scored. A question that names no catalogue is asked of all together.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from swatchbook.records import Hit, ResultKind
from swatchbook.resources import Resources, open_resources
from swatchbook.search import relevance
from swatchbook.search.relevance import Evidence
from swatchbook.search.search import evidence, search
from swatchbook.settings import load_settings

KINDS: tuple[ResultKind, ...] = ("product", "image")
RIDGE = 0.01
"""Keeps weights finite where the evidence separates all questions."""


class Asked(NamedTuple):
    """A question to one catalogue, and what speaks for the results: of an answerable one for the answer alone."""

    kind: str  # "answerable", "near" (of the trade) or "far"
    chooses: bool
    question: str
    catalogue: str
    found: Sequence[Evidence]

    @property
    def relevance(self) -> float:
        return max(each.relevance for each in self.found)


def ask(resources: Resources, folder: Path) -> Iterator[Asked]:
    """Ask every question of its catalogue, for products and for images."""
    for file in ("answerable", "unanswerable"):
        for number, line in enumerate((folder / f"{file}.jsonl").read_text(encoding="utf-8").splitlines()):
            question: Mapping[str, Any] = json.loads(line)
            kind = file if file == "answerable" else "near" if question["near"] else "far"
            owner = question.get("catalogue")
            for by in KINDS:
                hits = search(resources, text=question["text"], owner=owner, by=by)
                if kind == "answerable":
                    hits = [hit for hit in hits if _answers(hit, question["products"])]
                found = evidence(resources, hits, question["text"], by, owner)
                if found:  # what is not found at all is not lost by the floor
                    yield Asked(kind, number % 2 == 0, question["text"], f"{owner or 'all'}, by {by}", found)


def _answers(hit: Hit, products: Sequence[str]) -> bool:
    return not products or (hit.product or "").casefold() in {name.casefold() for name in products}


def fit(asked: Sequence[Asked]) -> tuple[float, float, float]:
    """Return intercept and weights of a logistic regression; answerable, near and far questions weigh 2 : 1 : 1."""
    import numpy as np  # after swatchbook.models, which keeps it to one thread

    best = [max(each.found, key=lambda e: e.relevance) for each in asked]
    x = np.column_stack([np.ones(len(best)), np.array(best)])
    y = np.array([each.kind == "answerable" for each in asked], dtype=float)
    kinds = [each.kind for each in asked]
    weight = np.array([(2.0 if kind == "answerable" else 1.0) / kinds.count(kind) for kind in kinds]) * 250
    w = np.zeros(x.shape[1])
    for _ in range(50):  # Newton's method
        p = 1 / (1 + np.exp(-x @ w))
        gradient = x.T @ (weight * (p - y)) + RIDGE * w
        curvature = (x.T * (weight * p * (1 - p))) @ x + RIDGE * np.eye(len(w))
        w -= np.linalg.solve(curvature, gradient)
    intercept, said, close = (round(float(each), 2) for each in w)
    return intercept, said, close


def main() -> None:
    """Print the weights that the first half chooses, and the share of both halves that is judged rightly."""
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("Usage: ")[1])
    parser.add_argument("questions", type=Path)
    parser.add_argument("--errors", action="store_true")
    given = parser.parse_args()
    with open_resources(settings := load_settings()) as resources:
        asked = list(ask(resources, given.questions))
    floor = settings.relevance_floor
    chosen = fit([each for each in asked if each.chooses])
    print("intercept, said, close: chosen", chosen, "in use", (relevance.INTERCEPT, relevance.SAID, relevance.CLOSE))
    for chooses in (True, False):
        for kind in ("answerable", "near", "far"):
            some = [each for each in asked if each.kind == kind and each.chooses == chooses]
            right = [each for each in some if (each.relevance >= floor) == (kind == "answerable")]
            half = "chooses" if chooses else "scored"
            print(f"{half:8} {kind:11} {len(right)} of {len(some)} right ({len(right) / max(1, len(some)):.1%})")
            for each in (each for each in some if each not in right) if given.errors else ():
                best = max(each.found, key=lambda e: e.relevance)
                print(f"    {each.question} ({each.catalogue}): said {best.said:.2f}, close {best.close:.1f}")


if __name__ == "__main__":
    main()
