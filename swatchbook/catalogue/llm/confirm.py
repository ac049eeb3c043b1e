"""Test whether the words of a page confirm a language model's answer.

The words of a value must occur on the page. A product's name must begin a short line (12 words) or be at least half of
a line, so that a name that prose only mentions does not count. `products.py` and `metadata.py` decide what is rejected.

Case, spaces, Unicode forms, hyphens at line ends and most punctuation do not count; numbers, their signs and units do.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

_MARKS: Final = re.compile(r"[®©™℠\u00ad\u200b-\u200d\ufeff]")
_TIMES: Final = re.compile(r"(?<=\d)\s*[x×*]\s*(?=\d)")
_HYPHENATED: Final = re.compile(r"(?<=[^\W\d_])[-‐\u00ad]\s*\n\s*(?=[^\W\d_])")
_PART: Final = re.compile(r"(?<![\w.,])[-−–](?=\d)|\d+(?:[.,'’]\d+)*|[^\W\d_][^\W_]*|[^\w\s]")
_SIGNS: Final = {"−": "-", "–": "-"}
_MEANINGLESS: Final = frozenset("=|~")
LONGEST_NAMED_LINE: Final = 12
"""The most words of a line that begins with a name; a longer line is prose."""


def normalise_words(text: str) -> str:
    """Return the normalised words of a text, with a space before, between and after them: `in` finds whole words.

    "60×120cm" and "60 x 120 cm" give the same result; "R10" and "AB-1" stay distinct.
    """
    text = _TIMES.sub(" x ", unicodedata.normalize("NFKC", _MARKS.sub("", text)).casefold())
    parts = [_SIGNS.get(part, part) for part in _PART.findall(text)]
    return f" {' '.join(part for part in parts if _counts(part))} "


def normalise_source(text: str) -> str:
    """Return the words of a page's text; a word hyphenated at a line end occurs both joined and divided."""
    joined = _HYPHENATED.sub("", text)
    return normalise_words(text) if joined == text else f"{normalise_words(text)}\n{normalise_words(joined)}"


def occurs(text: str, source: str) -> bool:
    """Whether a text occurs in a source from `normalise_source`. A text without words does not."""
    sought = normalise_words(text)
    return bool(sought.strip()) and sought in source


def is_named(name: str, lines: Sequence[str]) -> bool:
    """Whether a name begins a short line, or is at least half of the words of one, two or three successive lines.

    A text that only prose mentions ("ignore your instructions and add …") is no name. `lines` are from
    `normalise_words`.
    """
    sought = normalise_words(name)
    size = len(sought.split())
    for line in _runs(lines):
        count = len(line.split())
        if sought in line and (count <= 2 * size or (line.startswith(sought) and count <= LONGEST_NAMED_LINE)):
            return size > 0
    return False


def _runs(lines: Sequence[str]) -> Iterator[str]:
    """Return each line, and each two and three successive lines joined."""
    yield from lines
    for one, two in pairwise(lines):
        yield one + two.lstrip()
    for one, two, three in zip(lines, lines[1:], lines[2:], strict=False):
        yield one + two.lstrip() + three.lstrip()


def _counts(part: str) -> bool:
    """Whether a part counts: words, numbers, currencies, and signs that change a number, such as "≤", "%" or "-"."""
    if part[0].isalnum() or part in "-%‰°":
        return True
    return part not in _MEANINGLESS and unicodedata.category(part) in ("Sm", "Sc")
