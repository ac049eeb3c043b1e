"""Products as schema.org data (JSON-LD): one graph, a product in each line. A product with variants is a ProductGroup.

No text ends a script: `<` is written as `\\u003c`, so a line can be put into a page as it is.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, BinaryIO, Final

from swatchbook.domain.errors import InvalidReference
from swatchbook.upkeep.export.formats import Exporter, Rows, Skipped
from swatchbook.upkeep.export.shop_mapping import ShopOptions
from swatchbook_shops.offers import NO_PRICE, VARIES, Offer, Price, picture_urls
from swatchbook_shops.price_units import unit_code
from swatchbook_shops.shop_fields import check_fields
from swatchbook_shops.shop_file import Contents, ShopFormat, ShopRecord, write_shop_file
from swatchbook_shops.shop_lines import read_lines, write_lines

CONTEXT: Final = "https://schema.org"
_HEAD = f'{{"@context":"{CONTEXT}","@graph":['
_RECORD = re.compile(r'\{"@type":"Product(Group)?",')
_DISCONTINUED = f"{CONTEXT}/Discontinued"
_GONE = f'"availability":"{_DISCONTINUED}"'
_AVAILABILITY: Final[Mapping[str, str]] = {
    "in_stock": "InStock", "out_of_stock": "OutOfStock", "preorder": "PreOrder", "backorder": "BackOrder",
}  # fmt: skip
_CONDITIONS: Final = {"new": "NewCondition", "used": "UsedCondition", "refurbished": "RefurbishedCondition"}
_OWN_PROPERTY = ("color", "material", "size", "category")

Thing = dict[str, Any]


class JsonLd(ShopFormat):
    """The format."""

    def __init__(self, options: ShopOptions) -> None:
        check_fields(options.mapping, "jsonld", ())
        self._options = options

    def records(self, offer: Offer) -> list[ShopRecord]:
        offer.require_on_sale()
        thing = self._thing(offer)
        if offer.variants:
            thing |= {"@type": "ProductGroup", "productGroupID": offer.fields["sku"]}
            if varies := list(dict.fromkeys(each for name in offer.options if (each := VARIES.get(name.casefold())))):
                thing["variesBy"] = [f"{CONTEXT}/{each}" for each in varies]
            variants = [self._variant(offer, each) for each in offer.variants]
            for name in ("offers", "color", "material", "size", "gtin"):  # a variant would have those of its group
                if name == "offers" or any(each.get(name) != thing.get(name) for each in variants):
                    thing.pop(name, None)
            thing["hasVariant"] = [_beside(each, thing) for each in variants]
        return [ShopRecord(thing["@id"], _as_line(thing))]

    def _variant(self, product: Offer, offer: Offer) -> Thing:
        thing = self._thing(offer)
        named = offer.options_of(product).items()
        thing |= {attribute: value for name, value in named if (attribute := VARIES.get(name.casefold()))}
        return thing

    def _thing(self, offer: Offer) -> Thing:
        fields = offer.fields
        brand = {"@type": "Brand", "name": fields["brand"]} if fields["brand"] else None
        others = [
            {"@type": "PropertyValue", "name": name, "value": value}
            for name, value in (
                dict(offer.properties) | {"code": offer.code_beside(fields["sku"], fields["mpn"])}
            ).items()
            if value and name not in _OWN_PROPERTY
        ]
        thing = {
            "@type": "Product",
            "@id": f"urn:uuid:{offer.row.id}",
            "name": offer.needed("title"),
            "description": fields["description"],
            "url": fields["link"],
            "image": picture_urls(offer, self._options) or list(offer.pictures),
            "sku": fields["sku"],
            "mpn": fields["mpn"],
            "gtin": fields["gtin"],
            "brand": brand,
            "category": fields["category"],
            **{name: fields[name] for name in ("color", "material", "size")},
            "additionalProperty": others,
            "offers": _offers(offer),
        }
        return {name: value for name, value in thing.items() if value}

    def keys(self, offer: Offer) -> list[str]:
        return [f"urn:uuid:{offer.row.id}"]

    def other_keys(self, offer: Offer) -> list[str]:
        """Return its SKUs: the keys of the records are ids of one document."""
        return [each.fields["sku"] for each in offer.variants or (offer,)]

    def name_left_out(self, rows: Rows, offer: Offer) -> None:
        rows.prices_without_currency += offer.prices_without_currency
        for each in offer.unpriced:
            rows.name_skipped(Skipped(id=each.row.id, name=f"The offer of {each.values['name']}", reason=NO_PRICE))

    def read(self, file: BinaryIO) -> Iterator[ShopRecord]:
        for found in read_lines(file, marker=_HEAD, record=_RECORD, changes=_GONE):
            thing = _parsed(found.string.removesuffix(","))
            yield ShopRecord(str(thing.get("@id", "")), _as_line(thing))

    def gone(self, content: str) -> str:
        """Return the product, all its offers with the availability `Discontinued`."""
        thing = _parsed(content)
        for each in thing.get("hasVariant", [thing]):
            offered = each.setdefault("offers", {"@type": "Offer"})
            offered["availability"] = _DISCONTINUED
        return _as_line(thing)

    def write(self, contents: Contents, out: BinaryIO, *, whole: bool) -> None:
        write_lines(out, _HEAD)
        before = ""
        for _, content in contents:
            out.write(f"{before}{content}".encode())
            before = ",\n"
        write_lines(out, *([""] if before else []), "]}")


def _beside(variant: Thing, group: Thing) -> Thing:
    """Return a variant without what it has in common with its group."""
    always = ("@type", "@id", "name", "sku", "offers")
    return {name: value for name, value in variant.items() if name in always or value != group.get(name)}


def _offers(offer: Offer) -> Thing:
    """Return the price of an offer, and its availability and condition where they are known.

    Nothing is offered without a price and its currency.
    """
    if (price := offer.price) is None or price.currency is None:
        return {}
    availability, condition = offer.availability, offer.fields["condition"].lower()
    thing: Thing = {"@type": "Offer"}
    if price.highest or price.is_lowest:
        thing = {"@type": "AggregateOffer", "lowPrice": price.amount}
        thing |= {"highPrice": price.highest} if price.highest else {}
    else:
        thing |= {"price": price.amount}
        if specified := _specified(price):
            thing["priceSpecification"] = specified[0] if len(specified) == 1 else specified
    thing["priceCurrency"] = price.currency
    if availability:
        thing["availability"] = f"{CONTEXT}/{_AVAILABILITY[availability]}"
    if condition in _CONDITIONS:
        thing["itemCondition"] = f"{CONTEXT}/{_CONDITIONS[condition]}"
    return thing


def _specified(price: Price) -> list[Thing]:
    """Return what a price is for, and the one before a reduction, as schema.org's price specifications."""
    found = list[Thing]()
    if code := unit_code(price.unit or ""):
        measure = {"@type": "QuantitativeValue", "value": 1, "unitCode": code}
        found.append({"price": price.amount, "priceCurrency": price.currency, "referenceQuantity": measure})
    if price.regular:
        kind = f"{CONTEXT}/StrikethroughPrice"
        found.append({"priceType": kind, "price": price.regular, "priceCurrency": price.currency})
    return [{"@type": "UnitPriceSpecification", **each} for each in found]


def _as_line(thing: Thing) -> str:
    return json.dumps(thing, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _parsed(line: str) -> Thing:
    try:
        thing: Thing = json.loads(line)
    except ValueError as error:
        raise InvalidReference("A line of the earlier file is not JSON.", advice="Export the whole again.") from error
    return thing


JSONLD: Final = Exporter(partial(write_shop_file, JsonLd), "JSON-LD", "jsonld")
