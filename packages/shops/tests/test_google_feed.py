"""Google's product feed: required attributes, formats and limits of its specification, read by a strict reader."""

import re
from pathlib import Path

from defusedxml.ElementTree import fromstring
from shop_rows import FLOOR, FLOOR_ROWS, FULL, PICTURES, product, shop_file, with_fields

from swatchbook.upkeep.export.shop_mapping import ShopOptions
from swatchbook_shops.google_feed import COLUMNS, MOST

Item = dict[str, list[str]]

G = "{http://base.google.com/ns/1.0}"
_REQUIRED = ("id", "title", "description", "link", "image_link", "availability", "price")
_OPTIONAL = ("additional_image_link", "condition", "brand", "gtin", "mpn", "product_type", "item_group_id", "color",
             "material", "size", "unit_pricing_measure", "unit_pricing_base_measure")  # fmt: skip


def read_strictly(data: bytes) -> list[Item]:
    """Return the items as attribute -> values. Fails for what the specification does not allow."""
    root = fromstring(data)
    assert (root.tag, root.attrib) == ("rss", {"version": "2.0"})
    (channel,) = root
    head = [child.tag for child in channel if child.tag != "item"]
    assert head == ["title", "link", "description"]
    items = list[Item]()
    for element in channel.iterfind("item"):
        item = Item()
        for child in element:
            name = child.tag.removeprefix(G)
            assert child.tag == G + name
            assert name in (*_REQUIRED, *_OPTIONAL, *COLUMNS)
            assert child.text
            assert len(child.text) <= MOST.get(name, 5_000)
            item.setdefault(name, []).append(child.text)
        assert set(_REQUIRED) <= item.keys()
        assert all(len(values) == 1 for name, values in item.items() if name != "additional_image_link")
        assert len(item.get("additional_image_link", ())) <= 10
        assert re.fullmatch(r"\d+\.\d\d [A-Z]{3}", item["price"][0])
        assert item["availability"][0] in ("in_stock", "out_of_stock", "preorder", "backorder")
        assert item.get("condition", ["new"])[0] in ("new", "used", "refurbished")
        for name in ("link", "image_link", "additional_image_link"):
            assert all(re.match(r"https?://[^\s/]+", url) for url in item.get(name, ()))
        items.append(item)
    assert len({item["id"][0] for item in items}) == len(items)
    return items


def test_products_are_read_again_as_they_are(tmp_path: Path) -> None:
    data, written = shop_file(tmp_path, "google", FLOOR_ROWS, FULL)
    assert (written.products, written.variants, written.skipped) == (1, 2, 0)
    limed, smoked = read_strictly(data)
    assert limed["title"] == ["Nordvik Oak, Limed"]
    assert limed["description"] == [FLOOR.metadata["description"]]
    assert limed["item_group_id"] == smoked["item_group_id"] == [FLOOR.id.replace("-", "")]
    assert (limed["price"], smoked["price"]) == (["82.50 EUR"], ["96.00 EUR"])
    assert limed["unit_pricing_measure"] == ["1 sqm"]
    assert (limed["size"], smoked["size"]) == (["14 × 190 mm"], ["14 × 240 mm"])
    assert limed["image_link"] == [PICTURES + "i2.jpg"]
    assert limed["additional_image_link"] == [PICTURES + "i1.jpg", PICTURES + "i%203.png"]
    assert smoked["image_link"] == [PICTURES + "i1.jpg"]
    assert smoked["mpn"] == ["NO-104"]
    assert b"<link>https://shop.example/</link>" in data


def test_what_google_requires_is_named(tmp_path: Path) -> None:
    known = {"pictures": ("a.jpg",), "price": "€ 9"}
    without_currency = FULL.model_copy(update={"mapping": FULL.mapping.model_copy(update={"currency": None})})
    for given, options, reason in (
        ({"pictures": ()}, FULL, "it has no picture"),
        ({"price": ""}, FULL, "price is not known"),
        ({"price": "from €12 to €18"}, FULL, "its price is a range"),
        ({"description": "d"}, without("availability"), "availability is not known"),
        ({"description": "d"}, without("link"), "link is not known"),
        ({"url": "page 3"}, without("link"), "link is not known"),
        ({}, without("description"), "description is not known"),
        ({"price": "$ 9"}, without_currency, "the currency of its price is not known"),
        ({}, with_fields(link="page 3"), "link is no address of a page"),
        ({}, FULL.model_copy(update={"pictures_url": None}), "--pictures-url is not given"),
    ):
        data, written = shop_file(tmp_path, "google", [product("A", **known | given)], options)  # type: ignore[arg-type]
        assert [each.reason for each in written.skipped_products] == [reason]
        assert read_strictly(data) == []


def without(field: str) -> ShopOptions:
    """Return options whose mapping lacks this field."""
    fields = {name: template for name, template in FULL.mapping.fields.items() if name != field}
    return FULL.model_copy(update={"mapping": FULL.mapping.model_copy(update={"fields": fields})})
