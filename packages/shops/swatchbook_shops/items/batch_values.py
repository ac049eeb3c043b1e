"""Convert the values of a record of a shop or scraper, whatever their shape, to texts, prices and currencies."""

import ast
import html
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urljoin, urlsplit

from swatchbook.ingest.sources.field_words import flat, split_words, words_of
from swatchbook.ingest.sources.item_files import is_empty
from swatchbook_base.one_line import one_line, shorten
from swatchbook_base.printed_prices import (
    SIGNS,
    amounts_of,
    currency_of,
    is_one_amount,
    is_unclear,
    names_currency,
    without_former,
)
from swatchbook_shops.items.batch_names import LANGUAGES, NAMES
from swatchbook_shops.items.html_text import spaced_tags, text_of_html

MAX_TEXT = 2_000  # characters of a value
MAX_TITLE = 300  # characters
MAX_DEPTH = 4  # levels of nested objects in one value
_MAX_LITERAL = 100_000  # characters of a list that is written as text


def is_value(given: Mapping[str, Any]) -> bool:
    """Return whether an object is one value: a number with its unit, say."""
    return "value" in {flat(str(key)) for key in given}


NO_VALUES = frozenset({"", "default title", "nan", "null", "none", "n/a", "undefined", "#n/a", "nil"})


def lookup(record: Mapping[str, Any], name: str) -> Any:
    """Return the value of a field, None for none; a dot leads into an inner object, or into each of a list."""
    if name in record:
        return record[name]
    value: Any = record
    for part in name.split("."):
        if isinstance(value, list):
            objects = [each for each in value if isinstance(each, dict)]
            found = [each[part] for each in objects if not is_empty(each.get(part))]
            found = found or [each for named, each in attributes_in(objects) if named == part]
            value = found if len(found) > 1 else next(iter(found), None)
        else:
            value = value.get(part) if isinstance(value, dict) else None
    return value


def attributes_in(values: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Yield (name, value) for attributes such as {"name": "Colour", "value": "red"}, if the list has nothing else."""
    for each in values:
        if not isinstance(each, dict):
            return
        known = {flat(str(key)): value for key, value in each.items()}
        name = next((known[key] for key in _ATTRIBUTE_NAMES if isinstance(known.get(key), str)), None)
        value = next((known[key] for key in _ATTRIBUTE_VALUES if not is_empty(known.get(key))), None)
        if name is None or value is None:
            return
        yield (
            name,
            {"value": value, "unit": known["unit"]} if known.get("unit") and not isinstance(value, dict) else value,
        )


_ATTRIBUTE_NAMES = ("name", "attributename", "paramname", "key", "label", "attribute", "property", "title")
_ATTRIBUTE_VALUES = ("value", "values", "val", "options", "option", "attributevalue", "text", "")


def literal(text: str) -> Any:
    """Return a list or object that is written as text in JSON or Python, else None."""
    if len(text) > _MAX_LITERAL:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


# --- texts ------------------------------------------------------------------------------------------------------------


def as_text(value: Any, depth: int = 0) -> str | None:
    """Return a value as one line without markup, or None: the parts of a list, the name of an object."""
    if isinstance(value, bool) or value is None or depth > MAX_DEPTH:
        return None
    if isinstance(value, float):
        return format(Decimal(f"{value:.{_DIGITS}g}"), "f") if math.isfinite(value) else None
    if isinstance(value, list):
        return ", ".join(dict.fromkeys(filter(None, (as_text(each, depth + 1) for each in value[:50])))) or None
    if isinstance(value, dict):
        return _name_of(value, depth)
    text = str(value).replace("\ufffd", "?")  # a letter that was lost before; `ShopColumns` tells
    if "<" in text or "&" in text:
        text = text_of_html(text[: 10 * MAX_TEXT])
    line = shorten(one_line(text), MAX_TEXT)
    return None if line.casefold() in NO_VALUES else line


_DIGITS = 15  # that a float keeps of a decimal number, and that spreadsheets show


def _name_of(value: Mapping[str, Any], depth: int) -> str | None:
    """Return the name of an object, or its value with the unit."""
    known = {flat(str(key)): each for key, each in value.items() if not is_empty(each)}
    for key in _TEXT_KEYS:
        if key in known and (text := as_text(known[key], depth + 1)):
            unit = as_text(known.get("unit") or known.get("unitcode") or known.get("unittext"))
            return f"{text} {unit}" if unit and key == "value" else text
    texts = [each for each in known.values() if isinstance(each, str | int | float) and not isinstance(each, bool)]
    if len(texts) == 1:
        return as_text(texts[0])
    if len(known) == 1:
        return as_text(next(iter(known.values())), depth + 1)
    return next((as_text(known[key]) for key in known if key in LANGUAGES), None)


_TEXT_KEYS = (
    "name",
    "title",
    "label",
    "value",
    "text",
    "rendered",
    "displayname",
    "categoryname",
    "brandname",
    "en",
    "",
)


def as_title(value: Any) -> str | None:
    if isinstance(value, list):  # one of RSS and one of Google's namespace, or in several languages
        return next(filter(None, map(as_text, value)), None)
    return as_text(value)


def as_id(value: Any) -> str | None:
    value = value[0] if isinstance(value, list) and value else value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = shorten(one_line(value), MAX_TEXT) if isinstance(value, str) else as_text(value)
    return None if text is None or is_rounded(text) else text or None


def is_rounded(code: str) -> bool:
    """Return whether a code is as spreadsheets write a long number: "4.00638E+12". Its other digits are lost."""
    return re.fullmatch(r"\d(?:[.,]\d+)?E\+\d{1,3}", code.strip(), re.IGNORECASE) is not None


def as_url(value: Any) -> str | None:
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, dict):
            each = next(
                (each[key] for key in ("href", "url", "@id", "web", "#text") if isinstance(each.get(key), str)), None
            )
        if isinstance(each, str) and " " not in each.strip() and ("/" in each or "." in each):
            return shorten(one_line(html.unescape(each)), MAX_TEXT)
    return None


def join_url(url: str, base: str | None) -> str:
    if url.startswith("//"):
        return f"https:{url}"
    try:
        return urljoin(base, url) if base and not urlsplit(url).scheme else url
    except ValueError:
        return url


def as_brand(value: Any) -> str | None:
    text = as_text(value[0] if isinstance(value, list) and value else value)
    return shorten(text, 200) if text else None


def as_category(value: Any, depth: int = 0) -> str | None:
    """Return a path of categories with " > " between its parts, None for a single number, which is an id."""
    if isinstance(value, str) and value.strip()[:1] in "[{" and (parsed := literal(value)) is not None:
        value = parsed
    if isinstance(value, dict):
        parts = value.get("itemListElement") or value.get("item")
        if isinstance(parts, list | dict) and depth < MAX_DEPTH:
            return as_category(parts, depth + 1)
        value = as_text(value)
    if isinstance(value, list):
        if depth >= MAX_DEPTH:
            return None
        paths = [path for each in value[:12] if (path := as_category(each, depth + 1))]
        return " > ".join(dict.fromkeys(paths[:1] if any(" > " in path for path in paths) else paths)) or None
    text = as_text(value)
    if text is None or text.isdecimal() or "://" in text:
        return None
    if _PRODUCT_TYPES.issuperset(re.split(r",\s*", text.casefold())):  # "simple, virtual"
        return None
    text = _deepest_path(text)
    parts = [part.strip() for part in _PATH_SIGNS.split(text)]
    if len(parts) == 1 and text.count("/") > 1:
        parts = [part.strip() for part in text.split("/")]
    return shorten(" > ".join(filter(None, parts)), 500) or None


def _deepest_path(text: str) -> str:
    """Return the deepest of several paths with one root ("Clothing > Hats, Clothing"), else the text unchanged."""
    paths = [path.strip() for path in text.split(",")]
    roots = {re.split(r"[>/|]", path)[0].strip() for path in paths}
    return max(paths, key=lambda path: len(re.findall(r"[>/|]", path))) if len(paths) > 1 and len(roots) == 1 else text


def without_ends(path: str, title: str | None) -> str:
    """Return a path of categories without a start page at its beginning, and without the item's `title` at its end."""
    parts = path.split(" > ")
    if len(parts) > 1 and parts[0].casefold() in _START_PAGES:
        parts = parts[1:]
    if len(parts) > 1 and title and parts[-1].casefold() == title.casefold():
        parts = parts[:-1]
    return " > ".join(parts)


_START_PAGES = frozenset(
    {"home", "homepage", "home page", "start", "startseite", "accueil", "inicio", "início", "strona główna", "hem",
     "etusivu", "forside", "hjem", "domů", "главная", "головна", "anasayfa", "首页", "ホーム"}
)  # fmt: skip
_PATH_SIGNS = re.compile(r"\s*(?:>+|»|›|→|\||::|\\)\s*|\s+/\s+|^/")
_PRODUCT_TYPES = split_words(
    "simple variable variation grouped external virtual downloadable configurable bundle product physical offer item"
)


def as_condition(value: Any) -> str | None:
    """Return a condition; schema.org's are URLs such as https://schema.org/NewCondition."""
    text = as_text(value)
    named = text and re.fullmatch(r"(?:https?://schema\.org/)?(\w+)Condition", text)
    return named[1].casefold() if named else text


# --- prices -----------------------------------------------------------------------------------------------------------


def currency_in_name(name: str) -> str | None:
    """Return the currency at the end of a field's name: `price_eur`, "VK brutto €"."""
    code = next(reversed(words_of(name)), "")
    return code.upper() if is_currency_code(code) else SIGNS.get(name.strip()[-1:])


def as_price(value: Any, depth: int = 0) -> tuple[str, str | None] | None:
    """Return (amount, currency) of a price that is a number, text in any locale, or object; the lowest of several.

    The amount is a plain number, or the text if it has several amounts, such as a range, is the lowest of several
    ("from 12"), is for a unit ("12 / m"), has a sign of several countries ("$ 12"), or can be read in two ways:
    "4711 EUR 20", and of "9.500" it is "9.500 or 9500".
    """
    if isinstance(value, bool) or value is None or depth > MAX_DEPTH:
        return None
    if isinstance(value, int | float):
        return (plain_amount(float(value)), None) if math.isfinite(value) and value > 0 else None
    if isinstance(value, list):
        prices = [price for each in value[:200] if (price := as_price(each, depth + 1))]
        return min(prices, key=lambda price: next(iter(amounts_of(price[0])), 0.0)) if prices else None
    if isinstance(value, dict):
        return _price_of_object(value, depth)
    text = as_text(spaced_tags(_RAISED_CENTS.sub(r".\1", value)) if isinstance(value, str) else value) or ""
    if _MACHINE.fullmatch(text):
        return (plain_amount(float(text)), None) if float(text) > 0 else None
    text = _without_base_price(without_former(text[:200]))
    amounts, currency = amounts_of(text), currency_of(text)
    if _OPEN.fullmatch(text):
        text = f"{text} or {text.replace('.', '')}"
    if is_unclear(text):
        return shorten(text, 100), currency
    if not amounts or not amounts[0]:
        return None
    is_open = currency is None and names_currency(text)  # "$ 12" keeps its sign
    is_plain = is_one_amount(text) and not is_open
    return plain_amount(amounts[0]) if is_plain else shorten(text, 100), currency


def _without_base_price(text: str) -> str:
    """Return "19,99 €" for "19,99 € (3,33 € / 100 ml)": the law wants the price of a measure next to that of a pack."""
    rest = " ".join(_BASE_PRICE.sub(" ", text).split())
    return rest if rest != text and amounts_of(rest) else text


_BASE_PRICE = re.compile(
    r"""[(\[] [^()\[\]]* (?:
        \d \s* (?:\D{0,3}) \s* (?:/ | \b(?:per|pro|je|par|por|al|za|pr\.?)\b) \s* [^()\[\]]*  # 3,33 € / 100 ml
        | = \s* [^()\[\]]* \d [^()\[\]]*  # 100 ml = 3,33 €
    ) [)\]]""",
    re.IGNORECASE | re.VERBOSE,
)


def price_before(price: tuple[str, str | None], regular: tuple[str, str | None]) -> str | None:
    """Return the amount of a regular price if it is above the price, and in the same currency as far as both say."""
    (now,), (before,) = (amounts_of(amount)[:1] or (0.0,) for amount, _ in (price, regular))
    currencies = {currency for _, currency in (price, regular) if currency}
    return plain_amount(before) if before > now > 0 and len(currencies) < 2 else None


_MACHINE = re.compile(r"\d+(?:\.\d{1,2}|\.\d{4,})?")
"""A number as programs write it."""
_RAISED_CENTS = re.compile(r"(?<=\d)<sup>(\d\d)</sup>", re.IGNORECASE)
_OPEN = re.compile(r"[1-9]\d{0,2}\.\d{3}")
"""1.299 is 1.299 from a program, and 1,299 from a person in half of Europe."""


def _price_of_object(value: Mapping[str, Any], depth: int) -> tuple[str, str | None] | None:
    known = {flat(str(key)): each for key, each in value.items() if not is_empty(each)}
    currency = next((text for key in NAMES["currency"] if (text := as_currency(known.get(key)))), None)
    for key in _PRICE_KEYS:
        if (price := as_price(known.get(key), depth + 1)) is None:
            continue
        divisor = known.get("divisor")
        if isinstance(divisor, int) and divisor > 1 and amounts_of(price[0]):
            return plain_amount(amounts_of(price[0])[0] / divisor), currency or price[1]
        digits = known.get("currencyminorunit", known.get("fractiondigits", 2 if key == "centamount" else 0))
        price = _of_minor_units(price, digits, certain=key == "centamount")
        highest = as_price(known.get(_HIGHEST.get(key, "")), depth + 1)
        highest = highest and _of_minor_units(highest, digits)
        if highest and amounts_of(highest[0])[:1] > amounts_of(price[0])[:1]:
            return f"{price[0]} – {highest[0]}", currency or price[1]
        return price[0], currency or price[1]
    return None


def _of_minor_units(price: tuple[str, str | None], digits: Any, *, certain: bool = False) -> tuple[str, str | None]:
    """Return a price that may count the smallest unit of its currency, of which 10 to the power of `digits` are one."""
    if isinstance(digits, int) and 0 < digits < 5 and (price[0].isdecimal() or certain):
        return plain_amount(float(price[0]) / 10**digits), price[1]
    return price


_PRICE_KEYS = (
    "saleprice", "sale", "current", "currentprice", "now", "final", "finalprice", "price", "amount", "value",
    "centamount", "lowprice", "min", "minprice", "minvariantprice", "shopmoney", "gross", "raw", "number", "buynow",
    "pricespecification", "regular", "regularprice", "base", "store", "text", "formatted", "display", "offers", "",
)  # fmt: skip


_HIGHEST = {"lowprice": "highprice", "min": "max", "minprice": "maxprice", "minvariantprice": "maxvariantprice"}
"""Lowest price -> the field with the highest."""


def as_currency(value: Any) -> str | None:
    """Return the code of a currency by its code or sign; an unknown one of at most 12 characters is unchanged."""
    text = as_text(value)
    if text is None or len(text) > 12:
        return None
    code = currency_of(text) or text.upper()
    return {"RUR": "RUB", "BYR": "BYN"}.get(code, code)


def is_currency_code(word: str) -> bool:
    """Return whether a word of a field's name is the code of a currency."""
    return len(word) == 3 and currency_of(word) == word.upper()


def plain_amount(value: float) -> str:
    """Return an amount with two decimals, or four if it has more: three might be thousands behind a point."""
    if value.is_integer():
        return str(int(value))
    return f"{value:.2f}" if round(value, 2) == round(value, 4) else f"{value:.4f}"


def as_gtin(value: Any) -> str | None:
    """Return a GTIN, EAN, UPC or ISBN without signs between its digits; None for other codes, and for several."""
    digits = re.sub(r"[\s-]", "", as_id(value) or "").removeprefix("'")  # so that Excel takes it as a text
    if len(digits) == _UPC - 1 and _is_checked(f"0{digits}"):
        digits = f"0{digits}"  # which Excel has removed
    return digits if re.fullmatch(r"\d{8}|\d{12,14}|\d{9}[\dXx]", digits) and not isinstance(value, list) else None


_UPC = 12  # digits


def _is_checked(digits: str) -> bool:
    """Return whether the last digit of a GTIN is its check digit (GS1 General Specifications, 7.9)."""
    if not digits.isdecimal():
        return False
    weighted = sum(int(each) * (3 if place % 2 else 1) for place, each in enumerate(reversed(digits)))
    return weighted % 10 == 0


def as_availability(value: Any) -> str | None:
    """Return in_stock, out_of_stock, preorder or backorder; None for any other text. schema.org's are URLs."""
    if isinstance(value, bool):
        return "in_stock" if value else "out_of_stock"
    return _AVAILABLE.get(flat((as_text(value) or "").rpartition("/")[2]))


_AVAILABLE = {
    **dict.fromkeys((
        "instock", "1", "yes", "true", "available", "instoreonly", "onlineonly", "limitedavailability", "lagernd",
        "auflager", "lieferbar", "sofortlieferbar", "vorratig", "verfugbar", "enstock", "disponible", "disponibile",
        "disponivel", "dostepny", "skladem", "ilager", "вналичии",
    ), "in_stock"),
    **dict.fromkeys((
        "outofstock", "0", "no", "false", "soldout", "unavailable", "notavailable", "discontinued", "ausverkauft",
        "nichtverfugbar", "nichtlieferbar", "nichtauflager", "rupturedestock", "epuise", "agotado", "esaurito",
        "esgotado", "niedostepny", "uitverkocht", "slutilager", "нетвналичии",
    ), "out_of_stock"),
    **dict.fromkeys(("backorder", "onbackorder", "availableforbackorder", "notify"), "backorder"),
    **dict.fromkeys(("preorder", "presale", "vorbestellung", "vorbestellbar", "comingsoon"), "preorder"),
}  # fmt: skip


# --- days -------------------------------------------------------------------------------------------------------------


def as_day(text: str) -> date | None:
    """Return the day at the beginning of a text: 2026-12-24, 2026/12/24, 20261224 or 24.12.2026; None for others."""
    if found := re.match(r"(\d{4})(?:([-/])(\d\d?)\2(\d\d?)|(\d\d)(\d\d))(?!\d)", text):
        year, month, day = int(found[1]), int(found[3] or found[5]), int(found[4] or found[6])
    elif found := re.match(r"(\d\d?)\.\s?(\d\d?)\.\s?(\d{4})(?!\d)", text):
        day, month, year = map(int, found.groups())
    else:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None
