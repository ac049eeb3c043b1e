"""Sizes as words of their own: what is printed as "60 × 120 cm" is found by "60x120", however it is typed."""

import re

_TIMES = re.compile(r"(?<=\d)\s*[x×✕]\s*(?=\d)", re.IGNORECASE)
_SIZE = re.compile(r"\d+(?:[.,]\d+)?(?:x\d+(?:[.,]\d+)?)+")


def join_sizes(text: str) -> str:
    """ "60 × 120" as "60x120": one word for keyword search."""
    return _TIMES.sub("x", text)


def with_sizes(text: str) -> str:
    """The text, and below it each of its sizes as one word where it is printed otherwise."""
    printed = set(_SIZE.findall(text))
    missing = [size for size in dict.fromkeys(_SIZE.findall(join_sizes(text))) if size not in printed]
    return "\n".join([text, " ".join(missing)]) if missing else text
