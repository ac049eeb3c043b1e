"""Recognise texts that name colours, by the words of `colors.toml` or as numbers of RAL, NCS and Pantone."""

import re

from swatchbook_catalogue.attributes import read_words

_NUMBER = re.compile(
    r"RAL\s?\d{3,4}(?:\s?\d\d\s?\d\d)?|NCS\s?S?\s?\d{4}-[A-Z]\d{0,2}[A-Z]?|Pantone\s?\d{2,4}\s?[A-Z]{0,3}",
    re.IGNORECASE,
)
_LISTED = re.compile(r"\s*[,;|·•]\s*|\s+(?:and|und|et|e|y|en|и|i|ve|và|or|oder|ou|o)\s+", re.IGNORECASE)
_TOGETHER = re.compile(r"\s*[/&+]\s*|\s+[-–—]\s+")
_WORD = re.compile(r"[^\W\d_]+")
MOST_WORDS = 4  # the most words of one colour; more are a sentence


_COLORS, _BESIDE, _SHORT = (
    frozenset(word for words in read_words("colors.toml")[part].values() for word in words)
    for part in ("colors", "beside", "short")
)


def colors_in(text: str) -> list[str]:
    """Return the colours that a text lists if it contains nothing else and one is surely a colour, else none.

    "White/oak" is one product in two colours. Abbreviations count only in a text of abbreviations and whole words for
    colours: "бел/роз".
    """
    listed = [part for each in _LISTED.split(text) if (part := each.strip(" .:"))]
    if all(map(_is_color, listed)) and any(map(says_color, listed)):
        return listed
    words = _WORD.findall(text.casefold())
    is_short = words and not any(map(str.isdigit, text)) and all(word in _SHORT or word in _COLORS for word in words)
    return listed if is_short else []


def says_color(text: str) -> bool:
    """Whether a word of a text is surely a colour."""
    return bool(_NUMBER.search(text)) or not _COLORS.isdisjoint(_WORD.findall(text.casefold()))


def color_at_end(name: str) -> str | None:
    """Return the colour at the end of a name, as in "T-12 light grey" and "Chair (black)"; None for only "Red"."""
    if bracketed := re.search(r".[(\[]([^()\[\]]+)[)\]]\s*$", name):
        return bracketed[1].strip() if colors_in(bracketed[1]) else None
    words = [] if _is_color(name) else name.split()
    for n in range(max(1, len(words) - MOST_WORDS), len(words)):
        end = " ".join(words[n:])
        if end[0].isalnum() and _is_color(end) and says_color(end):
            return end
    return None


def _is_color(text: str) -> bool:
    """Whether a text is a number of a colour, or consists of words for colours and words that go with them."""
    parts = [part for part in _TOGETHER.split(text) if part]
    return bool(parts) and all(_NUMBER.fullmatch(part) or _has_only_colors(part) for part in parts)


def _has_only_colors(text: str) -> bool:
    words = text.casefold().split()
    return len(words) <= MOST_WORDS and all(_is_known(word.strip("()")) for word in words)


def _is_known(word: str) -> bool:
    return all(part in _COLORS or part in _BESIDE for part in (word.split("-") if word not in _COLORS else [word]))
