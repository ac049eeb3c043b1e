"""schema.org data: what Google's rich results require where the product has it, read again by a strict reader."""

import json
from pathlib import Path
from typing import Any

from shop_rows import CHAIR, FLOOR, PICTURES, ROWS, product, shop_file

from swatchbook.upkeep.export.shop_mapping import ShopMapping, ShopOptions

Thing = dict[str, Any]

_OFFERED = {"price", "priceCurrency", "availability", "itemCondition", "priceSpecification", "lowPrice", "highPrice"}
_PROPERTIES = {
    "Product": {"@id", "name", "description", "url", "image", "sku", "mpn", "gtin", "brand", "category", "color",
                "material", "size", "additionalProperty", "offers"},
    "ProductGroup": {"productGroupID", "variesBy", "hasVariant"},
    "Brand": {"name"},
    "PropertyValue": {"name", "value"},
    "Offer": _OFFERED - {"lowPrice", "highPrice"},
    "AggregateOffer": _OFFERED - {"price", "priceSpecification"},
    "UnitPriceSpecification": {"price", "priceCurrency", "priceType", "referenceQuantity"},
    "QuantitativeValue": {"value", "unitCode"},
}  # fmt: skip
"""Type -> its properties in the vocabulary that are used here."""


def check(thing: Thing) -> None:
    """Fail for a property that its type does not have, and for an offer without amount and currency together."""
    known = _PROPERTIES[thing["@type"]] | (_PROPERTIES["Product"] if thing["@type"] == "ProductGroup" else set())
    assert thing.keys() - {"@type"} <= known
    if "price" in thing or "lowPrice" in thing:
        assert len(thing["priceCurrency"]) == 3
        assert float(thing.get("price", thing.get("lowPrice"))) >= 0
    for name in ("availability", "itemCondition"):
        assert thing.get(name, "https://schema.org/").startswith("https://schema.org/")
    for value in thing.values():
        assert value not in ("", [], None, {})
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict):
                check(each)


def read_strictly(data: bytes) -> list[Thing]:
    """Return the products of the graph."""
    text = data.decode()
    assert "<" not in text, "nothing ends a script"
    document = json.loads(text)
    assert document.keys() == {"@context", "@graph"}
    assert document["@context"] == "https://schema.org"
    things: list[Thing] = document["@graph"]
    assert len({thing["@id"] for thing in things}) == len(things)
    for thing in things:
        check(thing)
        assert thing["name"]
        assert thing["@id"].startswith("urn:uuid:")
        assert ("hasVariant" in thing) == (thing["@type"] == "ProductGroup")
        for each in thing.get("hasVariant", ()):
            assert {"@type", "@id", "name", "sku"} <= each.keys()
    return things


def test_products_are_read_again_as_they_are(tmp_path: Path) -> None:
    data, written = shop_file(tmp_path, "jsonld", ROWS, ShopOptions(pictures_url=PICTURES))
    assert (written.products, written.variants, written.skipped) == (2, 2, 0)
    floor, chair = read_strictly(data)
    assert (floor["name"], floor["@id"], floor["mpn"]) == (FLOOR.name, f"urn:uuid:{FLOOR.id}", "NO-1")
    assert floor["description"] == FLOOR.metadata["description"]
    assert floor["brand"] == {"@type": "Brand", "name": "Nordvik"}
    assert floor["variesBy"] == ["https://schema.org/size"]
    limed, smoked = floor["hasVariant"]
    assert (limed["name"], limed["size"]) == ("Nordvik Oak, Limed", "14 × 190 mm")
    assert limed["image"] == [PICTURES + "i2.jpg"]
    assert smoked["offers"]["price"] == "96.00"
    assert smoked["offers"]["priceSpecification"]["referenceQuantity"]["unitCode"] == "MTK"
    assert chair["url"] == CHAIR.metadata["url"]
    assert chair["offers"] == {
        "@type": "Offer", "price": "129.00", "priceCurrency": "EUR", "availability": "https://schema.org/InStock",
    }  # fmt: skip


def test_a_range_and_a_price_without_currency(tmp_path: Path) -> None:
    assert read_strictly(shop_file(tmp_path, "jsonld", ())[0]) == []
    rows = (product("Range", price="from €12 to €18"), product("Open", price="$ 12"), product("None"))
    data, _ = shop_file(tmp_path, "jsonld", rows)
    ranged, opened, none = read_strictly(data)
    assert ranged["offers"] == {
        "@type": "AggregateOffer", "lowPrice": "12.00", "highPrice": "18.00", "priceCurrency": "EUR",
    }  # fmt: skip
    assert "offers" not in opened
    assert "offers" not in none
    data, _ = shop_file(tmp_path, "jsonld", rows, ShopOptions(mapping=ShopMapping(currency="CAD")))
    assert read_strictly(data)[1]["offers"]["priceCurrency"] == "CAD"
