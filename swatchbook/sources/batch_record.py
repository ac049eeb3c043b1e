"""Convert a record of a shop or scraper to the fields of an item, by its fields' names and the shapes of their values.

A person's mapping goes first. Nothing is opened. `batch_names.py` has the names.

A field is searched in this order: by its name in the record; by that name without `product_` or the like, or without a
language; in an inner object, or the first in a list (`offers`, `variants`); in attributes, each with name and value.
The id is the field id, else the URL, else the SKU, else a hash of the content.
"""

import ast
import html
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from swatchbook.one_line import one_line, shorten
from swatchbook.printed_prices import SIGNS, amounts_of, currency_of, names_currency
from swatchbook.records import sha256
from swatchbook.sources.batch_names import (
    CODE,
    ID,
    IMAGES,
    LANGUAGES,
    LOCAL_PATHS,
    METADATA,
    MORE_IMAGES,
    NAMES,
    PREFIXES,
    PRICE_WORDS,
    TITLE,
    flat,
    is_picture_field,
    is_small_picture_field,
    split_words,
    words_of,
)

Columns = Mapping[str, Sequence[str]]
"""Name of ours -> the fields of a record; the first that is present counts."""

NO_COLUMNS: Columns = {}

MAX_TEXT = 2_000  # characters of a value
MAX_PICTURES = 1_000  # pictures of one item
_MAX_TITLE, _MAX_ID = 300, 500  # characters
_MAX_NAME = 200  # characters of a field's name
_MAX_LITERAL = 100_000  # characters of a list that is written as text
_MAX_DEPTH = 4  # levels of nested objects in one value


@dataclass(frozen=True, slots=True)
class NamedPicture:
    """A picture as a record names it: its places, of which the first readable one counts, and its caption."""

    places: tuple[str, ...]
    caption: str | None = None


@dataclass(frozen=True, slots=True)
class ReadRecord:
    """The fields of an item in a record. `pictures` are alternatives; the first with a readable picture counts.

    `id` is None without an id, a URL and a SKU; `content_id` then makes one. `more` are pictures that are always taken.
    `columns` maps names of ours to the fields from which they were read. `unknown` are fields with a value that was not
    used.
    """

    id: str | None
    code: str | None
    title: str | None
    metadata: Mapping[str, str]
    pictures: tuple[tuple[NamedPicture, ...], ...]
    more: tuple[NamedPicture, ...]
    columns: Columns
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    value: Any


def read_record(record: Mapping[str, Any], columns: Columns = NO_COLUMNS, *, base_url: str | None = None) -> ReadRecord:
    """Return the fields of a record's item. `columns` go before the rules, `base_url` completes relative URLs."""
    fields = _Fields(record, columns)
    title = fields.read(TITLE, _title) or _vendor_model(fields)
    metadata = {name: text for name in METADATA if (text := fields.read(name, _READERS.get(name, as_text)))}
    metadata |= _price(fields)
    if "category" in metadata:
        is_trail = "breadcrumb" in flat(fields.columns["category"][0])
        metadata["category"] = _without_ends(metadata["category"], title if is_trail else None)
    if "url" in metadata:
        metadata["url"] = _joined(metadata["url"], base_url)
    elif base_url and "variants" in record and (handle := as_text(record.get("handle"))):  # Shopify's products.json
        metadata["url"] = urljoin(base_url, f"/products/{handle}")
    code = fields.read(CODE, _id)
    base = metadata.get("url", base_url or "")
    pictures, more = _pictures(fields, base if base.startswith("http") else None)
    item = fields.read(ID, _id) or metadata.get("url") or code
    return ReadRecord(
        id=item[:_MAX_ID] if item else None,
        code=code,
        title=shorten(title, _MAX_TITLE) if title else None,
        metadata=metadata,
        pictures=pictures,
        more=more,
        columns={name: tuple(dict.fromkeys(names)) for name, names in fields.columns.items()},
        unknown=tuple(name for name in fields.filled if name not in fields.used),
    )


def has_item_fields(record: Mapping[str, Any]) -> int:
    """Return the number of kinds of an item's fields (title, price, pictures …) in the names of a record's fields."""
    names = [str(name) for name in record]
    found = {kind for name in names for kind in _kinds_by_name(flat(name.removeprefix("g:")))}
    return len(found) + any(is_picture_field(name) for name in names)


def _kinds_by_name(name: str) -> tuple[str, ...]:
    kind = _KINDS.get(name)
    return (kind,) if kind else ()


_KINDS = {name: kind for kind, names in reversed([*NAMES.items()]) for name in names}


class _Fields:
    """The fields of a record, found by name, with the use that was made of them."""

    def __init__(self, record: Mapping[str, Any], given: Columns) -> None:
        self.record, self.given = record, given
        self.filled = [str(name) for name, value in record.items() if not is_empty(value)]
        self.used = set[str]()
        self.columns = dict[str, list[str]]()
        self.top = _by_name((name, value) for name, value in record.items())
        self._short = _by_name((short, value, name) for name, value in record.items() for short in _short_names(name))
        self._inner: dict[str, list[_Field]] | None = None

    def read(self, kind: str, convert: Any) -> Any:
        """Return the value of a kind of field: the first that `convert` does not read as None."""
        if kind in self.given:
            found = ((name, lookup(self.record, name)) for name in self.given[kind])
            return next(
                (got for name, value in found if (got := self._use(kind, name, value, convert)) is not None), None
            )
        for name in NAMES[kind]:
            for field in self.top.get(name, ()):
                if (got := self._use(kind, field.name, field.value, convert)) is not None:
                    return got
        for place in (self._short, self.inner):
            for name in NAMES[kind]:
                for field in place.get(name, ()):
                    if kind == TITLE and "." in field.name and flat(field.name.split(".")[0]) not in _TEXT_OBJECTS:
                        continue
                    if (got := self._use(kind, field.name, field.value, convert)) is not None:
                        return got
        return None

    def note(self, kind: str, name: str) -> None:
        """Record that a field was used."""
        self.used.add(name if name in self.record else name.split(".")[0])
        self.columns.setdefault(kind, []).append(name)

    @property
    def inner(self) -> dict[str, list[_Field]]:
        """Return the fields of inner objects and of attributes."""
        if self._inner is None:
            self._inner = _by_name(_inner_fields(self.record))
        return self._inner

    def _use(self, kind: str, name: str, value: Any, convert: Any) -> Any:
        got = None if is_empty(value) else convert(value)
        if got is not None:
            self.note(kind, name)
        return got


def _by_name(fields: Iterable[tuple[str, Any] | tuple[str, Any, str]]) -> dict[str, list[_Field]]:
    """Return the fields with a value by their flat names; those of Google's namespace go first."""
    found = dict[str, list[_Field]]()
    for each in fields:
        name, value, real = str(each[0]), each[1], str(each[-1] if len(each) == 3 else each[0])
        if is_empty(value) or name.startswith("@"):
            continue
        own = name.startswith("g:")
        same = found.setdefault(flat(name[2:] if own else name), [])
        same.insert(0, _Field(real, value)) if own else same.append(_Field(real, value))
    return found


def _short_names(name: str) -> Iterator[str]:
    """Yield a field's name without words that may be around it: `product_price`, `title_en`, `name[de]`, `vk_brutto`.

    Several names with a slash between them ("Marke/Hersteller") are yielded separately.
    """
    plain = _IN_BRACKETS.sub(" ", str(name))  # "Categories (x,y,z...)"
    if "/" in plain:
        for part in filter(str.strip, plain[:_MAX_NAME].split("/")):
            yield flat(part)
            yield from _short_names(part)
    words = words_of(plain)
    if plain != name and words:
        yield "".join(words)
    if len(words) < 2:
        return
    if (priced := _without_price_words(words)) != words:
        yield "".join(priced)
    if words[-1] in LANGUAGES:
        yield "".join(words[:-1])
    while len(words) > 1 and words[0] in PREFIXES:
        words = words[1:]
        yield "".join(words)
        if len(words) > 1 and words[-1] in LANGUAGES:
            yield "".join(words[:-1])


def _without_price_words(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of a name without a price's currency and taxes at its end."""
    while len(words) > 1 and (words[-1] in PRICE_WORDS or is_currency_code(words[-1])):
        words = words[:-1]
    return words


_IN_BRACKETS = re.compile(r"[(\[][^()\[\]]*[)\]]")


def _inner_fields(record: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Yield (name, value, dotted name) for the fields of inner objects, and for attributes with name and value."""
    for outer, value in record.items():
        if flat(str(outer)) in _OTHER_OBJECTS:
            continue
        inner = (
            value
            if isinstance(value, dict)
            else next((each for each in _listed(value) if isinstance(each, dict)), None)
        )
        if inner is None:
            continue
        listed = next(iter(inner.values())) if len(inner) == 1 else value  # an element with one kind of elements
        attributes = list(_attributes(_listed(listed)))
        for name, each in attributes or inner.items():
            path = f"{outer}.{name}" if listed is value else f"{outer}.{next(iter(inner))}.{name}"
            yield str(name), each, path
            if isinstance(each, dict) and not attributes:
                yield from (
                    (str(n), v, f"{outer}.{name}.{n}") for n, v in each.items() if not isinstance(v, dict | list)
                )
    for name in record:  # "Attribute 1 name" with "Attribute 1 value(s)"
        words = words_of(str(name))
        if len(words) > 1 and words[-1] == "name" and isinstance(record[name], str):
            for other in record:
                of_other = words_of(str(other))
                if of_other[: len(words) - 1] == words[:-1] and of_other[len(words) - 1 :][:1] in (
                    ("value",),
                    ("values",),
                ):
                    yield record[name], record[other], str(other)


def _attributes(values: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Yield (name, value) for attributes such as {"name": "Colour", "value": "red"}, if the list has nothing else."""
    for each in values:
        if not isinstance(each, dict):
            return
        known = {flat(str(key)): value for key, value in each.items()}
        name = next((known[key] for key in _ATTRIBUTE_NAMES if isinstance(known.get(key), str)), None)
        value = next((known[key] for key in _ATTRIBUTE_VALUES if not is_empty(known.get(key))), None)
        if name is None or value is None:
            return
        yield name, value


_ATTRIBUTE_NAMES = ("name", "attributename", "paramname", "key", "label", "attribute", "property", "title")
_ATTRIBUTE_VALUES = ("value", "values", "val", "options", "option", "attributevalue", "text", "")
_TEXT_OBJECTS = split_words("product item text info details general data node content basic main attributes")
"""Inner objects whose title is that of the item."""
_OTHER_OBJECTS = split_words(
    "seller shop store merchant review reviews rating ratings aggregaterating shipping shippingdetails delivery author "
    "publisher related relatedproducts similar hasmerchantreturnpolicy user owner crosssells upsells location"
)
"""Inner objects that are about something else."""


def is_empty(value: Any) -> bool:
    """Return whether a value is missing: null, blank text, an empty list or object, NaN."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or value == [] or value == {} or value != value


_NO_VALUES = frozenset({"", "default title", "nan", "null", "none", "n/a", "undefined", "#n/a", "nil"})


def lookup(record: Mapping[str, Any], name: str) -> Any:
    """Return the value of a field, None for none; a dot leads into an inner object, or into each of a list."""
    if name in record:
        return record[name]
    value: Any = record
    for part in name.split("."):
        if isinstance(value, list):
            objects = [each for each in value if isinstance(each, dict)]
            found = [each[part] for each in objects if not is_empty(each.get(part))]
            found = found or [each for named, each in _attributes(objects) if named == part]
            value = found if len(found) > 1 else next(iter(found), None)
        else:
            value = value.get(part) if isinstance(value, dict) else None
    return value


# --- texts ------------------------------------------------------------------------------------------------------------


def as_text(value: Any, depth: int = 0) -> str | None:
    """Return a value as one line without markup, or None: the parts of a list, the name of an object."""
    if isinstance(value, bool) or value is None or depth > _MAX_DEPTH:
        return None
    if isinstance(value, float):
        return f"{value:.2f}" if math.isfinite(value) else None
    if isinstance(value, list):
        return ", ".join(dict.fromkeys(filter(None, (as_text(each, depth + 1) for each in value[:50])))) or None
    if isinstance(value, dict):
        return _name_of(value, depth)
    text = str(value)
    if "<" in text or "&" in text:
        text = html.unescape(_TAGS.sub(" ", text[: 10 * MAX_TEXT]))
    line = shorten(one_line(text), MAX_TEXT)
    return None if line.casefold() in _NO_VALUES else line


_TAGS = re.compile(r"(?s)<(?:!--.*?--|(?:script|style)\b.*?</(?:script|style)\s*|/?[a-zA-Z][^<>]*)>")


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


def _title(value: Any) -> str | None:
    if isinstance(value, list):  # one of RSS and one of Google's namespace, or in several languages
        return next(filter(None, map(as_text, value)), None)
    return as_text(value)


def _id(value: Any) -> str | None:
    value = value[0] if isinstance(value, list) and value else value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = shorten(one_line(value), MAX_TEXT) if isinstance(value, str) else as_text(value)
    return text or None


def _url(value: Any) -> str | None:
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, dict):
            each = next(
                (each[key] for key in ("href", "url", "@id", "web", "#text") if isinstance(each.get(key), str)), None
            )
        if isinstance(each, str) and " " not in each.strip() and ("/" in each or "." in each):
            return shorten(one_line(html.unescape(each)), MAX_TEXT)
    return None


def _joined(url: str, base: str | None) -> str:
    if url.startswith("//"):
        return f"https:{url}"
    try:
        return urljoin(base, url) if base and not urlsplit(url).scheme else url
    except ValueError:
        return url


def _brand(value: Any) -> str | None:
    text = as_text(value[0] if isinstance(value, list) and value else value)
    return shorten(text, 200) if text else None


def _category(value: Any, depth: int = 0) -> str | None:
    """Return a path of categories with " > " between its parts, None for a single number, which is an id."""
    if isinstance(value, str) and value.strip()[:1] in "[{" and (parsed := _literal(value)) is not None:
        value = parsed
    if isinstance(value, dict):
        parts = value.get("itemListElement") or value.get("item")
        if isinstance(parts, list | dict) and depth < _MAX_DEPTH:
            return _category(parts, depth + 1)
        value = as_text(value)
    if isinstance(value, list):
        if depth >= _MAX_DEPTH:
            return None
        paths = [path for each in value[:12] if (path := _category(each, depth + 1))]
        return " > ".join(dict.fromkeys(paths[:1] if any(" > " in path for path in paths) else paths)) or None
    text = as_text(value)
    if text is None or text.isdecimal() or text.casefold() in _PRODUCT_TYPES or "://" in text:
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


def _without_ends(path: str, title: str | None) -> str:
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


def _condition(value: Any) -> str | None:
    """Return a condition; schema.org's are URLs such as https://schema.org/NewCondition."""
    text = as_text(value)
    named = text and re.fullmatch(r"(?:https?://schema\.org/)?(\w+)Condition", text)
    return named[1].casefold() if named else text


def content_id(record: Mapping[str, Any]) -> str:
    """Return an id for a record that has none: a hash of its content."""
    return sha256(json.dumps(record, sort_keys=True, default=str).encode(errors="replace"))[:24]


def _vendor_model(fields: _Fields) -> str | None:
    """Return the title of a Yandex offer without a name: type, vendor and model."""
    names = [name for name in ("typePrefix", "vendor", "model") if as_text(fields.record.get(name))]
    if "model" not in names:
        return None
    fields.used.update(names)
    return " ".join(filter(None, (as_text(fields.record[name]) for name in names)))


_READERS: Mapping[str, Any] = {
    "brand": _brand, "category": _category, "condition": _condition, "url": _url,
    "price": lambda value: None, "currency": lambda value: None,
}  # fmt: skip


# --- prices -----------------------------------------------------------------------------------------------------------


def _price(fields: _Fields) -> dict[str, str]:
    """Return price and currency; text without an amount, and 0, are no price. A currency alone is kept, too."""
    found = fields.read("price", as_price)
    amount, own = found if found else (None, None)
    if found and own is None:
        own = _currency_in_name(fields.columns["price"][0])
    currency = fields.read("currency", as_currency) or own
    if amount and currency and len(amounts := amounts_of(amount)) == 1:
        amount = _amount(amounts[0])
    return {name: text for name, text in (("price", amount), ("currency", currency)) if text}


def _currency_in_name(name: str) -> str | None:
    """Return the currency at the end of a field's name: `price_eur`, "VK brutto €"."""
    code = next(reversed(words_of(name)), "")
    return code.upper() if is_currency_code(code) else SIGNS.get(name.strip()[-1:])


def as_price(value: Any, depth: int = 0) -> tuple[str, str | None] | None:
    """Return (amount, currency) of a price that is a number, text in any locale, or object; the lowest of several.

    The amount is a plain number, or the text if it has several amounts, such as a range, or a sign of several
    countries: "$ 12".
    """
    if isinstance(value, bool) or value is None or depth > _MAX_DEPTH:
        return None
    if isinstance(value, int | float):
        return (_amount(float(value)), None) if math.isfinite(value) and value > 0 else None
    if isinstance(value, list):
        prices = [price for each in value[:200] if (price := as_price(each, depth + 1))]
        return min(prices, key=_sort_key) if prices else None
    if isinstance(value, dict):
        return _price_of_object(value, depth)
    text = as_text(value) or ""
    if _MACHINE.fullmatch(text):
        return (_amount(float(text)), None) if float(text) > 0 else None
    amounts = amounts_of(text[:200])
    if not amounts or not amounts[0]:
        return None
    currency = currency_of(text)
    is_plain = len(amounts) == 1 and (currency is not None or not names_currency(text))  # "$ 12" keeps its sign
    return _amount(amounts[0]) if is_plain else shorten(text, 100), currency


_MACHINE = re.compile(r"\d+(?:\.\d{1,2}|\.\d{4,})?")
"""A number as programs write it. 1.299 is ambiguous: it may mean 1,299."""


def _price_of_object(value: Mapping[str, Any], depth: int) -> tuple[str, str | None] | None:
    known = {flat(str(key)): each for key, each in value.items() if not is_empty(each)}
    currency = next((text for key in NAMES["currency"] if (text := as_currency(known.get(key)))), None)
    for key in _PRICE_KEYS:
        if (price := as_price(known.get(key), depth + 1)) is None:
            continue
        divisor = known.get("divisor")
        if isinstance(divisor, int) and divisor > 1 and amounts_of(price[0]):
            return _amount(amounts_of(price[0])[0] / divisor), currency or price[1]
        digits = known.get("currencyminorunit", known.get("fractiondigits", 2 if key == "centamount" else 0))
        if isinstance(digits, int) and 0 < digits < 5 and (price[0].isdecimal() or key == "centamount"):
            price = (_amount(float(price[0]) / 10**digits), price[1])
        return price[0], currency or price[1]
    return None


_PRICE_KEYS = (
    "saleprice", "sale", "current", "currentprice", "now", "final", "finalprice", "price", "amount", "value",
    "centamount", "lowprice", "min", "minprice", "minvariantprice", "shopmoney", "gross", "raw", "number", "buynow",
    "pricespecification", "regular", "regularprice", "base", "store", "text", "formatted", "display", "offers", "",
)  # fmt: skip


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


def _amount(value: float) -> str:
    return str(int(value)) if value.is_integer() else f"{value:.2f}"


def _sort_key(price: tuple[str, str | None]) -> float:
    return next(iter(amounts_of(price[0])), 0.0)


# --- pictures ---------------------------------------------------------------------------------------------------------


def _pictures(
    fields: _Fields, base: str | None
) -> tuple[tuple[tuple[NamedPicture, ...], ...], tuple[NamedPicture, ...]]:
    """Return alternatives of pictures, the best first, and the pictures that are always taken."""
    more = [
        picture
        for name in fields.given.get(MORE_IMAGES, ())
        for picture in _noted(fields, MORE_IMAGES, name, lookup(fields.record, name), base)
    ]
    if IMAGES in fields.given:
        groups = [_noted(fields, IMAGES, name, lookup(fields.record, name), base) for name in fields.given[IMAGES]]
        return tuple(tuple(group) for group in groups if group), tuple(_once(more))
    groups = list[list[NamedPicture]]()
    for name in LOCAL_PATHS:
        groups += [_noted(fields, IMAGES, field.name, field.value, None) for field in fields.top.get(name, ())]
    named = [(str(name), value) for name, value in fields.record.items() if not is_empty(value)]
    by_name = [(name, value) for name, value in named if is_picture_field(name) and flat(name) not in LOCAL_PATHS]
    places = set(fields.given.get(MORE_IMAGES, ()))
    large = [(name, value) for name, value in by_name if not is_small_picture_field(name) and name not in places]
    found = list[NamedPicture]()
    for name, value in large:
        found += _noted(fields, MORE_IMAGES if found else IMAGES, name, value, base)
    if found:
        groups.append(_once(_captioned(fields, found)))
    for name, value in by_name:
        if is_small_picture_field(name):
            groups.append(_noted(fields, IMAGES, name, value, base))
    if not any(groups):
        groups += _hidden_pictures(fields, named, base)
    return tuple(tuple(group) for group in groups if group), tuple(_once(more))


def _hidden_pictures(
    fields: _Fields, named: Sequence[tuple[str, Any]], base: str | None
) -> Iterator[list[NamedPicture]]:
    """Yield pictures of inner objects, of fields with URLs of pictures, whatever their names, and of texts."""
    inner = [(each.name, each.value) for found in fields.inner.values() for each in found]
    for is_small in (False, True):
        yield [
            picture
            for name, value in inner
            if is_picture_field(name.split(".")[-1]) and is_small_picture_field(name) is is_small
            for picture in _noted(fields, IMAGES, name, value, base)
        ]
    yield [
        picture
        for name, value in named
        if isinstance(value, str | list) and all(_is_picture_url(each) for each in _listed(value)[:20])
        for picture in _noted(fields, IMAGES, name, value, base)
    ]
    for name, value in named:
        if isinstance(value, str) and "<img" in value:
            sources = [html.unescape(source) for source in _IMG.findall(value)]
            yield _noted(fields, IMAGES, name, sources, base)


_IMG = re.compile(r"""<img\b[^<>]*?\bsrc\s*=\s*["']([^"'<>]+)["']""", re.IGNORECASE)


def _noted(fields: _Fields, kind: str, name: str, value: Any, base: str | None) -> list[NamedPicture]:
    found = [] if is_empty(value) else _once(pictures_in(value, base))
    if found:
        fields.note(kind, name)
    return found


def _captioned(fields: _Fields, found: list[NamedPicture]) -> list[NamedPicture]:
    """Return the pictures, the first with the caption from a field such as `image_alt`."""
    for name, value in fields.record.items():
        words = words_of(str(name))
        if "alt" in words and found[0].caption is None and isinstance(value, str) and (text := as_text(value)):
            fields.used.add(str(name))
            return [NamedPicture(found[0].places, shorten(text, _MAX_TITLE)), *found[1:]]
    return found


def _once(pictures: Iterable[NamedPicture]) -> list[NamedPicture]:
    """Return the pictures without those that share a place with an earlier one."""
    seen, kept = set[str](), list[NamedPicture]()
    for picture in pictures:
        if seen.isdisjoint(picture.places):
            kept.append(picture)
        seen.update(picture.places)
    return kept[:MAX_PICTURES]


def pictures_in(value: Any, base: str | None, depth: int = 0) -> Iterator[NamedPicture]:
    """Yield the pictures in a value: a text with one or several, an object with a URL, or a list of these."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, str):
        for place in _split(value):
            yield NamedPicture(_places(place, base))
    elif isinstance(value, list):
        for each in value[:MAX_PICTURES]:
            yield from pictures_in(each, base, depth + 1)
    elif isinstance(value, dict):
        yield from _pictures_of_object(value, base, depth)


def _pictures_of_object(value: Mapping[str, Any], base: str | None, depth: int) -> Iterator[NamedPicture]:
    known = {flat(str(key)): each for key, each in value.items() if not is_empty(each)}
    if any(
        "video" in str(known.get(key, "")).casefold() for key in ("type", "mediatype", "mediacontenttype", "medium")
    ):
        return
    caption = next((text for key in _CAPTION_KEYS if (text := as_text(known.get(key)))), None)
    local = [known[key] for key in _PATH_KEYS if isinstance(known.get(key), str)]
    urls = [known[key] for key in _URL_KEYS if isinstance(known.get(key), str)]
    if local or urls:
        places = [
            place for each in local[:1] + urls[:1] for place in _places(each.strip(), base if each in urls else None)
        ]
        yield NamedPicture(tuple(dict.fromkeys(places)), shorten(caption, _MAX_TITLE) if caption else None)
        return
    if isinstance(known.get("main"), dict):  # the main one and others
        for each in known.values():
            yield from pictures_in(each, base, depth + 1)
        return
    for key in _URL_KEYS:  # one more level: {"large": {"url": …}}, {"node": {"src": …}}
        if isinstance(known.get(key), dict | list) and (found := list(pictures_in(known[key], base, depth + 1))):
            yield from (
                NamedPicture(p.places, p.caption or (shorten(caption, _MAX_TITLE) if caption else None)) for p in found
            )
            return
    if sizes := {int(number[-1]): key for key in known if (number := re.findall(r"\d+", key))}:
        is_list = set(sizes) <= {*range(len(sizes) + 1)}
        for key in [sizes[number] for number in (sorted(sizes) if is_list else [max(sizes)])]:
            yield from pictures_in(known[key], base, depth + 1)
        return
    for each in known.values():
        if isinstance(each, dict | list) or _is_picture_url(each):
            yield from pictures_in(each, base, depth + 1)


_CAPTION_KEYS = ("alt", "alttext", "caption", "alternatetext", "imagealt", "legend")
_PATH_KEYS = ("path", "localpath", "filepath", "file")
_URL_KEYS = (
    "original", "originalsrc", "originalurl", "full", "fullsize", "fullurl",
    "fullxfull", "urlfullxfull", "zoom", "hires",
    "xlarge", "large", "largeurl", "urllarge", "big", "url", "src", "contenturl",
    "href", "link", "imageurl", "secureurl",
    "imageuri", "uri", "source", "image", "node", "previewimage", "main", "default",
    "regular", "standard", "medium", "loc",
    "", "small", "thumbnail", "thumbnailurl", "thumb", "tiny", "images", "edges", "nodes", "gallery", "items", "data",
)  # fmt: skip


def _split(text: str) -> list[str]:
    """Return the places in a text: one, or several as JSON, as lines, or with "," ";" "|" between them."""
    text = html.unescape(text.strip()) if "&amp;" in text else text.strip()
    if text[:1] == "[" and (parsed := _literal(text)) is not None:
        return [place for each in _listed(parsed) if isinstance(each, str) for place in _split(each)]
    if text.startswith("data:"):
        return []
    parts = [part.strip().strip("\"'") for part in _BETWEEN_URLS.split(text)]
    if len(parts) == 1 and "://" not in text:
        paths = [path for part in re.split(r"[,;|\n]", text) if (path := part.strip())]
        parts = paths if len(paths) > 1 and all(map(_has_picture_suffix, paths)) else parts
    return [_WIDTH.sub("", part) for part in parts if part.casefold() not in _NO_VALUES]


_BETWEEN_URLS = re.compile(r"(?<![\s,;|~^])[\s,;|~^]++(?=https?://|//)")
_WIDTH = re.compile(r"\s+\d+(?:\.\d+)?[wx]$")
"""A width or density in `srcset`."""


def _places(text: str, base: str | None) -> tuple[str, ...]:
    """Return the possible places of a picture: a URL; or a path, and a URL relative to that of the item."""
    text = text.strip()
    if text.startswith("//"):
        return (f"https:{text}",)
    if "://" in text or base is None:
        return (text,)
    return tuple(dict.fromkeys((text, _joined(text, base).replace(" ", "%20"))))


def _is_picture_url(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("https://", "http://", "//")) and _has_picture_suffix(value)


def _has_picture_suffix(text: str) -> bool:
    return bool(re.search(r"\.(?:jpe?g|png|webp|gif|avif|bmp|tiff?|jp2)(?:[?#]\S*)?$", text.strip(), re.IGNORECASE))


def _literal(text: str) -> Any:
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


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
