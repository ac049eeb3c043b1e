"""Convert a record of a shop or scraper to the fields of an item, by its fields' names and the shapes of their values.

A person's mapping goes first. Nothing is opened. The id is the field id, else the URL, else the SKU, else a hash of the
content.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import islice
from typing import Any

from swatchbook.domain.records import NO_MAPPING, BatchMapping
from swatchbook.ingest.sources.field_words import flat
from swatchbook.ingest.sources.item_files import CODE, ID, METADATA, TITLE, ReadRecord
from swatchbook_base.one_line import shorten
from swatchbook_base.printed_prices import amounts_of, is_one_amount, may_be_in
from swatchbook_catalogue.attributes import derive_key
from swatchbook_shops.items.batch_facts import read_facts, read_variants
from swatchbook_shops.items.batch_fields import Fields
from swatchbook_shops.items.batch_names import IDENTIFIERS, MPN, SALE_ENDS, SALE_STARTS, SKU
from swatchbook_shops.items.batch_pictures import read_pictures
from swatchbook_shops.items.batch_values import (
    MAX_TEXT,
    MAX_TITLE,
    as_availability,
    as_brand,
    as_category,
    as_condition,
    as_currency,
    as_gtin,
    as_id,
    as_price,
    as_text,
    as_title,
    as_url,
    currency_in_name,
    join_url,
    listed,
    lookup,
    plain_amount,
    price_before,
    without_ends,
)
from swatchbook_shops.items.shop_attributes import ANY, as_shop_attributes

_MAX_ID = 500  # characters
_MOST_TAGS = 250  # of an item, as in Shopify
_BEST_FIRST = ("in_stock", "backorder", "preorder", "out_of_stock")
"""A product is as available as the best of its variants."""


def read_record(record: Mapping[str, Any], mapping: BatchMapping = NO_MAPPING) -> ReadRecord:
    """Return the fields of a record's item. The mapping goes before the rules."""
    fields, base_url = Fields(record, mapping.names), mapping.base_url
    title = fields.read(TITLE, as_title) or _vendor_model(fields)
    metadata = {name: text for name in METADATA if (text := fields.read(name, _READERS.get(name, as_text)))}
    metadata |= _price(fields, mapping.currency)
    if "category" in metadata:
        is_trail = "breadcrumb" in flat(fields.columns["category"][0])
        metadata["category"] = without_ends(metadata["category"], title if is_trail else None)
    if "url" in metadata:
        metadata["url"] = join_url(metadata["url"], base_url)
    code = fields.read(CODE, as_id)
    base = metadata.get("url", base_url or "")
    pictures, more = read_pictures(fields, base if base.startswith("http") else None)
    given_id = fields.read(ID, as_id)
    item = given_id or metadata.get("url") or code
    variants = read_variants(fields, title)
    if len(variants) > 1 and code in {variant.code for variant in variants}:
        code = None
    others = _listed_as(fields)
    others |= _other_codes(fields, given_id if code else None, {code, *metadata.values(), *others.values()})
    facts = read_facts(fields, mapping.fact_names, metadata.keys())
    names = "; ".join(variant.name for variant in variants)  # an attribute with the options of all variants
    metadata |= {key: value for key, value in facts.items() if value != names} | others
    of_variants = [dict(variant.facts) for variant in variants]
    is_for_any = any(value == ANY for variant in variants for _, value in variant.options)
    for key in () if is_for_any else ("size", "color", "material"):  # filters on products use all of them
        if values := dict.fromkeys(each[key] for each in of_variants if key in each):
            metadata[key] = shorten(", ".join(values), MAX_TEXT)
    if {each.get("gtin") for each in of_variants} & {*re.findall(r"\d+", metadata.get("gtin", ""))}:
        del metadata["gtin"]  # that of one of its rows
    for key in ("mpn", "sku"):
        if metadata.get(key) in {each.get(key) for each in of_variants}:
            metadata.pop(key, None)
    if known := [each["availability"] for each in of_variants if "availability" in each]:
        metadata["availability"] = min(known, key=_BEST_FIRST.index)
    if any(variant.price for variant in variants):
        metadata.pop("regular_price", None)  # it may be that of another variant than the price
    elif "price" in metadata and (every := _range(lookup(fields.plain, fields.columns["price"][0]))):
        metadata["price"] = every
    return ReadRecord(
        id=item[:_MAX_ID] if item else None,
        code=code,
        title=shorten(title, MAX_TITLE) if title else None,
        metadata=metadata,
        variants=variants,
        pictures=pictures,
        more=more,
        columns={name: tuple(dict.fromkeys(names)) for name, names in fields.columns.items()},
        unknown=tuple(name for name in fields.filled if name not in fields.used),
    )


def _range(value: Any) -> str | None:
    """Return the range of several different prices in a list, None for any other value, and in several currencies."""
    prices = [price for each in listed(value) if (price := as_price(each))] if isinstance(value, list) else []
    amounts = {value for amount, _ in prices for value in amounts_of(amount)[:1]}
    if len(amounts) < 2 or len({currency for _, currency in prices}) > 1:
        return None
    return f"{plain_amount(min(amounts))} – {plain_amount(max(amounts))}"


def _listed_as(fields: Fields) -> dict[str, str]:
    """Return what a shop keeps in addition to a product, by name. Only Shopify's files have a taxonomy."""
    found = dict[str, str]()
    for kind, (convert, names) in _OF_SHOPS.items():
        for field in (each for name in names for each in fields.top.get(name, ())):
            if kind not in found and (text := convert(field.value)):
                fields.use(field.name)
                found[kind] = text
    if "handle" not in found:
        found.pop("taxonomy", None)
    return found


def _other_codes(fields: Fields, given_id: str | None, known: Collection[str | None]) -> dict[str, str]:
    """Return the identifiers that are not `known`, by the names of their fields.

    The id of the file is `item_id`; without a code it is the code.
    """
    found = {"item_id": given_id} if given_id and given_id not in known and "://" not in given_id else {}
    for field in (each for name in IDENTIFIERS for each in fields.top.get(name, ())):
        text = as_id(field.value)
        if text and field.name not in fields.used and text not in {*known, *found.values()} and "://" not in text:
            fields.use(field.name)
            found.setdefault(derive_key(field.name.removeprefix("g:")), text)
    return found


def _tags(value: Any) -> str | None:
    """Return tags with "; " between them; in a text of a shop a comma is, and one within a tag has a backslash."""
    tags = map(as_text, value if isinstance(value, list) else re.split(r"(?<!\\),", str(value)))
    return "; ".join(tag.replace("\\,", ",") for tag in islice(tags, _MOST_TAGS) if tag) or None


def _count(value: Any) -> str | None:
    text = as_text(value) or ""
    return text if re.fullmatch(r"-?\d+(\.\d+)?", text) else None


def _one_of(*words: str) -> Callable[[Any], str | None]:
    return lambda value: text if (text := as_text(value)) in words else None


_BETWEEN_DAYS = re.compile(r"/(?=\s*(?:\d{4}-|$))")
"""The sign in 2026-12-01/2026-12-24, and none within 12/24/2026."""
_OFF_SALE = re.compile("draft|archived|unlisted|hidden|private", re.IGNORECASE)
_OF_SHOPS: Mapping[str, tuple[Callable[[Any], str | None], Sequence[str]]] = {
    "handle": (as_id, ("handle", "urlhandle")),
    "status": (lambda value: str(value).lower() if _OFF_SALE.fullmatch(str(value)) else None, ("status",)),
    "taxonomy": (as_category, ("productcategory",)),
    "categories": (as_text, ("allcategories",)),
    "shop_attributes": (as_shop_attributes, ("shopattributes",)),
    "sku": (as_id, SKU),
    "mpn": (as_id, MPN),
    "shop_id": (as_id, ("shopid",)),
    "short_description": (as_text, ("shortdescription", "kurzbeschreibung")),
    "tags": (_tags, ("tags", "producttags")),
    "stock": (_count, ("stock",)),
    "backorders": (_one_of("1", "notify"), ("backordersallowed",)),
    "visibility": (_one_of("catalog", "search", "hidden"), ("visibilityincatalog",)),
    "sold_as": (as_text, ("soldas",)),
    "digital": (as_text, ("digital",)),
    "sale_starts": (lambda value: _BETWEEN_DAYS.split(as_text(value) or "")[0].strip(), SALE_STARTS),
    "sale_ends": (lambda value: _BETWEEN_DAYS.split(as_text(value) or "")[-1].strip(), SALE_ENDS),
}
"""What is kept -> how its value is read, and the names of its fields."""


def _vendor_model(fields: Fields) -> str | None:
    """Return the title of a Yandex offer without a name: type, vendor and model."""
    names = [name for name in ("typePrefix", "vendor", "model") if as_text(fields.record.get(name))]
    if "model" not in names:
        return None
    fields.used.update(names)
    return " ".join(filter(None, (as_text(fields.record[name]) for name in names)))


_READERS: Mapping[str, Any] = {
    "brand": as_brand, "category": as_category, "condition": as_condition, "url": as_url,
    "price": lambda value: None, "currency": lambda value: None, "regular_price": lambda value: None, "gtin": as_gtin,
    "availability": as_availability,
}  # fmt: skip


def _price(fields: Fields, default: str | None) -> dict[str, str]:
    """Return price and currency; text without an amount, and 0, are no price. A currency alone is kept, too.

    `regular_price` is the one before a reduction. `default`: the currency of prices that name none.
    """
    found = fields.read("price", as_price)
    amount, own = found if found else (None, None)
    if found and own is None:
        own = currency_in_name(fields.columns["price"][0])
    currency = fields.read("currency", as_currency) or own
    if amount and not currency and default and may_be_in(amount, default):
        currency = default
    if amount and currency and is_one_amount(amount):
        amount = plain_amount(amounts_of(amount)[0])
    regular = fields.read("regular_price", as_price) if amount else None
    before = price_before((str(amount), currency), regular) if regular else None
    if regular and not before:
        del fields.columns["regular_price"]
    given = (("price", amount), ("currency", currency), ("regular_price", before))
    return {name: text for name, text in given if text}
