"""What a printed price is for: a square metre, a piece, a kilogram ("€ 25,90/m²")."""

import re

from swatchbook_base.printed_prices import any_of

_UNITS = {
    "m²": "m2", "m2": "m2", "sqm": "m2", "qm": "m2", "м²": "m2", "м2": "m2", "sq ft": "ft2", "sqft": "ft2", "m": "m",
    "lm": "m", "м": "m", "kg": "kg", "кг": "kg", "l": "l", "pc": "piece", "pcs": "piece", "piece": "piece",
    "unit": "piece", "stk": "piece", "stück": "piece", "st": "piece", "шт": "piece", "ud": "piece", "un": "piece",
    "pz": "piece", "szt": "piece", "kom": "piece", "box": "box", "set": "set", "pair": "pair",
}  # fmt: skip
"""What a price is for, as printed -> its name."""
_UNIT = re.compile(
    rf"(?:/|\b(?:per|pro|je|par|por|al|за)\b)\s*(?:1\s*)?(sq\.?\s?ft|{any_of(_UNITS)})(?!\w)", re.IGNORECASE
)

CODES = {
    "m2": "MTK", "ft2": "FTK", "m": "MTR", "kg": "KGM", "l": "LTR", "piece": "C62", "box": "BX", "set": "SET",
    "pair": "PR",
}  # fmt: skip
"""Unit -> its code in UN/ECE Recommendation 20, which BMEcat and schema.org use."""


_NAMES = _UNITS | {name: name for name in CODES} | {code.casefold(): name for name, code in CODES.items()}


def unit_named(text: str) -> str:
    """Return the name of a unit that a person wrote: its name, its code or as it is printed; any other text as it is.

    "m²" and "MTK" are m2.
    """
    return _NAMES.get(text.casefold(), text)


def unit_code(unit: str) -> str:
    """Return the UN/ECE code of a unit, "" if it has none. A text such as TNE is one already."""
    code = CODES.get(unit, unit)
    return code if re.fullmatch(r"[A-Z0-9]{2,3}", code) else ""


def unit_of(text: str) -> str | None:
    """Return what a price is for: m2, ft2, m, kg, l, piece, box, set or pair; None if it does not say.

    "€ 25,90/m²" is for m2.
    """
    found = _UNIT.search(text)
    return _UNITS[re.sub(r"[.\s]+", " ", found[1]).casefold()] if found else None
