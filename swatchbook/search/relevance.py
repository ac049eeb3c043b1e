"""Compute the probability that a result answers a question, from the words that they share and from their similarity.

`devtools.fit_relevance --write` fits the weights of each text encoder, `relevance_weights.json`, to one half of the
questions in tests/truth/questions. A multilingual encoder has a second set, `meaning`.
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from swatchbook.domain.errors import Failure
from swatchbook.index.contract import Space, Where
from swatchbook.index.printed_sizes import join_sizes
from swatchbook.index.terms import fold
from swatchbook.index.words import terms_of
from swatchbook.resources import Resources
from swatchbook.store.ledger.space_objects import sample_objects
from swatchbook.store.ledger.space_registry import find_background, keep_background
from swatchbook_base.arrays import Vectors

WEIGHTS: Final = Path(__file__).with_name("relevance_weights.json")
OTHER: Final = "other"
"""Name of the weights for text encoders without their own, by words alone."""

LETTERS = 0.75  # share of a word's letters, at least four, that begin its other forms: tile, tiles; цемент, цемента
LONGER = 3  # most letters by which forms of a word differ in length: kapı, kapılar; not engine, engineered
HEAD, ENDING = 5, 2  # letters of the head of a compound, and most of its ending: Fliese in Wandfliesen

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


FEW_WORDS: Final = 1 / 2
"""The largest mean of `said` and `named`, squared, that is too small to judge a question's results by words: a shared
word may be a material or a container, and the thing that is meant have its name in another language."""

Fitted = Mapping[str, Mapping[str, float]]
"""The weights for one text encoder: an intercept and a weight for each kind of evidence.

`words` are the usual ones; `meaning`, if present, are those for questions with too few of their words in results.
"""


class Evidence(NamedTuple):
    """The evidence for a result.

    `said` is the share of the question's words that its texts have, in any inflection, `named` that in its name or
    caption. `close` is how much nearer it is than the nearest of as many objects by chance, in deviations of unrelated
    similarities. `foreign` is the share of words that no text of the owner has, weighted by the number of its objects:
    an owner without marble does not print the word. `behind` is how much more of the
    words the best result has, `farther` how much nearer the nearest one is.
    """

    said: float
    named: float
    close: float
    foreign: float
    behind: float = 0.0
    farther: float = 0.0


class Judged(NamedTuple):
    """The evidence of a result, and the words of the question that it does not have, in their order."""

    evidence: Evidence
    missing: tuple[str, ...]


def behind_best(judged: Sequence[Judged], among: int) -> list[Judged]:
    """Return results with their distances in words and in meaning from the best of the first `among`."""
    first = [each.evidence for each in judged[:among]]
    best, nearest = max(map(_words_of, first), default=0.0), max((each.close for each in first), default=0.0)

    def compared(one: Evidence) -> Evidence:
        behind, farther = max(0.0, best - _words_of(one)), max(0.0, nearest - one.close)
        return Evidence(one.said, one.named, one.close, one.foreign, behind, farther)

    return [Judged(compared(evidence), missing) for evidence, missing in judged]


def says_few_words(evidence: Evidence) -> bool:
    """Return whether even the best of the first results has too few words of the question to judge by words."""
    return _words_of(evidence) + evidence.behind <= FEW_WORDS


def counted(evidence: Evidence) -> Evidence:
    """Return evidence as it is weighed: shares of words by their squares, since two of two say more than twice one."""
    said, named, *others = evidence
    return Evidence(said**2, named**2, *others)


def probability(evidence: Evidence, fitted: Fitted) -> float:
    """Return the logistic function of the intercept and the weighed evidence."""
    weights = fitted["meaning"] if "meaning" in fitted and says_few_words(evidence) else fitted["words"]
    weighed = (weights[name] * value for name, value in zip(Evidence._fields, counted(evidence), strict=True))
    return 1 / (1 + math.exp(-weights["intercept"] - sum(weighed)))


def weights_of(tag: str) -> Fitted:
    """Return the weights for the text encoder of this tag, or else those for any other."""
    fitted = all_weights()
    return fitted.get(tag.partition("@")[0], fitted[OTHER])


@cache
def all_weights() -> Mapping[str, Fitted]:
    """Return name of a text encoder -> its weights."""
    read: Mapping[str, Fitted] = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return read


def _words_of(evidence: Evidence) -> float:
    return (evidence.said**2 + evidence.named**2) / 2


def content_words(text: str) -> list[str]:
    """Return the distinct folded words of a question without function words, or all if no other is left."""
    words = list(dict.fromkeys(_words(text)))
    return [word for word in words if word not in _FUNCTION_WORDS] or words


def without_function_words(text: str) -> str:
    """Return a question without function words, or all of it if no other word is left."""
    kept = [word for word in text.split() if not _FUNCTION_WORDS.issuperset(_words(word) or (word,))]
    return " ".join(kept) or text


class TextWords(NamedTuple):
    """The words of a text, to look for those of a question: between blanks, all together, and the terms they name."""

    words: str
    together: str
    terms: frozenset[str]


@lru_cache(maxsize=16_384)  # a search reads hundreds of texts, most of which the next one reads, too
def words_of_text(text: str) -> TextWords:
    """Return the words of one text."""
    words = _words(text)
    return TextWords(f" {' '.join(words)} ", "".join(words), terms_of(text))


def words_said(asked: Sequence[str], text: TextWords) -> int:
    """Return which words of a question a text says, a bit for each from the lowest, in any inflection.

    Materials and colours count in any language.
    """
    said = 0
    for bit, (whole, stem, terms) in enumerate(map(_sought, asked)):
        if (
            whole in text.words
            or (stem in text.together and _says_form(text.words, whole.strip()))
            or (terms and terms <= text.terms)
        ):
            said |= 1 << bit
    return said


@lru_cache(maxsize=1_024)
def _sought(word: str) -> tuple[str, str, frozenset[str]]:
    """Return a word between blanks, what each of its forms begins with or contains, and the terms that it names."""
    return f" {word} ", _stem(word) or word, terms_of(word)


def _stem(word: str) -> str | None:
    """Return the letters that begin the other forms of a word, None if it has none."""
    return word[: max(4, math.ceil(LETTERS * len(word)))] if len(word) >= 4 and word.isalpha() else None


@lru_cache(maxsize=2_048)
def _says_form(words: str, word: str) -> bool:
    """Return whether two words joined are the word, or any word is a form or an ending compound of it."""
    separate, stem = words.split(), _stem(word)
    present = {*separate, *map("".join, pairwise(separate))}  # "note pad" matches notepad, too
    if stem is None:
        return word in present
    return any(
        (each.startswith(stem) and abs(len(each) - len(word)) <= LONGER)
        or (len(word) >= HEAD and word in each[-len(word) - ENDING :])
        for each in present
    )


def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(fold(join_sizes(text))))


# --- background: how near objects are to unrelated questions ----------------------------------------------------------


SAMPLE: Final = 256  # objects compared with the questions: the mean similarity is then exact to a hundredth

UNRELATED: Final = (
    "who won the election", "how a bill becomes law", "symptoms of appendicitis", "history of the Roman empire",
    "weather in Edinburgh tomorrow", "proof of Pythagoras' theorem", "how to learn to swim", "the plot of Hamlet",
    "Wer hat die Wahl gewonnen?", "Zugverbindung nach Hamburg", "Wie werden Sterne geboren?", "Gedicht über den Herbst",
    "qui a gagné les élections", "la chute de l'empire romain", "conjugaison du verbe aller",
    "la capital de Mongolia", "cómo nacen los volcanes", "letra del himno nacional",
    "previsioni del tempo a Torino", "la guerra dei trent'anni", "resultado do jogo de ontem", "a origem da vida",
    "кто победил на выборах", "расписание поездов", "история древнего Рима", "как рождаются звёзды",
    "yarınki hava durumu", "Roma tarihi", "pogoda na jutro", "uitslag van de verkiezingen", "lịch sử La Mã",
    "明天的天气",
)  # fmt: skip
"""Questions about things that are in no catalogue, in the languages of catalogues."""

LEAST_DEVIATION: Final = 1e-3  # the least deviation, for a space with one object or only equal ones

Encode = Callable[[Sequence[str]], Vectors]  # encodes questions into a space: (n, dimension), unit length


class Background(NamedTuple):
    """Mean and deviation of unrelated similarities, and the number of the owner's objects in the space."""

    mean: float
    deviation: float
    objects: int

    def closeness(self, similarity: float) -> float:
        """Return how many deviations a similarity is above that of the nearest object to unrelated questions.

        The highest of n normal values is about √(2 ln n) deviations above their mean.
        """
        return (similarity - self.mean) / self.deviation - math.sqrt(2 * math.log(self.objects))

    @property
    def vocabulary(self) -> float:
        """Return the evidence, 0 to 1, in a word's being nowhere: it is low for few objects, which lack most words."""
        return min(1.0, math.log(self.objects) / math.log(SAMPLE))


def background_of(resources: Resources, space: Space, owner: str | None, encode: Encode) -> Background | None:
    """Return the background of an owner's objects, or of all, in a space; None without objects.

    It is estimated if the ledger has none that is still valid: in half a second, from fixed questions and a sample.
    Only the owner's objects count, so that a search reveals nothing about those of others.
    """
    pair = space.pair
    kept = find_background(resources.ledger, pair, owner)
    known = None if kept is None else Background(**kept)  # type: ignore[arg-type]
    count = resources.index.count(space, Where(owner=owner, editions="all"))
    if known and known.objects / 2 < count < known.objects * 2:
        return known
    ids = sample_objects(resources.ledger, pair, SAMPLE, owner)
    objects = [each.vector for each in resources.index.fetch(space, ids).values()]
    if not objects:
        return known
    measured = measure(np.stack(objects), encode(UNRELATED))
    measured = measured._replace(objects=max(count, measured.objects))
    with suppress(Failure):  # for example on a full disk: the next search estimates it again
        keep_background(resources.ledger, pair, owner, measured._asdict())
    return measured


def measure(objects: Vectors, questions: Vectors) -> Background:
    """Return the background of objects (n, dimension) to questions (m, dimension) by cosine similarity."""
    unit = objects / np.linalg.norm(objects, axis=1, keepdims=True)
    similarities = unit @ (questions / np.linalg.norm(questions, axis=1, keepdims=True)).T
    deviation = max(float(similarities.std()), LEAST_DEVIATION)
    return Background(round(float(similarities.mean()), 6), round(deviation, 6), len(objects))
