"""The product CSV of WooCommerce's own importer. A product with variants is of the type `variable`, and each variant is
a row of the type `variation`, whose parent is the SKU of the product, or its ID.

The importer reads lists in a cell: values are separated by commas, and a comma in a value has a backslash before it.
"""

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import BinaryIO, Final

from swatchbook.upkeep.export.formats import Exporter
from swatchbook.upkeep.export.shop_mapping import ShopOptions
from swatchbook_shops.article_weights import as_decimal, centimetres_of
from swatchbook_shops.items.batch_facts import is_fact_of
from swatchbook_shops.items.shop_attributes import ANY, ShopAttribute, stored_attributes
from swatchbook_shops.offers import Offer, Price, beside_options, distinct_skus, picture_urls
from swatchbook_shops.shop_csv import OneCurrency, pack, read_rows, sku_key, unpack, write_rows
from swatchbook_shops.shop_fields import AMOUNT, Allowed, check_fields, filled
from swatchbook_shops.shop_file import Contents, ShopFormat, ShopRecord, write_shop_file

COLUMNS: Final = (
    "ID", "Type", "SKU", "GTIN, UPC, EAN, or ISBN", "Name", "Published", "Is featured?", "Visibility in catalog",
    "Short description", "Description", "Date sale price starts", "Date sale price ends", "Tax status", "Tax class",
    "In stock?", "Stock", "Low stock amount", "Backorders allowed?", "Sold individually?", "Weight (kg)", "Length (cm)",
    "Width (cm)", "Height (cm)", "Allow customer reviews?", "Purchase note", "Sale price", "Regular price",
    "Categories", "Tags", "Shipping class", "Images", "Download limit", "Download expiry days", "Parent",
    "Grouped products", "Upsells", "Cross-sells", "External URL", "Button text", "Position", "Brands",
)  # fmt: skip
ATTRIBUTE: Final = (
    "Attribute {} name",
    "Attribute {} value(s)",
    "Attribute {} visible",
    "Attribute {} global",
    "Attribute {} default",
)
META: Final = "Meta: "
ALWAYS: Final = ("Type", "SKU", "Name", "Published")
_YES_NO = ("1", "0")
ALLOWED: Final[Allowed] = {
    "Published": ("1", "0", "-1"),
    **dict.fromkeys(("Is featured?", "Sold individually?", "Allow customer reviews?"), _YES_NO),
    "Visibility in catalog": ("visible", "catalog", "search", "hidden"),
    "Tax status": ("taxable", "shipping", "none"),
    "In stock?": (*_YES_NO, "backorder"),
    "Backorders allowed?": (*_YES_NO, "notify"),
    **dict.fromkeys(("Sale price", "Regular price", "Weight (kg)", "Length (cm)", "Width (cm)", "Height (cm)"), AMOUNT),
}
MOST_ATTRIBUTES: Final = 100
_ATTRIBUTES = tuple(name.format(number) for number in range(1, MOST_ATTRIBUTES + 1) for name in ATTRIBUTE)
_ON_PRODUCT = ("Categories", "Tags", "Brands", "Shipping class", "External URL", "Button text", "Purchase note")
_MEASURED = ("length", "width", "height")
_SHOWN, _PRIVATE, _DRAFT = "1", "0", "-1"
_PUBLISHED = {"": _SHOWN, "unlisted": _SHOWN, "draft": _DRAFT}
_FILLED = {"Visibility in catalog": "visible", "In stock?": "instock"}
"""What a row without a value has in a column of the file: the importer refuses a row without the first, and takes one
without the second as out of stock. Any word but 0 means in stock; this one is of no row with a value."""
ONLY_CHANGES: Final = "Only changes"
"""A column without values, which only a file of changes has, and the importer does not know."""
_IN_STOCK = {"in_stock": "1", "out_of_stock": "0", "backorder": "backorder"}
_NARROW = str.maketrans("＝＋－＠", "=+-@")


class WooCommerce(ShopFormat):
    """The format. A record is a row, so that a variation can be gone alone. Its file has the currency of the shop."""

    common_names: Mapping[str, str] = {"SKU": "sku"}
    has_private = True

    def __init__(self, options: ShopOptions) -> None:
        check_fields(options.mapping, "woocommerce", COLUMNS, (META,), allowed=ALLOWED)
        self._options = options
        self._currency = OneCurrency(options.mapping.currency)

    def records(self, offer: Offer) -> list[ShopRecord]:
        own, *skus = distinct_skus(offer)
        product = self._product(offer, own)
        # A SKU that the product gets only here is not known to the shop, which would make another product of it.
        parent = f"id:{product['ID']}" if own == offer.key and product.get("ID") else own
        variations = [
            self._variation(offer, each, sku) | {"Parent": parent}
            for each, sku in zip(offer.variants, skus, strict=True)
        ]
        before = product["Published"]
        if not any(row.get("Regular price") for row in (product, *variations)):
            private = {} if before == _DRAFT else {"Published": _PRIVATE}
            product |= private | filled(self._options.mapping, offer.values, ("Published",))
        unpriced = before == _SHOWN and product["Published"] == _PRIVATE
        return [_record(product)._replace(unpriced=unpriced), *map(_record, variations)]

    def _product(self, offer: Offer, sku: str) -> dict[str, str]:
        fields, short = offer.fields, offer.values.get("short_description", "")
        gallery = [name for name in offer.pictures if name not in offer.row.variant_pictures]
        known = "" if "category" in self._options.mapping.fields else offer.values.get("categories", "")
        cells = self._common(replace(offer, pictures=tuple(gallery)), sku) | {
            "Type": _kind("variable" if offer.variants else "simple", offer),
            "Visibility in catalog": "hidden" if offer.off_sale == "unlisted" else offer.values.get("visibility", ""),
            "Short description": _description(short),
            "Description": _description(fields["description"] if fields["description"] != short else ""),
            "Tags": _joined(offer.tags),
            "Categories": _joined(re.split(r"[;\n]", known or offer.fields["category"])),
            "Brands": _joined([fields["brand"]]),
        }
        attributes = _attributes(offer, sku)[:MOST_ATTRIBUTES]
        for number, each in enumerate(attributes, start=1):
            cells |= _attribute(number, each) | {ATTRIBUTE[2].format(number): "1" if each.visible else "0"}
        return cells | filled(self._options.mapping, offer.values, COLUMNS, (META,), allowed=ALLOWED)

    def _variation(self, product: Offer, offer: Offer, sku: str) -> dict[str, str]:
        own = {each.name: each for each in stored_attributes(product.values.get("shop_attributes", ""))}
        cells = self._common(offer, sku, most_pictures=1)  # the importer gives a variation one
        cells |= {"Type": _kind("variation", offer), "Published": cells["Published"].replace(_DRAFT, _PRIVATE)}
        cells |= {f"{META}code": offer.code_beside(sku)}
        for number, (name, value) in enumerate(zip(product.options, offer.options, strict=True), start=1):
            each = own.get(name)
            chosen = ShopAttribute(name=name, values=_chosen(each, [value]), shared=each is not None and each.shared)
            cells |= _attribute(number, chosen)
        columns = tuple(name for name in COLUMNS if name not in _ON_PRODUCT)
        return cells | filled(self._options.mapping, offer.values, columns, (META,), allowed=ALLOWED)

    def _common(self, offer: Offer, sku: str, *, most_pictures: int | None = None) -> dict[str, str]:
        price = None if offer.variants else self._currency.price_of(offer)
        pictures = picture_urls(offer, self._options) or offer.pictures
        return {
            "SKU": sku,
            "GTIN, UPC, EAN, or ISBN": offer.fields["gtin"],
            "Name": offer.needed("title"),
            "Published": _PUBLISHED.get(offer.off_sale, _PRIVATE),
            "In stock?": _IN_STOCK.get(offer.availability, ""),
            "Backorders allowed?": offer.values.get("backorders", ""),
            "Weight (kg)": as_decimal(offer.grams / 1_000) if offer.grams else "",
            **{f"{name.capitalize()} (cm)": as_decimal(value) for name, value in _measures(offer).items()},
            **_prices(price),
            "Images": ", ".join(pictures[:most_pictures]),
        }

    def keys(self, offer: Offer) -> list[str]:
        return [sku_key(sku) for sku in distinct_skus(offer)]

    def read(self, file: BinaryIO) -> Iterator[ShopRecord]:
        filled_in = {name: word for name, word in _FILLED.items() if name not in self._options.mapping.fields}
        for row in read_rows(file, ("Type", "SKU", "Name"), of_changes=ONLY_CHANGES):
            yield _record({name: cell for name, cell in row.items() if filled_in.get(name) != cell})

    def gone(self, content: str) -> str:
        """Return the product as a draft, or the variation as private: neither is sold, and nothing is lost."""
        (row,) = unpack(content)
        return pack([row | {"Published": _PRIVATE if row.get("Type", "").startswith("variation") else _DRAFT}])

    def write(self, contents: Contents, out: BinaryIO, *, whole: bool) -> None:
        always = ALWAYS if whole else (*ALWAYS, ONLY_CHANGES)
        write_rows(contents, out, columns=(*COLUMNS, *_ATTRIBUTES), always=always, filled=_FILLED)


def _prices(price: Price | None) -> dict[str, str]:
    """Return the cells of a price. The importer wants both prices and the days of a sale, whether it is on or not."""
    if price is None or price.sale is None:
        return {"Regular price": price.amount if price else ""}
    sale = price.sale
    return {
        "Regular price": sale.regular,
        "Sale price": sale.amount,
        "Date sale price starts": sale.starts,
        "Date sale price ends": sale.ends,
    }


def _record(row: dict[str, str]) -> ShopRecord:
    """Return a row as a record. For the importer, SKUs that differ only in their case are the same."""
    sku = row.get("SKU", "")
    return ShopRecord(sku_key(sku), pack([row]), sku)


def _kind(kind: str, offer: Offer) -> str:
    return ", ".join(filter(None, (kind, offer.values.get("digital"))))


def _attributes(offer: Offer, sku: str) -> list[ShopAttribute]:
    """Return the attributes that a product had in its shop, its options, and what else is known of it."""
    found = {each.name: each for each in stored_attributes(offer.values.get("shop_attributes", ""))}
    options = {
        name: _chosen(found.get(name), [variant.options[at] for variant in offer.variants])
        for at, name in enumerate(offer.options)
    }
    for name, values in options.items():
        each = found.get(name) or ShopAttribute(name=name, values=(), visible=True)
        found[name] = each.model_copy(update={"values": (*each.values, *values)})
    names = {name.casefold() for name in found}
    for name, value in beside_options(_known(offer, sku), options).items():
        is_known = any(is_fact_of(each.name, each.values, name.replace(" ", "_"), value) for each in found.values())
        if not is_known and name.casefold() not in names:
            found[name] = ShopAttribute(name=name, values=tuple(value.split("; ")), visible=True)
    return list(found.values())


def _chosen(attribute: ShopAttribute | None, values: Iterable[str]) -> tuple[str, ...]:
    """Return the values of variants for an attribute of their product; that of a variant for any value is left empty.

    `attribute`: as the shop has it. A value of another shop is written as it is.
    """
    return tuple(value for value in values if value != ANY or attribute is None or ANY in attribute.values)


def _known(offer: Offer, sku: str) -> dict[str, str]:
    """Return what is known of a product and has no column."""
    mpn = offer.fields["mpn"]
    known = dict(offer.properties) | {"code": offer.code_beside(sku)}
    known["MPN"] = "" if mpn in (sku, known["code"]) else mpn
    if price := offer.single_price:
        known["price unit"] = price.unit or ""
    for name in (*_measures(offer), *(["weight"] if offer.grams else [])):
        known.pop(name, None)
    return {name: value for name, value in known.items() if value.strip()}


def _measures(offer: Offer) -> dict[str, float]:
    """Return length, width and height in centimetres, where WooCommerce had them in columns, or all three are known.

    A shop shows no names with them: one that is alone stays an attribute.
    """
    own = stored_attributes(offer.values.get("shop_attributes", ""))
    texts = {name: offer.properties.get(name, "") for name in _MEASURED}
    found = {
        name: length
        for name, text in texts.items()
        if (length := centimetres_of(text)) and not any(is_fact_of(e.name, e.values, name, text) for e in own)
    }
    return found if len(found) == len(_MEASURED) or "shop_id" in offer.values else {}


def _attribute(number: int, attribute: ShopAttribute) -> dict[str, str]:
    """Return the cells of an attribute, without whether it is visible."""
    cells = (attribute.name, _joined(attribute.values), "", "1" if attribute.shared else "0", attribute.default)
    return dict(zip((each.format(number) for each in ATTRIBUTE), cells, strict=True))


def _joined(values: Iterable[str]) -> str:
    """Return values as a list in one cell."""
    plain = dict.fromkeys(map(_listed, values))
    return ", ".join(value.replace(",", "\\,") for value in plain if value)


def _listed(value: str) -> str:
    """Return a value as the importer reads it from a list, in the first place and in any other.

    It removes an apostrophe before a formula, from the first value only, and a backslash at the end of a value would
    hide the comma behind it.
    """
    line = re.sub(r"\\$", "＼", " ".join(value.split()))
    return re.sub(r"^'*([=+\-@＝＋－＠])", lambda found: found[1].translate(_NARROW), line)


def _description(text: str) -> str:
    r"""Return a description as HTML. The importer reads `\n` as a line break, so a backslash is a character code."""
    return html.escape(text, quote=False).replace("\\", "&#92;").replace("\n", "\\n")


WOOCOMMERCE: Final = Exporter(
    partial(write_shop_file, WooCommerce), "WooCommerce", "csv",
    address_columns=frozenset({"Images"}), finds_by_name=True,
    fetches="{} only by file name: WooCommerce finds those that you have uploaded to its media library.",
    unpriced="private",
)  # fmt: skip
