"""Which group of texts names the products of a document, or none of them, and how sure that is: a fitted score of each
group's features, compared with each other and with "none" (softmax); groups in a similar style on other pages join the
best one. The features: `name_groups.py`. The weights, `name_weights.json`, are made by
`python -m devtools.fit_products`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import exp
from statistics import fmean

from swatchbook.catalogue.name_groups import RELATIONS, Candidate, NameGroup, is_code
from swatchbook.catalogue.page_layout import Style
from swatchbook.geometry import gap, gaps

SIZES = 1.28
"""Groups that join differ in size by at most this factor: layouts shrink long names."""
SHARED = 0.2
"""A group that joins has at most this share of its pages in common with the best: else it says something else there."""
UNLIKE = 0.65
"""Groups that join differ in at most this share of their relations to pictures."""
NAMED = 0.8
"""Codes that have names beside at least this share of them are the codes of these names."""
ROW = 200.0
"""The longest distance in points from a code to its name in a row."""
LEADS = 0.3
"""Groups that join differ by at most this much in their share of texts that are the largest of their page."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Feature -> mean, spread and weight; and the score of "none"."""

    features: Mapping[str, tuple[float, float, float]]
    none: float


@dataclass(frozen=True, slots=True)
class Choice:
    """The texts that name the products, in reading order, their styles, and the probability that they do. `codes` maps
    names to the codes printed beside them, where codes have another style than names; `joined` are the names in
    another style than the best group's.
    """

    candidates: tuple[Candidate, ...]
    joined: frozenset[Candidate]
    styles: frozenset[Style]
    probability: float
    codes: Mapping[Candidate, str]


@cache
def shipped_weights() -> Weights:
    """Return the weights of the package."""
    data = json.loads(files("swatchbook.catalogue").joinpath("name_weights.json").read_text(encoding="utf-8"))
    return Weights({name: (mean, spread, weight) for name, mean, spread, weight in data["features"]}, data["none"])


def choose_names(groups: Sequence[NameGroup], weights: Weights | None = None) -> Choice | None:
    """Return the names of the products, None when it is likelier that no group names products."""
    probabilities = judge_groups([g.features for g in groups], weights or shipped_weights())
    best = max(range(len(groups)), key=lambda n: probabilities[n], default=None)
    if best is None or probabilities[best] <= probabilities[-1]:
        return None
    named = _names_of_codes(groups[best], groups)
    lead, codes = named if named else (groups[best], {})
    joined = [g for g in groups if g is not lead and joins(g, lead)]
    candidates = [c for g in (lead, *joined) for c in g.candidates if not named or c in codes]
    return Choice(
        candidates=tuple(sorted(candidates, key=lambda c: c.text.page)),
        joined=frozenset(c for g in joined for c in g.candidates),
        styles=frozenset(g.style for g in (lead, *joined)),
        probability=probabilities[best],
        codes=codes,
    )


def _names_of_codes(group: NameGroup, groups: Sequence[NameGroup]) -> tuple[NameGroup, dict[Candidate, str]] | None:
    """Return the group whose names stand beside nearly all texts of a group of codes, and the code of each name."""
    if fmean(is_code(c.name) for c in group.candidates) < NAMED:
        return None
    for other in groups:
        if other is group or fmean(is_code(c.name) for c in other.candidates) > 1 - NAMED:
            continue
        codes: dict[Candidate, str] = {}
        for code in group.candidates:
            near = [c for c in other.candidates if c not in codes and _are_beside(code, c)]
            if near:
                codes[min(near, key=lambda c: _apart(code, c))] = code.name
        if len(codes) >= NAMED * len(group.candidates):
            return other, codes
    return None


def _are_beside(a: Candidate, b: Candidate) -> bool:
    """Whether two texts are in one row, or directly above and below each other."""
    if a.text.page != b.text.page:
        return False
    across, down = gaps(a.text.box, b.text.box)
    size = max(a.text.size, b.text.size)
    return (down < 0 and across <= ROW) or (across < 0 and down <= size)


def _apart(a: Candidate, b: Candidate) -> float:
    return gap(a.text.box, b.text.box)


def judge_groups(features: Sequence[Mapping[str, float]], weights: Weights) -> list[float]:
    """Return the probability of each group, and last that of "none"; their sum is 1."""
    scores = [
        sum(weight * (group[name] - mean) / spread for name, (mean, spread, weight) in weights.features.items())
        for group in features
    ]
    scores.append(weights.none)
    highest = max(scores)
    raised = [exp(score - highest) for score in scores]
    return [r / sum(raised) for r in raised]


def joins(group: NameGroup, best: NameGroup) -> bool:
    """Whether a group names products as well as the best one: alike, but on other pages."""
    if group.in_table != best.in_table or not 1 / SIZES <= group.style[0] / max(best.style[0], 0.1) <= SIZES:
        return False
    if abs(group.features["leads"] - best.features["leads"]) > LEADS:
        return False
    if sum(abs(group.features[r] - best.features[r]) for r in (*RELATIONS, "apart")) / 2 > UNLIKE:
        return False
    pages = {c.text.page for c in group.candidates}
    return len(pages & {c.text.page for c in best.candidates}) <= SHARED * len(pages)
