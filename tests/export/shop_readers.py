"""For each shop format a strict reader: what a file says is sold, as title -> price, and what it says is gone."""

from collections.abc import Callable, Mapping

from tests.export import test_shopify, test_woocommerce

Sold = dict[str, str]


def _shopify(data: bytes) -> tuple[Sold, Sold]:
    sold, gone = Sold(), Sold()
    for first, *_ in test_shopify.read_strictly(data).values():
        (gone if first["Status"] == "archived" else sold)[first["Title"]] = first["Price"]
    return sold, gone


def _woocommerce(data: bytes) -> tuple[Sold, Sold]:
    sold, gone = Sold(), Sold()
    for row in test_woocommerce.read_strictly(data):
        (gone if row["Published"] != "1" else sold)[row["Name"]] = row["Regular price"]
    return sold, gone


READERS: Mapping[str, Callable[[bytes], tuple[Sold, Sold]]] = {"shopify": _shopify, "woocommerce": _woocommerce}
