"""Read what else a record of a shop or scraper tells of its product: facts and variants.

Facts are attributes, each with a name and a value; fields whose names are labels of facts in some language ("Finish",
"Gewicht (kg)"); and fields that a mapping names as facts.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from swatchbook.domain.records import Variant
from swatchbook.ingest.sources.field_words import flat, words_of
from swatchbook.ingest.sources.item_files import CODE, METADATA, is_empty
from swatchbook_base.one_line import shorten
from swatchbook_catalogue.attributes import derive_key, fact_key, with_unit_of_head
from swatchbook_shops.items.batch_fields import VARIANTS, Columns, Fields, attributes_of
from swatchbook_shops.items.batch_names import FIELDS, MPN, NAMES, SKU
from swatchbook_shops.items.batch_values import (
    MAX_TITLE,
    as_availability,
    as_gtin,
    as_id,
    as_price,
    as_text,
    attributes_in,
    listed,
    lookup,
    price_before,
)
from swatchbook_shops.items.shop_attributes import ANY

MOST_FACTS = 100  # of an item
MOST_VARIANTS = 500  # of an item
_MOST_VALUE = 500  # characters
_MOST_KEY = 60  # characters of a label

_NO_FACTS = frozenset(FIELDS) - frozenset(METADATA) | frozenset(
    {"price", "regular_price", "currency", "url", "gtin", "name", "image", ""}
)
_OF_VARIANTS = {
    "color": "color", "material": "material", "size": "size", "sale_starts": "salestarts", "sale_ends": "saleends",
    "sku": "ownsku", "status": "status", "digital": "digital", "stock": "stock", "backorders": "backorders",
    "length": "length", "width": "width", "height": "height", "shop_id": "shopid",
}  # fmt: skip
"""What is kept of a variant -> the flat name of its field."""
_NO_COLUMNS = frozenset({"quantity", "type", "brand", "ean"})
"""Labels in print that mean something else as a shop's column: what is in stock, the kind of its row."""


def read_facts(fields: Fields, given: Columns, taken: Collection[str]) -> dict[str, str]:
    """Return key -> value. `given`: the fields that a mapping names as facts; `taken`: keys that are known already.

    Several values of one attribute are joined; of several fields with one key the first counts.
    """
    found, labels = dict[str, list[str]](), dict[str, str]()
    for key, label, value, path in chain(_given(fields, given), _attributes(fields), _columns(fields)):
        if key in taken or labels.setdefault(key, label) != label or (text := _as_fact(value, key, label)) is None:
            continue
        fields.use(path)
        if text not in found.setdefault(key, []):
            found[key].append(text)
    fields.used.update(name for name in fields.filled if _is_numbered_attribute(name))
    return {key: shorten("; ".join(values), _MOST_VALUE) for key, values in islice(found.items(), MOST_FACTS)}


def _given(fields: Fields, given: Columns) -> Iterator[tuple[str, str, Any, str]]:
    for key, names in given.items():
        for name in names:
            if not is_empty(value := lookup(fields.record, name)):
                yield key, key, value, name
                break


def _attributes(fields: Fields) -> Iterator[tuple[str, str, Any, str]]:
    read = {path for paths in fields.columns.values() for path in paths}
    for name, value, path in attributes_of(fields.record):
        key = _key(name)
        if path not in read and key not in _NO_FACTS:
            yield key, name, value, path


def _columns(fields: Fields) -> Iterator[tuple[str, str, Any, str]]:
    for name, value in fields.record.items():
        key = fact_key(str(name)[:_MOST_KEY])
        if key and key not in _NO_FACTS | _NO_COLUMNS and name not in fields.used and not isinstance(value, dict):
            yield key, str(name), value, str(name)


def _key(label: str) -> str:
    """Return the key of an attribute, by which products of all sources are compared."""
    known = fact_key(label[:_MOST_KEY])
    return "gtin" if known == "ean" else known or derive_key(label[:_MOST_KEY])


def is_fact_of(label: str, values: Sequence[str], key: str, text: str) -> bool:
    """Return whether a text is what is read of an attribute with this label and these values."""
    fact = _as_fact(list(values), key, label)
    return key == _key(label) and text in (shorten(fact or "", _MOST_VALUE), as_text(list(values)))


def _as_fact(value: Any, key: str, label: str) -> str | None:
    """Return a value as text, with the unit of its label; None where there is none, or it is 0."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    texts = map(as_text, value) if isinstance(value, list) else [as_text(value)]
    text = "; ".join(dict.fromkeys(filter(None, texts))) or None
    if text is None or text.strip("0.,") == "":
        return None
    return with_unit_of_head(text, key, label)


def _is_numbered_attribute(name: str) -> bool:
    """Return whether a column is about an attribute: "Attribute 1 visible"."""
    first, *others = words_of(name) or ("",)
    return first == "attribute" and bool(others) and others[0].isdecimal()


def read_variants(fields: Fields, title: str | None) -> tuple[Variant, ...]:
    """Return the variants that a record lists, each once; none if they have no names of their own."""
    options = [as_text(each.get("name")) for each in listed(fields.record.get("options")) if isinstance(each, dict)]
    for name in VARIANTS:
        for field in fields.top.get(name, ()):
            made = (_variant(each, title, options) for each in islice(listed(field.value), MOST_VARIANTS))
            if found := dict.fromkeys(filter(None, made)):
                fields.use(field.name)
                return tuple(found)
    for field in fields.top.get("offers", ()):  # offers without names are those of several sellers
        offers = listed(field.value)[:MOST_VARIANTS]
        named = tuple(dict.fromkeys(filter(None, (_variant(each, title, options) for each in offers))))
        if len(named) == len(offers) > 1:
            return named
    return ()


def _variant(given: Any, title: str | None, names: Sequence[str | None]) -> Variant | None:
    """Return a variant. `names` are those of the options that are only numbered in it."""
    if isinstance(given, str):
        return Variant(name=shorten(given.strip(), MAX_TITLE)) if given.strip() and "://" not in given else None
    if not isinstance(given, dict):
        return None
    known = {flat(str(key)): value for key, value in given.items() if not is_empty(value)}
    options = [*_options(known, names)] or [*_unnamed(known)]
    name = " / ".join(value for _, value in options) or as_text(known.get("title", known.get("name"))) or ""
    if title and name.casefold().startswith(title.casefold()):
        name = name[len(title) :].strip(" -–—,:/|·")
    name = name or as_text(known.get("ownsku", known.get("shopid"))) or ""  # an article of a shop is never left out
    if not name:
        return None
    given_values = ((fact_key(label), value) for label, value in options if value != ANY)
    facts = {key: value for key, value in given_values if key and key not in _NO_FACTS}
    facts |= {key: text for key, field in _OF_VARIANTS.items() if (text := as_text(known.get(field)))} | _weight(known)
    if stock := next((text for key in NAMES["availability"] if (text := as_availability(known.get(key)))), None):
        facts["availability"] = stock
    if mpn := next((text for key in MPN if (text := as_text(known.get(key)))), None):
        facts["mpn"] = mpn
    if gtin := next((text for key in NAMES["gtin"] if (text := as_gtin(known.get(key)))), None):
        facts["gtin"] = gtin
    if "sku" not in facts and (sku := next((text for key in SKU if (text := as_id(known.get(key)))), None)):
        facts["sku"] = sku
    price = as_price(given)
    regular = next(filter(None, map(as_price, map(known.get, NAMES["regular_price"]))), None)
    if price and regular and (before := price_before(price, regular)):
        facts["regular_price"] = before
    return Variant(
        name=shorten(name, MAX_TITLE),
        code=next((text for key in NAMES[CODE] if (text := as_id(known.get(key)))), None),
        size=facts.get("size"),
        price=" ".join(filter(None, price)) if price else None,
        options=tuple(options),
        facts=tuple(facts.items()),
    )


def _unnamed(known: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (name, value) of what tells a variant apart that has no name."""
    if "title" in known or "name" in known:
        return
    for key in ("color", "size", "material"):
        if text := next((text for name in NAMES[key] if (text := as_text(known.get(name)))), None):
            yield key.capitalize(), text


def _weight(known: Mapping[str, Any]) -> dict[str, str]:
    """Return the weight of a variant with its unit, none without."""
    grams, weight, unit = (as_text(known.get(key)) for key in ("grams", "weight", "weightunit"))
    text = f"{grams} g" if grams else " ".join(filter(None, (weight, unit)))
    return {"weight": text} if re.search(r"[^\W\d_]", text) and re.search("[1-9]", text) else {}


def _options(known: Mapping[str, Any], names: Sequence[str | None]) -> Iterator[tuple[str, str]]:
    """Yield (name, value) of what makes up a variant, by the flat names of its fields."""
    for key in ("options", "selectedoptions", "attributes"):
        held = known.get(key)
        pairs = held.items() if isinstance(held, dict) else attributes_in(listed(held))
        if found := [(str(name)[:_MOST_KEY], text) for name, value in pairs if (text := as_text(value))]:
            yield from found
            return
    for number in (1, 2, 3):
        if text := as_text(known.get(f"option{number}")):
            yield (names[number - 1] if number <= len(names) else None) or f"Option {number}", text
