"""Choose the group of texts that names the products of a document, or none, with its probability.

Fitted scores of the groups are compared with each other and with "none" (softmax). `python -m devtools.fit_products`
makes the weights, `name_weights.json`.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from math import exp, log
from operator import mul
from statistics import fmean

from swatchbook_base.geometry import gap, gaps
from swatchbook_base.records import Box, Fact, fold
from swatchbook_catalogue.attributes import is_code
from swatchbook_catalogue.name_candidates import Candidate, may_be_name, product_name
from swatchbook_catalogue.name_groups import RELATIONS, NameGroup, find_oddities
from swatchbook_catalogue.name_words import Meaning
from swatchbook_catalogue.page_layout import SAME_FONT_SIZE, PageLayout, Style, Text
from swatchbook_catalogue.sections import ENDING_KINDS, DocumentLayout

SIZES = 1.28  # the largest factor between the font sizes of groups that join: layouts shrink long names
MOST_SHARED_PAGES = 0.2  # share of a joining group's pages that the best has, too: more is another kind of text
UNLIKE = 0.65  # the largest share of relations to pictures in which groups that join differ
NAMED = 0.8  # the least share of codes with names next to them if they are the codes of these names
ROW = 200.0  # the longest distance in points from a code to its name in a row
AMONG = 0.5  # least share of a joining group's pages that the best has, if both are one style in two sizes or weights
UNLIKE_AMONG = 0.4  # the largest share of relations to pictures in which such groups differ
AT_OTHER_PICTURES = 0.6  # the least share of such a group's texts that are at pictures without a name of the best
LEADS = 0.3  # the largest difference between groups that join in the share of texts that are the largest of their page
SIGNED = 0.5  # difference between groups that join in the share of texts with commas or other signs, as in captions
# `python -m devtools.fit_products` prints what the next four give on documents that were not fitted on.
SILENT = 0.35
"""The largest probability of "none" with which a document has products. It is compared with all groups together,
because several may name the same products. A wrong product is worse than a document that its report calls unread.
"""
BACKED = 0.28
"""The least probability with which all groups together back the likeliest group's names if a document has products. One
of many groups without common names is a guess: data sheets and leaflets of one product would get dozens of names.
"""
UNLIKELY = 0.35
"""The least probability of a name. It is under one half, because a miss costs as much as a wrong name: on sets of
catalogues that the weights did not know, the mean F1 was 0.63 instead of 0.60, and the precision 0.02 lower.
"""
LEAST_LIKELY = 0.3  # the least share of likely names in the group that names the products
LARGEST_LOG_ODDS = 5.0  # the largest logarithm of a group's odds: a probability of 0.993 counts as sure


@dataclass(frozen=True, slots=True)
class Weights:
    """The fitted mean, spread and weight of each feature.

    For groups: `features`, `meaning` (the weight of each number of their meaning), and `none`, the score of "none". For
    single names: `right`, and `any_right`, the score of any name. For whole documents (`judge_document.py`): `found`
    and `any_found` where products are found, `silent` and `any_silent` where none are.
    """

    features: Mapping[str, tuple[float, float, float]]
    meaning: Meaning
    none: float
    right: Mapping[str, tuple[float, float, float]]
    any_right: float
    found: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    any_found: float = 0.0
    silent: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    any_silent: float = 0.0


@dataclass(frozen=True, slots=True)
class Choice:
    """The texts that name the products, in reading order, with their styles and probabilities.

    `probability` is that of the chosen group, `probabilities` those of its names. `codes` maps names to the codes
    printed next to them, if codes have another style than names; `joined` are the names in another style than the best
    group's. `taught` maps names to their codes and prices as a person has taught them.
    """

    candidates: tuple[Candidate, ...]
    joined: frozenset[Candidate]
    styles: frozenset[Style]
    probability: float
    probabilities: Mapping[Candidate, float]
    codes: Mapping[Candidate, str]
    taught: Mapping[Candidate, tuple[Fact, ...]] = field(default_factory=dict)


@cache
def shipped_weights() -> Weights:
    """Return the weights that the package ships."""
    return read_weights(files("swatchbook_catalogue").joinpath("name_weights.json").read_text(encoding="utf-8"))


def read_weights(text: str) -> Weights:
    """Return the weights in a JSON file; older files have none for whole documents."""
    data = json.loads(text)
    tables = ("features", "right", "found", "silent")
    features, right, found, silent = ({name: (*of,) for name, *of in data.get(table, ())} for table in tables)
    any_found, any_silent = data.get("any_found", 0.0), data.get("any_silent", 0.0)
    return Weights(
        features, (*data["meaning"],), data["none"], right, data["any_right"], found, any_found, silent, any_silent
    )


def choose_names(groups: Sequence[NameGroup], weights: Weights | None = None) -> Choice | None:
    """Return the products' likely names; None if probably no group names products, or too few names are likely."""
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
    """Return the mean probability of a group's texts; that of a text is the sum over all groups that contain it."""
    texts = {(c.text.page, c.text.box) for c in best.candidates}
    return sum(
        probability * len(texts & {(c.text.page, c.text.box) for c in group.candidates}) / len(texts)
        for group, probability in zip(groups, probabilities, strict=False)
    )


def _names_of_codes(group: NameGroup, groups: Sequence[NameGroup]) -> tuple[NameGroup, dict[Candidate, str]] | None:
    """Return the group whose names are next to nearly all texts of a group of codes, and the code of each name."""
    if fmean(is_code(c.name) for c in group.candidates) < NAMED:
        return None
    for other in groups:
        if other is group or fmean(is_code(c.name) for c in other.candidates) > 1 - NAMED:
            continue
        codes: dict[Candidate, str] = {}
        for code in group.candidates:
            near = [c for c in other.candidates if c not in codes and _are_beside(code, c)]
            if near:
                codes[min(near, key=lambda c: gap(code.text.box, c.text.box))] = code.name
        if len(codes) >= NAMED * len(group.candidates):
            return other, codes
    return None


def _are_beside(a: Candidate, b: Candidate) -> bool:
    if a.text.page != b.text.page:
        return False
    across, down = gaps(a.text.box, b.text.box)
    size = max(a.text.size, b.text.size)
    return (down < 0 and across <= ROW) or (across < 0 and down <= size)


def judge_groups(features: Sequence[Mapping[str, float]], meant: Sequence[Meaning], weights: Weights) -> list[float]:
    """Return the probability of each group, and last that of "none"; their sum is 1. `meant` has their meanings."""
    scores = [
        _score(group, weights.features, sum(map(mul, meaning, weights.meaning)))
        for group, meaning in zip(features, meant, strict=True)
    ]
    scores.append(weights.none)
    highest = max(scores)
    raised = [exp(score - highest) for score in scores]
    return [r / sum(raised) for r in raised]


def judge_names(oddities: Sequence[Mapping[str, float]], chosen: float, weights: Weights) -> list[float]:
    """Return for each name of a group the probability that it names a product. `chosen` is that of the group.

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
    """Whether a group names products like the best one: it looks alike, but is on other pages or at other pictures.

    On one page long names may be set smaller, and those at large pictures larger, or in another weight of one size.
    """
    if (
        group.role
        or best.role
        or group.in_table != best.in_table
        or not 1 / SIZES <= group.style[0] / max(best.style[0], 0.1) <= SIZES
        or abs(group.features["signs"] - best.features["signs"]) > SIGNED
    ):
        return False
    unlike = sum(abs(group.features[r] - best.features[r]) for r in (*RELATIONS, "apart")) / 2
    pages = {c.text.page for c in group.candidates}
    shared = len(pages & {c.text.page for c in best.candidates}) / len(pages)
    if shared <= MOST_SHARED_PAGES:
        return unlike <= UNLIKE and abs(group.features["leads"] - best.features["leads"]) <= LEADS
    alike = group.style[1] == best.style[1] or abs(group.style[0] - best.style[0]) <= SAME_FONT_SIZE * best.style[0]
    among = alike and shared >= AMONG and unlike <= UNLIKE_AMONG
    return among and _share_at_other_pictures(group, best) >= AT_OTHER_PICTURES


def _share_at_other_pictures(group: NameGroup, best: NameGroup) -> float:
    """Return the share of a group's texts whose nearest picture is that of none of the best group's."""
    taken = {(c.text.page, c.picture) for c in best.candidates}
    return fmean(c.picture is not None and (c.text.page, c.picture) not in taken for c in group.candidates)


# --- names found by their codes ---------------------------------------------------------------------------------------


CODED = 0.8  # the least share of the chosen names that have a code of one form if codes are to find further names
FEWEST_CODES = 4  # the fewest codes of one form; fewer may be alike by chance
CODE_DISTANCE = 1.2  # longest distance of a code above or below its name, as a multiple of the larger font size
_CODE = re.compile(r"(?<![\w/-])[A-Z]{1,6}[-./ ]?\d{2,}(?:[-./]?[A-Z0-9]+)*(?![\w/-])")


@dataclass(frozen=True, slots=True)
class _Printed:
    """A code that is printed on a page: alone, or within a text."""

    code: str
    text: Text
    before: str
    behind: str


def with_coded_names(choice: Choice, document: DocumentLayout) -> Choice:
    """Return a choice with the codes of its names, and with the names of other pages that have such codes."""
    printed = {layout.number: list(_codes(layout.texts)) for layout in document.layouts}
    codes = _codes_of(choice, printed)
    if not codes:
        return choice
    form = _form(next(iter(codes.values())))
    kept = [c for c in choice.candidates if c in codes or c not in choice.joined]
    known = {code: fold(c.name) for c, code in {**choice.codes, **codes}.items()}
    named = {c.text.page for c in kept}
    added: dict[Candidate, str] = {}
    for layout in document.layouts:
        if document.kinds.get(layout.number) in ENDING_KINDS:
            continue
        of_form = [p for p in printed[layout.number] if _form(p.code) == form]
        for candidate, code in _named_beside(of_form, layout):
            alike = code not in known and document.family[candidate.text.style] in choice.styles
            looked_for = layout.number not in named or alike
            if looked_for and known.setdefault(code, fold(candidate.name)) == fold(candidate.name):
                added[candidate] = code
    probability = fmean(choice.probabilities[c] for c in kept)
    return replace(
        choice,
        candidates=tuple(sorted((*kept, *added), key=lambda c: c.text.page)),
        probabilities={**choice.probabilities, **dict.fromkeys(added, probability)},
        codes={**codes, **choice.codes, **added},
    )


def with_codes(choice: Choice, document: DocumentLayout) -> Choice:
    """Return a choice with the codes of its names, if most have one of the same form."""
    printed = {layout.number: list(_codes(layout.texts)) for layout in document.layouts}
    return replace(choice, codes={**_codes_of(choice, printed), **choice.codes})


def _codes_of(choice: Choice, printed: Mapping[int, Sequence[_Printed]]) -> dict[Candidate, str]:
    """Return the codes of names that are of the commonest form; none if too few names have one."""
    codes = _pair(choice.candidates, printed)
    form, count = next(iter(Counter(map(_form, codes.values())).most_common(1)), ("", 0))
    if count < max(FEWEST_CODES, CODED * len([c for c in choice.candidates if c not in choice.joined])):
        return {}
    return {c: code for c, code in codes.items() if _form(code) == form}


def _codes(texts: Sequence[Text]) -> Iterator[_Printed]:
    """Yield the codes of texts with exactly one code; a text with several is a list and names no product."""
    for text in texts:
        found = list(_CODE.finditer(text.text))
        if len(found) == 1:
            (code,) = found
            yield _Printed(code.group(), text, text.text[: code.start()], text.text[code.end() :])


def _form(code: str) -> str:
    """Return a code with each letter as "A" and each digit as "9": codes of one maker have the same form."""
    return re.sub(r"\d", "9", re.sub(r"[A-Z]", "A", code))


def _pair(candidates: Sequence[Candidate], printed: Mapping[int, Sequence[_Printed]]) -> dict[Candidate, str]:
    """Return the code of each name, at the place where most names have theirs; each code is used once.

    In rows of equal height the code of the next row may be as near to a name as its own. But the last name has no next
    row, so at the right place more names have a code than at any other.
    """
    near = defaultdict[tuple[int, int], list[tuple[float, int, int, int]]](list)
    for n, c in enumerate(candidates):
        for k, p in enumerate(printed[c.text.page]):
            if p.text is c.text:
                near[0, 0].append((0.0, n, c.text.page, k))
            elif (place := _place(c.text, p.text)) is not None:
                step = 0 if place == 0 else round(2 * (p.text.box[1] - c.text.box[1]) / max(c.text.size, 1.0))
                near[place, step].append((gap(c.text.box, p.text.box), n, c.text.page, k))
    found, used = dict[int, str](), set[tuple[int, int]]()
    for at in sorted(near, key=lambda at: (-len({n for _, n, *_ in near[at]}), abs(at[1]), at)):
        for _, n, page, k in sorted(near[at]):
            if n not in found and (page, k) not in used:
                found[n] = printed[page][k].code
                used.add((page, k))
    return {candidates[n]: code for n, code in found.items()}


def _place(name: Text, code: Text) -> int | None:
    """Return the rank of a name's place at its code: 0 in its row, 1 above it, 2 below it; None if apart."""
    across, down = gaps(name.box, code.box)
    if down < 0 and across <= ROW:
        return 0
    if across < 0 and down <= CODE_DISTANCE * max(name.size, code.size):
        return 1 if name.box[1] < code.box[1] else 2
    return None


def _named_beside(printed: Sequence[_Printed], layout: PageLayout) -> Iterator[tuple[Candidate, str]]:
    """Yield for each code of a page the name within the same text, or else next to it, with the code."""
    used: set[Box] = set()
    for p in printed:
        name = _name_in(p)
        if name:
            yield bare_candidate(p.text, name), p.code
            continue
        near = sorted(
            (place, gap(text.box, p.text.box), n)
            for n, text in enumerate(layout.texts)
            if text is not p.text and text.box not in used and (place := _place(text, p.text)) is not None
            and _CODE.search(text.text) is None and may_be_name(text, product_name(text))
        )  # fmt: skip
        if near:
            text = layout.texts[near[0][-1]]
            used.add(text.box)
            yield bare_candidate(text, product_name(text)), p.code


def _name_in(printed: _Printed) -> str | None:
    """Return the name that a text has before or behind its code."""
    for words in (printed.before, printed.behind):
        text = replace(printed.text, lines=(words.strip(" \t,;:|·•()–—-"),))
        name = product_name(text) if text.text else ""
        if name and may_be_name(text, name):
            return name
    return None


def bare_candidate(text: Text, name: str) -> Candidate:
    """Return a name that was found by other means than what is near it."""
    return Candidate(
        text, name, picture=None, relation=None, distance=0.0, described=False, measured=False, priced=False,
        row_priced=False, coded=True, leads=False, follows=False,
    )  # fmt: skip
