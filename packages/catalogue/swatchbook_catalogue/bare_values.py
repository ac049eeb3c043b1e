"""Recognise texts that are only a price, a quantity or a measure, and so name no product.

A text with any other word may be a name: "12 pcs" is a quantity, "Screws, 12 pcs" is none. So may a number alone, which
may be a code, and letters before a number ("L 300").
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from swatchbook_base.printed_prices import CODES, SIGNS, WORDS_BEFORE, WORDS_BEHIND, price_in
from swatchbook_catalogue.attributes import WORDS_OF, read_words

LONGEST: Final = 80  # the most characters of a text that is asked about; a longer one is prose
MOST_OF_RANGE: Final = 3  # the most digits of the ends of a range: "36-41" is one, "8660-8671" may be a code
WIDEST_RANGE: Final = 4  # the largest factor between its ends: "10-445" may be a code
_TOKEN = re.compile(r"(?P<number>\d+(?:[.,'’]\d+)*)|(?P<word>[^\W\d_]+)|(?P<sign>\S)")
_THOUSANDS = re.compile(r"(?<=\d)[ \u00a0\u202f](?=\d{3}(?!\d))")
_SQUARES = re.compile(r"(?<![^\W\d_])(mm|cm|dm|m|мм|см|м)[23](?!\d)", re.IGNORECASE)
_RANGE = re.compile(r"(\d+)\s?[-–—]\s?(\d+)")
_AMOUNT = re.compile(r"\d{1,3}(?:['’.,]\d{3})+(?:[.,]\d{1,2})?|\d+[.,]\d{1,3}")
_AFTER_DIGIT = re.compile(r"\d([^\W\d_]+)(\d?)")
_BEFORE_DIGIT = re.compile(r"(?<![^\W_])([^\W\d_]+)(?=\d)")
_CAPITAL_OF_CODES = re.compile(r"\d[A-FH-JN-UYZ](?!\w)")
"""A capital behind a number that is no unit of length, weight, content, voltage or power, but may end a code: "12A"."""
_TIMES: Final = frozenset({"x", "х"})
_SIDES: Final = frozenset({"h", "w", "l", "d", "b", "t", "ø", "ш", "в", "г", "д"})
_ONLY_OF_VALUES: Final = frozenset("%‰\"″'′”’“°±≈×*") | SIGNS.keys()
"""Signs next to a number that make it a price, a share or a measure."""


class _Token(NamedTuple):
    kind: str  # "number", "word" or "sign"
    text: str


def _tokens(text: str) -> list[_Token]:
    """Return the numbers, words and signs of a text, in small letters without marks: "Stück" and "STUCK" are one.

    So are "takım" and "TAKIM", whose small letters are "takim" outside of Turkish.
    """
    marked = unicodedata.normalize("NFKD", text.casefold().replace("ı", "i"))
    bare = unicodedata.normalize("NFC", "".join(c for c in marked if unicodedata.category(c) != "Mn"))
    return [_Token(str(found.lastgroup), found.group()) for found in _TOKEN.finditer(_THOUSANDS.sub("", bare))]


def _words(given: Iterable[str]) -> frozenset[str]:
    return frozenset(token.text for word in given for token in _tokens(word) if token.kind == "word")


_LISTS: Final = {
    part: _words(word for words in languages.values() for word in words)
    for part, languages in read_words("value_words.toml").items()
}
_UNITS, _PIECES, _PER = (_LISTS[part] for part in ("units", "pieces", "per"))
_ABOUT: Final = _LISTS["about"] | _words(WORDS_OF["price"])
_NAMES_OF_CURRENCIES = (*CODES, *WORDS_BEFORE, *WORDS_BEHIND)
_CURRENCIES: Final = frozenset(w for w in _words(_NAMES_OF_CURRENCIES) if len(w) > 1 or not w.isascii())
_OF_QUANTITIES: Final = _UNITS | _PIECES | _PER | _ABOUT | _CURRENCIES | _TIMES | _SIDES


@lru_cache(maxsize=4_096)  # a text is asked about for each group that it may be in
def is_bare_value(text: str) -> bool:
    """Whether a text is only a price, a quantity or a measure: "12 pcs", "2,5 kg", "30 x 60 cm"."""
    whole = unicodedata.normalize("NFKC", text).strip(" ()[].,;:•*-–—")
    if len(text) > LONGEST or not re.search(r"\d", whole):
        return False
    if price_in(whole) == whole:
        return True
    whole = _SQUARES.sub(r"\1", whole)
    tokens = _tokens(whole)
    words = {token.text for token in tokens if token.kind == "word"}
    if not any(token.kind == "number" for token in tokens):
        return False
    if not words:
        return _is_number(tokens, whole)
    return words <= _OF_QUANTITIES and not _may_be_code(whole) and _begins_value(tokens) and _has_amounts(tokens)


def _is_number(tokens: Sequence[_Token], text: str) -> bool:
    """Whether numbers and signs are an amount, a share, a size or a range; a whole number may be a code."""
    numbers = [token.text for token in tokens if token.kind == "number"]
    signs = {token.text for token in tokens if token.kind == "sign"}
    if signs & _ONLY_OF_VALUES:
        return True
    if found := _RANGE.fullmatch(text):
        return len(found[2]) <= MOST_OF_RANGE and 1 < int(found[2]) / max(int(found[1]), 1) <= WIDEST_RANGE
    return len(numbers) == 1 and not signs - {"-", "–"} and _AMOUNT.fullmatch(numbers[0]) is not None


def _may_be_code(text: str) -> bool:
    """Whether letters are glued to digits as in codes: "RA102", "0603C02", "7UP", "12A", but not "12pcs", "30x60"."""
    for found in _AFTER_DIGIT.finditer(text):
        if not _words([found[1]]) <= (_TIMES if found[2] else _UNITS | _PIECES | _CURRENCIES | _TIMES):
            return True
    before = (_words([found[1]]) for found in _BEFORE_DIGIT.finditer(text))
    known = _TIMES | _CURRENCIES | _SIDES
    return not all(words <= known for words in before) or _CAPITAL_OF_CODES.search(text) is not None


def _begins_value(tokens: Sequence[_Token]) -> bool:
    """Whether a text begins as a value does: with a number or a currency; with "from" or a side if a unit follows.

    A text that is written from the right may have its unit first.
    """
    first, *rest = (token for token in tokens if token.kind != "sign")
    if first.kind == "number" or first.text in _CURRENCIES:
        return True
    if unicodedata.bidirectional(first.text[0]) in ("R", "AL"):
        return True
    measured = any(token.text in _UNITS | _PIECES | _CURRENCIES for token in rest if len(token.text) > 1)
    priced = any(token.text in SIGNS for token in tokens) or any(_AMOUNT.fullmatch(token.text) for token in rest)
    return (first.text in _SIDES and measured) or (first.text in _ABOUT and (measured or priced))


def _has_amounts(tokens: Sequence[_Token]) -> bool:
    """Whether what is counted follows a number: in "600 ml box" a box follows a unit, and may be what is sold.

    A single letter is a unit only behind a number or a unit, and a side only before a number.
    """
    found = [token for token in tokens if token.kind != "sign" or token.text == "/"]
    for before, token, behind in zip([_NONE, *found], found, [*found[1:], _NONE], strict=False):
        if token.kind != "word":
            continue
        follows = before.kind == "number" or before.text == "/" or before.text in _PER | _ABOUT
        is_side = token.text in _SIDES and behind.kind == "number"
        if token.text in _PIECES - _UNITS - _PER - _ABOUT and not follows and before.text in _UNITS:
            return False
        if token.text in _SIDES - _UNITS and not is_side:
            return False
        is_letter = len(token.text) == 1 and token.text.isascii() and token.text not in _TIMES and not is_side
        if is_letter and not follows and before.text not in _UNITS:
            return False
    return True


_NONE: Final = _Token("sign", "")
