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

from swatchbook.domain.records import Hit, ResultKind, Role
from swatchbook.domain.settings import load_settings
from swatchbook.index.contract import Where
from swatchbook.models import registry
from swatchbook.resources import Resources, open_resources
from swatchbook.search import relevance
from swatchbook.search.judged_hits import COMPARED, Ranked, judge
from swatchbook.search.relevance import Evidence, Fitted, counted, probability, says_few_words
from swatchbook.search.request import SearchRequest
from swatchbook.search.search import FEW_CLOSE, MOST_OTHERS, search
from swatchbook.store.ledger.owners import known_owners

KINDS: tuple[ResultKind, ...] = ("product", "image")
LEFT_OUT = frozenset({"gaspe", "sacoma"})
"""Catalogues of which no question is fitted on."""

RIDGE = 1.0
"""Keeps weights finite where the evidence separates all results."""

FLOORS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3)
"""Floors that are tried."""

REFUSED = 0.97
"""Share of the questions about other things to which nothing is to be close."""

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
                hits = search(
                    resources, SearchRequest(question["text"], where=Where(owner=owner), by=by, k=COMPARED), folded=True
                )
                judged = judge(
                    resources, [Ranked(hit, hit.why) for hit in hits], question["text"], by, Where(owner=owner)
                )
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


def fit_words(asked: Sequence[Asked]) -> Fitted:
    """Return the weights for text encoders without their own, by words alone."""
    by_words = [
        each._replace(results=[(evidence._replace(close=0.0, farther=0.0), right) for evidence, right in each.results])
        for each in asked
    ]
    return {"words": fit(by_words)}


def fit(asked: Sequence[Asked]) -> dict[str, float]:
    """Return the weights of a logistic regression over all results; those whose sign would be wrong are 0."""
    import numpy as np  # after swatchbook.models, which keeps it to one thread

    rows = [(evidence, right) for each in asked for evidence, right in each.results]
    y = np.array([right for _, right in rows], dtype=float)
    names = [*Evidence._fields]
    while True:
        used = [Evidence._fields.index(name) for name in names]
        weighed = [[counted(evidence)[i] for i in used] for evidence, _ in rows]
        x = np.column_stack([np.ones(len(rows)), np.array(weighed)])
        w = _logistic(x, y)
        wrong = [name for name, each in zip(names, w[1:], strict=True) if each * SIGNS[name] < 0]
        if not wrong:
            break
        names = [name for name in names if name not in wrong]
    found = dict(zip(["intercept", *names], map(float, w), strict=True))
    return {name: round(found.get(name, 0.0), 3) for name in ("intercept", *Evidence._fields)}


SIGNS = {"said": 1, "named": 1, "close": 1, "foreign": -1, "behind": -1, "farther": -1}
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
    """Return the lowest floor at which nothing is close to REFUSED of the questions about other things, and of those of
    them that have digits.
    """
    far = [each for each in asked if each.kind == "far"]
    groups = far, [each for each in far if _has_digits(each)]
    return next(
        (
            floor
            for floor in FLOORS
            if all(len(_silent(some, weights, floor)) >= REFUSED * len(some) for some in groups)
        ),
        FLOORS[-1],
    )


def _has_digits(each: Asked) -> bool:
    return re.search(r"\d", each.question) is not None


def _silent(asked: Sequence[Asked], weights: Fitted, floor: float) -> list[Asked]:
    """Return the questions to which no result is close."""
    return [each for each in asked if all(probability(v, weights) < floor for v, _ in each.results)]


def _ranked(each: Asked, weights: Fitted) -> list[tuple[float, bool]]:
    """Return the results' probabilities and whether they are right, in the order of a search."""
    judged = [(probability(evidence, weights), right) for evidence, right in each.results]
    return sorted(judged, key=lambda pair: -round(pair[0], 2))


def _listed(ranked: Sequence[tuple[float, bool]], floor: float) -> Sequence[tuple[float, bool]]:
    """Return the results that a search lists: close ones, and where these are few the next ones."""
    close = sum(p >= floor for p, _ in ranked)
    return ranked[: close + (MOST_OTHERS if close < FEW_CLOSE else 0)]


def show(title: str, asked: Sequence[Asked], weights: Fitted, floor: float, *, errors: bool) -> None:
    """Print how many questions are judged rightly, and the reliability of the probabilities."""
    if not asked:
        return
    print(f"\n{title}, floor {floor:g}")
    for by in KINDS:
        some = [each for each in asked if each.by == by]
        answerable = [each for each in some if each.kind == "answerable"]
        ranked = [_ranked(each, weights) for each in answerable]
        for words, found_right in (
            ("the first result is right", [found[0][1] for found in ranked]),
            ("one of the first three is", [any(r for _, r in found[:3]) for found in ranked]),
            ("a right one is close", [any(r for p, r in found if p >= floor) for found in ranked]),
            ("a right one is shown", [any(r for _, r in _listed(found, floor)) for found in ranked]),
        ):
            print(f"  {by}: {words} {_share([*filter(None, found_right)], answerable)}")
        for kind in ("near", "far"):
            none = [each for each in some if each.kind == kind]
            silent = _silent(none, weights, floor)
            print(f"  {by}: {kind}, nothing is close {_share(silent, none)}")
            digits = [*filter(_has_digits, none)]
            print(f"  {by}: {kind} with digits, nothing is close {_share([*filter(_has_digits, silent)], digits)}")
            for each in none if errors else ():
                if each not in silent:
                    print(f"      close: {each.question} ({each.catalogue}) {_best(each, weights)}")
        for each, found in zip(answerable, ranked, strict=True) if errors else ():
            if not found[0][1]:
                print(f"      first is wrong: {each.question} ({each.catalogue}) {_best(each, weights)}")
    print("  per cent shown     results   mean    right")
    pairs = [(probability(v, weights), right) for each in asked for v, right in each.results]
    for low, high in pairwise(BINS):
        bin_ = [(p, right) for p, right in pairs if low <= p < high or (high == 1 and p == 1)]
        if bin_:
            mean, right = sum(p for p, _ in bin_) / len(bin_), sum(r for _, r in bin_) / len(bin_)
            print(f"  {low:4.0%} to {high:4.0%}       {len(bin_):5}  {mean:6.1%}   {right:6.1%}")
    print(f"  Brier {sum((p - r) ** 2 for p, r in pairs) / len(pairs):.4f}")


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
    judged = [each for each in asked if each.kind != "answerable" or any(right for _, right in each.results)]
    fitted = [each for each in judged if each.fitted]  # where nothing found is right, a name may be found otherwise
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
        first = [each for each in answerable if _ranked(each, weights)[0][1]]
        print(f"  {catalogue}: first product right {_share(first, answerable)}")
    if given.write:
        others = {relevance.OTHER: fit_words(fitted)}
        fitted_with = {**relevance.all_weights(), **others, tag.partition("@")[0]: weights}
        relevance.WEIGHTS.write_text(json.dumps(fitted_with, indent=2) + "\n")
        print(f"written to {relevance.WEIGHTS}; SWATCHBOOK_RELEVANCE_FLOOR should be {floor:g}")


if __name__ == "__main__":
    main()
