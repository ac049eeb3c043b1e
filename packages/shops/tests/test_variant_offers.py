"""What a variant has of its own and what of its product: price, options, facts; and what a shop does not sell."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import test_google_feed
import test_json_ld
import test_shopify
import test_woocommerce
from shop_readers import READERS
from shop_rows import FULL, product, shop_file, variant, with_fields

from swatchbook.upkeep.export.product_rows import ProductRow
from swatchbook.upkeep.export.shop_mapping import ShopMapping, ShopOptions

SHIRT = product("Shirt", price="€ 19", pictures=("s.jpg",))


def with_options(of: ProductRow, name: str, options: Sequence[tuple[str, str]], **printed: str) -> ProductRow:
    return variant(of, name, **printed).model_copy(update={"options": tuple(options)})


@pytest.mark.parametrize("form", READERS)
def test_product_price_counts_for_all_variants_or_none(tmp_path: Path, form: str) -> None:
    rows = (SHIRT, variant(SHIRT, "Small"), variant(SHIRT, "Large"))
    data, written = shop_file(tmp_path, form, rows, FULL)
    assert (data.count(b"19.00") >= 2, written.skipped) == (True, 0)
    rows = (SHIRT, variant(SHIRT, "Small", price="€ 19"), variant(SHIRT, "Large"))
    data, written = shop_file(tmp_path, form, rows, FULL)
    assert READERS[form](data)[0].get("Shirt, Large", "") == ""
    assert data.count(b"19.00") == {"jsonld": 2, "bmecat": 2}.get(form, 1), "of the product, or for its unit"
    named = [(each.name, each.reason) for each in written.skipped_products]
    reason = "price is not known, and other variants have one"
    large = {"google": "Shirt, Large", "jsonld": "The offer of Shirt, Large"}.get(form)
    assert named == ([(large, reason)] if large else [])
    assert (written.products, written.variants) == (1, 1 if form == "google" else 2)


def test_status_of_a_mapping_is_that_of_products(tmp_path: Path) -> None:
    as_drafts = ShopOptions(mapping=ShopMapping(fields={"status": "draft"}))
    data, written = shop_file(tmp_path, "shopify", SIZED, as_drafts)
    ((_, (first, _)),) = test_shopify.read_strictly(data).items()
    assert (first["Status"], written.variants) == ("draft", 2)
    rows = (SHIRT, variant(SHIRT, "Small"), variant(SHIRT, "Large", status="draft"))
    sold = ShopOptions(mapping=ShopMapping(fields={"status": "active"}))
    assert [
        shop_file(tmp_path, "google", rows, FULL)[1].variants,
        shop_file(tmp_path, "shopify", rows, sold)[1].variants,
    ] == [1, 2]


SIZED = (
    SHIRT,
    with_options(SHIRT, "S / Red", (("Size", "S"), ("Color", "Red"))),
    with_options(SHIRT, "M / Blue", (("Size", "M"), ("Color", "Blue"))),
)


def test_options_with_names_are_those_of_every_shop(tmp_path: Path) -> None:
    ((_, (first, second)),) = test_shopify.read_strictly(shop_file(tmp_path, "shopify", SIZED, FULL)[0]).items()
    assert [first[f"Option{n} {part}"] for n in (1, 2) for part in ("name", "value")] == ["Size", "S", "Color", "Red"]
    assert [second[f"Option{n} value"] for n in (1, 2)] == ["M", "Blue"]
    shirt, small, _ = test_woocommerce.read_strictly(shop_file(tmp_path, "woocommerce", SIZED, FULL)[0])
    assert test_woocommerce.attributes_of(shirt) == {
        "Size": ["S", "M"],
        "Color": ["Red", "Blue"],
        "price unit": ["piece"],
    }
    assert test_woocommerce.attributes_of(small) == {"Size": ["S"], "Color": ["Red"]}
    item, _ = test_google_feed.read_strictly(shop_file(tmp_path, "google", SIZED, FULL)[0])
    assert (item["size"], item["color"]) == (["S"], ["Red"])
    (thing,) = test_json_ld.read_strictly(shop_file(tmp_path, "jsonld", SIZED, FULL)[0])
    assert thing["variesBy"] == ["https://schema.org/size", "https://schema.org/color"]
    assert [(each["size"], each["color"]) for each in thing["hasVariant"]] == [("S", "Red"), ("M", "Blue")]


def test_options_are_joined_where_shopify_cannot_hold_them(tmp_path: Path) -> None:
    options = [("Size", "S"), ("Color", "Red"), ("Cut", "slim"), ("Length", "34")]
    four = (SHIRT, with_options(SHIRT, "a", options), with_options(SHIRT, "b", [*options[:3], ("Length", "36")]))
    for rows, number, name, values in (
        ((*SIZED, variant(SHIRT, "Gift box")), 1, "Variant", ["S / Red", "M / Blue", "Gift box"]),
        (four, 3, "Cut / Length", ["slim / 34", "slim / 36"]),
    ):
        ((_, found),) = test_shopify.read_strictly(shop_file(tmp_path, "shopify", rows, FULL)[0]).items()
        assert {row[f"Option{number} name"] for row in found} == {name}
        assert [row[f"Option{number} value"] for row in found] == values


def test_variants_use_their_own_facts_not_product_lists(tmp_path: Path) -> None:
    shirt = product("Shirt", price="€ 19", pictures=("s.jpg",), gtin="4006381333931; 4006381333948", color="Red; Blue",
                    material="wool")  # fmt: skip
    rows = (shirt, variant(shirt, "A", gtin="4006381333931", color="Red"),
            variant(shirt, "B", gtin="4006381333948", color="Blue", material="silk"), variant(shirt, "C"))  # fmt: skip
    items = test_google_feed.read_strictly(shop_file(tmp_path, "google", rows, FULL)[0])
    assert [(each.get("gtin"), each.get("color"), each["material"]) for each in items] == [
        (["4006381333931"], ["Red"], ["wool"]), (["4006381333948"], ["Blue"], ["silk"]), (None, None, ["wool"]),
    ]  # fmt: skip
    (group,) = test_json_ld.read_strictly(shop_file(tmp_path, "jsonld", rows, FULL)[0])
    assert not {"color", "material", "gtin"} & group.keys(), "a variant would have those of its group"
    assert [(each.get("color"), each["material"]) for each in group["hasVariant"]] == [
        ("Red", "wool"), ("Blue", "silk"), (None, "wool"),
    ]  # fmt: skip
    assert b"333931; " not in shop_file(tmp_path, "woocommerce", rows, FULL)[0]


def test_a_gtin_is_that_of_one(tmp_path: Path) -> None:
    """WooCommerce takes no second product with a GTIN."""
    shirt = product("Shirt", price="€ 19", gtin="4006381333931")
    data, _ = shop_file(tmp_path, "woocommerce", (shirt, variant(shirt, "A"), variant(shirt, "B")))
    assert data.count(b"4006381333931") == 1
    options = with_fields(gtin=("{ean}", "{gtin}"))
    for gtin in ("4006381333931, 4006381333948", "4006381333931 4006381333948"):
        shirt = product("Shirt", price="€ 19", gtin=gtin, pictures=("s.jpg",))
        assert all(b"4006381333931" not in shop_file(tmp_path, form, [shirt], options)[0] for form in sorted(READERS))


@pytest.mark.parametrize("form", READERS)
def test_only_a_printed_code_is_the_manufacturers(tmp_path: Path, form: str) -> None:
    rows = (SHIRT, variant(SHIRT, "A", code="SH-1"), variant(SHIRT, "B", code="SH-2"))
    of_file = [row.model_copy(update={"pages": ()}) for row in rows]
    maker = {
        "jsonld": b'"mpn":"SH-1"', "google": b"<g:mpn>SH-1<", "bmecat": b"<MANUFACTURER_PID>SH-1<",
        "shopify": b"(MPN)", "akeneo": b"mpn", "woocommerce": b"mpn",
    }[form]  # fmt: skip
    printed, listed = (shop_file(tmp_path, form, each, FULL)[0] for each in (rows, of_file))
    assert (maker in printed) == (form not in ("akeneo", "woocommerce"))
    assert maker not in listed
    assert (b"SH-1" in listed) == (form in ("jsonld", "bmecat", "woocommerce")), "as a code"


def test_identifiers_exist_where_they_are_known(tmp_path: Path) -> None:
    bare = {"price": "€ 5", "pictures": ("p.jpg",)}
    rows = [product("Hand made", **bare), product("Cup", gtin="4006381333931", **bare), product("Jug", mpn="J", **bare),
            product("Pot", mpn="P-1", brand="Nord", **bare)]  # fmt: skip
    items = test_google_feed.read_strictly(shop_file(tmp_path, "google", rows, with_fields(identifier_exists="no"))[0])
    assert [each.get("identifier_exists") for each in items] == [["no"], None, ["no"], None]
    rows = [product(code, price="€ 19", code=code, gtin="04006381333931", pictures=("s.jpg",))
            for code in ("4006381333931", "SH-1")]  # fmt: skip
    items = test_google_feed.read_strictly(shop_file(tmp_path, "google", rows, FULL)[0])
    assert [each.get("mpn") for each in items] == [None, ["SH-1"]], "a code that is the GTIN is no MPN"


OLD = tuple(product(status, price="€ 5", status=status, pictures=("o.jpg",)) for status in ("draft", "archived"))


def test_what_is_not_on_sale_is_not_offered(tmp_path: Path) -> None:
    rows = test_shopify.read_strictly(shop_file(tmp_path, "shopify", (SHIRT, *OLD), FULL)[0]).values()
    assert [(row["Status"], row["Published on online store"]) for row, *_ in rows] == [
        ("active", ""), ("draft", "FALSE"), ("archived", "FALSE"),
    ]  # fmt: skip
    woo = test_woocommerce.read_strictly(shop_file(tmp_path, "woocommerce", (SHIRT, *OLD), FULL)[0])
    assert [row["Published"] for row in woo] == ["1", "-1", "0"]
    for form in ("google", "jsonld", "bmecat"):
        data, written = shop_file(tmp_path, form, (SHIRT, *OLD), FULL)
        assert list(READERS[form](data)[0]) == ["Shirt"]
        assert [each.reason for each in written.skipped_products] == ["its status is draft", "its status is archived"]
    for form, read in READERS.items():
        data, written = shop_file(tmp_path, form, OLD, with_fields(status="active"))
        assert (written.skipped, len(read(data)[0])) == (0, 2), "a mapping sells what is archived"


def test_a_handle_of_shopify_is_kept(tmp_path: Path) -> None:
    rows = (product("Rug", handle="woven_rug-2"), product("Lamp"))
    data, _ = shop_file(tmp_path, "shopify", rows)
    assert [line.split(",")[1] for line in data.decode().splitlines()[1:]] == [
        "woven_rug-2",
        rows[1].id.replace("-", ""),
    ]
    mapped = ShopOptions(mapping=ShopMapping(fields={"handle": "{key}"}))
    assert b"woven" not in shop_file(tmp_path, "shopify", rows, mapped)[0]


def test_sign_of_several_countries_fits_only_their_currencies(tmp_path: Path) -> None:
    for printed, right in (("$59", "USD"), ("1 299,00 kr", "DKK"), ("¥ 5900", "JPY")):
        for currency, left_out in (("EUR", [f"its price is {printed}, and this file is in EUR"]), (right, [])):
            options = ShopOptions(mapping=ShopMapping(currency=currency))
            for form in ("shopify", "woocommerce"):
                _, written = shop_file(tmp_path, form, [product("Lamp", price=printed)], options)
                assert [each.reason for each in written.skipped_products] == left_out
        graph = json.loads(shop_file(tmp_path, "jsonld", [product("Lamp", price=printed)], options)[0])["@graph"]
        assert graph[0]["offers"]["priceCurrency"] == right
    rows = [product(price, price=price) for price in ("$59", "€ 12", "5 kr", "CAD 9", "USD 8", "$7")]
    _, written = shop_file(tmp_path, "shopify", rows)
    assert [each.name for each in written.skipped_products] == ["€ 12", "5 kr", "USD 8"], "they are not mixed"
