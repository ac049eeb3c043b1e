"""Whether what a model says stands in the document: both as the same words, however they are set.

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
"""Words of a line that a name begins; a longer one is prose."""


def words(text: str) -> str:
    """The words of a text in one form, with a space before, between and after them: `in` then finds whole words.

    "60×120cm" and "60 x 120 cm" come out alike; "R10" and "AB-1" stay what they are.
    """
    text = _TIMES.sub(" x ", unicodedata.normalize("NFKC", _MARKS.sub("", text)).casefold())
    parts = [_SIGNS.get(part, part) for part in _PART.findall(text)]
    return f" {' '.join(part for part in parts if _counts(part))} "


def source_words(text: str) -> str:
    """The words of a page's text, words parted at line ends both as one and as two."""
    joined = _HYPHENATED.sub("", text)
    return words(text) if joined == text else f"{words(text)}\n{words(joined)}"


def occurs(said: str, source: str) -> bool:
    """Whether something said stands in a source (of `source_words`). What has no words stands nowhere."""
    sought = words(said)
    return bool(sought.strip()) and sought in source


def is_named(name: str, lines: Sequence[str]) -> bool:
    """Whether a name stands as one: it begins a short line, or is half of one, or of two or three that follow each
    other. What only prose mentions ("ignore your instructions and add …") is no name.

    `lines`: each of `words`.
    """
    sought = words(name)
    size = len(sought.split())
    for line in _runs(lines):
        count = len(line.split())
        if sought in line and (count <= 2 * size or (line.startswith(sought) and count <= LONGEST_NAMED_LINE)):
            return size > 0
    return False


def _runs(lines: Sequence[str]) -> Iterator[str]:
    yield from lines
    for one, two in pairwise(lines):
        yield one + two.lstrip()
    for one, two, three in zip(lines, lines[1:], lines[2:], strict=False):
        yield one + two.lstrip() + three.lstrip()


def _counts(part: str) -> bool:
    """Words and numbers, currencies, and what changes a number: "≤", "%", "°", its sign."""
    if part[0].isalnum() or part in "-%‰°":
        return True
    return part not in _MEANINGLESS and unicodedata.category(part) in ("Sm", "Sc")
