"""The product feed of Google Merchant Center: RSS 2.0 with the attributes of Google's namespace. Each variant is an
item with the `item_group_id` of its product.

Google requires title, description, link, image, availability and price: a product without one of them is left out.
"""

import re
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO, Final
from urllib.parse import urlsplit
from xml.sax.saxutils import unescape  # nosec: only unescapes

from swatchbook.upkeep.export.formats import Exporter, Rows
from swatchbook.upkeep.export.shop_mapping import ShopOptions
from swatchbook_shops.offers import NO_PRICE, VARIES, Offer, picture_urls, shortened
from swatchbook_shops.shop_fields import CONDITIONS, Allowed, NotExportable, check_fields, filled
from swatchbook_shops.shop_file import Contents, ShopFormat, ShopRecord, write_shop_file
from swatchbook_shops.shop_lines import element, parent, read_lines, write_lines

NAMESPACE: Final = "http://base.google.com/ns/1.0"
COLUMNS: Final = (
    "google_product_category", "sale_price", "sale_price_effective_date", "cost_of_goods_sold", "availability_date",
    "expiration_date", "identifier_exists", "adult", "multipack", "is_bundle", "age_group", "gender", "pattern",
    "size_type", "size_system", "energy_efficiency_class", "min_energy_efficiency_class",
    "max_energy_efficiency_class", "product_highlight", "custom_label_0", "custom_label_1", "custom_label_2",
    "custom_label_3", "custom_label_4", "promotion_id", "excluded_destination", "included_destination",
    "shipping_label", "shipping_weight", "shipping_length", "shipping_width", "shipping_height", "ships_from_country",
    "min_handling_time", "max_handling_time", "tax_category", "canonical_link", "mobile_link",
)  # fmt: skip
"""Attributes that only a mapping fills."""
_YES_NO = ("yes", "no", "true", "false")
ALLOWED: Final[Allowed] = {
    **dict.fromkeys(("identifier_exists", "adult", "is_bundle"), _YES_NO),
    "age_group": ("newborn", "infant", "toddler", "kids", "adult"),
    "gender": ("male", "female", "unisex"),
}
MOST: Final = {"id": 50, "title": 150, "description": 5_000, "link": 2_000, "brand": 70, "mpn": 70, "product_type": 750}
"""Attribute -> its most characters."""
MOST_PICTURES: Final = 10
"""Of `additional_image_link`."""
_UNITS = {"m2": "1 sqm", "ft2": "1 sqft", "m": "1 m", "kg": "1 kg", "l": "1 l", "piece": "1 ct"}
_MARKER = f'xmlns:g="{NAMESPACE}"'
_CHANGES = "<title>Changes of products</title>"
_RECORD = re.compile(r"<item><g:id>([^<]+)</g:id>")
_AVAILABILITY = re.compile(r"<g:availability>[^<]*</g:availability>")
_LINK = re.compile(r"<g:link>([^<]*)</g:link>")


def _unpriced(offer: Offer) -> tuple[Offer, ...]:
    """Return the variants of a product without a single price, where another variant has one."""
    found = tuple(each for each in offer.variants if each.single_price is None)
    return found if len(found) < len(offer.variants) else ()


class Google(ShopFormat):
    """The format. A record is an item: a product without variants, or a variant."""

    def __init__(self, options: ShopOptions) -> None:
        check_fields(options.mapping, "google", COLUMNS, allowed=ALLOWED)
        self._options = options

    def records(self, offer: Offer) -> list[ShopRecord]:
        offer.require_on_sale()
        left_out = {each.key for each in _unpriced(offer)}
        return [self._item(offer, each) for each in offer.variants or (offer,) if each.key not in left_out]

    def _item(self, product: Offer, offer: Offer) -> ShopRecord:
        key = offer.needed("sku")
        if len(key) > MOST["id"]:
            raise NotExportable(f"its id has more than {MOST['id']} characters")
        pictures = picture_urls(offer, self._options) or picture_urls(product, self._options)
        if not pictures:
            raise NotExportable("it has no picture" if self._options.pictures_url else "--pictures-url is not given")
        others = [
            url for url in dict.fromkeys((*pictures, *picture_urls(product, self._options))) if url != pictures[0]
        ]
        values = self._values(product, offer) | {"image_link": pictures[0]}
        order = ("title", "description", "link", "image_link")
        first = [element(f"g:{name}", values.pop(name)) for name in order]
        more = [element("g:additional_image_link", url) for url in others[:MOST_PICTURES]]
        rest = [element(f"g:{name}", value) for name, value in values.items()]
        return ShopRecord(key, parent("item", element("g:id", key), *first, *more, *rest))

    def _values(self, product: Offer, offer: Offer) -> dict[str, str]:
        """Return the attributes of an item. Raises NotExportable without what Google requires."""
        price, link, fields = offer.single_price, offer.needed("link"), offer.fields
        if urlsplit(link).scheme not in ("http", "https") or len(link) > MOST["link"]:
            raise NotExportable("link is no address of a page")
        if not offer.availability:
            raise NotExportable("availability is not known")
        if price is None:
            raise NotExportable("its price is a range" if offer.price else "price is not known")
        if price.currency is None:
            raise NotExportable("the currency of its price is not known")
        values = {
            "title": offer.needed("title", most=MOST["title"]),
            "description": offer.needed("description", most=MOST["description"]),
            "link": link,
            "availability": offer.availability,
            "price": f"{price.regular or price.amount} {price.currency}",
            "sale_price": f"{price.amount} {price.currency}" if price.regular else "",
            "condition": fields["condition"].lower() if fields["condition"].lower() in CONDITIONS else "",
            "brand": shortened(fields["brand"], MOST["brand"]),
            "gtin": fields["gtin"],
            "mpn": shortened(fields["mpn"], MOST["mpn"]),
            "product_type": shortened(fields["category"], MOST["product_type"]),
            "item_group_id": product.fields["sku"] if offer is not product else "",
            **{name: shortened(fields[name], 100) for name in ("color", "material", "size")},
        }
        if offer is not product:
            for name, value in offer.options_of(product).items():
                if attribute := VARIES.get(name.casefold()):
                    values[attribute] = shortened(value, 100)
        if price.unit in _UNITS:
            values |= {"unit_pricing_measure": _UNITS[price.unit], "unit_pricing_base_measure": _UNITS[price.unit]}
        mapped = filled(self._options.mapping, offer.values, COLUMNS, allowed=ALLOWED)
        if values["gtin"] or (values["brand"] and values["mpn"]):
            mapped.pop("identifier_exists", None)  # `no` is for articles without any
        return values | mapped

    def keys(self, offer: Offer) -> list[str]:
        return [each.fields["sku"] for each in offer.variants or (offer,)]

    def name_left_out(self, rows: Rows, offer: Offer) -> None:
        for each in _unpriced(offer):
            reason = NO_PRICE if each.price is None else "price is a range, and other variants have one price"
            rows.skip([each.row.model_copy(update={"name": each.values["name"]})], reason)

    def read(self, file: BinaryIO) -> Iterator[ShopRecord]:
        for found in read_lines(file, marker=_MARKER, record=_RECORD, changes=_CHANGES):
            yield ShopRecord(unescape(found[1]), found.string)

    def gone(self, content: str) -> str:
        """Return the item as out of stock."""
        return _AVAILABILITY.sub("<g:availability>out_of_stock</g:availability>", content)

    def write(self, contents: Contents, out: BinaryIO, *, whole: bool) -> None:
        title = "Products" if whole else "Changes of products"
        write_lines(
            out,
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<rss version="2.0" {_MARKER}>',
            "<channel>",
            f"<title>{title}</title><link>{self._shop(contents)}</link><description>{title}</description>",
        )
        for _, content in contents:
            write_lines(out, content)
        write_lines(out, "</channel>", "</rss>")

    def _shop(self, contents: Contents) -> str:
        """Return the address of the shop: that of the first link, else of the pictures."""
        first = next((found[1] for _, content in contents if (found := _LINK.search(content))), None)
        address = urlsplit(first or self._options.pictures_url or "")
        return f"{address.scheme}://{address.netloc}/" if address.netloc else ""


GOOGLE: Final = Exporter(
    partial(write_shop_file, Google), "Google Merchant Center", "xml",
    fetches="{} left out, and so are their products: Google needs their addresses.",
)  # fmt: skip
