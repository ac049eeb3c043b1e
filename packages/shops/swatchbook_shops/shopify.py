"""The product CSV of Shopify, with the columns of its template since 2024. A product has a row for each variant and for
each further picture, with the same URL handle.

A handle keeps the letters and digits of every script; accents are removed from Latin letters, as Shopify does.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import partial
from typing import BinaryIO, Final

from swatchbook.upkeep.export.formats import Exporter
from swatchbook.upkeep.export.shop_mapping import ShopOptions
from swatchbook_shops.article_weights import as_decimal
from swatchbook_shops.offers import Offer, picture_urls
from swatchbook_shops.shop_csv import OneCurrency, as_html, pack, read_groups, unpack, write_rows
from swatchbook_shops.shop_fields import (
    AMOUNT,
    CONDITIONS,
    Allowed,
    NotExportable,
    check_fields,
    filled,
)
from swatchbook_shops.shop_file import Contents, ShopFormat, ShopRecord, write_shop_file

PRODUCT_COLUMNS: Final = (
    "Title", "URL handle", "Description", "Vendor", "Product category", "Type", "Tags", "Published on online store",
    "Status",
)  # fmt: skip
VARIANT_COLUMNS: Final = (
    "SKU", "Barcode", "Option1 name", "Option1 value", "Option1 Linked To", "Option2 name", "Option2 value",
    "Option2 Linked To", "Option3 name", "Option3 value", "Option3 Linked To", "Price", "Compare-at price",
    "Cost per item", "Charge tax", "Tax code", "Unit price total measure", "Unit price total measure unit",
    "Unit price base measure", "Unit price base measure unit", "Inventory tracker", "Inventory quantity",
    "Continue selling when out of stock", "Weight value (grams)", "Weight unit for display", "Requires shipping",
    "Fulfillment service",
)  # fmt: skip
PICTURE_COLUMNS: Final = ("Product image URL", "Image position", "Image alt text", "Variant image URL")
LAST_COLUMNS: Final = (
    "Gift card", "SEO title", "SEO description", "Google Shopping / Google product category",
    "Google Shopping / Gender", "Google Shopping / Age group", "Google Shopping / Manufacturer part number (MPN)",
    "Google Shopping / Ad group name", "Google Shopping / Ads labels", "Google Shopping / Condition",
    "Google Shopping / Custom product", "Google Shopping / Custom label 0", "Google Shopping / Custom label 1",
    "Google Shopping / Custom label 2", "Google Shopping / Custom label 3", "Google Shopping / Custom label 4",
)  # fmt: skip
COLUMNS: Final = (*PRODUCT_COLUMNS, *VARIANT_COLUMNS, *PICTURE_COLUMNS, *LAST_COLUMNS)
ALWAYS: Final = ("Title", "URL handle", "Option1 name", "Option1 value")
_YES_NO = ("true", "false")
ALLOWED: Final[Allowed] = {
    "Status": ("active", "draft", "archived", "unlisted"),
    **dict.fromkeys(("Published on online store", "Charge tax", "Requires shipping", "Gift card"), _YES_NO),
    **dict.fromkeys(("Price", "Compare-at price", "Cost per item", "Weight value (grams)"), AMOUNT),
    "Google Shopping / Condition": CONDITIONS,
}
MOST_VARIANTS: Final = 2_048
MOST_OPTIONS: Final = 3
_MOST_TITLE = 255  # characters, also of a handle and of an option's value
_OWN_HANDLE = re.compile(rf"[a-z0-9][a-z0-9_-]{{0,{_MOST_TITLE - 1}}}")
_UNITS = {"m2": "m2", "m": "m", "kg": "kg", "l": "l"}
"""Units of Shopify's unit prices."""
_GONE = "archived"
_ACTIVE = ("", "hidden", "unlisted")
"""What a shop says of products that are not offered to everybody, but are no drafts."""
_PUBLISHED = "Published on online store"


class Shopify(ShopFormat):
    """The format. Its file has one currency, that of the shop."""

    key_name = "URL handle"
    common_names: Mapping[str, str] = {"URL handle": "handle"}

    def __init__(self, options: ShopOptions) -> None:
        check_fields(options.mapping, "shopify", COLUMNS, allowed=ALLOWED)
        self._options = options
        self._currency = OneCurrency(options.mapping.currency)

    def records(self, offer: Offer) -> list[ShopRecord]:
        handle = _handle(offer)
        if not handle:
            raise NotExportable("its handle has neither letters nor digits")
        if len(offer.variants) > MOST_VARIANTS:
            raise NotExportable(f"it has more than {MOST_VARIANTS:,} variants")
        urls = picture_urls(offer, self._options)
        rows = [self._variant(offer, each) for each in offer.variants or (offer,)]
        is_priced = all(row.get("Price") for row in rows)
        rows[0] = self._product(offer, is_priced=is_priced) | rows[0]
        unpriced = not is_priced and offer.off_sale in _ACTIVE and rows[0]["Status"] == "draft"
        rows += [{} for _ in urls[len(rows) :]]
        captions = offer.row.captions or ("",) * len(urls)
        for number, (row, url, caption) in enumerate(zip(rows, urls, captions, strict=False), start=1):
            alt = caption or rows[0]["Title"]
            row |= {"Product image URL": url, "Image position": str(number), "Image alt text": alt}
        content = pack([{"URL handle": handle, **row} for row in rows])
        return [ShopRecord(handle, content, unpriced=unpriced)]

    def _product(self, offer: Offer, *, is_priced: bool) -> dict[str, str]:
        """Return the cells of a product. Without a price the shop would give it away: it is a draft."""
        fields = offer.fields
        cells = {
            "Title": offer.needed("title", most=_MOST_TITLE),
            "Description": as_html(fields["description"]),
            "Vendor": fields["brand"],
            "Product category": offer.values.get("taxonomy", ""),
            "Type": "" if fields["category"] == offer.values.get("taxonomy") else fields["category"],
            "Tags": ", ".join(offer.tags),
        } | filled(self._options.mapping, offer.values, (*PRODUCT_COLUMNS, *LAST_COLUMNS), allowed=ALLOWED)
        status = offer.off_sale if is_priced or offer.off_sale == _GONE else "draft"
        shown = {"Status": {"": "active", "hidden": "active", "private": "draft"}.get(status, status)}
        if status not in ("", "unlisted"):
            shown[_PUBLISHED] = "FALSE"  # an empty cell would publish it
        return cells | {name: cells.get(name) or value for name, value in shown.items()}

    def _variant(self, product: Offer, offer: Offer) -> dict[str, str]:
        price, fields = self._currency.price_of(offer), offer.fields
        unit = _UNITS.get(price.unit or "") if price else None
        names = _three(product.options) or ("Title",)
        values = _three(offer.options) or ("Default Title",)
        cells = {"SKU": offer.fields["sku"], "Barcode": fields["gtin"], "Price": price.amount if price else ""}
        if "virtual" in offer.values.get("digital", ""):
            cells["Requires shipping"] = "false"
        cells |= {"Compare-at price": price.regular if price else ""}
        cells |= {"Weight value (grams)": as_decimal(offer.grams) if offer.grams else ""}
        for number, (name, value) in enumerate(zip(names, values, strict=True), start=1):
            cells |= {f"Option{number} name": name, f"Option{number} value": value}
        if unit:
            cells |= {"Unit price total measure": "1", "Unit price total measure unit": unit}
            cells |= {"Unit price base measure": "1", "Unit price base measure unit": unit}
        if offer is not product and (urls := picture_urls(offer, self._options)):
            cells["Variant image URL"] = urls[0]
        cells["Google Shopping / Manufacturer part number (MPN)"] = fields["mpn"]
        if fields["condition"].lower() in CONDITIONS:
            cells["Google Shopping / Condition"] = fields["condition"].lower()
        return cells | filled(
            self._options.mapping, offer.values, (*VARIANT_COLUMNS, *PICTURE_COLUMNS), allowed=ALLOWED
        )

    def keys(self, offer: Offer) -> list[str]:
        return [_handle(offer)]

    def read(self, file: BinaryIO) -> Iterator[ShopRecord]:
        is_mapped = "Status" in self._options.mapping.fields
        return read_groups(
            file,
            "URL handle",
            needed=("Title",),
            is_gone=lambda row: not is_mapped and row.get("Status") == _GONE and not row.get(_PUBLISHED),
        )

    def gone(self, content: str) -> str:
        """Return the product with the status `archived`: Shopify keeps it, and no longer sells it.

        What is archived in the catalogue is not published, too: by that, `read` tells the two apart.
        """
        first, *others = unpack(content)
        return pack([first | {"Status": _GONE, _PUBLISHED: ""}, *others])

    def write(self, contents: Contents, out: BinaryIO, *, whole: bool) -> None:
        write_rows(contents, out, columns=COLUMNS, always=ALWAYS)


def _three(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names or values of options as Shopify's three: from the third on they are one."""
    return texts if len(texts) <= MOST_OPTIONS else (*texts[: MOST_OPTIONS - 1], " / ".join(texts[MOST_OPTIONS - 1 :]))


def _handle(offer: Offer) -> str:
    """Return the handle of a product; that which Shopify gave it as it is."""
    text = offer.needed("handle")
    return text if text == offer.values.get("handle") and _OWN_HANDLE.fullmatch(text) else handle_of(text)


def handle_of(text: str) -> str:
    """Return a text as a handle: letters and digits of any script in lower case, with hyphens between them."""
    plain = "".join(
        unicodedata.normalize("NFC", _without_accents(each)) for each in unicodedata.normalize("NFKC", text).casefold()
    )
    return re.sub(r"[\W_]+", "-", plain).strip("-")[:_MOST_TITLE].rstrip("-")


def _without_accents(character: str) -> str:
    """Return a Latin letter without its accents, and any other character as it is."""
    base = unicodedata.normalize("NFD", character)
    return base[0] if base[0].isascii() else character


SHOPIFY: Final = Exporter(
    partial(write_shop_file, Shopify), "Shopify", "csv",
    fetches="{} left out: Shopify needs their addresses.",
    address_columns=frozenset({"Product image URL", "Variant image URL"}), unpriced="a draft",
)  # fmt: skip
