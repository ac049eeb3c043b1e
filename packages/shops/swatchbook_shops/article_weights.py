"""Weights and lengths of articles as they are printed: "1,2 kg" is 1,200 grams."""

import re

_GRAMS = {
    "mg": 0.001, "g": 1.0, "gr": 1.0, "gram": 1.0, "grams": 1.0, "г": 1.0, "kg": 1_000.0, "kgs": 1_000.0, "кг": 1_000.0,
    "oz": 28.349523125, "lb": 453.59237, "lbs": 453.59237,
}  # fmt: skip
"""Unit -> grams."""
_WEIGHT = re.compile(rf"(?:ca?\.?\s|approx\.?\s|~\s?)?(\d+(?:[.,]\d+)?)\s?({'|'.join(_GRAMS)})\.?", re.IGNORECASE)
_GROUPED = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")


def grams_of(text: str) -> float | None:
    """Return a weight in grams.

    None where the text is not one weight and nothing else ("300 g/m²", "2 x 5 kg"), and where "1.250 g" may be both.
    """
    found = _WEIGHT.fullmatch(text.strip())
    if found is None or (_GROUPED.fullmatch(found[1]) and _GRAMS[found[2].lower()] <= 1):
        return None
    return float(found[1].replace(",", ".")) * _GRAMS[found[2].lower()]


_CENTIMETRES = {"mm": 0.1, "cm": 1.0, "m": 100.0, "in": 2.54, "ft": 30.48, "yd": 91.44}
"""Unit -> centimetres."""
_LENGTH = re.compile(rf"(\d+(?:[.,]\d+)?)\s?({'|'.join(_CENTIMETRES)})", re.IGNORECASE)


def centimetres_of(text: str) -> float | None:
    """Return a length in centimetres, None where the text is not one length and nothing else, or may be two."""
    found = _LENGTH.fullmatch(text.strip())
    if found is None or _GROUPED.fullmatch(found[1]):
        return None
    return float(found[1].replace(",", ".")) * _CENTIMETRES[found[2].lower()]


def as_decimal(value: float) -> str:
    """Return a number with at most three decimals, and without zeros behind them."""
    return f"{value:.3f}".rstrip("0").rstrip(".")
