"""BMEcat 2005: elements in the order, number and length of the published schema, read again by a strict reader."""

import re
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring
from shop_rows import CHAIR, FLOOR, FLOOR_ROWS, FULL, ROWS, product, shop_file

from swatchbook.domain.errors import InvalidReference
from swatchbook.upkeep.export.shop_mapping import ShopMapping, ShopOptions
from swatchbook_shops.bmecat import MOST, NAMESPACE

Children = dict[str, str]

_PRODUCT = {
    "SUPPLIER_PID": "1", "PRODUCT_DETAILS": "1", "PRODUCT_FEATURES": "*", "PRODUCT_ORDER_DETAILS": "1",
    "PRODUCT_PRICE_DETAILS": "+", "MIME_INFO": "?", "PRODUCT_REFERENCE": "*",
}  # fmt: skip
_SCHEMA: dict[str, Children] = {
    "BMECAT": {"HEADER": "1", "T_NEW_CATALOG": "?", "T_UPDATE_PRODUCTS": "?"},
    "HEADER": {"CATALOG": "1", "SUPPLIER": "1"},
    "CATALOG": {"LANGUAGE": "+", "CATALOG_ID": "1", "CATALOG_VERSION": "1", "CURRENCY": "?"},
    "SUPPLIER": {"SUPPLIER_NAME": "1"},
    "T_NEW_CATALOG": {"PRODUCT": "*"},
    "T_UPDATE_PRODUCTS": {"PRODUCT": "*"},
    "PRODUCT": _PRODUCT,
    "PRODUCT_DETAILS": {"DESCRIPTION_SHORT": "+", "DESCRIPTION_LONG": "*", "INTERNATIONAL_PID": "*",
                        "SUPPLIER_ALT_PID": "?", "MANUFACTURER_PID": "?", "MANUFACTURER_NAME": "?", "KEYWORD": "*"},
    "PRODUCT_FEATURES": {"FEATURE": "*"},
    "FEATURE": {"FNAME": "+", "FVALUE": "+"},
    "PRODUCT_ORDER_DETAILS": {"ORDER_UNIT": "1"},
    "PRODUCT_PRICE_DETAILS": {"PRODUCT_PRICE": "+"},
    "PRODUCT_PRICE": {"PRICE_AMOUNT": "?", "PRICE_CURRENCY": "?"},
    "MIME_INFO": {"MIME": "+"},
    "MIME": {"MIME_TYPE": "?", "MIME_SOURCE": "+", "MIME_PURPOSE": "?"},
    "PRODUCT_REFERENCE": {"PROD_ID_TO": "1"},
}  # fmt: skip
"""Element -> its children in their order, with how often each may occur: those of the schema that are used here."""
_TEXTS = {
    "LANGUAGE": r"[a-z]{3}", "CATALOG_ID": r".{1,20}", "CATALOG_VERSION": r"[0-9]{1,3}\.[0-9]{1,3}",
    "CURRENCY": r"[A-Z]{3}", "SUPPLIER_NAME": r".{1,50}", "ORDER_UNIT": r"MTK|C62", "PRICE_AMOUNT": r"\d+\.\d\d",
    "PRICE_CURRENCY": r"[A-Z]{3}", "MIME_TYPE": r"image/(jpeg|gif)", "MIME_PURPOSE": "normal",
    "INTERNATIONAL_PID": r"\d+", "PROD_ID_TO": r".{1,32}",
}  # fmt: skip
_TIMES = {"1": (1, 1), "?": (0, 1), "*": (0, 10**9), "+": (1, 10**9)}


def check(element: Element) -> None:
    """Fail for children in another order or number, and for a text that is longer than the schema allows."""
    name = element.tag.removeprefix(f"{{{NAMESPACE}}}")
    assert element.tag == f"{{{NAMESPACE}}}{name}"
    if name not in _SCHEMA:
        text = element.text or ""
        assert len(element) == 0
        assert 1 <= len(text) <= MOST.get(name, 250)
        assert re.fullmatch(_TEXTS.get(name, ".*"), text, re.DOTALL)
        return
    assert not (element.text or "").strip()
    children = [child.tag.removeprefix(f"{{{NAMESPACE}}}") for child in element]
    allowed = list(_SCHEMA[name])
    assert [child for child in children if child not in allowed] == []
    assert children == sorted(children, key=allowed.index)
    for child, times in _SCHEMA[name].items():
        least, most = _TIMES[times]
        assert least <= children.count(child) <= most
    for each in element:
        check(each)


def read_strictly(data: bytes) -> list[Element]:
    """Return the products."""
    root = fromstring(data)
    check(root)
    assert root.attrib == {"version": "2005"}
    transaction = root[1]
    update = transaction.tag.endswith("T_UPDATE_PRODUCTS")
    assert set(transaction.attrib) == ({"prev_version"} if update else set())
    for each in transaction:
        assert each.attrib["mode"] in (("new", "update", "delete") if update else ("new",))
        assert re.fullmatch(r"udp_\w{1,16}|net_list|on_request", one(each, "PRODUCT_PRICE", "price_type"))
    keys = [one(each, "SUPPLIER_PID") for each in transaction]
    assert len(set(keys)) == len(keys)
    if not update:
        assert all(found.text in keys for found in transaction.iter(f"{{{NAMESPACE}}}PROD_ID_TO"))
    return list(transaction)


def one(product: Element, name: str, attribute: str | None = None) -> str:
    """Return the text or attribute of the first element of a name; "" without one."""
    found = next(product.iter(f"{{{NAMESPACE}}}{name}"), None)
    return "" if found is None else (found.attrib[attribute] if attribute else found.text or "")


def features(product: Element) -> list[tuple[str, str]]:
    found = product.iter(f"{{{NAMESPACE}}}FEATURE")
    return [(one(each, "FNAME"), one(each, "FVALUE")) for each in found]


def test_products_are_read_again_as_they_are(tmp_path: Path) -> None:
    data, written = shop_file(tmp_path, "bmecat", ROWS, FULL.model_copy(update={"pictures_url": None}))
    assert (written.products, written.variants, written.skipped) == (2, 2, 0)
    floor, limed, smoked, chair = read_strictly(data)
    assert one(floor, "SUPPLIER_PID") == FLOOR.id.replace("-", "")
    assert (one(floor, "DESCRIPTION_SHORT"), one(floor, "MANUFACTURER_NAME")) == (FLOOR.name, "Nordvik")
    assert one(floor, "DESCRIPTION_LONG") == FLOOR.metadata["description"]
    assert one(floor, "SUPPLIER_ALT_PID") == "NO-1"
    assert [each.text for each in floor.iter(f"{{{NAMESPACE}}}MIME_SOURCE")] == ["i1.jpg", "i2.jpg", "i 3.png"]
    assert [one(each, "PRICE_AMOUNT") for each in (floor, limed, smoked, chair)] == [
        "82.50",
        "82.50",
        "96.00",
        "129.00",
    ]
    assert one(smoked, "PROD_ID_TO") == one(floor, "SUPPLIER_PID")
    assert [one(each, "ORDER_UNIT") for each in (floor, smoked, chair)] == ["MTK", "MTK", "C62"]
    assert features(floor) == [("material", "oak, oiled")]
    assert features(smoked) == [("material", "oak, oiled"), ("Variant", "Smoked"), ("Size", "14 × 240 mm")]
    assert one(chair, "DESCRIPTION_SHORT") == CHAIR.name


def test_unit_of_the_price_is_the_order_unit(tmp_path: Path) -> None:
    mapping = ShopMapping(supplier="a", catalog_id="b", language="deu", fields={"price_type": "net_list"})
    data, written = shop_file(tmp_path, "bmecat", (*FLOOR_ROWS, CHAIR), ShopOptions(mapping=mapping))
    assert {one(each, "ORDER_UNIT") for each in read_strictly(data)} == {"MTK"}
    assert one(read_strictly(data)[0], "PRODUCT_PRICE", "price_type") == "net_list"
    assert [(each.name, each.reason) for each in written.skipped_products] == [(CHAIR.name, "unit is not known")]
    data, _ = shop_file(tmp_path, "bmecat", (product("None"), product("Range", price="from €12 to €18")), FULL)
    assert {one(each, "PRODUCT_PRICE", "price_type") for each in read_strictly(data)} == {"on_request"}
    with pytest.raises(InvalidReference, match="BMEcat needs supplier"):
        shop_file(tmp_path, "bmecat", ROWS)
