"""Score a set of texts that may be the names of a document's products; the higher, the likelier.

`python -m devtools.fit_teaching` fits the weights.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from math import log
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from swatchbook_teach.learning.texts import Booleans, DocumentTexts

MISSING: Final = 0.15
"""The factor to a group's probability for each right example that it lacks."""
HELD: Final = 0.3
"""The factor to a group's probability for each wrong example in it."""


class RuleCounts(NamedTuple):
    """How many rules a set of texts needs: for its names, their traits, for exceptions, and single examples."""

    names: int
    traits: int
    not_names: int
    literal: int


class Base(NamedTuple):
    """The names that one starts from, and how likely they are right as a whole."""

    texts: Booleans
    sure: float


@cache
def weights() -> Mapping[str, float]:
    """Return feature -> its weight."""
    text = files("swatchbook_teach.learning").joinpath("weights.json").read_text(encoding="utf-8")
    return {name: float(value) for name, value in json.loads(text).items()}


def score(measured: Mapping[str, float]) -> float:
    """Return the logarithm of how likely a set of texts is, up to a constant."""
    known = weights()
    return sum(known[name] * value for name, value in measured.items())


def update_backing(texts: DocumentTexts, right: Sequence[int], wrong: Sequence[int]) -> NDArray[np.float64]:
    """Return for each text how likely it is in the group of the names, after examples; the numbers are of texts.

    A group that lacks a right example, or has a wrong one, is less likely; with one less likely group others are more.
    """
    masks = list(texts.groups.values())
    if not masks:
        return texts.backing
    raised = np.array([
        texts.group_probabilities[name] * MISSING ** int((~mask[right]).sum()) * HELD ** int(mask[wrong].sum())
        for name, mask in texts.groups.items()
    ])  # fmt: skip
    return np.asarray((raised / max(float(raised.sum()), 1e-12)) @ np.array(masks, float))


def measure(
    texts: DocumentTexts,
    chosen: Booleans,
    rules: RuleCounts,
    proposed: Sequence[Booleans],
    updated: NDArray[np.float64],
    base: Base,
) -> dict[str, float]:
    """Return the features of a set of texts: shares, logarithms of counts, and numbers of rules.

    `proposed` is what each example corrects: one of so many differences to the set, so the fewer the likelier.
    `updated`: the backing of texts after the examples. `base`: the names that one starts from.
    """
    at = np.flatnonzero(chosen)
    count = len(at)
    both, based = (int(np.count_nonzero(mask)) for mask in (chosen & base.texts, base.texts))
    alike = both / max(1, count + based - both)
    found = {
        "rules": float(max(rules.names - 1, 0)),
        "traits": rules.traits / max(rules.names, 1),
        "excluding": float(rules.not_names),
        "literal": float(rules.literal),
        "persistent": float(max(rules.literal - 1, 0)),
        "alone": min(rules.literal / max(count, 1), 1.0),
        "surprise": sum(log(max(1, int(np.count_nonzero(chosen ^ before)))) for before in proposed),
        "found": alike,
        "found_sure": alike * base.sure,
        "kept": both / max(1, based),
        "found_first": alike / max(len(proposed), 1),
        "none": float(count == 0),
    }
    return found | (_of_texts(texts, chosen, at, updated) if count else dict.fromkeys(_OF_TEXTS, 0.0))


_OF_TEXTS = (
    "backing", "backed", "updated", "update_held", "few", "one_to_one", "distinct", "uneven", "pages", "many", "crowd",
    "inside_others", "shapes", "running", "long", "digits",
)  # fmt: skip


def _of_texts(
    texts: DocumentTexts, chosen: Booleans, at: NDArray[np.int64], updated: NDArray[np.float64]
) -> dict[str, float]:
    """Return the features of one or more texts, whose numbers are `at`."""
    count = len(at)
    a_page = np.bincount(texts.pages[at])
    a_page = a_page[a_page > 0]
    at_picture = np.bincount(texts.picture[at] + 1)[1:]
    backing = float(texts.backing[at].sum())
    parents = texts.parents[at]
    return {
        "backing": backing / count,
        "backed": backing / max(float(texts.backing.sum()), 1e-9),
        "updated": float(updated[at].sum()) / count,
        "update_held": float(updated[at].sum()) / max(float(updated.sum()), 1e-9),
        "few": min(count, 6) / 6,
        "one_to_one": float((at_picture == 1).sum()) / count,
        "distinct": np.count_nonzero(np.bincount(texts.same_name[at])) / count,
        "uneven": float(np.abs(np.log(a_page / np.median(a_page))).mean()),
        "pages": len(a_page) / max(1, len(texts.document.layouts)),
        "many": log(min(count, 40)),
        "crowd": log(max(1.0, count / len(a_page))),
        "inside_others": float((chosen[parents] & (parents >= 0)).mean()),
        "shapes": float(texts.never_names[at].mean()),
        "running": float(texts.running[at].mean()),
        "long": float(np.maximum(texts.words[at] - 5, 0).mean()),
        "digits": float(texts.digits[at].mean()),
    }
