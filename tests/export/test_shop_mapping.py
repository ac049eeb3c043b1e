"""The mapping of an export to a shop: the examples of the documentation, and values that are looked up, never run."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swatchbook.errors import InvalidReference
from swatchbook.export.offers import offers
from swatchbook.export.shop_mapping import (
    COMMON,
    OWN_NAMES,
    ShopMapping,
    ShopOptions,
    Template,
    as_shop_mapping,
    fill,
    read_shop_mapping,
)
from tests.conftest import ROOT
from tests.export.shop_readers import READERS
from tests.export.shop_rows import FULL, product, shop_file

PAGE = (ROOT / "docs" / "shops.md").read_text()


@pytest.mark.parametrize("example", re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
def test_examples_of_the_page_are_mappings(tmp_path: Path, example: str) -> None:
    (tmp_path / "shop.yaml").write_text(example)
    assert read_shop_mapping(tmp_path / "shop.yaml").fields


def test_every_product_has_its_own_names_and_those_of_its_metadata() -> None:
    lamp = product("Lamp", price="€ 40", watt="60")
    (offer,) = offers([[lamp]], FULL)
    assert offer.values.keys() == OWN_NAMES | lamp.metadata.keys() | {f"metadata.{name}" for name in lamp.metadata}


def test_the_page_has_every_format_and_field() -> None:
    table = re.findall(r"^\| `(\w+)` \| [^|]+ \| an? product", PAGE, re.MULTILINE)
    assert table == list(READERS)
    assert all(f"`{name}`" in PAGE for name in COMMON)


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("{name}", "Oak"), ("{name}, {material}", "Oak, wood"), ("{name} {unknown}", ""), ("{empty}", ""), (None, ""),
        (("{unknown}", "{material}", "x"), "wood"), (("{unknown}",), ""), (True, "true"), (7, "7"), ("", ""),
        ("{ name }", "Oak"), ("{name.__class__}", ""), ("{name!r}", ""), ("{0}", ""), ("{}", ""), ("100 %", "100 %"),
        ("{metadata.size}", "60"), ("{name", "{name"),
    ],
)  # fmt: skip
def test_fields_in_braces_are_looked_up(template: Template, filled: str) -> None:
    assert fill(template, {"name": "Oak", "material": "wood", "empty": "", "metadata.size": "60"}) == filled


@given(st.text(), st.text())
def test_a_value_is_never_a_template(name: str, text: str) -> None:
    assert fill("{name}", {"name": "{text}" + text, "text": name}) == "{text}" + text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("fields: {sku: {a: b}}", "fields.sku"), ("currency: euro", "currency"), ("a: x", "there is no key a"),
        ("currncy: EUR", "there is no key currncy; there are fields, currency, option, supplier, "),
        ("currncy: EUR", "Did you mean currency?"), ("brand: Nordvik", "write brand below `fields`"),
        ("catalog_id: 2026-13-45", "this is not YAML"),
        ("- a", "it does not hold keys with values"), ("fields: [", "this is not YAML"),
        ("language: english", "language"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "shop.yaml").write_text(text)
    with pytest.raises(InvalidReference, match=re.escape(says)):
        read_shop_mapping(tmp_path / "shop.yaml")


def test_a_field_that_there_is_not_is_answered_with_the_nearest(tmp_path: Path) -> None:
    for form, field, near in (
        ("shopify", "Colour", "color"),
        ("google", "genders", "gender"),
        ("bmecat", "Brand", "brand"),
    ):
        with pytest.raises(InvalidReference, match=f"{field!r}, which {form} does not have. Did you mean {near}?"):
            shop_file(tmp_path, form, [product("Lamp")], ShopOptions(mapping=ShopMapping(fields={field: "x"})))


def test_a_program_gives_a_file_or_what_it_holds(tmp_path: Path) -> None:
    held = {"fields": {"brand": ["{brand}", "Nordvik"], "size": None}, "currency": "EUR"}
    (tmp_path / "shop.yaml").write_text(json.dumps(held))
    of_file = as_shop_mapping(tmp_path / "shop.yaml")
    assert of_file == as_shop_mapping(held) == as_shop_mapping(str(tmp_path / "shop.yaml"))
    assert of_file
    assert of_file.fields == {"brand": ("{brand}", "Nordvik"), "size": None}
    assert as_shop_mapping(None) is None
    with pytest.raises(InvalidReference, match=r"mapping: there is no key currncy.*Did you mean currency"):
        as_shop_mapping({"currncy": "EUR"})


@pytest.mark.parametrize("template", ["'{brand'", "'brand}'", "['{brand}', '{{name}']"])
def test_a_brace_without_its_pair_is_refused_by_its_field(tmp_path: Path, template: str) -> None:
    (tmp_path / "shop.yaml").write_text(f"fields:\n  brand: {template}\n")
    with pytest.raises(InvalidReference, match=r"brand.*braces|braces.*brand"):
        read_shop_mapping(tmp_path / "shop.yaml")
