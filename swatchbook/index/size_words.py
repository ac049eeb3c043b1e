"""Write sizes as single words, so that keyword search finds "60 × 120 cm" by "60x120" and the other way round."""

import re

_TIMES = re.compile(r"(?<=\d)\s*[x×✕]\s*(?=\d)", re.IGNORECASE)
_SIZE = re.compile(r"(?<!\d)\d+(?:[.,]\d+)?(?:x\d+(?:[.,]\d+)?)+")


def join_sizes(text: str) -> str:
    """Return the text with each size as one word: "60x120" for "60 × 120"."""
    return _TIMES.sub("x", text)


def with_sizes(text: str) -> str:
    """Return the text, and below it the sizes that it does not print as one word."""
    printed = set(_SIZE.findall(text))
    missing = [size for size in dict.fromkeys(_SIZE.findall(join_sizes(text))) if size not in printed]
    return "\n".join([text, " ".join(missing)]) if missing else text
