"""For each shop format a strict reader: what a file says is sold, as title -> price, and what it says is gone."""

from collections.abc import Callable, Mapping

import test_akeneo
import test_bmecat
import test_google_feed
import test_json_ld
import test_shopify
import test_woocommerce

Sold = dict[str, str]


def _shopify(data: bytes) -> tuple[Sold, Sold]:
    sold, gone = Sold(), Sold()
    for first, *_ in test_shopify.read_strictly(data).values():
        (gone if first["Status"] == "archived" else sold)[first["Title"]] = first["Price"]
    return sold, gone


def _woocommerce(data: bytes) -> tuple[Sold, Sold]:
    sold, gone = Sold(), Sold()
    for row in test_woocommerce.read_strictly(data):
        ended = row["Published"] == ("0" if row["Type"] == "variation" else "-1")
        (gone if ended else sold)[row["Name"]] = row["Regular price"]
    return sold, gone


def _jsonld(data: bytes) -> tuple[Sold, Sold]:
    sold, gone = Sold(), Sold()
    for thing in test_json_ld.read_strictly(data):
        for each in thing.get("hasVariant", [thing]):
            offered = each.get("offers", {})
            ended = offered.get("availability", "").endswith("/Discontinued")
            (gone if ended else sold)[each["name"]] = offered.get("price", "")
    return sold, gone


def _google(data: bytes) -> tuple[Sold, Sold]:
    sold, gone = Sold(), Sold()
    for item in test_google_feed.read_strictly(data):
        ended = item["availability"] == ["out_of_stock"]
        (gone if ended else sold)[item["title"][0]] = item["price"][0].split()[0]
    return sold, gone


def _bmecat(data: bytes) -> tuple[Sold, Sold]:
    sold, gone = Sold(), Sold()
    for each in test_bmecat.read_strictly(data):
        (gone if each.attrib["mode"] == "delete" else sold)[test_bmecat.one(each, "DESCRIPTION_SHORT")] = (
            test_bmecat.one(each, "PRICE_AMOUNT")
        )
    return sold, gone


def _akeneo(data: bytes) -> tuple[Sold, Sold]:
    sold, gone = Sold(), Sold()
    for row in test_akeneo.read_strictly(data):
        (gone if row["enabled"] == "0" else sold)[row["name"]] = row["price-EUR"]
    return sold, gone


READERS: Mapping[str, Callable[[bytes], tuple[Sold, Sold]]] = {
    "shopify": _shopify, "woocommerce": _woocommerce, "jsonld": _jsonld, "google": _google, "bmecat": _bmecat,
    "akeneo": _akeneo,
}  # fmt: skip
