"""The mapping of an export to a shop: the examples of the documentation, and values that are looked up, never run."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shop_readers import READERS
from shop_rows import FULL, product, shop_file, with_fields

from swatchbook.domain.errors import InvalidReference
from swatchbook.upkeep.export.formats import shop_options
from swatchbook.upkeep.export.shop_mapping import (
    COMMON,
    OWN_NAMES,
    SECTIONS,
    ShopOptions,
    Template,
    as_shop_mapping,
    read_shop_mapping,
)
from swatchbook_shops.offers import offers
from swatchbook_shops.shop_fields import fill
from tests.fixtures import ROOT
from tests.tables import check_rows, rows_of

PAGE = (ROOT / "docs" / "shops.md").read_text()


@pytest.mark.parametrize("example", re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
def test_examples_of_the_page_are_mappings(tmp_path: Path, example: str) -> None:
    (tmp_path / "shop.yaml").write_text(example)
    assert read_shop_mapping(tmp_path / "shop.yaml").fields


def test_every_product_has_its_own_and_metadata_names() -> None:
    lamp = product("Lamp", price="€ 40", watt="60")
    (offer,) = offers([[lamp]], FULL)
    assert offer.values.keys() == OWN_NAMES | lamp.metadata.keys() | {f"metadata.{name}" for name in lamp.metadata}


def test_the_page_has_every_format_and_field() -> None:
    table = re.findall(r"^\| `(\w+)` \| [^|]+ \| an? product", PAGE, re.MULTILINE)
    assert table == list(READERS)
    assert all(f"`{name}`" in PAGE for name in COMMON)


def test_fields_in_braces_are_looked_up() -> None:
    def filled(template: Template | list[str]) -> str:
        given = tuple(template) if isinstance(template, list) else template
        return fill(given, {"name": "Oak", "material": "wood", "empty": "", "metadata.size": "60"})

    check_rows(__file__, "filled", filled)


@given(st.text(), st.text())
def test_a_value_is_never_a_template(name: str, text: str) -> None:
    assert fill("{name}", {"name": "{text}" + text, "text": name}) == "{text}" + text


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    for text, says in rows_of(__file__, "wrong_files"):
        (tmp_path / "shop.yaml").write_text(text)
        with pytest.raises(InvalidReference, match=re.escape(says)):
            read_shop_mapping(tmp_path / "shop.yaml")


def test_mapped_unit_reaches_every_format_with_unit_prices(tmp_path: Path) -> None:
    printed, bare = (
        product("Floor", price="€ 80 per m2", pictures=("f.jpg",)),
        product("Rug", price="€ 9", pictures=("r.jpg",)),
    )
    for form, of_floor, of_rug in (
        ("shopify", b",m2,", b",kg,"), ("woocommerce", b"price unit,m2", b"price unit,kg"),
        ("jsonld", b'"MTK"', b'"KGM"'), ("google", b"<g:unit_pricing_measure>1 sqm<", b"<g:unit_pricing_measure>1 kg<"),
        ("bmecat", b"<ORDER_UNIT>MTK<", b"<ORDER_UNIT>KGM<"), ("akeneo", b";m2", b";kg"),
    ):  # fmt: skip
        for unit in ("kg", "KGM", "кг"):
            data, _ = shop_file(tmp_path, form, [printed, bare], with_fields(unit=unit))
            assert (data.count(of_floor), data.count(of_rug)) in ((1, 1), (2, 2)), form


def test_unknown_field_or_value_is_refused(tmp_path: Path) -> None:
    for form, field, value, says in rows_of(__file__, "wrong_fields"):
        template = tuple(value) if isinstance(value, list) else value
        with pytest.raises(InvalidReference, match=re.escape(says)):
            shop_file(tmp_path, form, [product("Lamp")], with_fields(**{field: template}))
    rows = [product("Lamp", rrp="12.50"), product("Rug", rrp="on request"), product("Sofa")]
    _, written = shop_file(tmp_path, "shopify", rows, with_fields(ShopOptions(), Price="{rrp}"))
    reason = "Price is 'on request', and may be a number"
    assert [(each.name, each.reason) for each in written.skipped_products] == [("Rug", reason)], "it is left out alone"


def test_mapping_may_be_a_file_or_its_content(tmp_path: Path) -> None:
    held = {"fields": {"brand": ["{brand}", "Nordvik"], "size": None}, "currency": "EUR"}
    (tmp_path / "shop.yaml").write_text(json.dumps(held))
    of_file = as_shop_mapping(tmp_path / "shop.yaml")
    assert of_file == as_shop_mapping(held) == as_shop_mapping(str(tmp_path / "shop.yaml"))
    assert of_file
    assert of_file.fields == {"brand": ("{brand}", "Nordvik"), "size": None}
    assert as_shop_mapping(None) is None
    with pytest.raises(InvalidReference, match=r"mapping: there is no key currncy.*Did you mean currency"):
        as_shop_mapping({"currncy": "EUR"})


def test_a_section_has_the_fields_of_one_format(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(
        "fields: {brand: Nordvik, size: null}\nshopify: {Status: draft, brand: Åse}\nakeneo: {family: floors}\n"
    )
    mapping = read_shop_mapping(tmp_path / "shop.yaml")
    assert shop_options("shopify", mapping, None, None).mapping.fields == {
        "brand": "Åse", "size": None, "Status": "draft"
    }  # fmt: skip
    assert shop_options("akeneo", mapping, None, None).mapping.fields["family"] == "floors"
    assert shop_options("woocommerce", mapping, None, None).mapping.fields == mapping.fields
    assert set(SECTIONS) == READERS.keys()
