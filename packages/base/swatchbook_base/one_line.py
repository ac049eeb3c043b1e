"""Texts for people: on one line, without characters that hide or reorder others, shortened with "…", or printable."""

import unicodedata


def one_line(text: str) -> str:
    """Return a text from outside as one line: no invisible or direction-changing characters, single spaces.

    Controls and line ends count as spaces. For names and short answers only: the text of pages, lines of the log and
    tables on the terminal keep more, and say so where they are read or written.
    """
    if text.isprintable():  # most are; then there is nothing to leave out
        return " ".join(text.split())
    spaced = (" " if c.isspace() or unicodedata.category(c) == "Cc" else c for c in text)
    return " ".join("".join(c for c in spaced if not unicodedata.category(c).startswith("C")).split())


def shorten(text: str, most: int) -> str:
    """Return a text as one line of at most `most` characters; a longer one ends with "…"."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def clean(text: str) -> str:
    """Replace what is not printable by spaces, since it could drive the terminal; line ends and columns stay.

    A text that must be one line everywhere goes through `one_line` instead.
    """
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)
