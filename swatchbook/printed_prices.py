"""Amounts and currencies of prices as they are printed: "€ 1.299,00" is 1299.0 in EUR."""

import re

_AMOUNT = re.compile(r"(\d+(?:[\s'’.,]\d{3})*)(?:[.,](\d{1,2}))?(?!\d)")
_SIGNS = {
    "€": "EUR", "£": "GBP", "₹": "INR", "₽": "RUB", "₺": "TRY", "₩": "KRW", "₫": "VND", "₴": "UAH", "R$": "BRL",
    "RP": "IDR", "ZŁ": "PLN", "KČ": "CZK", "РУБ": "RUB", "ГРН": "UAH",
}  # fmt: skip
"""Sign in capitals -> code. A dollar, a crown and a yen may be of several countries."""
_CURRENCY = re.compile(
    r"[€£₹₽₺₩₫₴]|\bR\$|(?<![^\W\d])(?:RP|ZŁ|KČ|РУБ|ГРН)(?![^\W\d])"
    r"|\b(?:EUR|GBP|USD|CHF|SEK|NOK|DKK|PLN|CZK|JPY|CNY|AUD|CAD|INR|RUB|TRY|BRL|IDR|UAH|RSD|RON|HUF|BGN|MXN)\b"
)


def price_of(text: str) -> float | None:
    """Return the first amount of a printed price, with any thousands and decimal signs: "€ 1.299,00" is 1299.0."""
    return next(iter(amounts_of(text)), None)


def amounts_of(text: str) -> tuple[float, ...]:
    """Return all amounts of a printed price, in their order."""
    return tuple(float(f"{re.sub(r'[^0-9]', '', found[1])}.{found[2] or 0}") for found in _AMOUNT.finditer(text))


def currency_of(text: str) -> str | None:
    """Return the code of the currency that a price names by its sign or code: "€ 1.299,00" is in EUR."""
    return next(iter(currencies_of(text)), None)


def currencies_of(text: str) -> tuple[str, ...]:
    """Return the codes of all currencies that a price names, in their order."""
    return tuple(_SIGNS.get(sign, sign) for sign in _CURRENCY.findall(text.upper()))
