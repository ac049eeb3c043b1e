"""Shopify's CSV: the columns of its template, a row for each variant and picture, read again by a strict reader."""

import csv
import io
from pathlib import Path

from shop_rows import CHAIR, PICTURES, ROWS, product, shop_file, variant

from swatchbook.upkeep.export.shop_mapping import ShopMapping, ShopOptions, Template
from swatchbook_shops.shopify import ALWAYS, COLUMNS, handle_of
from tests.tables import check_rows

Row = dict[str, str]
WITH_PICTURES = ShopOptions(pictures_url=PICTURES)


def read_strictly(data: bytes) -> dict[str, list[Row]]:
    """Return handle -> rows. Fails for what Shopify's import refuses."""
    rows = list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))
    head = rows.pop(0)
    assert set(ALWAYS) <= set(head) <= set(COLUMNS)
    assert head == sorted(head, key=COLUMNS.index)
    products = dict[str, list[Row]]()
    last = None
    for cells in rows:
        row = dict(zip(head, cells, strict=True))
        handle = row["URL handle"]
        assert handle
        assert handle == handle_of(handle)
        assert handle == last or handle not in products, "the rows of a product follow each other"
        products.setdefault(handle, []).append(row)
        last = handle
    for first, *others in products.values():
        assert first["Title"]
        assert len(first["Title"]) <= 255
        assert first["Status"] in ("active", "draft", "archived", "unlisted")
        variants = [each for each in (first, *others) if each["Option1 value"]]
        chosen = [tuple(each.get(f"Option{n} value", "") for n in (1, 2, 3)) for each in variants]
        assert first in variants
        assert len(set(chosen)) == len(chosen)
        names = {tuple(each.get(f"Option{n} name", "") for n in (1, 2, 3)) for each in variants}
        assert len(names) == 1
        for each in (first, *others):
            assert not each.get("Price") or float(each["Price"]) >= 0
            assert each in variants or each["Product image URL"], "each row is a variant or a picture"
    return products


def test_products_are_read_again_as_they_are(tmp_path: Path) -> None:
    data, written = shop_file(tmp_path, "shopify", ROWS, WITH_PICTURES)
    assert (written.products, written.variants, written.skipped) == (2, 2, 0)
    floor, chair = read_strictly(data).values()
    assert [row["Title"] for row in floor] == ["Nordvik Oak", "", ""]
    assert floor[0]["Vendor"] == "Nordvik"
    assert floor[0]["Type"] == "Floors > Oak"
    assert floor[0]["Description"] == 'Planks "A" &amp; &lt;b&gt;more&lt;/b&gt;<br>second line'
    assert [(row["Option1 value"], row["Option2 value"], row["Price"]) for row in floor] == [
        ("Limed", "14 × 190 mm", "82.50"), ("Smoked", "14 × 240 mm", "96.00"), ("", "", ""),
    ]  # fmt: skip
    assert (floor[0]["Option1 name"], floor[0]["Option2 name"]) == ("Variant", "Size")
    assert floor[0]["Unit price base measure unit"] == "m2"
    assert [row["Product image URL"] for row in floor] == [
        PICTURES + "i1.jpg",
        PICTURES + "i2.jpg",
        PICTURES + "i%203.png",
    ]
    assert [row["Image position"] for row in floor] == ["1", "2", "3"]
    assert [row["Variant image URL"] for row in floor] == [PICTURES + "i2.jpg", "", ""]
    (only,) = chair
    assert (only["Title"], only["Option1 name"], only["Option1 value"]) == (CHAIR.name, "Title", "Default Title")
    assert (only["Price"], only["Unit price base measure unit"]) == ("129.00", "")
    assert only["SKU"] == only["URL handle"] == CHAIR.id.replace("-", "")


def test_empty_columns_are_omitted_and_dinars_are_exact(tmp_path: Path) -> None:
    rows = [product("Oak", price="KWD 12.125"), product("Ash", price="KWD 9.500")]
    head, *written = shop_file(tmp_path, "shopify", rows)[0].decode().splitlines()
    assert head == "Title,URL handle,Status,SKU,Option1 name,Option1 value,Price"
    assert [line.rpartition(",")[2] for line in written] == ["12.125", "9.50"]


def test_unpriced_products_are_drafts_unless_mapped_otherwise(tmp_path: Path) -> None:
    table = product("Table")
    rows = (CHAIR, product("Lamp"), product("Sofa", price="€ 9 – € 12"), table,
            variant(table, "Oak", price="€ 50"), variant(table, "Ash"))  # fmt: skip

    archived = product("Rug", status="archived")
    _, written = shop_file(tmp_path, "shopify", (*rows, archived, product("Cup", status="draft")))
    assert [(each.name, each.reason) for each in written.unpriced_products] == [
        ("Lamp", "no price above 0 is known"), ("Sofa", "the price is a range"),
        ("Table", "no price of Ash above 0 is known"),
    ]  # fmt: skip

    def shown(**fields: Template) -> list[tuple[str, str]]:
        options = ShopOptions(mapping=ShopMapping(fields=fields))
        data, _ = shop_file(tmp_path, "shopify", rows, options)
        return [(row["Status"], row["Published on online store"]) for row, *_ in read_strictly(data).values()]

    assert shown() == [("active", ""), *[("draft", "FALSE")] * 3]
    assert shown(Status="active") == [("active", ""), *[("active", "FALSE")] * 3]
    assert shown(Status="{status}")[1] == ("draft", "FALSE")
    open_ = shown(**{"Price": "{metadata.none}", "Published on online store": True})
    assert open_[0] == ("draft", "true")


def test_handles_keep_letters_of_every_script() -> None:
    check_rows(__file__, "handles", handle_of)


def test_what_the_format_cannot_hold_is_named(tmp_path: Path) -> None:
    many = product("Many")
    rows = (
        CHAIR, product("Dollar", price="USD 12"), product("Range", price="from €12 to €18"), product("\x00 "), many,
        *(variant(many, f"v{number}") for number in range(2_049)),
    )  # fmt: skip
    data, written = shop_file(tmp_path, "shopify", rows)
    assert (written.products, written.variants, written.skipped) == (2, 0, 3)
    assert [(each.name, each.reason) for each in written.skipped_products] == [
        ("Dollar", "its price is in USD, and this file is in EUR"),
        ("\x00 ", "title is not known"),
        ("Many", "it has more than 2,048 variants"),
    ]
    assert [rows[0].get("Price") for rows in read_strictly(data).values()] == ["129.00", ""]
    sofa = product("Sofa")
    codes = [variant(sofa, "Red", code=code) for code in "121"]
    data, _ = shop_file(tmp_path, "shopify", (sofa, *codes, variant(sofa, "Red", code="2", price="€ 5")))
    ((_, found),) = read_strictly(data).items()
    assert [row["Option1 value"] for row in found] == ["Red", "Red (2)", "Red (3)"], "one name for several"
    assert len({row["SKU"] for row in found}) == len(found) == 3
