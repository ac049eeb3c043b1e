"""Read text whose fonts have no map from glyphs to letters: the library returns the numbers of glyphs, like a cipher.

Fonts have one of two orders of glyphs; the one that makes words of the numbers is undone. If neither does, the
characters become replacement characters, so that the page counts as one without usable text.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

UNKNOWN = "\ufffd"
FEWEST_GLYPHS = 10  # without letters on a page; a font with fewer, such as one of bullets, stays as it is
READ, VOWELS = 0.75, (0.15, 0.7)
"""Characters read right have at least this share of letters, digits and spaces, and a share of vowels in this range.

The share of vowels is that among letters without accents."""
_BEYOND_ROMAN = "ŁłŠšŽž¦ÐðÝýÞþ−×¹²³½¼¾₣ĞğİŞşĆćČčđ"
_ROMAN = bytes(n for n in range(0x80, 0x100) if n not in (0xCA, 0xF0)).decode("mac_roman")
_TRUETYPE = dict(enumerate([*map(chr, range(0x20, 0x7F)), *_ROMAN, *_BEYOND_ROMAN], 3))
"""Glyph -> letter in the order of most TrueType fonts."""
_ADOBE = dict(enumerate(map(chr, range(0x20, 0x7F)), 1))
"""Glyph -> letter in Adobe's collections and in most PostScript fonts."""
ORDERS: Sequence[Mapping[int, str]] = (_TRUETYPE, _ADOBE)

MOST_GARBAGE = 0.3  # share of a text's characters that map to no letter; with more, its fonts map to nothing
WARNING = "Fonts of its text say nothing of letters: {}."
UNDONE, UNREADABLE = "they were read by the order of glyphs", "what is set in them has no text layer"


def has_glyph_numbers(text: str) -> bool:
    """Return whether a text has control characters, which are low glyph numbers of a font without letters."""
    return not text.isprintable() and any(c < " " and c not in "\t\n" for c in text)


def read_glyph_numbers(
    blocks: Sequence[dict[str, Any]], read_letters: Callable[[bool], Sequence[dict[str, Any]]]
) -> tuple[str, ...]:
    """Replace glyph numbers in the spans of a page's blocks by their letters; return a warning if there are any.

    `read_letters` returns the same blocks with the place of each character: with glyph numbers if true, else with
    `UNKNOWN` for them.
    """
    spans = [span for block in blocks for line in block["lines"] for span in line["spans"]]
    letters = _spans_with_letters(read_letters(True))
    unknown = {_place(c) for span in _spans_with_letters(read_letters(False)) for c in span if c["c"] == UNKNOWN}
    numbers: dict[str, list[int]] = defaultdict(list)
    for span, characters in zip(spans, letters, strict=True):
        numbers[span["font"]] += [ord(c["c"]) for c in characters if _place(c) in unknown]
    orders, warnings = find_orders(numbers)
    for span, characters in zip(spans, letters, strict=True):
        if span["font"] in orders:
            order = orders[span["font"]]
            span["text"] = "".join(
                order.get(ord(c["c"]), UNKNOWN) if _place(c) in unknown else c["c"] for c in characters
            )
    return warnings


def find_orders(numbers: Mapping[str, Sequence[int]]) -> tuple[dict[str, Mapping[int, str]], tuple[str, ...]]:
    """Return font -> its order, glyph to letter, of the fonts' numbers on a page; and a warning if there is any.

    A font in no known order has an empty one; one with few glyphs has none.
    """
    orders = {font: _order_of(found) for font, found in numbers.items() if len(found) >= FEWEST_GLYPHS}
    notes = [UNDONE] * any(orders.values()) + [UNREADABLE] * (not all(orders.values()))
    return orders, ((WARNING.format(", and ".join(notes)),) if notes else ())


def _spans_with_letters(blocks: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    return [span["chars"] for block in blocks for line in block["lines"] for span in line["spans"]]


def _place(character: Mapping[str, Any]) -> tuple[int, int]:
    x, y = character["origin"]
    return round(10 * x), round(10 * y)


def _order_of(numbers: Sequence[int]) -> Mapping[int, str]:
    """Return the order in which glyphs make words, with spaces between them; empty if there is none."""
    readings = [(order, [order.get(n, UNKNOWN) for n in numbers]) for order in ORDERS]
    words = [(order, characters) for order, characters in readings if _makes_words(characters)]
    return max(words, key=lambda read: read[1].count(" "), default=({}, []))[0]


def _makes_words(characters: Sequence[str]) -> bool:
    known = sum(c.isalnum() or c == " " for c in characters)
    letters = [c.casefold() for c in characters if c.isalpha() and c.isascii()]
    vowels = sum(c in "aeiouy" for c in letters)
    return known >= READ * len(characters) and VOWELS[0] * len(letters) <= vowels <= VOWELS[1] * len(letters)


def is_garbage(text: str) -> bool:
    """Return whether a text layer maps its glyphs to no letters: to private-use and replacement characters."""
    if text.isascii():
        return False
    letters = [c for c in text if not c.isspace()]
    return sum(c == "\ufffd" or "\ue000" <= c <= "\uf8ff" for c in letters) > MOST_GARBAGE * len(letters)
