"""Score a set of texts that may be the names of a document's products; the higher, the likelier.

`python -m devtools.fit_teaching` fits the weights.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from math import log
from typing import NamedTuple

import numpy as np

from swatchbook.teaching.texts import NEVER_NAMES, Booleans, DocumentTexts


class RuleCounts(NamedTuple):
    """How many rules a set of texts needs: for its names, their traits, for exceptions, and single examples."""

    names: int
    traits: int
    not_names: int
    literal: int


@cache
def weights() -> Mapping[str, float]:
    """Return feature -> its weight."""
    text = files("swatchbook.teaching").joinpath("weights.json").read_text(encoding="utf-8")
    return {name: float(value) for name, value in json.loads(text).items()}


def score(measured: Mapping[str, float]) -> float:
    """Return the logarithm of how likely a set of texts is, up to a constant."""
    known = weights()
    return sum(known[name] * value for name, value in measured.items())


def measure(
    texts: DocumentTexts, chosen: Booleans, rules: RuleCounts, proposed: Sequence[Booleans]
) -> dict[str, float]:
    """Return the features of a set of texts: shares, logarithms of counts, and numbers of rules.

    `proposed` is what each example corrects: one of so many differences to the set, so the fewer the likelier.
    """
    at = np.flatnonzero(chosen)
    count = len(at)
    sure = texts.choice.probability if texts.choice else 0.0
    both = float((chosen & texts.found).sum())
    alike = both / max(1.0, float((chosen | texts.found).sum()))
    found = {
        "rules": float(max(rules.names - 1, 0)),
        "traits": float(rules.traits),
        "excluding": float(rules.not_names),
        "literal": float(rules.literal),
        "surprise": sum(log(max(1.0, float((chosen ^ before).sum()))) for before in proposed),
        "found": alike,
        "found_sure": alike * sure,
        "kept": both / max(1.0, float(texts.found.sum())),
        "none": float(count == 0),
    }
    return found | (_of_texts(texts, at) if count else dict.fromkeys(_OF_TEXTS, 0.0))


_OF_TEXTS = (
    "backing", "backed", "one_to_one", "distinct", "uneven", "pages", "many", "crowd", "inside_others", "shapes",
    "running", "long", "digits",
)  # fmt: skip


def _of_texts(texts: DocumentTexts, at: np.ndarray[tuple[int], np.dtype[np.int64]]) -> dict[str, float]:
    """Return the features of one or more texts."""
    count = len(at)
    _, a_page = np.unique(texts.pages[at], return_counts=True)
    pictured = texts.picture[at]
    _, at_picture = np.unique(pictured[pictured >= 0], return_counts=True)
    shapes = texts.columns["shape"][at]
    backing = float(texts.backing[at].sum())
    return {
        "backing": backing / count,
        "backed": backing / max(float(texts.backing.sum()), 1e-9),
        "one_to_one": float((at_picture == 1).sum()) / count,
        "distinct": len(set(texts.folded[at])) / count,
        "uneven": float(np.abs(np.log(a_page / np.median(a_page))).mean()),
        "pages": len(a_page) / max(1, len(texts.document.layouts)),
        "many": log(min(count, 40)),
        "crowd": log(max(1.0, count / len(a_page))),
        "inside_others": float(np.isin(texts.parents[at], at).mean()),
        "shapes": float(np.isin(shapes, NEVER_NAMES).mean()),
        "running": float(texts.running[at].mean()),
        "long": float(np.maximum(texts.words[at] - 5, 0).mean()),
        "digits": float(np.isin(shapes, ("code", "words and digits")).mean()),
    }
