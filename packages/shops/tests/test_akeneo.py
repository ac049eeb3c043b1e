"""Akeneo's CSV: attribute codes as columns, each variant a product, read again by a strict reader."""

import csv
import io
import re
from pathlib import Path

import pytest
from shop_rows import CHAIR, FLOOR, ROWS, product, shop_file

from swatchbook.domain.errors import InvalidReference
from swatchbook.upkeep.export.shop_mapping import ShopMapping, ShopOptions
from swatchbook_shops.akeneo import ATTRIBUTE

Row = dict[str, str]


def read_strictly(data: bytes) -> list[Row]:
    """Return the rows. Fails for what Akeneo's import refuses."""
    head, *rows = csv.reader(io.StringIO(data.decode(), newline=""), delimiter=";", strict=True)
    assert head[0] == "sku"
    assert len(set(head)) == len(head)
    assert all(ATTRIBUTE.fullmatch(name) for name in head)
    read = [dict(zip(head, cells, strict=True)) for cells in rows]
    assert len({row["sku"].casefold() for row in read}) == len(read), "Akeneo ignores case"
    for row in read:
        assert row["sku"]
        assert len(row["sku"]) <= 255
        assert row["enabled"] in ("0", "1")
        for name, value in row.items():
            if name.startswith("price-"):
                assert re.fullmatch(r"price-[A-Z]{3}", name)
                assert re.fullmatch(r"(\d+\.\d\d)?", value)
    return read


def test_products_are_read_again_as_they_are(tmp_path: Path) -> None:
    data, written = shop_file(tmp_path, "akeneo", (*ROWS, product("Rug", price="CHF 20")))
    assert (written.products, written.variants, written.skipped) == (3, 2, 0)
    limed, smoked, chair, rug = read_strictly(data)
    assert list(limed) == ["sku", "enabled", "name", "description", "price-EUR", "price-CHF"]
    assert [row["name"] for row in (limed, smoked, chair)] == ["Nordvik Oak, Limed", "Nordvik Oak, Smoked", CHAIR.name]
    assert limed["description"] == FLOOR.metadata["description"]
    assert [row["price-EUR"] for row in (limed, smoked, chair, rug)] == ["82.50", "96.00", "129.00", ""]
    assert rug["price-CHF"] == "20.00"


def test_a_mapping_names_the_attributes_of_the_pim(tmp_path: Path) -> None:
    mapping = ShopMapping(
        fields={
            "family": "floors", "categories": "master_floors", "name-en_US": "{name}", "description": None,
            "brand": "{brand}", "finish": "{variant}", "parent": "{product_key}", "image": "pictures/{picture}",
        }
    )  # fmt: skip
    data, _ = shop_file(tmp_path, "akeneo", ROWS, ShopOptions(mapping=mapping))
    limed, _, chair = read_strictly(data)
    assert "name" not in limed
    assert "description" not in limed
    assert (limed["family"], limed["categories"]) == ("floors", "master_floors")
    assert (limed["name-en_US"], limed["brand"], limed["finish"]) == ("Nordvik Oak, Limed", "Nordvik", "Limed")
    assert limed["parent"] == FLOOR.id.replace("-", "")
    assert limed["image"] == "pictures/i2.jpg"
    assert (chair["finish"], chair["parent"], chair["image"]) == ("", "", "")
    with pytest.raises(InvalidReference, match="'Body \\(HTML\\)'"):
        shop_file(tmp_path, "akeneo", ROWS, ShopOptions(mapping=ShopMapping(fields={"Body (HTML)": "x"})))
