"""Which group of texts names the products of a document, or none of them, and how sure that is: a fitted score of each
group's features and meaning, compared with each other and with "none" (softmax); groups in a similar style on other
pages join the best one. The features: `name_groups.py`, what texts mean: `name_meanings.py`. The weights,
`name_weights.json`, are made by `python -m devtools.fit_products`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import exp, log
from operator import mul
from statistics import fmean

from swatchbook.catalogue.name_candidates import Candidate, is_code
from swatchbook.catalogue.name_groups import RELATIONS, NameGroup, find_oddities
from swatchbook.catalogue.name_meanings import Meaning
from swatchbook.catalogue.page_layout import Style
from swatchbook.geometry import gap, gaps

SIZES = 1.28
"""Groups that join differ in size by at most this factor: layouts shrink long names."""
MOST_SHARED_PAGES = 0.2
"""A group that joins has at most this share of its pages in common with the best: else it says something else there."""
UNLIKE = 0.65
"""Groups that join differ in at most this share of their relations to pictures."""
NAMED = 0.8
"""Codes that have names beside at least this share of them are the codes of these names."""
ROW = 200.0
"""The longest distance in points from a code to its name in a row."""
LEADS = 0.3
"""Groups that join differ by at most this much in their share of texts that are the largest of their page."""
SIGNED = 0.5
"""Groups that join differ by at most this much in their share of texts with commas or other signs, as captions have."""


SILENT = 0.35
"""A document has no product when "none" has a larger probability: beside all groups together, as several may name the
same products. A wrong product is worse than a document that its report calls unread.
"""
BACKED = 0.28
"""A document has no product, too, when all groups together back the names of the likeliest with a smaller probability:
one among many that agree in nothing is a guess. Data sheets and leaflets of one product are such, of which dozens of
names would be said.
"""
UNLIKELY = 0.35
"""A name with a lower probability is left out. Less than one half, as a miss costs as much as a wrong name: on sets of
catalogues that the weights did not know, the mean F1 was 0.63 instead of 0.60, and the precision 0.02 lower.
"""
LEAST_LIKELY = 0.3
"""A group of which fewer than this share are likely names does not name the products."""
LARGEST_LOG_ODDS = 5.0
"""The logarithm of a group's odds is cut here: 0.993 is sure."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What was fitted, by feature: its mean, spread and weight. `features` are those of groups, beside `meaning`, the
    weight of each number of their meaning, and the score of "none"; `right` those of single names, beside the score of
    any name.
    """

    features: Mapping[str, tuple[float, float, float]]
    meaning: Meaning
    none: float
    right: Mapping[str, tuple[float, float, float]]
    any_right: float


@dataclass(frozen=True, slots=True)
class Choice:
    """The texts that name the products, in reading order, and their styles. `probability` is that of the group that was
    chosen, `probabilities` those of its names. `codes` maps names to the codes printed beside them, where codes have
    another style than names; `joined` are the names in another style than the best group's.
    """

    candidates: tuple[Candidate, ...]
    joined: frozenset[Candidate]
    styles: frozenset[Style]
    probability: float
    probabilities: Mapping[Candidate, float]
    codes: Mapping[Candidate, str]


@cache
def shipped_weights() -> Weights:
    """Return the weights of the package."""
    data = json.loads(files("swatchbook.catalogue").joinpath("name_weights.json").read_text(encoding="utf-8"))
    features, right = ({name: (*numbers,) for name, *numbers in data[part]} for part in ("features", "right"))
    return Weights(features, (*data["meaning"],), data["none"], right, data["any_right"])


def choose_names(groups: Sequence[NameGroup], weights: Weights | None = None) -> Choice | None:
    """Return the names of the products, None when it is likely that no group names products, or most names of the
    likeliest are unlikely.

    Names that are unlike the others are left out.
    """
    weights = weights or shipped_weights()
    probabilities = judge_groups([g.features for g in groups], [g.meaning for g in groups], weights)
    best = max(range(len(groups)), key=lambda n: probabilities[n], default=None)
    if best is None or probabilities[-1] > SILENT or _backing(groups[best], groups, probabilities) < BACKED:
        return None
    named = _names_of_codes(groups[best], groups)
    lead, codes = named if named else (groups[best], {})
    joined = [g for g in groups if g is not lead and joins(g, lead)]
    right = {
        candidate: probability
        for group in (lead, *joined)
        for candidate, probability in zip(
            group.candidates, judge_names(find_oddities(group), probabilities[best], weights), strict=True
        )
        if (not named or candidate in codes) and probability >= UNLIKELY
    }
    if sum(c in right for c in lead.candidates) < LEAST_LIKELY * len(codes or lead.candidates):
        return None
    return Choice(
        candidates=tuple(sorted(right, key=lambda c: c.text.page)),
        joined=frozenset(c for g in joined for c in g.candidates),
        styles=frozenset(g.style for g in (lead, *joined)),
        probability=probabilities[best],
        probabilities=right,
        codes=codes,
    )


def _backing(best: NameGroup, groups: Sequence[NameGroup], probabilities: Sequence[float]) -> float:
    """Return the mean probability of the texts of a group: of each the sum of all groups that have it."""
    texts = {(c.text.page, c.text.box) for c in best.candidates}
    return sum(
        probability * len(texts & {(c.text.page, c.text.box) for c in group.candidates}) / len(texts)
        for group, probability in zip(groups, probabilities, strict=False)
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


def judge_groups(features: Sequence[Mapping[str, float]], meant: Sequence[Meaning], weights: Weights) -> list[float]:
    """Return the probability of each group, and last that of "none"; their sum is 1. `meant`: what each means."""
    scores = [
        _score(group, weights.features, sum(map(mul, meaning, weights.meaning)))
        for group, meaning in zip(features, meant, strict=True)
    ]
    scores.append(weights.none)
    highest = max(scores)
    raised = [exp(score - highest) for score in scores]
    return [r / sum(raised) for r in raised]


def judge_names(oddities: Sequence[Mapping[str, float]], chosen: float, weights: Weights) -> list[float]:
    """Return the probability of each name of a group that it names a product. `chosen`: that of the group.

    It is calibrated: of the names with 0.8, four in five were right in catalogues that were left out of the fit.
    """
    known = log(chosen / (1 - chosen)) if chosen < 1 else LARGEST_LOG_ODDS
    return [
        1 / (1 + exp(-_score({**odd, "chosen": min(known, LARGEST_LOG_ODDS)}, weights.right, weights.any_right)))
        for odd in oddities
    ]


def _score(found: Mapping[str, float], weights: Mapping[str, tuple[float, float, float]], start: float = 0.0) -> float:
    return start + sum(weight * (found[name] - mean) / spread for name, (mean, spread, weight) in weights.items())


def joins(group: NameGroup, best: NameGroup) -> bool:
    """Whether a group names products as well as the best one: alike, but on other pages."""
    if (
        group.by_role
        or best.by_role
        or group.in_table != best.in_table
        or not 1 / SIZES <= group.style[0] / max(best.style[0], 0.1) <= SIZES
    ):
        return False
    if abs(group.features["leads"] - best.features["leads"]) > LEADS:
        return False
    if abs(group.features["signs"] - best.features["signs"]) > SIGNED:
        return False
    if sum(abs(group.features[r] - best.features[r]) for r in (*RELATIONS, "apart")) / 2 > UNLIKE:
        return False
    pages = {c.text.page for c in group.candidates}
    return len(pages & {c.text.page for c in best.candidates}) <= MOST_SHARED_PAGES * len(pages)
