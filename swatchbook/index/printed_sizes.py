"""Bring printed sizes into one normal form.

Here are the values of a list ("60 × 120 cm, slab 305 × 125 cm; 60 × 120") as people read them, a key that is equal for
equal sizes in any unit ("60x120" and "600 × 1200 mm"), and texts with each size as one word.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

MILLIMETRES: Final = {"mm": 1.0, "cm": 10.0, "m": 1_000.0, "in": 25.4, "ft": 304.8}
"""Unit -> its length in millimetres."""

LARGEST_IN_CM: Final = 400.0
"""The longest side without a unit that is in centimetres; with a longer one all sides are in millimetres."""

_UNITS: Final = {
    "mm": "mm|мм", "cm": "cm|см", "m": "m|м", "in": "inches|inch|in|″|”|\"|''", "ft": "feet|foot|ft|′",
}  # fmt: skip
_UNIT_OF: Final = {word: unit for unit, words in _UNITS.items() for word in words.split("|")}
_UNIT = rf"(?:{'|'.join(sorted(map(re.escape, _UNIT_OF), key=lambda word: -len(word)))})"
_NUMBER = r"\d{1,3}(?:[,' \u00a0\u202f]\d{3})+(?![\d.,])|\d+(?:[.,]\d+)?"
_SIDE = rf"(?:{_NUMBER})(?:\s?{_UNIT}(?!\w))?"
_SIZE = re.compile(rf"(?<![\w.,])({_SIDE}(?:\s?x\s?{_SIDE}){{1,3}})(?!\w)", re.IGNORECASE)
_ONE = re.compile(rf"({_NUMBER})\s?({_UNIT})(?!\w)", re.IGNORECASE)
_GROUPED = re.compile(r"\d{1,3}(?:[,' \u00a0\u202f]\d{3})+")
_PARTS = re.compile(r"\s*[;|·\n]\s*|,\s+")  # not the comma in "1,5 m"
_NUMBERED = re.compile(r"\d{2}(?:[ /]\d{2})+")  # sizes of clothes: "40 41 42"
_CROSSES = "xX×✕*хХ"  # the last two are Cyrillic
_TIMES = re.compile(rf"(?<=\d)\s*[{_CROSSES}]\s*(?=\d)")


class Size(NamedTuple):
    """A size of two to four sides, in the unit that is printed, or None without one."""

    sides: tuple[float, ...]
    unit: str | None

    @property
    def text(self) -> str:
        """Return it as people read it: "60 × 120 cm"."""
        return " ".join(filter(None, (" × ".join(map(_number, self.sides)), self.unit)))

    @property
    def key(self) -> str:
        """Return a key that equal sizes share, in tenths of a millimetre: "=6000x12000".

        A size without a unit gets the likelier one.
        """
        unit = self.unit or ("mm" if max(self.sides) > LARGEST_IN_CM else "cm")
        return "=" + "x".join(str(_tenths(side * MILLIMETRES[unit])) for side in self.sides)


def sizes_in(printed: str) -> list[str]:
    """Return the values of a printed list of sizes, each once; sizes of two or more sides are in normal form.

    A size without a unit gets the unit of an equal size, or else the one unit of all others. A single number is left
    out if another value has it, too ("Width 142 cm; 142").
    """
    parts = [part.strip() for part in _PARTS.split(join_sizes(printed))]
    parts = [each for part in parts for each in (re.split("[ /]", part) if _NUMBERED.fullmatch(part) else [part])]
    found = [_sizes_of(part) or part for part in parts if part]
    sizes = [size for each in found if not isinstance(each, str) for size in each]
    numbers = {number for each in found if isinstance(each, str) for number, _ in _ONE.findall(each)}
    many = {number for each in found if isinstance(each, str) if not each.isdecimal() for number in each.split()}
    values = dict[str, str]()
    for each in found:
        if isinstance(each, str):
            if not (each.isdecimal() and each in numbers | many):
                values.setdefault(each.casefold(), each)
            continue
        for size in each:
            whole = size if size.unit else size._replace(unit=_unit_among(size, sizes))
            values.setdefault(whole.key, whole.text)
    return list(values.values())


def size_key(text: str) -> str | None:
    """Return the key of the first size of two or more sides in a text; None if it has none."""
    sizes = _sizes_of(join_sizes(text))
    return sizes[0].key if sizes else None


def join_sizes(text: str) -> str:
    """Return the text with each size as one word: "60x120" for "60 × 120"."""
    return _TIMES.sub("x", text) if any(cross in text for cross in _CROSSES) else text


def _sizes_of(part: str) -> list[Size]:
    """Return the sizes of two or more sides in a text. A unit behind the last side applies to all sides without one."""
    return [size for match in _SIZE.finditer(part) for size in _size(match[1], part[match.end() :])]


def _size(text: str, behind: str) -> Iterator[Size]:
    sides = [re.match(rf"({_NUMBER})\s?(.*)", side, re.IGNORECASE) for side in re.split(r"\s?x\s?", text.lower())]
    units = [_UNIT_OF.get(side[2].strip()) for side in sides if side]
    bracketed = re.match(rf"\s?\(\s?({_UNIT})\s?\)", behind, re.IGNORECASE)
    last = _UNIT_OF[bracketed[1].lower()] if bracketed else next((u for u in reversed(units) if u), None)
    numbers = [_float(side[1]) for side in sides if side]
    if last and len({unit or last for unit in units}) > 1:  # different units, as in "2.2 m x 220 mm"
        yield Size(tuple(n * MILLIMETRES[u or last] for n, u in zip(numbers, units, strict=True)), "mm")
    elif all(numbers):
        yield Size(tuple(numbers), last)


def _unit_among(size: Size, sizes: Iterable[Size]) -> str | None:
    """Return the unit of an equal size, or else the unit of all others if they have only one."""
    equal = [other.unit for other in sizes if other.unit and other.sides == size.sides]
    units = {other.unit for other in sizes if other.unit}
    return equal[0] if equal else units.pop() if len(units) == 1 else None


def _tenths(millimetres: float) -> int:
    """Return a length in tenths of a millimetre, from 10 cm rounded to millimetres, so that 24 inches are 61 cm."""
    return 10 * round(millimetres) if millimetres >= 100 else round(10 * millimetres)


def _float(text: str) -> float:
    if _GROUPED.fullmatch(text):
        return float(re.sub(r"\D", "", text))
    return float(text.replace(",", "."))


def _number(value: float) -> str:
    return f"{round(value, 2):,g}" if value < 1_000_000 else f"{value:,.0f}"
