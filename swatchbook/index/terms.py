"""Make the terms that keyword search compares, of a text and of a question.

Both indexes store and search the same terms, separated by blanks. A word has several:

- itself, without case and accents (the Turkish ı is i), and a size as one word: "60 × 120" is "60x120";
- its stems, marked with the text's language: `de:flies` for "Fliesen". A question is stemmed in every language that
  uses its letters, so that each text is compared in its own language, and no word of one matches a stem of another;
- in German, the parts of a compound that hyphenation finds: `de:wand` and `de:flies` for "Wandfliesen";
- for a number, also the number joined with the word before and after it, and for a size with a unit, the size in
  millimetres, so that "slip rating R9" differs from "R10", and "305 x 125 cm" equals "3050 × 1250 mm".
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache, lru_cache
from typing import Any, Final

from swatchbook.index.printed_sizes import join_sizes

VERSION: Final = 2
"""The version of the terms, raised with every change: a space with other terms is refused until it is rebuilt."""

LATIN: Final = {
    "cs": "czech", "da": "danish", "de": "german", "en": "english", "es": "spanish", "fi": "finnish", "fr": "french",
    "hu": "hungarian", "it": "italian", "nl": "dutch", "no": "norwegian", "pl": "polish", "pt": "portuguese",
    "ro": "romanian", "sv": "swedish", "tr": "turkish",
}  # fmt: skip
SCRIPTS: Final = {"LATIN": LATIN, "CYRILLIC": {"ru": "russian", "sr": "serbian"}, "GREEK": {"el": "greek"}}
LANGUAGES: Final = {code: name for languages in SCRIPTS.values() for code, name in languages.items()}
"""Code of a language -> Snowball's name of its stemmer."""

MOST_STEMMED: Final = 32
"""The number of first words of a question that are stemmed."""

LEAST_PART: Final = 3
"""The fewest letters of a part of a compound; a question is cut at every letter, so its parts have one more."""

_LONGEST: Final = 40  # letters of a word that is stemmed; a longer one is a code, or no word
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*(?:x\d+(?:[.,]\d+)*)+|[^\W_]+(?:[.,]\d+)?")
_SIZE_WITH_UNIT = re.compile(r"(\d+(?:[.,]\d+)?(?:x\d+(?:[.,]\d+)?)+)\s*(mm|cm|m|″|\")(?![^\W_])", re.IGNORECASE)
_NUMBERED = re.compile(r"\S*\d\S*(?:\s+[^\W\d_]{1,3}(?!\w))?")  # up to a blank: OF-2101; "50 kg", not "3 seats"
_MILLIMETRES: Final = {"mm": 1.0, "cm": 10.0, "m": 1_000.0, "″": 25.4, '"': 25.4}
_FOREIGN = re.compile(r"[^\x00-\x7f]+")  # runs beyond ASCII: an accent and its letter are in one run, or composed
_ONE_LETTER = str.maketrans({"ı": "i", "ł": "l", "ø": "o", "đ": "d"})  # letters that Unicode does not decompose


def fold(text: str) -> str:
    """Return a text without case and accents; the Turkish ı and i become one letter, because people type either."""
    lower = text.lower()
    return lower if lower.isascii() else _FOREIGN.sub(_fold_foreign, lower)


def _fold_foreign(letters: re.Match[str]) -> str:
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", letters[0]).casefold())
    return "".join(c for c in plain if not unicodedata.combining(c)).translate(_ONE_LETTER)


def numbers_of(text: str) -> str:
    """Return the numbers, sizes and codes of a question, each with its possible unit; "" if it has none."""
    return " ".join(_NUMBERED.findall(join_sizes(text)))


def text_terms(texts: Iterable[str], languages: Collection[str]) -> str:
    """Return the terms of texts in these languages. Texts are separate: no number is joined with a word of the next."""
    return " ".join(filter(None, (_terms(text, tuple(languages)) for text in texts)))


@lru_cache(maxsize=1_024)
def question_terms(text: str) -> str:
    """Return the distinct terms of a question."""
    words = _words(text)
    terms = _plain_terms(text, words)
    terms += [
        term
        for word in words[:MOST_STEMMED]
        for language in _languages_of(word)
        for term in _terms_of_question(word, language)
    ]
    return " ".join(dict.fromkeys(terms))


@lru_cache(maxsize=1_024)  # pictures of one product share its name
def _terms(text: str, languages: tuple[str, ...]) -> str:
    words = _words(text)
    terms = _plain_terms(text, words)
    for word in words if languages else ():
        terms += _stemmed_terms(word, languages)
    return " ".join(terms)


def _plain_terms(text: str, words: Sequence[str]) -> list[str]:
    """Return the terms that are the same in every language: the words, and the numbers joined with their neighbours."""
    folded = fold("\n".join(words)).split("\n") if words else []  # one call: a call for each word takes longer
    numbered = [at for at, word in enumerate(folded) if not word.isalpha() and any(map(str.isdecimal, word))]
    return [*folded, *_with_neighbours(folded, numbered), *_in_millimetres(text)] if numbered else folded


def _words(text: str) -> list[str]:
    composed = text if text.isascii() else unicodedata.normalize("NFC", text)
    return _TOKEN.findall(join_sizes(composed).replace(",", "."))


@lru_cache(maxsize=65_536)
def _languages_of(word: str) -> Collection[str]:
    """Return the languages that use the letters of a word; none for numbers and codes."""
    if not 1 < len(word) <= _LONGEST or not word.isalpha():
        return ()
    return SCRIPTS.get(unicodedata.name(word[0], "").partition(" ")[0], {})


@lru_cache(maxsize=65_536)
def _stemmed_terms(word: str, languages: tuple[str, ...]) -> Sequence[str]:
    """Return the terms of a text's word in those of these languages that use its letters."""
    return [term for each in _languages_of(word) if each in languages for term in _terms_of_text(word, each)]


def _terms_of_text(word: str, language: str) -> Sequence[str]:
    """Return the terms of a text's word in its language."""
    lower = _lower(word, language)
    found = dict.fromkeys(_stems(lower, language))
    for part in _parts(lower) if language == "de" else ():
        found |= dict.fromkeys(_stems(part, language))
    return _marked(found, language)


@lru_cache(maxsize=65_536)
def _terms_of_question(word: str, language: str) -> Sequence[str]:
    """Return the terms of a question's word in one language.

    The word itself is one of them, because it may be the stem of a longer form ("kapı" of "kapılar"). A Turkish i may
    mean ı; a German word may be a compound of words that are separate in a text.
    """
    lower = _lower(word, language)
    meant = {lower, lower.replace("i", "ı")} if language == "tr" else {lower}
    found = {each for form in meant for each in (form, *_stems(form, language))}
    if language == "de":
        ends = range(LEAST_PART + 1, len(lower) - LEAST_PART)
        found |= {each for end in ends for part in (lower[:end], lower[end:]) for each in _stems(part, language)}
    return _marked(sorted(found), language)


def _marked(stems: Iterable[str], language: str) -> Sequence[str]:
    return tuple(f"{language}:{stem}" for stem in dict.fromkeys(map(fold, stems)))


def _lower(word: str, language: str) -> str:
    return (word.replace("I", "ı").replace("İ", "i") if language == "tr" else word).lower()


def _stems(lower: str, language: str) -> Iterator[str]:
    """Yield a word's stem, and the stem of that, because some stemmers remove one ending at a time."""
    import snowballstemmer  # commands that neither publish nor search must not load it

    stemmer = snowballstemmer.stemmer(LANGUAGES[language])  # a new one: its state is a word, so threads share none
    stem = stemmer.stemWord(lower)
    yield stem
    if (again := stemmer.stemWord(stem)) != stem:
        yield again


def _parts(lower: str) -> Iterator[str]:
    """Yield the beginnings and ends of a word that end and begin where it may be hyphenated."""
    for at in _hyphens().positions(lower) if len(lower) >= 2 * LEAST_PART else ():
        if LEAST_PART <= at <= len(lower) - LEAST_PART:
            yield lower[:at]
            yield lower[at:]


def _with_neighbours(folded: Sequence[str], numbered: Sequence[int]) -> list[str]:
    """Return the words at these places, each joined with the word before and after it: "ratingr9", "20mm"."""
    firsts = sorted({first for at in numbered for first in (at - 1, at) if 0 <= first < len(folded) - 1})
    return [folded[first] + folded[first + 1] for first in firsts]


def _in_millimetres(text: str) -> Iterator[str]:
    joined = join_sizes(text)
    for size, unit in _SIZE_WITH_UNIT.findall(joined) if "x" in joined else ():
        sides = (float(side.replace(",", ".")) * _MILLIMETRES[unit.lower()] for side in size.lower().split("x"))
        yield "mm:" + "x".join(f"{side:.0f}" for side in sides)


@cache
def _hyphens() -> Any:
    import pyphen  # reads its patterns for half a second: only where a German text is published

    return pyphen.Pyphen(lang="de_DE", left=LEAST_PART, right=LEAST_PART)
