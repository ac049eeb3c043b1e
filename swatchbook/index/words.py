"""How filters match words: all words of a filter in one value, in any order, without case and accents; materials and
colours also in other languages and by narrower terms, from `vocabulary.toml`: porcelain is "gres porcellanato", navy a
blue. Also how alike two texts are, to name the nearest values.
"""

import re
import tomllib
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from functools import cache
from itertools import product
from pathlib import Path
from typing import NamedTuple

Words = tuple[str, ...]
"""Distinct folded words, sorted."""

MOST_ALTERNATIVES = 400
"""Ways to say a filter at most: of "blue marble", every blue with every marble. Beyond, a term's own words only."""


def fold_words(text: str) -> Words:
    """Return a text's distinct words (letters and digits) without case and accents, sorted."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return tuple(sorted(set(re.findall(r"\w+", "".join(c for c in plain if not unicodedata.combining(c))))))


def word_key(value: str) -> str:
    """Return a value's key: "<brushed><oak>" for "Oak, brushed". Values with equal keys are one for filters."""
    return "".join(f"<{word}>" for word in fold_words(value))


def word_keys(values: Iterable[str]) -> list[str]:
    """Return the keys of a field's values, for its words column. Empty ones are left out."""
    return [key for key in dict.fromkeys(map(word_key, values)) if key]


def word_pattern(words: Words, wildcard: str) -> str:
    """Return a pattern that matches the key of every value with all these words; `wildcard` matches any text.

    Keys and patterns are sorted, so the words are in the same order. Besides words it contains only `<` and `>`. Of no
    words it is "<>", which no key contains.
    """
    return wildcard.join(f"<{word}>" for word in words) or "<>"


def occur_in(alternatives: Collection[Words], value: str) -> bool:
    """Return whether a value has all words of one of the alternatives."""
    present = frozenset(fold_words(value))
    return any(words and present.issuperset(words) for words in alternatives)


def likeness(asked: str, value: str) -> float:
    """Return how alike a value is to what was asked for, 0–1: the mean over the words asked of their most similar."""
    words, present = fold_words(asked), fold_words(value)
    if not words or not present:
        return 0.0
    return sum(max(SequenceMatcher(None, word, other).ratio() for other in present) for word in words) / len(words)


def alternatives(text: str) -> list[Words]:
    """Return the words of a filter on materials or colours, in all ways in which the vocabulary can say them.

    "white porcelain" is also "bianco" with "porcellanato". Terms of several words ("dark blue") are recognised before
    those of one; words that are no term stay as they are.
    """
    vocabulary = _vocabulary()
    left, parts = set(fold_words(text)), list[Sequence[Words]]()
    for words in sorted(vocabulary.terms, key=lambda words: (-len(words), words)):
        if left.issuperset(words):
            left -= set(words)
            ways = vocabulary.ways[vocabulary.terms[words]]
            few = len(ways) * _size(parts) <= MOST_ALTERNATIVES
            parts.append(ways if few else [words])
    merged = {tuple(sorted(left.union(*chosen))) for chosen in product(*parts)}
    return sorted(merged)


def all_alternatives(texts: Iterable[str]) -> list[Words]:
    """Return the alternatives of several texts, of which any one may hold."""
    return list(dict.fromkeys(words for text in texts for words in alternatives(text)))


class _Vocabulary(NamedTuple):
    """`terms`: words -> the term that they say. `ways`: term -> all words that say it or a narrower term."""

    terms: Mapping[Words, str]
    ways: Mapping[str, Sequence[Words]]


@cache
def _vocabulary() -> _Vocabulary:
    """Read the vocabulary, once in a process: 10 ms, for filters on materials and colours only."""
    terms = read_vocabulary()
    narrower = dict[str, set[str]]()
    for term, entry in terms.items():
        for broader in entry.broader:
            narrower.setdefault(broader, set()).add(term)
    return _Vocabulary(
        terms={words: term for term, entry in terms.items() for words in entry.words},
        ways={
            term: _shortest({words for each in _with_narrower(term, narrower) for words in terms[each].words})
            for term in terms
        },
    )


class Term(NamedTuple):
    """A term of the vocabulary: its broader terms, and its words by language."""

    broader: tuple[str, ...]
    by_language: Mapping[str, tuple[Words, ...]]

    @property
    def words(self) -> set[Words]:
        """Return its words in all languages."""
        return {words for each in self.by_language.values() for words in each}


def read_vocabulary() -> dict[str, Term]:
    """Return name -> term, as they are in the file."""
    entries = tomllib.loads(Path(__file__).with_name("vocabulary.toml").read_text(encoding="utf-8"))
    return {
        name: Term(
            broader=tuple(each.strip() for each in entry.get("is", "").split(",") if each.strip()),
            by_language={
                language: tuple(fold_words(each) for each in listed.split(","))
                for language, listed in entry.items()
                if language != "is"
            },
        )
        for name, entry in entries.items()
    }


def _with_narrower(term: str, narrower: Mapping[str, Collection[str]]) -> Iterator[str]:
    yield term
    for each in sorted(narrower.get(term, ())):
        yield from _with_narrower(each, narrower)


def _shortest(ways: Collection[Words]) -> list[Words]:
    """Return those that contain no other: what says "dark blue" says "blue"."""
    return sorted(words for words in ways if not any(set(other) < set(words) for other in _shorter(words, ways)))


def _shorter(words: Words, ways: Collection[Words]) -> Iterator[Words]:
    """Yield the ways with fewer words: none for a single word, as most are."""
    return (other for other in (ways if len(words) > 1 else ()) if len(other) < len(words))


def _size(parts: Sequence[Sequence[Words]]) -> int:
    size = 1
    for part in parts:
        size *= len(part)
    return size
