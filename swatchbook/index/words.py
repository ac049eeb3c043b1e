"""Match the words of filters: one value must have all words of a filter, in any order, without case and accents.

Materials and colours also match in other languages and by narrower terms, from `vocabulary.toml`: porcelain is "gres
porcellanato", navy is a blue. A size is one word ("60 × 120" is "60x120") and equal in any unit (`printed_sizes.py`).
Also here: how alike two texts are, to suggest the nearest values.
"""

import re
import tomllib
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from difflib import SequenceMatcher
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from swatchbook.index.contract import TERMS
from swatchbook.index.printed_sizes import join_sizes, size_key

Words = tuple[str, ...]
"""Distinct folded words and terms, sorted. A term has the form "=dark blue", so that it cannot be a word of a text."""


def fold_words(text: str) -> Words:
    """Return a text's distinct words (letters and digits) without case and accents, sorted."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return tuple(sorted(set(re.findall(r"\w+", "".join(c for c in plain if not unicodedata.combining(c))))))


def words_of(field: str, value: str) -> Words:
    """Return the words of a field's value, with the terms of a material or colour, and the key of a size."""
    if field in TERMS:
        return words_and_terms(value)
    return _size_words(value) if field == "size" else fold_words(value)


@lru_cache(maxsize=4_096)
def _size_words(value: str) -> Words:
    key = size_key(value)
    return tuple(sorted({*fold_words(join_sizes(value)), *([key] if key else [])}))


def asked_words(field: str, texts: Iterable[str]) -> list[Words]:
    """Return the alternatives of words by which texts filter a field; any of them may match.

    A size matches by its words, or as an equal size in another unit; a material or colour by its own words, or by the
    terms that they name.
    """
    if field in TERMS:
        return [words for text in texts for words in ways(text)]
    if field != "size":
        return [fold_words(text) for text in texts]
    asked = [(fold_words(join_sizes(text)), size_key(text)) for text in texts]
    return [words for own, key in asked for words in (own, *([(key,)] if key else []))]


def value_key(field: str, value: str) -> str:
    """Return a key that is equal for spellings that filters do not distinguish; for a size it is its measures."""
    key = size_key(value) if field == "size" else None
    return key or key_of(fold_words(value))


@lru_cache(maxsize=4_096)
def words_and_terms(value: str) -> Words:
    """Return the words of a material or colour, and every term that they name, with its broader terms.

    "Gres porcellanato" also names porcelain, stoneware and ceramic.
    """
    words = fold_words(value)
    upwards = _vocabulary().upwards
    terms = {each for phrase, term in _near(words) if {*phrase} <= {*words} for each in upwards[term]}
    return tuple(sorted({*words, *(f"={term}" for term in terms)}))


@lru_cache(maxsize=4_096)
def terms_of(text: str) -> frozenset[str]:
    """Return the terms of materials and colours that a text names, with their broader terms."""
    return frozenset(each for each in words_and_terms(text) if each.startswith("="))


def names_material(text: str) -> bool:
    """Return whether a text names a material of the vocabulary, not only a colour or a treatment."""
    known, words = _vocabulary(), fold_words(text)
    return any({*phrase} <= {*words} and known.colors.isdisjoint(known.upwards[term]) for phrase, term in _near(words))


def ways(text: str) -> list[Words]:
    """Return the alternatives that match a filter on materials or colours: its own words, or the terms that they name.

    Terms of several words ("dark blue") are recognised before those of one. Words that are no term must be in the value
    themselves: "brushed oak" is "brushed" with any word for oak.
    """
    own = fold_words(text)
    left, terms = {*own}, set[str]()
    for phrase, term in sorted(_near(own), key=lambda pair: (-len(pair[0]), pair[0])):
        if left.issuperset(phrase):
            left -= {*phrase}
            terms.add(f"={term}")
    return [own, tuple(sorted(left | terms))] if terms else [own]


def key_of(words: Words) -> str:
    """Return the key of a value's words: "<brushed><oak>" for "Oak, brushed"."""
    return "".join(f"<{word}>" for word in words)


def word_keys(field: str, values: Iterable[str]) -> list[str]:
    """Return the keys of the words of a field's values. Empty ones are left out."""
    keys = (key_of(words_of(field, value)) for value in values)
    return [key for key in dict.fromkeys(keys) if key]


def word_pattern(words: Words, wildcard: str) -> str:
    """Return a pattern that matches the key of every value with all these words; `wildcard` matches any text.

    Keys and patterns are sorted, so the words are in the same order. Apart from words it contains only `<`, `>`, `=`
    and the blanks in terms. Without words it is "<>", which no key contains.
    """
    return wildcard.join(f"<{word}>" for word in words) or "<>"


def likeness(asked: str, value: str) -> float:
    """Return the likeness of a value to a given text, 0–1: the mean, over the words asked, of the best similarity."""
    words, present = fold_words(join_sizes(asked)), fold_words(join_sizes(value))
    if not words or not present:
        return 0.0
    return sum(max(SequenceMatcher(None, word, other).ratio() for other in present) for word in words) / len(words)


# --- the vocabulary ---------------------------------------------------------------------------------------------------


class Term(NamedTuple):
    """A term of the vocabulary: its broader terms, its words by language, and whether it is a colour of its own."""

    broader: tuple[str, ...]
    by_language: Mapping[str, tuple[Words, ...]]
    is_color: bool

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
                if language not in ("is", "color")
            },
            is_color=entry.get("color", False),
        )
        for name, entry in entries.items()
    }


class _Vocabulary(NamedTuple):
    """The vocabulary as tables.

    `by_word`: word -> all names that contain it, each with its term; `upwards`: term -> itself and all broader ones;
    `colors`: the terms that are colours of their own.
    """

    by_word: Mapping[str, Collection[tuple[Words, str]]]
    upwards: Mapping[str, Collection[str]]
    colors: frozenset[str]


@cache
def _vocabulary() -> _Vocabulary:
    """Read the vocabulary once in a process (15 ms), when materials or colours are first filtered or published."""
    terms = read_vocabulary()
    by_word = dict[str, list[tuple[Words, str]]]()
    for name, term in terms.items():
        for phrase in term.words:
            for word in phrase:
                by_word.setdefault(word, []).append((phrase, name))

    def upwards(name: str) -> set[str]:
        return {name}.union(*map(upwards, terms[name].broader))

    colors = frozenset(name for name, term in terms.items() if term.is_color)
    return _Vocabulary(by_word, {name: upwards(name) for name in terms}, colors)


def _near(words: Words) -> set[tuple[Words, str]]:
    """Return all names of terms that contain one of these words, each with its term."""
    by_word = _vocabulary().by_word
    return {each for word in words for each in by_word.get(word, ())}
