"""Write cells of CSV of which no spreadsheet makes a formula, and read them back.

A spreadsheet takes a text that begins with = + - @ for a formula, and catalogues come from strangers. Such a text (also
one that begins with a tab, a line break, or the full-width forms of the four, but no number with a sign) gets an
apostrophe in front. In many countries a spreadsheet separates cells at semicolons, wherever in a line they are: what
follows a semicolon or a tab counts as a text of its own, and a cell with one is quoted.
"""

import re
from collections.abc import Iterable

Cell = str | float | None

_STARTS = r"[=+\-@\t\r\n＝＋－＠]"
"""With one of these a cell begins a formula, in some spreadsheet or other."""

_FORMULA = re.compile(_STARTS)
_APOSTROPHE = re.compile(f"(?:^|(?<=[;\t]))'(?={_STARTS})")
_BEHIND_SEPARATOR = re.compile("(?<=[;\t])")
_NUMBER = re.compile(r"[+-]?[.,]?[0-9]+([.,][0-9]+)*%?")
_BETWEEN_NUMBERS = re.compile(r" ?\| ?|,? |,(?=[+-])")
_QUOTED = re.compile('[",;\t\r\n]')


def protect_cell(cell: Cell) -> Cell:
    """Return a cell of CSV; each text in it that a spreadsheet would take for a formula gets an apostrophe in front.

    A number with a sign, or a list of some, is no formula: importers read `-1` and `+1.0, +1.5` as what they are.
    """
    if not isinstance(cell, str):
        return cell
    return "".join(f"'{part}" if _is_formula(part) else part for part in _BEHIND_SEPARATOR.split(cell))


def _is_formula(text: str) -> bool:
    if not _FORMULA.match(text):
        return False
    return not all(_NUMBER.fullmatch(each) for each in _BETWEEN_NUMBERS.split(text.removesuffix(";")))


def unprotected(text: str) -> str:
    """Return a text without the apostrophes that `protect_cell` puts in front of formulas."""
    return _APOSTROPHE.sub("", text)


def csv_line(cells: Iterable[Cell], delimiter: str = ",") -> str:
    """Return cells as a line of CSV. Those that another delimiter might divide are quoted."""
    texts = ("" if cell is None else str(cell) for cell in cells)
    return (
        delimiter.join('"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text for text in texts) + "\r\n"
    )
