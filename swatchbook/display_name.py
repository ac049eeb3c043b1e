"""Names of files as strangers give them, made fit to be shown. They are never a path here: content names files."""

import unicodedata

_MOST = 200  # characters
_NAMELESS = "document.pdf"


def display_name(given: str) -> str:
    """The last part of a name or path, on one line, without what does not show or turns the reading direction.

    Never empty, at most 200 characters, the suffix kept.
    """
    last = given.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    shown = "".join(" " if c.isspace() else c for c in unicodedata.normalize("NFC", last) if _is_shown(c))
    name = " ".join(shown.split()).strip(". ")
    if len(name) <= _MOST:
        return name or _NAMELESS
    stem, dot, suffix = name.rpartition(".")
    ending = dot + suffix if stem and len(suffix) <= 8 else ""
    return name[: _MOST - 1 - len(ending)].rstrip(". ") + "…" + ending


def _is_shown(character: str) -> bool:
    """Not a control, a format mark (as U+202E, right-to-left override), a surrogate or an unassigned character."""
    return character.isspace() or not unicodedata.category(character).startswith("C")
