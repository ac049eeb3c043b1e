"""Make a file name from outside safe to show: its last part, on one line, without invisible characters, at most 200
characters. It is never used as a path: files are stored under their content key.
"""

import unicodedata

from swatchbook_base.one_line import one_line

_MAX_LENGTH = 200  # characters
_DEFAULT = "document.pdf"


def display_name(path: str) -> str:
    """Return the last part of a path, on one line, without invisible and direction-changing characters.

    It is never empty and has at most 200 characters; the suffix is kept.
    """
    last = path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    name = one_line(unicodedata.normalize("NFC", last)).strip(". ")
    if len(name) <= _MAX_LENGTH:
        return name or _DEFAULT
    stem, dot, suffix = name.rpartition(".")
    ending = dot + suffix if stem and len(suffix) <= 8 else ""
    return name[: _MAX_LENGTH - 1 - len(ending)].rstrip(". ") + "…" + ending
