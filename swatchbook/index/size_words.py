"""Write sizes as single words, so that keyword search finds "60 × 120 cm" by "60x120" and the other way round."""

import re

_CROSSES = "xX×✕*хХ"  # the last two are Cyrillic
_TIMES = re.compile(rf"(?<=\d)\s*[{_CROSSES}]\s*(?=\d)")


def join_sizes(text: str) -> str:
    """Return the text with each size as one word: "60x120" for "60 × 120"."""
    return _TIMES.sub("x", text) if any(cross in text for cross in _CROSSES) else text
