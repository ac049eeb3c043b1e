"""Fit the probability that a result answers a question, on labelled questions that a collection answers and that it
does not, and score it on others. Run it again when models or the index change: it is one command.

Usage: python -m devtools.fit_relevance QUESTIONS [--write] [--errors] [--keep FILE]
The collection that the settings name has the catalogues, folders and batches, each of the owner that has its name, such
as `--owner cantoni`. QUESTIONS holds files *.jsonl of questions; those in its folder `held_out` and
those of the catalogues LEFT_OUT are never fitted on, of the others chance decides: half of them are. `--write` stores
the weights, `--keep` what was measured, so that the next run asks nothing.
"""

import argparse
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from swatchbook.index.contract import Where
from swatchbook.ledger.owners import known_owners
from swatchbook.models import registry
from swatchbook.records import Hit, ResultKind, Role
from swatchbook.resources import Resources, open_resources
from swatchbook.search import relevance
from swatchbook.search.judged_hits import COMPARED, judge
from swatchbook.search.relevance import Evidence, Fitted, probability, says_few_words
from swatchbook.search.search import search
from swatchbook.settings import load_settings

KINDS: tuple[ResultKind, ...] = ("product", "image")
LEFT_OUT = frozenset({"gaspe", "sacoma"})
"""Catalogues of which no question is fitted on."""

RIDGE = 1.0
"""Keeps weights finite where the evidence separates all results."""

FLOORS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3)
"""Floors that are tried."""

BINS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 1.0)


class Asked(NamedTuple):
    """A question to one catalogue, and its first results: the evidence of each, and whether it is right."""

    kind: str  # "answerable", "near" (of the trade) or "far"
    fitted: bool
    question: str
    catalogue: str
    by: str
    results: Sequence[tuple[Evidence, bool]]


def ask(resources: Resources, folder: Path) -> Iterator[Asked]:
    """Ask every question of its catalogue, for products and for images."""
    owners = {*known_owners(resources.ledger)}
    for file in sorted(folder.rglob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            question: Mapping[str, Any] = json.loads(line)
            owner = question.get("catalogue")
            if "text" not in question or "palette" in question or (owner and owner not in owners):
                continue
            kind = "near" if question.get("near") else "far" if "near" in question else "answerable"
            held_out = "held_out" in file.parts or owner in LEFT_OUT
            fitted = not held_out and _by_chance(f"{owner}: {question['text']}")
            for by in KINDS:
                hits = search(resources, text=question["text"], owner=owner, by=by, k=COMPARED, folded=True)
                judged = judge(resources, hits, question["text"], by, Where(owner=owner))
                right = [kind == "answerable" and _answers(hit, question["products"]) for hit in hits]
                if hits and (question.get("products") or kind != "answerable"):
                    pairs = [(each.evidence, is_right) for each, is_right in zip(judged, right, strict=True)]
                    yield Asked(kind, fitted, question["text"], owner or "all", by, pairs)


def _by_chance(text: str) -> bool:
    return hashlib.sha256(text.encode()).digest()[0] % 2 == 0


def _answers(hit: Hit, products: Sequence[str]) -> bool:
    shown = {_plain(each) for each in (hit.product, hit.title) if each}
    return not shown.isdisjoint(map(_plain, products))


def _plain(name: str) -> str:
    """Return a name without case, signs, the extension of a file and the number of its row in a table."""
    bare = re.sub(r"^\d+\s+(?=\D)|\.(?:jpe?g|png|webp)$", "", name.casefold())
    return " ".join(re.findall(r"\w+", bare))


def fit_both(asked: Sequence[Asked]) -> Fitted:
    """Return the weights for questions of which results say too few words, and for all others."""
    few = [each for each in asked if all(says_few_words(evidence) for evidence, _ in each.results)]
    return {"words": fit([each for each in asked if each not in few]), "meaning": fit(few)}


def fit(asked: Sequence[Asked]) -> dict[str, float]:
    """Return the weights of a logistic regression over all results; those whose sign would be wrong are 0."""
    import numpy as np  # after swatchbook.models, which keeps it to one thread

    rows = [(evidence, right) for each in asked for evidence, right in each.results]
    y = np.array([right for _, right in rows], dtype=float)
    names = [*Evidence._fields]
    while True:
        used = [Evidence._fields.index(name) for name in names]
        x = np.column_stack([np.ones(len(rows)), np.array([[e[i] for i in used] for e, _ in rows])])
        w = _logistic(x, y)
        wrong = [name for name, each in zip(names, w[1:], strict=True) if each * SIGNS[name] < 0]
        if not wrong:
            break
        names = [name for name in names if name not in wrong]
    found = dict(zip(["intercept", *names], map(float, w), strict=True))
    return {name: round(found.get(name, 0.0), 3) for name in ("intercept", *Evidence._fields)}


SIGNS = {"said": 1, "named": 1, "close": 1, "foreign": -1, "behind": -1}
"""Evidence -> whether more of it speaks for a result."""


def _logistic(x: Any, y: Any) -> Any:
    """Return the weights of a logistic regression by Newton's method."""
    import numpy as np

    w = np.zeros(x.shape[1])
    ridge = RIDGE * np.diag([0.0, *np.ones(x.shape[1] - 1)])
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ w))
        curvature = (x.T * (p * (1 - p))) @ x + ridge + 1e-9 * np.eye(len(w))
        w -= np.linalg.solve(curvature, x.T @ (p - y) + ridge @ w)
    return w


def floor_of(asked: Sequence[Asked], weights: Fitted) -> float:
    """Return the floor at which most questions are judged rightly: the answers that are found stay, and nothing is
    close to questions without one. Both count the same.
    """

    def rightly(floor: float) -> float:
        kept = [_shown(each, weights, floor, right=True) for each in asked if any(r for _, r in each.results)]
        silent = [not _shown(each, weights, floor) for each in asked if each.kind != "answerable"]
        return sum(kept) / max(1, len(kept)) + sum(silent) / max(1, len(silent))

    return max(FLOORS, key=rightly)


def _shown(each: Asked, weights: Fitted, floor: float, *, right: bool = False) -> bool:
    """Whether a result is shown; `right`: one that answers."""
    return any(probability(v, weights) >= floor for v, is_right in each.results if is_right or not right)


def show(title: str, asked: Sequence[Asked], weights: Fitted, floor: float, *, errors: bool) -> None:
    """Print how many questions are judged rightly, and the reliability of the probabilities."""
    if not asked:
        return
    print(f"\n{title}, floor {floor:g}")
    for by in KINDS:
        some = [each for each in asked if each.by == by]
        answerable = [each for each in some if each.kind == "answerable"]
        first = [each for each in answerable if _first_is_right(each, weights, floor)]
        found = [each for each in answerable if any(right for _, right in each.results)]
        kept = [each for each in found if _shown(each, weights, floor, right=True)]
        print(f"  {by}: the first result is right {_share(first, answerable)}")
        print(f"  {by}: answers that are found and stay {_share(kept, found)}")
        for kind in ("near", "far"):
            none = [each for each in some if each.kind == kind]
            silent = [each for each in none if not _shown(each, weights, floor)]
            print(f"  {by}: {kind}, nothing is close {_share(silent, none)}")
            for each in none if errors else ():
                if each not in silent:
                    print(f"      shown: {each.question} ({each.catalogue}) {_best(each, weights)}")
        for each in answerable if errors else ():
            if each not in first:
                print(f"      first is wrong: {each.question} ({each.catalogue}) {_best(each, weights)}")
    print("  per cent shown     results   mean    right")
    pairs = [(probability(v, weights), right) for each in asked for v, right in each.results]
    for low, high in pairwise(BINS):
        bin_ = [(p, right) for p, right in pairs if low <= p < high or (high == 1 and p == 1)]
        if bin_:
            mean, right = sum(p for p, _ in bin_) / len(bin_), sum(r for _, r in bin_) / len(bin_)
            print(f"  {low:4.0%} to {high:4.0%}       {len(bin_):5}  {mean:6.1%}   {right:6.1%}")
    print(f"  Brier {sum((p - r) ** 2 for p, r in pairs) / len(pairs):.4f}")


def _first_is_right(each: Asked, weights: Fitted, floor: float) -> bool:
    evidence, right = max(each.results, key=lambda pair: round(probability(pair[0], weights), 2))
    return right and probability(evidence, weights) >= floor


def _best(each: Asked, weights: Fitted) -> str:
    evidence, _ = max(each.results, key=lambda pair: probability(pair[0], weights))
    said = ", ".join(f"{name} {value:.2f}" for name, value in evidence._asdict().items())
    return f"{probability(evidence, weights):.2f}: {said}"


def _share(some: Sequence[Any], of: Sequence[Any]) -> str:
    return f"{len(some)} of {len(of)} ({len(some) / max(1, len(of)):.1%})"


def main() -> None:
    """Print weights, floor and scores; store the weights if asked to."""
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("Usage: ")[1])
    parser.add_argument("questions", type=Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--errors", action="store_true")
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    settings = load_settings()
    tag = registry.tags(settings)[Role.TEXT]
    if given.keep and given.keep.exists():
        asked = [
            Asked(kind, fitted, text, catalogue, by, [(Evidence(*values), right) for values, right in results])
            for kind, fitted, text, catalogue, by, results in json.loads(given.keep.read_text())
        ]
    else:
        with open_resources(settings) as resources:
            asked = list(ask(resources, given.questions))
        if given.keep:
            given.keep.write_text(json.dumps(asked))
    fitted = [each for each in asked if each.fitted]
    aside = [each for each in asked if not each.fitted]
    show("in use, aside", aside, relevance.weights_of(tag), settings.relevance_floor, errors=False)
    weights = fit_both(fitted)
    floor = floor_of(fitted, weights)
    print("\nfitted:", weights)
    show("fitted on", fitted, weights, floor, errors=False)
    show("aside", aside, weights, floor, errors=given.errors)
    for catalogue in sorted({each.catalogue for each in aside}):
        some = [each for each in aside if each.catalogue == catalogue and each.by == "product"]
        answerable = [each for each in some if each.kind == "answerable"]
        first = [each for each in answerable if _first_is_right(each, weights, floor)]
        print(f"  {catalogue}: first product right {_share(first, answerable)}")
    if given.write:
        fitted_with = {**relevance.all_weights(), tag.partition("@")[0]: weights}
        relevance.WEIGHTS.write_text(json.dumps(fitted_with, indent=2) + "\n")
        print(f"written to {relevance.WEIGHTS}; SWATCHBOOK_RELEVANCE_FLOOR should be {floor:g}")


if __name__ == "__main__":
    main()
