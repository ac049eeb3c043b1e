"""Prices in texts: amounts with a currency, by its sign, code or word, or with the dash that stands for no cents
("188,000.-"). What a printed price is worth: `swatchbook/printed_prices.py`.
"""

import re

_SHORT = re.compile(
    r"(?:€|\$|£|₹|¥|₽|₺|\bEUR|\bUSD|\bGBP|\bCHF|\bINR|\bRs\.?|\bKSh\.?|\bKES|\bAED|\bPLN)\s?\d[\d.,' ]{0,20}"
    r"|\b\d[\d.,' ]{0,20}\s?(?:€|£|₹|¥|₽|₺|EUR\b|USD\b|GBP\b|CHF\b|PLN\b|zł|руб|р\.|грн|Kč|kr\b|/-)",
)
_SIGN_BEFORE = (
    r"(?:R\$|US\$|RD\$|A\$|C\$|S/\.?|Bs\.?|[€$£₹¥₽₺₩₫₴₦₱₪₸฿]|\b(?:EUR|USD|GBP|CHF|INR|SEK|NOK|DKK|CZK|HUF|RON|BGN|RSD|BAM|TRY|"
    r"UAH|KZT|AED|SAR|QAR|KWD|EGP|MAD|NGN|GHS|KES|ZAR|JPY|CNY|RMB|KRW|VND|THB|IDR|MYR|Rp\.?|MXN|COP|ARS|CLP|PEN|BRL|CAD|"
    r"AUD|NZD|HKD|SGD|MRP))"
)
_SIGN_BEHIND = (
    r"(?:[€$£₹¥₽₺₩₫₴₦₱₪₸฿]|(?:EUR|USD|GBP|CHF|INR|SEK|NOK|DKK|CZK|HUF|RON|BGN|RSD|BAM|TRY|UAH|KZT|AED|SAR|QAR|KWD|EGP|MAD|NGN|"
    r"ZAR|JPY|CNY|RMB|KRW|VND|VNĐ|THB|IDR|TL|lei|Lei|лв|дин|din|тг|тенге|сум|сўм|SUM|so['‘’]m|Kč|đ|원|円|元|تومان|ریال|درهم)(?![\w-]))"
)
AMOUNT = r"\d{1,3}(?:[.,'‘’ \u00a0\u202f]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d+(?:[.,]\d{1,2})?(?![.,]?\d)"
_PER = (
    r"(?:\s?(?:/|(?:per|pro|je|par|por|al|за)\s)\s?(?:m²|m2|m|sqm|sq\.?\s?ft|pcs?|piece|unit"
    r"|stk|stück|st|kg|l|шт|м²|м2|кг|ud|un|pz|szt|kom|box|set|pair)\b\.?)?"
)
_WITH_CURRENCY = re.compile(
    rf"{_SIGN_BEFORE}\s?(?:{AMOUNT}){_PER}"
    rf"|(?<![\w.,])(?:{AMOUNT})(?:[,.]?[-–])?\s?{_SIGN_BEHIND}\.?{_PER}"
    r"|(?<![\w.,])\d[\d.]*,\d\d\s?KM\b"
    r"|(?<![\w.,])\d{1,3}(?:[ .]\d{3})+\s?Ft\b|\bRM\s?\d[\d,]*\.\d\d\b"
    r"|(?<![\w.,])(?:\d{1,3}(?:[.,]\d{3})+|\d+)[.,][-–](?![\w.,-])"
)


def price_in(text: str) -> str | None:
    """Return the first price in a text, with what it is for, as printed: "€ 25,90/m²"."""
    if not any(map(str.isdigit, text)):
        return None
    found = [match for pattern in (_WITH_CURRENCY, _SHORT) if (match := pattern.search(text))]
    return min(found, key=lambda match: match.start()).group().strip() if found else None
