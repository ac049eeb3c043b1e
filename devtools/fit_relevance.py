"""Fit the weights by which a search judges the relevance of its results, and score it, on questions that documents
answer and questions that they do not.

Usage: python -m devtools.fit_relevance QUESTIONS [--errors]
The collection that the settings name has the catalogues, each of the owner that has its name: docs/quality.md says how.
QUESTIONS holds `answerable.jsonl` and `unanswerable.jsonl`. The first question of each two chooses the weights, the
second one is scored; then each catalogue's questions by weights that were fitted to the others' alone. A question that
names no catalogue is asked of all together.
"""

import argparse
import json
import math
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
ROUNDS = 20
"""Of fitting to the first result of each question, then to the one that the weights so far say most of."""

RIDGE = 0.01
"""Keeps weights finite where the evidence separates all questions."""


class Asked(NamedTuple):
    """A question to one catalogue, and what speaks for the results: of an answerable one for the answer alone."""

    kind: str  # "answerable", "near" (of the trade) or "far"
    chooses: bool
    question: str
    catalogue: str
    by: ResultKind
    found: Sequence[Evidence]

    def relevance(self, weights: Sequence[float]) -> float:
        """Return the probability of an answer by an intercept and weights."""
        return 1 / (1 + math.exp(-max(logit(weights, each) for each in self.found)))


def logit(weights: Sequence[float], evidence_of: Evidence) -> float:
    """Return what an intercept and weights say of a result."""
    return sum(float(w) * x for w, x in zip(weights, (1.0, *evidence_of), strict=True))


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
                    yield Asked(kind, number % 2 == 0, question["text"], owner or f"all {number // 2 % 2}", by, found)


def _answers(hit: Hit, products: Sequence[str]) -> bool:
    shown = {each.casefold() for each in (hit.product, hit.title) if each}
    return not products or not shown.isdisjoint(name.casefold() for name in products)


def fit(asked: Sequence[Asked]) -> tuple[float, ...]:
    """Return intercept and weights of a logistic regression; answerable, near and far questions weigh 2 : 1 : 1."""
    import numpy as np  # after swatchbook.models, which keeps it to one thread

    y = np.array([each.kind == "answerable" for each in asked], dtype=float)
    kinds = [each.kind for each in asked]
    weight = np.array([(2.0 if kind == "answerable" else 1.0) / kinds.count(kind) for kind in kinds]) * 250
    best, w = [each.found[0] for each in asked], np.zeros(0)
    for _ in range(ROUNDS):
        fitted = _logistic(np.column_stack([np.ones(len(best)), np.array(best)]), y, weight)
        w = (w + fitted) / 2 if len(w) else fitted  # half a step: whole ones go to and fro
        best = [max(each.found, key=lambda e, w=w: logit(w, e)) for each in asked]  # type: ignore[misc]
    return tuple(round(float(each), 2) for each in w)


def _logistic(x: Any, y: Any, weight: Any) -> Any:
    """Return the weights of a logistic regression by Newton's method."""
    import numpy as np

    w = np.zeros(x.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ w))
        gradient = x.T @ (weight * (p - y)) + RIDGE * w
        curvature = (x.T * (weight * p * (1 - p))) @ x + RIDGE * np.eye(len(w))
        w -= np.linalg.solve(curvature, gradient)
    return w


def left_out(asked: Sequence[Asked]) -> Iterator[tuple[Asked, Sequence[float]]]:
    """Yield each question with weights that were fitted without its catalogue; those to all in two halves."""
    for catalogue in sorted({each.catalogue for each in asked}):
        weights = fit([each for each in asked if each.catalogue != catalogue])
        yield from ((each, weights) for each in asked if each.catalogue == catalogue)


def show(title: str, judged: Sequence[tuple[Asked, Sequence[float]]], floor: float, *, errors: bool) -> None:
    """Print the share of each kind of question that its weights and a floor judge rightly."""
    for kind in ("answerable", "near", "far"):
        some = [(each, weights) for each, weights in judged if each.kind == kind]
        wrong = [pair for pair in some if (pair[0].relevance(pair[1]) >= floor) != (kind == "answerable")]
        right = len(some) - len(wrong)
        print(f"{title:8} {kind:11} {right} of {len(some)} right ({right / max(1, len(some)):.1%})")
        for each, weights in wrong if errors else ():
            best = max(each.found, key=lambda e: e.relevance)
            evidence_of = ", ".join(f"{name} {value:.2f}" for name, value in best._asdict().items())
            print(f"    {each.question} ({each.catalogue}, by {each.by}): {each.relevance(weights):.2f}, {evidence_of}")


def main() -> None:
    """Print the weights that the first half chooses, and the shares of questions that are judged rightly."""
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("Usage: ")[1])
    parser.add_argument("questions", type=Path)
    parser.add_argument("--errors", action="store_true")
    given = parser.parse_args()
    with open_resources(settings := load_settings()) as resources:
        asked = list(ask(resources, given.questions))
    floor = settings.relevance_floor
    in_use = (relevance.INTERCEPT, relevance.SAID, relevance.CLOSE, relevance.FOREIGN)
    print("intercept,", ", ".join(Evidence._fields), "in use:", in_use)
    for title, chooses in (("chooses", True), ("scored", False)):
        show(title, [(each, in_use) for each in asked if each.chooses == chooses], floor, errors=given.errors)
    if len({each.kind for each in asked}) == 3:
        print("chosen by the first half:", fit([each for each in asked if each.chooses]), "by all:", fit(asked))
        show("left out", list(left_out(asked)), floor, errors=given.errors)


if __name__ == "__main__":
    main()
