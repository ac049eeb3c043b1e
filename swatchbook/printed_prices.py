"""Prices as they are printed: what in a text is a price, and its amounts, range and currency ("€ 1.299,00" is 1299.0 in
EUR). No other module knows the signs and words of currencies.
"""

import re
from collections.abc import Iterable

CODES = (
    "EUR", "USD", "GBP", "CHF", "INR", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "BGN", "RSD", "BAM", "TRY",
    "UAH", "RUB", "KZT", "UZS", "AED", "SAR", "QAR", "KWD", "EGP", "MAD", "NGN", "GHS", "KES", "ZAR", "JPY", "CNY",
    "KRW", "VND", "THB", "IDR", "MYR", "PHP", "ILS", "MXN", "COP", "ARS", "CLP", "PEN", "BRL", "DOP", "CAD", "AUD",
    "NZD", "HKD", "SGD", "TWD", "ISK",
)  # fmt: skip
"""Codes of currencies (ISO 4217) that are printed with prices."""

SIGNS = {
    "€": "EUR", "£": "GBP", "₹": "INR", "₽": "RUB", "₺": "TRY", "₩": "KRW", "₫": "VND", "₴": "UAH", "₦": "NGN",
    "₱": "PHP", "₪": "ILS", "₸": "KZT", "฿": "THB", "$": None, "¥": None,
}  # fmt: skip
"""Sign, before or behind an amount -> code. A dollar and a yen may be of several countries: None."""

WORDS_BEFORE = {
    "R$": "BRL", "US$": "USD", "RD$": "DOP", "NT$": "TWD", "A$": "AUD", "C$": "CAD", "S/": "PEN", "Rp": "IDR",
    "RM": "MYR", "RMB": "CNY", "KSh": "KES", "Bs": None, "Rs": None,
}  # fmt: skip
"""What is printed before an amount -> code. A rupee (Rs) and a bolívar or boliviano (Bs) are of several countries."""

WORDS_BEHIND = {
    "zł": "PLN", "Kč": "CZK", "Ft": "HUF", "KM": "BAM", "TL": "TRY", "лв": "BGN", "дин": "RSD", "din": "RSD",
    "руб": "RUB", "р.": "RUB", "грн": "UAH", "тг": "KZT", "тенге": "KZT", "сум": "UZS", "сўм": "UZS", "SUM": "UZS",
    "so'm": "UZS", "so‘m": "UZS", "so’m": "UZS", "đ": "VND", "VNĐ": "VND", "원": "KRW", "円": "JPY", "RMB": "CNY",
    "lei": "RON", "Lei": "RON", "kr": None, "元": None, "تومان": None, "ریال": None, "درهم": None,
}  # fmt: skip
"""What is printed behind an amount -> code. Crowns, rials, dirhams and 元 are of several countries; a toman is ten
rials."""

SHARED = {
    "$": ("USD", "CAD", "AUD", "NZD", "HKD", "SGD", "TWD", "MXN", "COP", "ARS", "CLP", "UYU", "DOP", "BBD", "BMD",
          "BSD", "BZD", "FJD", "GYD", "JMD", "KYD", "LRD", "NAD", "SRD", "TTD", "XCD"),
    "¥": ("JPY", "CNY"), "元": ("CNY", "TWD", "HKD"), "kr": ("SEK", "NOK", "DKK", "ISK"),
    "Rs": ("INR", "PKR", "LKR", "NPR", "MUR", "SCR"), "Bs": ("BOB", "VES"), "تومان": ("IRR",),
    "ریال": ("IRR", "SAR", "QAR", "OMR", "YER"), "درهم": ("AED", "MAD"),
}  # fmt: skip
"""Signs and words of several countries -> the codes that they may mean."""


def any_of(names: Iterable[str]) -> str:
    """Return the pattern of any of these names, the longest first."""
    return "|".join(re.escape(name) for name in sorted(names, key=lambda name: (-len(name), name)))


AMOUNT = r"\d{1,3}(?:[.,'‘’ \u00a0\u202f]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d+(?:[.,]\d{1,2})?(?![.,]?\d)"
_LOOSE = r"\d[\d.,' ]{0,20}"
_ANY_SIGN = rf"[{''.join(map(re.escape, SIGNS))}]"
_NOT_BEHIND = frozenset({"PEN", "COP", "CLP"})
"""Codes that are words or units behind a number: "10 PEN"."""
_ONLY_LOOSE = frozenset({"Ft", "KM", "kr", "р.", "zł", "руб", "грн"})
"""Words that are a currency only in their own patterns below."""
_LOOSE_BEFORE = rf"(?:[€$£₹¥₽₺]|\b(?:EUR|USD|GBP|CHF|INR|KES|AED|PLN|Rs\.?|KSh\.?))\s?{_LOOSE}"
_TO_DIGIT = r"\d(?:[\d.,' ]{0,19}\d)?"
"""The same without a sign behind it: in "MP 310, £18" the pound is that of 18."""
_LOOSE_BEHIND = (
    rf"\b{_TO_DIGIT}(?:\s?(?:(?:EUR|USD|GBP|CHF|PLN)\b|zł|руб|р\.|грн|Kč|kr\b|/-)|[€£₹¥₽₺]|\s[€£₹¥₽₺](?!\d))"
)
_SHORT = re.compile(f"{_LOOSE_BEFORE}|{_LOOSE_BEHIND}")
_BEFORE = (
    rf"(?:(?:{any_of(WORDS_BEFORE.keys() - {'Rp', 'RM', 'RMB', 'KSh', 'Rs'})})\.?|{_ANY_SIGN}"
    rf"|\b(?:{any_of(CODES)}|RMB|MRP|Rp\.?))"
)
_NAME_BEHIND = any_of({*CODES, *WORDS_BEHIND} - _NOT_BEHIND - _ONLY_LOOSE)
_BEHIND = rf"(?:{_ANY_SIGN}|\s{_ANY_SIGN}(?!\d)|\s?(?:{_NAME_BEHIND})(?![\w-]))"
_UNIT = (
    r"\s?(?:/|(?:per|pro|je|par|por|al|за)\s)\s?(?:m²|m2|m|sqm|sq\.?\s?ft|pcs?|piece|unit"
    r"|stk|stück|st|kg|l|шт|м²|м2|кг|ud|un|pz|szt|kom|box|set|pair)\b\.?"
)
_PER = f"(?:{_UNIT})?"
_PER_UNIT = re.compile(_UNIT, re.IGNORECASE)
_WITH_CURRENCY = re.compile(
    rf"{_BEFORE}\s?(?:{AMOUNT}){_PER}"
    rf"|(?<![\w.,])(?:{AMOUNT})(?:[,.]?[-–])?{_BEHIND}\.?{_PER}"
    r"|(?<![\w.,])\d[\d.]*,\d\d\s?KM\b"
    r"|(?<![\w.,])\d{1,3}(?:[ .]\d{3})+(?:,\d\d)?\s?Ft\b|\bRM\s?\d[\d,]*\.\d\d\b"
    r"|(?<![\w.,])(?:\d{1,3}(?:[.,]\d{3})+|\d+)[.,][-–](?![\w.,-])"
)
"""An amount with a currency, by its sign, code or word, or with the dash that is printed for no cents."""

_AMOUNT = re.compile(r"(\d+(?:[\s'’.,]\d{3})*)(?:[.,](\d{1,2}))?(?!\d)")
_CODE_OF = {
    **{name.upper(): code for name, code in (*WORDS_BEHIND.items(), *WORDS_BEFORE.items())},
    **SIGNS,
    **{code: code for code in CODES},
}
_SHARED = {name.upper(): frozenset(codes) for name, codes in SHARED.items()}
_CURRENCY = re.compile(
    rf"(?<![^\W\d])(?:{any_of({*WORDS_BEFORE, *CODES})})(?![^\W\d])"
    rf"|(?<![^\W\d])(?:{any_of(WORDS_BEHIND)})(?!\w)|{_ANY_SIGN}",
    re.IGNORECASE,
)
_TO = r"(?:-|–|—|~|…|to|up\sto|bis|à|au|do|до|al|hasta|até|tot|til|till)"
_BESIDE = rf"(?:\s?(?:{any_of({*SIGNS, *CODES, *WORDS_BEFORE, *WORDS_BEHIND})})\.?)?"
_LOWEST = re.compile(
    r"\s*(?:starting\s)?(?:from|ab|von|à partir de|a partir de|dès|desde|da|od|от|vanaf|från|fra|alkaen)(?!\w)",
    re.IGNORECASE,
)
_FORMERLY = (
    "statt", "bisher", "früher", "vorher", "ursprünglich", "uvp", "was", "instead of", "originally", "rrp",
    "au lieu de", "avant", "antes", "invece di", "anziché", "zamiast", "i stället för", "вместо",
)  # fmt: skip
_FORMER = re.compile(
    rf"(?<!\w)(?:{any_of(_FORMERLY)})\s*:?\s*(?P<price>(?:{_BEFORE}\s?)?(?:{AMOUNT})(?:{_BEHIND})?)", re.IGNORECASE
)
_CENTS = re.compile(r"[.,]\d\d$")
_RANGE = re.compile(rf"({AMOUNT}){_BESIDE}\s?{_TO}{_BESIDE}\s?({AMOUNT})", re.IGNORECASE)


def price_in(text: str) -> str | None:
    """Return the first price in a text, with what it is for, as printed: "€ 25,90/m²".

    One before a reduction is returned only where the text has no other: "statt 99 € nur 79 €" has 79 €.
    """
    if not any(map(str.isdigit, text)):
        return None
    left = _FORMER.sub(" ", text)
    return (_first_price(left) if left != text else None) or _first_price(text)


def _first_price(text: str) -> str | None:
    found = [match for pattern in (_WITH_CURRENCY, _SHORT) if (match := pattern.search(text))]
    return min(found, key=lambda match: match.start()).group().strip() if found else None


def price_of(text: str) -> float | None:
    """Return the first amount of a printed price, with any thousands and decimal signs: "€ 1.299,00" is 1299.0."""
    return next(iter(amounts_of(text)), None)


def highest_of(text: str) -> float | None:
    """Return the upper end of a printed range, 18.0 of "from €12 to €18"; None where a price is no range.

    Prices of several units or currencies are no range, nor is an amount with a lower one behind it.
    """
    found = _RANGE.search(text)
    if found is None:
        return None
    lowest, highest = (amounts_of(end)[0] for end in found.groups())
    return highest if lowest == price_of(text) and highest > lowest else None


def is_lowest(text: str) -> bool:
    """Return whether a printed price says that it is the lowest of several: "from €12", "ab 89,-"."""
    return _LOWEST.match(text) is not None


def is_one_amount(text: str) -> bool:
    """Return whether a printed price is one amount and nothing else: no range, not the lowest, and not for a unit."""
    return len(amounts_of(text)) == 1 and not is_lowest(text) and _PER_UNIT.search(text) is None


def without_former(text: str) -> str:
    """Return a printed price without the amount before a reduction: "statt 99 € nur 79 €" is 79 €."""
    left = _FORMER.sub(" ", text)
    return left.strip() if amounts_of(left) else text


def former_in(text: str) -> str | None:
    """Return the price before a reduction that a text has, as printed: of "statt 99 € nur 79 €" it is 99 €.

    It has a currency or cents, which the number of "there was 1 lamp" has not.
    """
    prices = (found["price"] for found in _FORMER.finditer(text))
    return next((price for price in prices if names_currency(price) or _CENTS.search(price)), None)


def amounts_of(text: str) -> tuple[float, ...]:
    """Return all amounts of a printed price, in their order."""
    return tuple(float(f"{re.sub(r'[^0-9]', '', found[1])}.{found[2] or 0}") for found in _AMOUNT.finditer(text))


def currency_of(text: str) -> str | None:
    """Return the code of the currency that a price names by its sign, word or code: "€ 1.299,00" is in EUR.

    None where the name is of several countries: "$ 12".
    """
    return next(iter(currencies_of(text)), None)


def currencies_of(text: str) -> tuple[str, ...]:
    """Return the codes of all currencies that a price names, in their order."""
    return tuple(code for found in _CURRENCY.findall(text) if (code := _CODE_OF[found.upper()]))


def names_currency(text: str) -> bool:
    """Return whether a price names a currency, also by a name of several countries: "$ 12"."""
    return _CURRENCY.search(text) is not None


def codes_it_may_be(text: str) -> frozenset[str] | None:
    """Return the codes of the currencies that a price may be in, None where it names none.

    The first name counts. One of several countries may have a code behind it: "$ 12 CAD".
    """
    names = [name.upper() for name in _CURRENCY.findall(text)]
    if not names:
        return None
    if code := _CODE_OF[names[0]]:
        return frozenset({code})
    named = next((code for code in currencies_of(text) if code in _SHARED[names[0]]), None)
    return frozenset({named}) if named else _SHARED[names[0]]


def may_be_in(text: str, currency: str) -> bool:
    """Return whether a price may be in a currency: "$ 12" may be in USD, not in EUR, and "12" in any."""
    codes = codes_it_may_be(text)
    return codes is None or currency in codes


def with_currency(price: str, currency: str | None) -> str:
    """Return a price with its currency behind it, where the price does not name one itself."""
    return f"{price} {currency}" if currency and not names_currency(price) else price
