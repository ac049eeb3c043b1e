"""How much two printed texts agree. They are compared by letters and digits only: they agree when they are equal, or at
least 85 % alike with the same digits.
"""

import re
import unicodedata
from difflib import SequenceMatcher
from functools import lru_cache

ALIKE = 0.85
"""Least ratio of equal characters of two names that agree: it forgives a misread or torn letter, not another word."""


def likeness(a: str, b: str) -> float:
    """Return how much two names agree, at most 1; 0 if they are different names."""
    a, b = letters(a), letters(b)
    if not a or not b:
        return 0.0
    if a == b:
        return 1.0
    if 2 * min(len(a), len(b)) < ALIKE * (len(a) + len(b)) or re.sub(r"\D+", "", a) != re.sub(r"\D+", "", b):
        return 0.0
    matcher = SequenceMatcher(None, a, b)
    if matcher.quick_ratio() < ALIKE:  # a bound of the ratio, which is slow
        return 0.0
    ratio = matcher.ratio()
    return ratio if ratio >= ALIKE else 0.0


@lru_cache(maxsize=10_000)
def letters(text: str) -> str:
    """Return the letters and digits of a text without case."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("ё", "е").replace("&", "and")
    return re.sub(r"[\W_]+", "", folded)
