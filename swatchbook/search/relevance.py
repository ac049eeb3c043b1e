"""Compute the probability that a result answers a question, from five kinds of evidence.

*Said* is the share of the question's words that the result's texts or analysis have, in any inflection; *named* is the
share in its name or caption. *Close* is how much nearer the result is to the question than the nearest of as many
objects by chance, in standard deviations of the similarities to unrelated questions (`background.py`). *Foreign* is the
share of words that no text of the owner has, weighted by the number of the owner's objects: an owner without marble
does not print the word. *Behind* is how much the result's *said* and *named* are below those of the best one.

The weights of each text encoder are in `relevance_weights.json`. A multilingual encoder has a second set, for questions
of which no result has more than a third of the words: there *close* decides. `devtools.fit_relevance --write` fits them
to one half of the questions in tests/truth/questions.
"""

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from swatchbook.index.printed_sizes import join_sizes
from swatchbook.index.terms import fold

WEIGHTS: Final = Path(__file__).with_name("relevance_weights.json")

LETTERS = 0.75
"""The share of a word's letters, at least four, that begin its other forms: tile and tiles, цемент and цемента."""

LONGER = 3
"""The most letters by which two forms of a word differ in length: kapı and kapılar, but not engine and engineered."""

HEAD, ENDING = 5, 2
"""The fewest letters of a word that is found as the head of a compound, and the most letters of its ending: Fliese in
Wandfliesen."""

_LISTED = """
a an and are as at by can do for from has have how i in into is it its keeps me my of on or over that the their them
s this to what which with without you your
am an auf aus bei das dem den der des die ein eine einem einen einer eines fur ich im in ist mit nach oder ohne und
von vom was wie zu zum zur
a au aux avec ce ces d dans de des du en et l la le les ou par pour qui sans sur un une
a al con de del e el en la las lo los o para por que sin su un una y
alla con da dal dei del della delle di e gli i il in la le lo nel o per su un una
a ao aos as com da das de do dos e em na no nas nos o os ou para por sem um uma
с со в во для и из к на не о от по под при у
ve ile icin bir bu da de
de een en het in met of op van voor zonder
"""
_FUNCTION_WORDS = frozenset(_LISTED.split())
"""Function words, folded as in `content_words`: English, German, French, Spanish, Italian, Portuguese, Russian, Turkish
and Dutch."""

_WORD = re.compile(r"\d+(?:[.,]\d+)*(?:x\d+(?:[.,]\d+)*)+|[^\W_]+(?:[.,]\d+)?")


FEW_WORDS: Final = 1 / 3
"""The largest share of a question's words in its results that is too small to judge by words."""

Fitted = Mapping[str, Mapping[str, float]]
"""The weights for one text encoder: an intercept and a weight for each kind of evidence.

`words` are the usual ones; `meaning`, if present, are those for questions with too few of their words in results.
"""


class Evidence(NamedTuple):
    """The evidence for a result.

    `said`, `named` and `foreign` are shares of the question's words, the last one weighted; `close` is in standard
    deviations; `behind` is the share of words by which the best result has more than this one.
    """

    said: float
    named: float
    close: float
    foreign: float
    behind: float = 0.0


class Judged(NamedTuple):
    """The evidence of a result, and the words of the question that it does not have, in their order."""

    evidence: Evidence
    missing: tuple[str, ...]


def behind_best(judged: Sequence[Judged], among: int) -> list[Judged]:
    """Return results with their distance in words from the best of the first `among`."""
    best = max((_words_of(each.evidence) for each in judged[:among]), default=0.0)
    return [
        each._replace(evidence=each.evidence._replace(behind=max(0.0, best - _words_of(each.evidence))))
        for each in judged
    ]


def says_few_words(evidence: Evidence) -> bool:
    """Return whether even the best of the first results has too few words of the question to judge by words."""
    return _words_of(evidence) + evidence.behind <= FEW_WORDS


def probability(evidence: Evidence, fitted: Fitted) -> float:
    """Return the logistic function of the intercept and the weighed evidence."""
    weights = fitted["meaning"] if "meaning" in fitted and says_few_words(evidence) else fitted["words"]
    weighed = (weights[name] * value for name, value in zip(Evidence._fields, evidence, strict=True))
    return 1 / (1 + math.exp(-weights["intercept"] - sum(weighed)))


def weights_of(tag: str) -> Fitted:
    """Return the weights for the text encoder of this tag, or else those for MiniLM."""
    fitted = all_weights()
    return fitted.get(tag.partition("@")[0], fitted["all-minilm-l6-v2"])


@cache
def all_weights() -> Mapping[str, Fitted]:
    """Return name of a text encoder -> its weights."""
    read: Mapping[str, Fitted] = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return read


def _words_of(evidence: Evidence) -> float:
    return (evidence.said + evidence.named) / 2


def content_words(text: str) -> list[str]:
    """Return the distinct folded words of a question without function words, or all if no other is left."""
    words = list(dict.fromkeys(_words(text)))
    return [word for word in words if word not in _FUNCTION_WORDS] or words


def without_function_words(text: str) -> str:
    """Return a question without function words, or all of it if no other word is left."""
    said = [word for word in text.split() if not _FUNCTION_WORDS.issuperset(_words(word) or (word,))]
    return " ".join(said) or text


def words_said(asked: Collection[str], text: str) -> frozenset[str]:
    """Return the words of a question that a text has, in any inflection."""
    present, together = _words_of_text(text)
    return frozenset(word for word in asked if _says(present, together, word))


@lru_cache(maxsize=2_048)  # a search reads a few hundred texts, most of which the next one reads, too
def _words_of_text(text: str) -> tuple[frozenset[str], str]:
    """Return the words of a text, also two joined, as a set and as lines."""
    words = _words(text)
    present = frozenset([*words, *map("".join, pairwise(words))])  # "note pad" matches notepad, too
    return present, "\n".join(present)


def _says(present: frozenset[str], together: str, word: str) -> bool:
    if word in present:
        return True
    if len(word) < 4 or not word.isalpha():
        return False
    stem = word[: max(4, math.ceil(LETTERS * len(word)))]
    if stem not in together:  # true for nearly all words: one search in a text is faster than one in each word
        return False
    return any(
        (each.startswith(stem) and abs(len(each) - len(word)) <= LONGER)
        or (len(word) >= HEAD and word in each[-len(word) - ENDING :])
        for each in present
    )


def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(fold(join_sizes(text))))
