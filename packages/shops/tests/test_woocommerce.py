"""WooCommerce's CSV, read again as its importer reads it: lists, escaped commas, attributes, variations and parents."""

import csv
import io
import re
from pathlib import Path

import pytest
from shop_rows import CHAIR, FLOOR, ROWS, product, shop_file, variant

from swatchbook.domain.errors import InvalidReference
from swatchbook.upkeep.export.formats import Changes
from swatchbook.upkeep.export.shop_mapping import ShopMapping, ShopOptions
from swatchbook_shops.woocommerce import ALWAYS, COLUMNS, ONLY_CHANGES

Row = dict[str, str]
_ATTRIBUTE = re.compile(r"Attribute (\d+) (name|value\(s\)|visible|global|default)")


def values_of(cell: str) -> list[str]:
    """Return the values of a cell as the importer reads it: without the apostrophe that guards a formula."""
    apart = re.sub(r"^'(?=[=+\-@])", "", cell).replace("\\,", "\0").split(",")
    return [value.strip().replace("\0", ",") for value in apart if value.strip()]


def attributes_of(row: Row) -> dict[str, list[str]]:
    numbers = [found[1] for name in row if (found := _ATTRIBUTE.fullmatch(name)) and found[2] == "name"]
    return {
        row[f"Attribute {number} name"]: values_of(row[f"Attribute {number} value(s)"])
        for number in numbers
        if row[f"Attribute {number} name"]
    }


def read_strictly(data: bytes) -> list[Row]:
    """Return the rows. Fails for what the importer cannot relate or would misread."""
    rows = list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))
    head = rows.pop(0)
    assert len(set(head)) == len(head)
    assert set(ALWAYS) <= set(head)
    assert all(name in (*COLUMNS, ONLY_CHANGES) or name[:6] == "Meta: " or _ATTRIBUTE.fullmatch(name) for name in head)
    read = [dict(zip(head, cells, strict=True)) for cells in rows]
    assert len({row["SKU"].casefold() for row in read}) == len(read), "which the importer takes for the same"
    assert all(row["SKU"] for row in read)
    kinds = {row["SKU"]: row["Type"].split(", ") for row in read}
    products = {row["SKU"]: row for row in read if "variation" not in kinds[row["SKU"]]}
    for row in read:
        assert kinds[row["SKU"]][0] in ("simple", "variable", "variation")
        assert {*kinds[row["SKU"]][1:]} <= {"virtual", "downloadable"}
        assert row["Name"]
        assert row["Published"] in ("-1", "0", "1")
        assert row.get("Visibility in catalog", "visible") in ("visible", "catalog", "search", "hidden")
        assert row.get("In stock?", "1") in ("1", "0", "backorder", "instock"), "an empty one is out of stock"
        if row["Type"] == "variation":
            parent = products.get(row["Parent"]) or next(
                each for each in products.values() if f"id:{each.get('ID')}" == row["Parent"]
            )
            offered = attributes_of(parent)
            for name, values in attributes_of(row).items():
                assert len(values) <= 1, "one without is for any value"
                assert set(values) <= set(offered[name])
        else:
            assert not row.get("Parent")
    return read


def test_products_are_read_again_as_they_are(tmp_path: Path) -> None:
    data, written = shop_file(tmp_path, "woocommerce", ROWS)
    assert (written.products, written.variants, written.skipped) == (2, 2, 0)
    floor, limed, smoked, chair = read_strictly(data)
    assert [row["Type"] for row in (floor, limed, smoked, chair)] == ["variable", "variation", "variation", "simple"]
    assert (floor["Name"], floor["Regular price"], floor["Brands"]) == ("Nordvik Oak", "", "Nordvik")
    assert floor["Categories"] == "Floors > Oak"
    assert values_of(floor["Images"]) == ["i1.jpg", "i2.jpg", "i 3.png"]
    assert attributes_of(floor) == {
        "Variant": ["Limed", "Smoked"], "Size": ["14 × 190 mm", "14 × 240 mm"], "material": ["oak, oiled"],
        "code": ["NO-1"], "price unit": ["m2"],
    }  # fmt: skip
    assert [row["Regular price"] for row in (limed, smoked, chair)] == ["82.50", "96.00", "129.00"]
    assert limed["Parent"] == floor["SKU"] == FLOOR.id.replace("-", "")
    assert attributes_of(smoked) == {"Variant": ["Smoked"], "Size": ["14 × 240 mm"]}
    assert [row["Meta: code"] for row in (floor, limed, smoked)] == ["", "NO-101", "NO-104"]
    assert (chair["In stock?"], floor["In stock?"]) == ("1", "instock")


def test_a_mapping_fills_columns_and_meta_data(tmp_path: Path) -> None:
    mapping = ShopMapping(
        fields={"sku": ("{code}", "{key}"), "Published": -1, "Meta: _origin": "{document}", "Tax class": "reduced-rate"}
    )
    data, _ = shop_file(tmp_path, "woocommerce", ROWS, ShopOptions(mapping=mapping))
    rows = read_strictly(data)
    assert [row["SKU"] for row in rows[:3]] == ["NO-1", "NO-101", "NO-104"]
    assert {row["Parent"] for row in rows[1:3]} == {"NO-1"}
    assert {row["Published"] for row in rows} == {"-1"}
    assert {row["Meta: _origin"] for row in rows} == {"a.pdf"}


@pytest.mark.parametrize("field", ["sku", "SKU"])
def test_variants_without_codes_use_ids_and_name_parents(tmp_path: Path, field: str) -> None:
    floor = product("Floor", code="F-1")
    tile = product("Tile")
    rows = (
        floor, variant(floor, "Limed"), variant(floor, "Smoked"), variant(floor, "Raw", code="f-1"),
        variant(floor, "White", code="F-2"), tile, variant(tile, "Ash", code="T-1"), variant(tile, "Clay"),
        product("Chair"),
    )  # fmt: skip
    by_code = ShopOptions(mapping=ShopMapping(fields={field: "{code}"}))
    data, written = shop_file(tmp_path, "woocommerce", rows, by_code)
    keys = [row.id.replace("-", "") for row in rows]
    assert [(row["SKU"], row["Parent"]) for row in read_strictly(data)] == [
        ("F-1", ""), (keys[1], "F-1"), (keys[2], "F-1"), (keys[3], "F-1"), ("F-2", "F-1"),
        (keys[5], ""), ("T-1", keys[5]), (keys[7], keys[5]),
    ]  # fmt: skip
    assert [(each.name, each.reason) for each in written.skipped_products] == [("Chair", "sku is not known")]


def test_unpriced_products_are_private_unless_mapped_otherwise(tmp_path: Path) -> None:
    table = product("Table")
    rows = (CHAIR, product("Lamp"), table, variant(table, "Oak", price="€ 50"), variant(table, "Ash"))
    rows += (product("Sofa", price="€ 9 – € 12"), product("Rug", status="draft"), product("Cup", status="private"))
    data, written = shop_file(tmp_path, "woocommerce", rows)
    assert [row["Published"] for row in read_strictly(data)] == ["1", "0", "1", "1", "1", "0", "-1", "0"]
    assert [(each.name, each.reason) for each in written.unpriced_products] == [
        ("Lamp", "no price above 0 is known"), ("Sofa", "the price is a range"),
    ]  # fmt: skip
    shown = ShopOptions(mapping=ShopMapping(fields={"Published": 1}))
    data, written = shop_file(tmp_path, "woocommerce", rows, shown)
    assert {row["Published"] for row in read_strictly(data)} == {"1"}
    assert written.unpriced == 0


def test_whole_export_with_drafts_is_not_only_changes(tmp_path: Path) -> None:
    rug, pot = product("Rug", status="draft"), product("Pot", code="P")
    drafts = (product("Lamp", price="€ 4", status="draft"), rug, variant(rug, "Red", price="€ 5", status="draft"))
    rows = (CHAIR, *drafts, product("Unpriced", status="draft"), product("Cup", price="€ 3", status="private"))
    rows += (pot, variant(pot, "Red", price="€ 5"), variant(pot, "Blue", price="€ 5", status="draft"))
    whole, _ = shop_file(tmp_path, "woocommerce", rows)
    assert [row["Published"] for row in read_strictly(whole)] == ["1", "-1", "-1", "0", "-1", "0", "1", "1", "0"]
    (tmp_path / "earlier.csv").write_bytes(whole)
    since = ShopOptions(since=tmp_path / "earlier.csv")
    assert shop_file(tmp_path, "woocommerce", rows, since)[1].changes == Changes(new=0, changed=0, gone=0, unchanged=9)
    now = (*rows[1:7], rows[8], product("Vase", price="€ 6"))
    changes, written = shop_file(tmp_path, "woocommerce", now, since)
    assert written.changes == Changes(new=1, changed=1, gone=2, unchanged=6)
    told = {row["Name"]: row["Published"] for row in csv.DictReader(io.StringIO(changes.decode()))}
    assert told == {"Vase": "1", CHAIR.name: "-1", "Pot": "1", "Pot, Red": "0"}
    (tmp_path / "earlier.csv").write_bytes(changes)
    with pytest.raises(InvalidReference, match="only changes"):
        shop_file(tmp_path, "woocommerce", rows, since)


def test_partly_filled_column_takes_nothing_off_sale(tmp_path: Path) -> None:
    """An empty cell would be refused in the one column, and be out of stock in the other."""
    rows = (product("Lamp", availability="out_of_stock"), product("Rug", visibility="search"), product("Cup"))
    whole, _ = shop_file(tmp_path, "woocommerce", rows)
    assert [(row["In stock?"], row["Visibility in catalog"]) for row in read_strictly(whole)] == [
        ("0", "visible"), ("instock", "search"), ("instock", "visible"),
    ]  # fmt: skip
    assert {"In stock?", "Visibility in catalog"}.isdisjoint(
        read_strictly(shop_file(tmp_path, "woocommerce", rows[2:])[0])[0]
    )
    (tmp_path / "earlier.csv").write_bytes(whole)
    for fields, changed in (({}, []), ({"Visibility in catalog": "visible"}, ["Rug"])):
        since = ShopOptions(since=tmp_path / "earlier.csv", mapping=ShopMapping(fields=fields))
        data, _ = shop_file(tmp_path, "woocommerce", rows, since)
        assert [row["Name"] for row in read_strictly(data)] == changed


def test_what_is_not_shipped_says_so(tmp_path: Path) -> None:
    course = product("Course", price="€ 9", digital="virtual, downloadable")
    data, _ = shop_file(tmp_path, "woocommerce", (course, CHAIR))
    assert [row["Type"] for row in read_strictly(data)] == ["simple, virtual, downloadable", "simple"]
    assert "digital" not in attributes_of(read_strictly(data)[0])
    data, _ = shop_file(tmp_path, "shopify", (course, CHAIR))
    rows = csv.DictReader(io.StringIO(data.decode()))
    assert [row["Requires shipping"] for row in rows] == ["false", ""]


def test_attributes_are_named_in_words_and_repeat_nothing(tmp_path: Path) -> None:
    floor = product("Floor", code="F-1", category="Floors", fire_class="Bfl", finish="oiled by hand", size="14 mm")
    rows = (floor.model_copy(update={"metadata": floor.metadata | {"category": "Floors"}}),
            variant(floor, "Limed", code="F-2", size="14 mm", pictures=("a.jpg", "b.jpg", "c.jpg")),
            variant(floor, "Smoked", code="F-3", size="14 mm"))  # fmt: skip
    options = ShopOptions(mapping=ShopMapping(fields={"sku": "{code}"}, option="Finish"))
    data, _ = shop_file(tmp_path, "woocommerce", rows, options)
    sold, limed, _ = read_strictly(data)
    assert attributes_of(sold) == {
        "Finish": ["Limed", "Smoked"], "fire class": ["Bfl"], "finish (product)": ["oiled by hand"], "size": ["14 mm"],
    }  # fmt: skip
    assert (limed["Images"], limed.get("Meta: code", "")) == ("a.jpg", "")
    rug = product("Rug", category="Home > Rugs; Sale, reduced", description="Woven & soft\n\nC:\\new", price="€ 9")
    (row,) = read_strictly(shop_file(tmp_path, "woocommerce", [rug])[0])
    assert row["Description"].replace("\\n", "\n") == "Woven &amp; soft\n\nC:&#92;new"
    assert values_of(row["Categories"]) == ["Home > Rugs", "Sale, reduced"]


def test_second_product_with_the_same_sku_is_named(tmp_path: Path) -> None:
    by_code = ShopOptions(mapping=ShopMapping(fields={"sku": "{code}"}))
    rows = (
        product("A", code="1"), product("B", code="1"), product("C"), product("D", code="2"), product("E", code="AQ"),
        product("F", code="aq"),
    )  # fmt: skip
    data, written = shop_file(tmp_path, "woocommerce", rows, by_code)
    assert [row["Name"] for row in read_strictly(data)] == ["A", "D", "E"]
    assert [(each.name, each.reason) for each in written.skipped_products] == [
        ("B", "another product has the SKU 1, too"), ("C", "sku is not known"),
        ("F", "another product has the SKU AQ, and its own, aq, differs only in case"),
    ]  # fmt: skip
