"""Prices as they are printed: the numbers of a text that are amounts of money, with their currency and unit.

An amount is the number that touches a currency, and the other end of its range: of "Art. 4711 EUR 20,00" it is 20. A
number has its thousands grouped in one way (1,234,567 · 1.234.567 · 1 234 567 · 1'234'567 · 12,34,567) or not at all.
What can be read in two ways has no value: "4711 EUR 20", "Boxes 4 120,00 EUR". No other module knows the signs and
words of currencies. A text may be hostile, so that only what is near a number is looked at: work grows with its length.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, zip_longest

CODES = (
    "EUR", "USD", "GBP", "CHF", "INR", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "BGN", "RSD", "BAM", "TRY",
    "UAH", "RUB", "KZT", "UZS", "AED", "SAR", "QAR", "KWD", "EGP", "MAD", "NGN", "GHS", "KES", "ZAR", "JPY", "CNY",
    "KRW", "VND", "THB", "IDR", "MYR", "PHP", "ILS", "MXN", "COP", "ARS", "CLP", "PEN", "BRL", "DOP", "CAD", "AUD",
    "NZD", "HKD", "SGD", "TWD", "ISK", "BHD", "OMR", "JOD", "TND",
)  # fmt: skip
"""Codes of currencies (ISO 4217) that are printed with prices."""

SIGNS = {
    "€": "EUR", "£": "GBP", "₹": "INR", "₽": "RUB", "₺": "TRY", "₩": "KRW", "₫": "VND", "₴": "UAH", "₦": "NGN",
    "₱": "PHP", "₪": "ILS", "₸": "KZT", "฿": "THB", "₾": "GEL", "₼": "AZN", "₡": "CRC", "₲": "PYG", "₵": "GHS",
    "֏": "AMD", "৳": "BDT", "៛": "KHR", "₭": "LAK", "₮": "MNT", "$": None, "¥": None, "¢": None,
}  # fmt: skip
"""Sign, before or behind an amount -> code. A dollar, a yen and a cent may be of several countries: None."""

WORDS_BEFORE = {
    "R$": "BRL", "US$": "USD", "RD$": "DOP", "NT$": "TWD", "A$": "AUD", "C$": "CAD", "S/": "PEN", "Rp": "IDR",
    "RM": "MYR", "RMB": "CNY", "KSh": "KES", "Bs.S": "VES", "Bs": None, "Rs": None,
}  # fmt: skip
"""What is printed before an amount -> code. A rupee (Rs) and a bolívar or boliviano (Bs) are of several countries."""

WORDS_BEHIND = {
    "zł": "PLN", "Kč": "CZK", "Ft": "HUF", "KM": "BAM", "TL": "TRY", "лв": "BGN", "дин": "RSD", "din": "RSD",
    "руб": "RUB", "р.": "RUB", "грн": "UAH", "тг": "KZT", "тенге": "KZT", "сум": "UZS", "сўм": "UZS", "SUM": "UZS",
    "so'm": "UZS", "so‘m": "UZS", "so’m": "UZS", "đ": "VND", "VNĐ": "VND", "원": "KRW", "円": "JPY", "RMB": "CNY",
    "lei": "RON", "Lei": "RON", "kr": None, "щ.д.": "USD", "FCFA": None, "F CFA": None, "元": None, "تومان": None,
    "ریال": None, "درهم": None,
}  # fmt: skip
"""What is printed behind an amount -> code. Crowns, rials, dirhams and 元 are of several countries; a toman is ten
rials."""

_OTHER_CODES = (
    "AFN ALL AMD ANG AOA AWG AZN BBD BDT BIF BMD BND BOB BSD BTN BWP BYN BZD CDF CRC CUP CVE DJF DZD ERN ETB FJD FKP "
    "GEL GIP GMD GNF GTQ GYD HNL HTG IQD IRR JMD KGS KHR KMF KPW KYD LAK LBP LKR LRD LSL LYD MDL MGA MKD MMK MNT MOP "
    "MRU MUR MVR MWK MZN NAD NIO NPR PAB PGK PKR PYG RWF SBD SCR SDG SHP SLE SOS SRD SSP STN SYP SZL TJS TMT TOP TTD "
    "TZS UGX UYU VES VUV WST XAF XCD XOF XPF YER ZMW"
)
"""Codes that are a currency only where a price is: TOP and ALL are words."""

_DOLLARS = (
    "USD", "CAD", "AUD", "NZD", "HKD", "SGD", "TWD", "MXN", "COP", "ARS", "CLP", "UYU", "DOP", "BBD", "BMD", "BSD",
    "BZD", "FJD", "GYD", "JMD", "KYD", "LRD", "NAD", "SRD", "TTD", "XCD",
)  # fmt: skip
SHARED = {
    "$": _DOLLARS, "¢": ("EUR", *_DOLLARS),
    "¥": ("JPY", "CNY"), "元": ("CNY", "TWD", "HKD"), "kr": ("SEK", "NOK", "DKK", "ISK"),
    "FCFA": ("XOF", "XAF"), "F CFA": ("XOF", "XAF"),
    "Rs": ("INR", "PKR", "LKR", "NPR", "MUR", "SCR"), "Bs": ("BOB", "VES"), "تومان": ("IRR",),
    "ریال": ("IRR", "SAR", "QAR", "OMR", "YER"), "درهم": ("AED", "MAD"),
}  # fmt: skip
"""Signs and words of several countries -> the codes that they may mean."""


def any_of(names: Iterable[str]) -> str:
    """Return the pattern of any of these names, the longest first."""
    return "|".join(
        re.escape(name).replace(r"\ ", r"\s") for name in sorted(names, key=lambda name: (-len(name), name))
    )


_CODE_OF = {
    **{name.upper(): code for name, code in (*WORDS_BEHIND.items(), *WORDS_BEFORE.items())},
    **SIGNS,
    **{code: code for code in (*CODES, *_OTHER_CODES.split())},
    "R": "ZAR",
    "FR": "CHF",
    "SFR": "CHF",
}
_SHARED = {name.upper(): frozenset(codes) for name, codes in SHARED.items()}
_ANY_SIGN = rf"[{''.join(map(re.escape, SIGNS))}]"
_NAME = (
    rf"(?<![^\W\d])(?:{any_of({*WORDS_BEFORE, *CODES})}|[A-Z]{{2,3}}{_ANY_SIGN})(?![^\W\d])"
    rf"|(?<![^\W\d])(?:{any_of(WORDS_BEHIND)})(?!\w)|{_ANY_SIGN}"
)
_CURRENCY = re.compile(rf"{_NAME}|(?<![^\W\d])(?:{any_of(_OTHER_CODES.split())}|S?Fr|R)(?![^\W\d])", re.IGNORECASE)
_IN_PROSE = re.compile(rf"{_NAME}|(?<!\w)MRP(?!\w)")
"""A currency where any text may stand, which small letters are not. MRP is the label of Indian prices."""
_ONLY_BEFORE = {name.upper() for name in WORDS_BEFORE.keys() - WORDS_BEHIND.keys()} | {"PEN", "COP", "CLP", "MRP"}
"""What no amount is before: "10 PEN" are pens."""
_ONLY_BEHIND = {name.upper() for name in WORDS_BEHIND.keys() - WORDS_BEFORE.keys() - {"kr"}}
_IN_PROSE_NEEDS = {"Ft": re.compile(r"\d[ .]\d{3}"), "KM": re.compile(r",\d\d$"), "RM": re.compile(r"\.\d\d$")}
"""Words that are a currency only at a grouped amount or at cents: feet, kilometres and codes are written like them."""
_THREE_DECIMALS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})

# --- numbers ----------------------------------------------------------------------------------------------------------

_SIGNS_OF_NUMBERS = str.maketrans(
    {"\u066b": ".", "\u066c": "'", "’": "'", "‘": "'", "，": ",", "،": ",", "⹁": ",", "．": ".", "＄": "$", "￥": "¥"}
    | dict.fromkeys("\u200e\u200f\u061c", "\u00a0")  # directions of writing
)
_NUMBER = re.compile(
    r"""
    \d{1,3} (?P<space>[ \u00a0\u202f\u2009]) \d{3} (?:(?P=space)\d{3})* (?:[.,]\d{1,2})? (?![.,']?\d) (?!\s?[x×*]\s?\d)
    | \d+ (?:[.,']\d+)*
    | (?:(?<!\S) | (?<=[-–—€$£])) [.,]\d\d (?!\d)  # cents alone
    """,
    re.VERBOSE,
)
_GROUPED = re.compile(r"\d{1,3}(?:([.,' \u00a0\u202f\u2009])\d{3})(?:\1\d{3})*|\d{1,2}(?:,\d\d)+,\d{3}")
_COUNTED = re.compile(
    r"(?:[x×*#№º°]|\bof|\b(?:art|nr|no|num|ref|réf|mod|model|modell|modèle|modelo|typ|type|code|código|sku|kod|арт)\b"
    r"[\w.-]*\s?[.:#]?)\s?$",
    re.IGNORECASE,
)
"""What is before a count, a side or a code."""
_MEASURED = re.compile(
    r"\s?(?:[x×*]\s?\d|%|(?:mm|cm|dm|m|km|m²|kg|g|mg|ml|cl|l|w|v|kw|a|in|inch|ft|lbs?|oz|pcs?|stk|stück|st|szt|шт|мм|см"
    r"|м|кг|г|мл|л)(?!\w))",
    re.IGNORECASE,
)
_SAYS_PRICE = re.compile(
    r"(?:^|[^\w\s.,)%\"”]|\b(?:from|only|now|just|price|ab|von|nur|jetzt|preis|vk|uvp|prix|dès|seulement|precio"
    r"|prezzo|preço|desde|da|a partir de|cena|ціна|от|цена|pris|från|fra|kun|prijs|fiyat|tot|to|bis|à|до|rrp|was"
    r"|statt)\s?[:.]?)\s*$",
    re.IGNORECASE,
)
"""What is before a price: nothing, a sign, or one of these words."""
_DASH = r"(?:[.,][-–—]{1,2}(?![\w.,-])|/-)"  # printed for no cents
_BEFORE_CURRENCY = re.compile(rf"{_DASH}?\s{{0,2}}")
_BEHIND_CURRENCY = re.compile(r"[.:]?\s{0,2}")
_IS_DASHED = re.compile(_DASH)


_IN_WORD = re.compile(r"[^\W\d_][-/.]?$")
_TWO_NUMBERS = re.compile(r"(?<![\d.,'])(?:\d{1,4}|\d[\d.,']*[.,]) $")
_NO_BREAK = re.compile(r"[\u00a0\u202f\u2009]\d")
_NEAR = 60  # characters before a number that say what it is
_WHOLE = re.compile(r"\d+|\d{1,3}(\D\d{3})+")


@dataclass(frozen=True, slots=True)
class _Number:
    """Digits that are one number, without a value if they can be read in two ways."""

    start: int
    end: int
    text: str
    value: float | None


def _plain(text: str) -> str:
    """Return a text of the same length with the digits of ASCII, and with one sign for each use."""
    digits = (str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    return "".join(digits).translate(_SIGNS_OF_NUMBERS)


def _numbers(text: str, names: Sequence[re.Match[str]]) -> Iterator[_Number]:
    """Yield the numbers of a plain text, without those that are a part of a word or a code: "AB-12", "60W"."""
    starts, ends = [name.start() for name in names], [name.end() for name in names]
    for found in _NUMBER.finditer(text):
        start, end = found.span()
        before = _before(text, start)
        place = bisect_right(ends, start)
        own = names[place - 1] if place and _BEHIND_CURRENCY.fullmatch(text, ends[place - 1], start) else None
        goes_on = end < len(text) and (text[end].isalnum() or text[end] == "_") and end not in starts[place : place + 2]
        if goes_on or (_IN_WORD.search(before) and not (place and ends[place - 1] >= start - 1)):
            continue
        whole = _TWO_NUMBERS.search(before) if len(found.group()) == 2 and found.group().isdecimal() else None
        if _NO_BREAK.match(text, end):
            yield _Number(start, end, found.group(), None)
        elif whole and not _COUNTED.search(before[: whole.start()]):  # 19⁹⁹ and 19, 99, or two numbers
            yield _Number(start - len(whole.group()), end, found.group(), None)
        elif found["space"] != " " or _SAYS_PRICE.search(_before(text, own.start()) if own else before):
            yield _Number(start, end, found.group(), _value(found.group()))
        elif _COUNTED.search(before):
            start = text.rindex(" ", start, end) + 1
            yield _Number(start, end, text[start:end], _value(text[start:end]))
        else:  # the word before it may be a number, too, so that both are printed: "Boxes 4 120,00"
            word = before.rstrip().rpartition(" ")[0]
            yield _Number(start - len(before) + len(word), end, found.group(), None)


def _before(text: str, start: int) -> str:
    """Return what is near before a place; where the text is cut, a letter is the rest: it is not the beginning."""
    return text[:start] if start <= _NEAR else f"x{text[start - _NEAR : start]}"


def _value(number: str) -> float | None:
    """Return the value of digits with signs between them, None if no way of writing numbers has these signs there.

    Three digits behind the only sign are thousands, as prices have two decimals.
    """
    if _GROUPED.fullmatch(number) and number[0] != "0":
        return float(re.sub(r"\D", "", number))
    whole, sign, fraction = re.fullmatch(r"(.*?)(?:([.,'])(\d+))?", number).groups()  # type: ignore[union-attr]
    is_whole = whole.isdecimal() or not whole or (sign is not None and _GROUPED.fullmatch(whole) and sign not in whole)
    if sign == "'" or not is_whole:
        return None
    return float(f"{re.sub(r'[^0-9]', '', whole) or 0}.{fraction or 0}")


# --- amounts ----------------------------------------------------------------------------------------------------------

_TO = r"(?:-|–|—|~|…|to|up\sto|bis|à|au|do|до|al|hasta|até|tot|til|till)"
_NAMED = rf"(?:\s?(?:{any_of({*SIGNS, *CODES, *WORDS_BEFORE, *WORDS_BEHIND})})\.?)?"
_RANGE = re.compile(rf"{_NAMED}\s?{_TO}{_NAMED}\s?", re.IGNORECASE)
_CENTS = re.compile(r"[.,]\d\d$")
_ONE_WORD = re.compile(r"[^\W\d]*[\d.,' \u00a0\u202f\u2009]+[^\W\d]*\Z")
_THREE_DIGITS = re.compile(r"\d{1,3}[.,]\d{3}")
_UNIT = (
    r"\s?(?:/|(?:per|pro|je|par|por|al|за)\s)\s?(?:m²|m2|m|sqm|sq\.?\s?ft|pcs?|piece|unit"
    r"|stk|stück|st|kg|l|шт|м²|м2|кг|ud|un|pz|szt|kom|box|set|pair)\b\.?"
)
_PER_UNIT = re.compile(_UNIT, re.IGNORECASE)
_END = re.compile(rf"\.?(?:{_UNIT})?")
_LOWEST = re.compile(
    r"\s*(?:starting\s)?(?:from|ab|von|à partir de|a partir de|dès|desde|da|od|от|vanaf|från|fra|alkaen)(?!\w)",
    re.IGNORECASE,
)
_FORMERLY = re.compile(
    r"(?<!\w)(?:statt|bisher|früher|vorher|ursprünglich|uvp|was|instead\sof|originally|rrp|au\slieu\sde|avant|antes"
    r"|invece\sdi|anziché|zamiast|i\sstället\sför|вместо)\s*:?\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Amount:
    """A number with the currency that it touches, or a range of two. What can be read in two ways has no value."""

    start: int
    end: int
    values: tuple[float | None, ...]


def _amounts(text: str, *, in_prose: bool = False) -> list[_Amount]:
    """Return the amounts of a text in their order. In prose a number without a currency is none."""
    plain = _plain(text)
    names = list((_IN_PROSE if in_prose else _CURRENCY).finditer(plain))
    every = list(_numbers(plain, names))  # one that is unclear may have the one before it within
    numbers = [each for each, after in zip_longest(every, every[1:]) if not after or after.start > each.start]
    starts, ends = [number.start for number in numbers], [number.end for number in numbers]
    found = dict[_Number, _Amount]()
    for name, following in zip_longest(names, names[1:]):
        nearest = numbers[max(bisect_right(ends, name.start()) - 1, 0) :][:1]
        left = next((n for n in nearest if _is_before(n, name, plain, in_prose=in_prose)), None)
        behind = bisect_left(starts, name.end())
        right = next((n for n in numbers[behind : behind + 1] if _is_behind(n, name, plain, in_prose=in_prose)), None)
        if left and right:
            if left.end == name.start() and name.end() == right.start and re.fullmatch(r"\d\d", right.text):
                whole = left.value if _WHOLE.fullmatch(left.text) else None  # 19€99, 1.299€99, and not 19.9€99
                value = None if whole is None else float(f"{whole:.0f}.{right.text}")
                found[left] = _Amount(left.start, right.end, (value,))
                continue
            has_other = following is not None and _BEFORE_CURRENCY.fullmatch(plain, right.end, following.start())
            number = _owner(left, name, right, plain, right if left in found else left if has_other else None)
        else:
            number = left or right
        if number:
            known = found.get(number, _Amount(number.start, number.end, ()))
            first, last = min(known.start, name.start()), max(known.end, name.end())
            found[number] = _Amount(first, last, (_in_currency(number, name.group()),))
        elif left and right:
            found[left] = _Amount(left.start, right.end, (None,))
    dashed = ((number, _IS_DASHED.match(plain, number.end)) for number in numbers if number not in found)
    found |= {number: _Amount(number.start, dash.end(), (number.value,)) for number, dash in dashed if dash}
    if not in_prose and not found:
        return _without_currency(plain, numbers)
    return _with_ranges(plain, numbers, found)


def _without_currency(text: str, numbers: Sequence[_Number]) -> list[_Amount]:
    """Return the only number of a text, a range, or numbers that all have cents; else one amount without a value."""
    every = list(_NUMBER.finditer(_PER_UNIT.sub("", text)))
    if len(every) == 1 and not numbers:
        numbers = [
            _Number(*found.span(), found.group(), _value(found.group())) for found in every if _ONE_WORD.match(text)
        ]
    values = (None if _MEASURED.match(text, number.end) else number.value for number in numbers)
    amounts = [_Amount(each.start, each.end, (value,)) for each, value in zip(numbers, values, strict=True)]
    is_rising = len(numbers) == 2 and (numbers[0].value or 0) < (numbers[1].value or 0)
    is_range = is_rising and _RANGE.fullmatch(text, numbers[0].end, numbers[1].start)
    if len(every) > len(numbers) or not (
        len(every) < 2 or is_range or all(_CENTS.search(each.text) for each in numbers)
    ):
        return [_Amount(every[0].start(), every[-1].end(), (None,))]
    return _with_ranges(text, numbers, dict(zip(numbers, amounts, strict=True)))


def _is_before(number: _Number, name: re.Match[str], text: str, *, in_prose: bool) -> bool:
    """Return whether a number touches a currency that is behind it."""
    word = name.group()
    if (in_prose and word.upper() in _ONLY_BEFORE) or not _BEFORE_CURRENCY.fullmatch(text, number.end, name.start()):
        return False
    is_in_word = word[-1].isalpha() and text[name.end() : name.end() + 1] == "-"
    needs = _IN_PROSE_NEEDS.get(word) if in_prose else None
    return not is_in_word and (needs is None or needs.search(number.text) is not None)


def _is_behind(number: _Number, name: re.Match[str], text: str, *, in_prose: bool) -> bool:
    """Return whether a number touches a currency that is before it."""
    word = name.group()
    if (in_prose and word.upper() in _ONLY_BEHIND) or not _BEHIND_CURRENCY.fullmatch(text, name.end(), number.start):
        return False
    needs = _IN_PROSE_NEEDS.get(word) if in_prose else None
    return needs is None or needs.search(number.text) is not None


def _owner(
    left: _Number, name: re.Match[str], right: _Number, text: str, beside_other: _Number | None
) -> _Number | None:
    """Return which of two numbers a currency between them belongs to, None if that is unclear."""
    is_left, is_right = left.end == name.start(), name.end() == right.start
    if is_left and right.text.isdecimal() and len(right.text) == 2 and not beside_other:  # 35€ 99
        return None
    if is_left != is_right:
        return left if is_left else right
    if beside_other:
        return beside_other
    is_other = _is_other(left, text), _is_other(right, text)
    if is_other[0] != is_other[1]:
        return right if is_other[0] else left
    has_cents = bool(_CENTS.search(left.text)), bool(_CENTS.search(right.text))
    return None if has_cents[0] == has_cents[1] else left if has_cents[0] else right


def _is_other(number: _Number, text: str) -> bool:
    """Return whether a number is a count, a side, a measure, a code or a date."""
    is_measured = _MEASURED.match(text, number.end) is not None
    return number.value is None or is_measured or _COUNTED.search(_before(text, number.start)) is not None


def _in_currency(number: _Number, name: str) -> float | None:
    """Return the value of a number in a currency, which may have three decimals or be a cent."""
    if number.value is None:
        return None
    if _code_of(name) in _THREE_DECIMALS and _THREE_DIGITS.fullmatch(number.text):
        return float(number.text) if "." in number.text else None
    return number.value / 100 if name == "¢" else number.value


def _with_ranges(text: str, numbers: Sequence[_Number], found: dict[_Number, _Amount]) -> list[_Amount]:
    """Return the amounts by their places, each with the other end of its range."""
    for low, high in pairwise(numbers):
        is_rising = low.value is None or high.value is None or low.value < high.value
        if is_rising and {low, high} & found.keys() and _RANGE.fullmatch(text, low.end, high.start):
            first = found.pop(low, _Amount(low.start, low.end, (low.value,)))
            last = found.get(high, _Amount(high.start, high.end, (high.value,)))
            found[high] = _Amount(first.start, max(first.end, last.end), (*first.values, *last.values))
    return sorted(found.values(), key=lambda amount: amount.start)


# --- what a text says -------------------------------------------------------------------------------------------------


@lru_cache(maxsize=16_384)  # each reading of a catalogue asks about all of its texts, several times
def price_in(text: str) -> str | None:
    """Return the first price in a text, with what it is for, as printed: "€ 25,90/m²".

    One before a reduction is returned only where the text has no other: "statt 99 € nur 79 €" has 79 €.
    """
    if not any(map(str.isdigit, text)):
        return None
    for each in dict.fromkeys((without_former(text), text)):
        if found := _amounts(each, in_prose=True):
            return each[found[0].start : _END.match(each, found[0].end).end()].strip()  # type: ignore[union-attr]
    return None


def price_of(text: str) -> float | None:
    """Return the first amount of a printed price, with any thousands and decimal signs: "€ 1.299,00" is 1299.0."""
    return next(iter(amounts_of(text)), None)


def amounts_of(text: str) -> tuple[float, ...]:
    """Return all amounts of a printed price, in their order; none if one can be read in two ways."""
    values = [value for amount in _amounts(text) for value in amount.values]
    return () if None in values else tuple(value for value in values if value is not None)


def is_unclear(text: str) -> bool:
    """Return whether a price can be read in two ways: "4711 EUR 20", "Boxes 4 120,00"."""
    return any(None in amount.values for amount in _amounts(text))


def is_amount(text: str) -> bool:
    """Return whether a text is one number without a currency, with or without the dash for no cents."""
    plain = re.sub(r"\s?[,.]?-$", "", _plain(text))
    return _NUMBER.fullmatch(plain) is not None and _value(plain) is not None


def highest_of(text: str) -> float | None:
    """Return the upper end of a printed range, 18.0 of "from €12 to €18"; None where a price is no range.

    Prices of several units or currencies are no range, nor is an amount with a lower one behind it.
    """
    values = next((amount.values for amount in _amounts(text)), ())
    lowest, highest = values if len(values) == 2 else (None, None)
    return highest if lowest is not None and highest is not None and highest > lowest else None


def is_lowest(text: str) -> bool:
    """Return whether a printed price says that it is the lowest of several: "from €12", "ab 89,-"."""
    return _LOWEST.match(text) is not None


def is_one_amount(text: str) -> bool:
    """Return whether a printed price is one amount and nothing else: no range, not the lowest, and not for a unit."""
    return len(amounts_of(text)) == 1 and not is_lowest(text) and _PER_UNIT.search(text) is None


def without_former(text: str) -> str:
    """Return a printed price without the amount before a reduction: "statt 99 € nur 79 €" is 79 €."""
    kept, last = list[str](), 0
    for start, _, end in _formers(text):
        kept += [text[last:start], " "]
        last = end
    left = " ".join("".join([*kept, text[last:]]).split())
    return left if kept and _amounts(left) else text


def former_in(text: str) -> str | None:
    """Return the price before a reduction that a text has, as printed: of "statt 99 € nur 79 €" it is 99 €.

    It has a currency or cents, which the number of "there was 1 lamp" has not.
    """
    prices = (text[start:end] for _, start, end in _formers(text))
    return next((price for price in prices if names_currency(price) or _CENTS.search(price)), None)


def _formers(text: str) -> Iterator[tuple[int, int, int]]:
    """Yield the start of a word such as "statt", and where the price behind it starts and ends."""
    words = list(_FORMERLY.finditer(text))
    ends = {amount.start: amount.end for amount in _amounts(text, in_prose=True)} if words else {}
    plain = _plain(text) if words else ""
    for found in words:
        number = _NUMBER.match(plain, found.end())
        if end := ends.get(found.end(), number.end() if number else 0):
            yield found.start(), found.end(), end


def currency_of(text: str) -> str | None:
    """Return the code of the currency that a price names by its sign, word or code: "€ 1.299,00" is in EUR.

    None where the name is of several countries: "$ 12".
    """
    return next(iter(currencies_of(text)), None)


def currencies_of(text: str) -> tuple[str, ...]:
    """Return the codes of all currencies that a price names, in their order."""
    return tuple(code for found in _CURRENCY.findall(text) if (code := _code_of(found)))


def _code_of(name: str) -> str | None:
    """Return the code of a currency's name; that of JP¥ begins with its letters."""
    name = name.upper()
    if name in _CODE_OF:
        return _CODE_OF[name]
    codes = (*SHARED.get(name[-1], ()), *CODES, *_OTHER_CODES.split())
    return next((code for code in codes if code.startswith(name[:2])), SIGNS.get(name[-1]))


def names_currency(text: str) -> bool:
    """Return whether a price names a currency, also by a name of several countries: "$ 12"."""
    return _CURRENCY.search(text) is not None


def codes_it_may_be(text: str) -> frozenset[str] | None:
    """Return the codes of the currencies that a price may be in, None where it names none.

    The first name counts. One of several countries may have a code behind it: "$ 12 CAD".
    """
    names = _CURRENCY.findall(text)
    if not names:
        return None
    if code := _code_of(names[0]):
        return frozenset({code})
    first = names[0].upper()
    shared = _SHARED[first if first in _SHARED else first[-1]]
    named = next((code for code in currencies_of(text) if code in shared), None)
    return frozenset({named}) if named else shared


def may_be_in(text: str, currency: str) -> bool:
    """Return whether a price may be in a currency: "$ 12" may be in USD, not in EUR, and "12" in any."""
    codes = codes_it_may_be(text)
    return codes is None or currency in codes


def with_currency(price: str, currency: str | None) -> str:
    """Return a price with its currency behind it, where the price does not name one itself."""
    return f"{price} {currency}" if currency and not names_currency(price) else price
