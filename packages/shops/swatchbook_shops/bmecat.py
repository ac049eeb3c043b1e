"""BMEcat 2005, the catalogue of suppliers to buyers: T_NEW_CATALOG, or T_UPDATE_PRODUCTS for what changed. Each variant
is a product that refers to its `base_product`.

The elements are in the order of the published schema, and no text is longer than it allows.
"""

import re
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO, Final
from xml.sax.saxutils import unescape  # nosec: only unescapes

from swatchbook.domain.errors import InvalidReference
from swatchbook.upkeep.export.formats import Exporter
from swatchbook.upkeep.export.shop_mapping import ADVICE, ShopOptions
from swatchbook_shops.offers import Offer, beside_options, distinct_skus, picture_urls, shortened
from swatchbook_shops.price_units import unit_code
from swatchbook_shops.shop_fields import NotExportable, check_fields, fill
from swatchbook_shops.shop_file import Change, Contents, ShopFormat, ShopRecord, write_shop_file
from swatchbook_shops.shop_lines import element, opening, parent, read_lines, write_lines

NAMESPACE: Final = "http://www.bmecat.org/bmecat/2005"
COLUMNS: Final = ("price_type",)
PRICE_TYPE: Final = re.compile(r"gros_list|net_customer|net_customer_exp|net_list|nrp|udp_\w{1,16}")
PRINTED: Final = "udp_printed"
"""Price type of a price of which only the print is known, neither net nor gross."""
MOST: Final = {
    "SUPPLIER_PID": 32, "DESCRIPTION_SHORT": 150, "DESCRIPTION_LONG": 64_000, "SUPPLIER_ALT_PID": 50,
    "MANUFACTURER_PID": 50, "MANUFACTURER_NAME": 50, "KEYWORD": 50, "FNAME": 60, "FVALUE": 60, "MIME_SOURCE": 255,
}  # fmt: skip
"""Element -> its most characters."""
_TYPES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif"}  # the schema has no image/png
_MARKER = f'xmlns="{NAMESPACE}"'
_NEW = opening("PRODUCT", mode=Change.NEW.value)
_RECORD = re.compile(rf"{_NEW}<SUPPLIER_PID>([^<]+)</SUPPLIER_PID>")
_UPDATE = "T_UPDATE_PRODUCTS"


class BMEcat(ShopFormat):
    """The format. A record is a PRODUCT: a product, or a variant of one."""

    def __init__(self, options: ShopOptions) -> None:
        check_fields(options.mapping, "bmecat", COLUMNS)
        for name in ("supplier", "catalog_id", "language"):
            if not getattr(options.mapping, name):
                raise InvalidReference(f"BMEcat needs {name}: a mapping must give it.", advice=ADVICE)
        self._options = options

    def records(self, offer: Offer) -> list[ShopRecord]:
        offer.require_on_sale()
        skus = distinct_skus(offer)
        return [
            self._product(offer, each, sku, refers=skus[0])
            for each, sku in zip((offer, *offer.variants), skus, strict=True)
        ]

    def _product(self, product: Offer, offer: Offer, key: str, *, refers: str) -> ShopRecord:
        if len(key) > MOST["SUPPLIER_PID"]:
            raise NotExportable(f"its sku has more than {MOST['SUPPLIER_PID']} characters")
        is_variant = offer is not product
        options = offer.options_of(product) if is_variant else {}
        features = beside_options(offer.properties, {name: [value] for name, value in options.items()}) | options
        reference = element("PROD_ID_TO", refers) if is_variant else ""
        inside = (
            element("SUPPLIER_PID", key),
            self._details(offer, key),
            parent("PRODUCT_FEATURES", *(_feature(name, value) for name, value in features.items())),
            parent("PRODUCT_ORDER_DETAILS", element("ORDER_UNIT", _order_unit(offer))),
            parent("PRODUCT_PRICE_DETAILS", self._price(offer)),
            parent("MIME_INFO", *self._pictures(offer)),
            parent("PRODUCT_REFERENCE", reference, type="base_product"),
        )
        return ShopRecord(key, f"{_NEW}{''.join(inside)}</PRODUCT>")

    def _details(self, offer: Offer, key: str) -> str:
        fields = offer.fields
        return parent(
            "PRODUCT_DETAILS",
            element("DESCRIPTION_SHORT", offer.needed("title", most=MOST["DESCRIPTION_SHORT"])),
            _limited("DESCRIPTION_LONG", fields["description"]),
            element("INTERNATIONAL_PID", fields["gtin"], type="gtin") if fields["gtin"].isdigit() else "",
            _limited("SUPPLIER_ALT_PID", offer.code_beside(key)),
            _limited("MANUFACTURER_PID", fields["mpn"]),
            _limited("MANUFACTURER_NAME", fields["brand"]),
            _limited("KEYWORD", fields["category"]),
        )

    def _price(self, offer: Offer) -> str:
        """Return the price; without one it is on request. Raises NotExportable for a price without a currency."""
        price = offer.single_price
        if price is None:
            return f"{opening('PRODUCT_PRICE', price_type='on_request')}</PRODUCT_PRICE>"
        if price.currency is None:
            raise NotExportable("the currency of its price is not known")
        kind = fill(self._options.mapping.fields.get("price_type", PRINTED), offer.values)
        if not PRICE_TYPE.fullmatch(kind):
            raise NotExportable(f"BMEcat has no price_type {kind!r}")
        amount = element("PRICE_AMOUNT", price.amount)
        return parent("PRODUCT_PRICE", amount, element("PRICE_CURRENCY", price.currency), price_type=kind)

    def _pictures(self, offer: Offer) -> Iterator[str]:
        for source in picture_urls(offer, self._options) or offer.pictures:
            if len(source) <= MOST["MIME_SOURCE"]:
                kind = element("MIME_TYPE", _TYPES.get(source.rpartition(".")[2].lower(), ""))
                yield parent("MIME", kind, element("MIME_SOURCE", source), element("MIME_PURPOSE", "normal"))

    def keys(self, offer: Offer) -> list[str]:
        return distinct_skus(offer)

    def read(self, file: BinaryIO) -> Iterator[ShopRecord]:
        for found in read_lines(file, marker=_MARKER, record=_RECORD, changes=f"<{_UPDATE}"):
            yield ShopRecord(unescape(found[1]), found.string)

    def gone(self, content: str) -> str:
        """Return the product as it was, with the mode `delete`."""
        return content.replace(_NEW, opening("PRODUCT", mode=Change.GONE.value), 1)

    def write(self, contents: Contents, out: BinaryIO, *, whole: bool) -> None:
        chosen = self._options.mapping
        kind = "T_NEW_CATALOG" if whole else _UPDATE
        write_lines(
            out,
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<BMECAT version="2005" {_MARKER}>',
            parent("HEADER", self._catalog(), parent("SUPPLIER", element("SUPPLIER_NAME", chosen.supplier or ""))),
            f"<{kind}>" if whole else opening(kind, prev_version=str(chosen.prev_version)),
        )
        for change, content in contents:
            changed = opening("PRODUCT", mode=change.value)
            write_lines(out, content if whole else content.replace(_NEW, changed, 1))
        write_lines(out, f"</{kind}>", "</BMECAT>")

    def _catalog(self) -> str:
        chosen = self._options.mapping
        return parent(
            "CATALOG",
            element("LANGUAGE", chosen.language or ""),
            element("CATALOG_ID", chosen.catalog_id or ""),
            element("CATALOG_VERSION", chosen.catalog_version),
            element("CURRENCY", chosen.currency or ""),
        )


def _limited(name: str, text: str) -> str:
    return element(name, shortened(text, MOST[name]).strip())


def _feature(name: str, value: str) -> str:
    kept = _limited("FNAME", " ".join(name.split())), _limited("FVALUE", " ".join(value.split()))
    return parent("FEATURE", *kept) if all(kept) else ""


def _order_unit(offer: Offer) -> str:
    """Return the unit code of an offer: what its printed price is for, else that of the mapping.

    Raises NotExportable without any.
    """
    if not (code := unit_code(offer.fields["unit"])):
        raise NotExportable("unit is not known")
    return code


BMECAT: Final = Exporter(partial(write_shop_file, BMEcat), "BMEcat", "xml")
