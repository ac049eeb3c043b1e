"""What a file of items tells of a product beyond its fields: facts, variants, and a currency that a mapping gives."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import NO_MAPPING, BatchMapping, Variant
from swatchbook.ingest.sources.batch import list_batch
from swatchbook.ingest.sources.item_files import ReadRecord, SourceNotes
from swatchbook.ingest.sources.listed import ListedItem
from swatchbook.ingest.sources.sidecar import read_table
from swatchbook_shops.items.batch_mapping import read_batch_mapping
from swatchbook_shops.items.batch_record import read_record
from swatchbook_shops.items.unread_fields import ShopColumns
from tests.tables import rows_of


def read(record: dict[str, Any], mapping: BatchMapping = NO_MAPPING) -> ReadRecord:
    return read_record({"id": "1", "name": "Oak chair", "image": "a.jpg"} | record, mapping)


def items_of(folder: Path, name: str, rows: Sequence[Sequence[str]]) -> list[ListedItem]:
    (folder / name).write_text("\n".join(",".join(f'"{cell}"' for cell in row) for row in rows))
    return list(list_batch(folder / name, NO_MAPPING, max_bytes=1 << 20))


def test_attributes_are_facts_however_written() -> None:
    for (record,) in rows_of(__file__, "attributes"):
        found = read(record)
        assert found.metadata == {"finish": "oiled", "seat_height": "45 cm"}, record
        assert found.unknown == (), record


def test_facts_keep_their_digits() -> None:
    specs = {"Thickness (mm)": 0.375, "Wire diameter (mm)": 0.004, "Depth": 12.0, "Width": 0.1 + 0.2, "Length": 1e-7}
    assert read({"weight": 0.125, "specs": specs}).metadata == {
        "weight": "0.125", "thickness": "0.375 mm", "wire_diameter": "0.004 mm", "depth": "12", "width": "0.3",
        "length": "0.0000001",
    }  # fmt: skip


def test_digits_that_excel_keeps_are_a_code(tmp_path: Path) -> None:
    row = '="00123";Oak;="8,""0";a.jpg'
    (tmp_path / "items.csv").write_text(f"sku;title;height;images\n{row}\n")
    (tmp_path / "metadata.csv").write_text(f"sku;title;height;file_name\n{row}\n")
    (tmp_path / "a.jpg").touch()
    (item,) = list_batch(tmp_path / "items.csv", NO_MAPPING, max_bytes=1 << 20)
    (told,) = read_table(tmp_path / "metadata.csv", 1 << 20).values()
    assert (item.code, told.code, item.metadata["height"]) == ("00123", "00123", '8,"0')


def test_letters_that_excel_lost_are_told(tmp_path: Path) -> None:
    book = Workbook()
    for row in (("sku", "title", "image"), ("A1", "St\ufffdhle", "a.jpg"), ("A2", "Oak", "b.jpg")):
        book.active.append(row)
    book.save(tmp_path / "items.xlsx")
    columns = ShopColumns()
    items = list(list_batch(tmp_path / "items.xlsx", NO_MAPPING, max_bytes=1 << 20, notes=SourceNotes(columns=columns)))
    assert [item.title for item in items] == ["St?hle", "Oak"]
    assert columns.warnings()[0].endswith("in place of which there is “?”: 1.")


def test_rounded_code_is_none_and_is_told(tmp_path: Path) -> None:
    rows = [("sku", "title", "ean", "image"), ("A1", "Oak", "4.00638E+12", "a"), ("4,00638e+12", "Ash", "", "b")]
    items_of(tmp_path, "items.csv", rows)
    columns = ShopColumns()
    oak, ash = list_batch(tmp_path / "items.csv", NO_MAPPING, max_bytes=1 << 20, notes=SourceNotes(columns=columns))
    assert (oak.code, ash.code, "gtin" in oak.metadata) == ("A1", None, False)
    assert any("4.00638E+12, 4,00638e+12" in told for told in columns.warnings())


def test_product_is_available_as_its_best_variant() -> None:
    best = {"out_of_stock backorder": "backorder", "backorder in_stock": "in_stock", "0 0": "out_of_stock"}
    for stocks, known in best.items():
        variants = [{"title": f"No. {number}", "availability": each} for number, each in enumerate(stocks.split())]
        assert read({"variants": variants, "availability": "in stock"}).metadata["availability"] == known


def test_labels_and_attributes_become_facts_once() -> None:
    """Other columns are named."""
    found = read({"Oberfläche": "geölt", "Gewicht (kg)": "12,5", "Warehouse": "B7", "Thickness": "0", "Quantity": "4"})
    assert found.metadata == {"finish": "geölt", "weight": "12,5 kg"}
    assert found.unknown == ("Warehouse", "Thickness", "Quantity")
    given: list[tuple[str, object]] = [
        ("Colour", "red"),
        ("SKU", "A1"),
        ("Use", "kitchen"),
        ("Use", "bath"),
        ("Use", "bath"),
    ]
    given += [("Stackable", True), ("Washable", False)]
    found = read({"attributes": [{"name": name, "value": value} for name, value in given]})
    assert (found.metadata, found.code) == (
        {"color": "red", "item_id": "1", "application": "kitchen; bath", "stackable": "yes", "washable": "no"}, "A1",
    )  # fmt: skip


def test_mapping_names_further_facts_and_the_currency(tmp_path: Path) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_text("facts: {Care label: [pflege, care], store: warehouse}\ncurrency: EUR\n")
    mapping = read_batch_mapping(file)
    assert read({"care": "wipe", "warehouse": {"bay": "B7"}, "price": "12"}, mapping).metadata == {
        "price": "12", "currency": "EUR", "care_label": "wipe", "store": "B7",
    }  # fmt: skip
    assert read({"price": "12 zł"}, mapping).metadata == {"price": "12", "currency": "PLN"}
    assert read({"price": "$ 12"}, mapping).metadata == {
        "price": "$ 12"
    }  # of several countries, none of which has euros
    dollars = BatchMapping(currency="USD")
    assert read({"price": "$ 12"}, dollars).metadata == {"price": "12", "currency": "USD"}
    for wrong, says in (("currency: euro\n", "currency"), ("columns: {prize: cost}\n", r"there is no columns\.prize")):
        file.write_text(wrong)
        with pytest.raises(InvalidReference, match=says):
            read_batch_mapping(file)


def test_variants_have_their_own_names_codes_and_prices() -> None:
    found = read(
        {
            "variants": [
                {"title": "Oak chair - Natural", "sku": "N", "price": 129, "currency": "EUR"},
                {"option1": "Smoked"},
            ]
        }
    )
    assert found.variants == (
        Variant(name="Natural", code="N", price="129 EUR", facts=(("sku", "N"),)),
        Variant(name="Smoked", options=(("Option 1", "Smoked"),)),
    )
    assert found.code is None  # the first variant's is not that of the product
    attributes = [{"name": "Colour", "value": "Blue"}, {"name": "Size", "value": "L"}]
    assert [each.name for each in read({"variations": [{"attributes": attributes}]}).variants] == ["Blue / L"]
    assert read({"variants": [{"title": "Default Title", "sku": "A"}]}).variants == ()


def test_woocommerce_export_is_read_in_any_language(tmp_path: Path) -> None:
    rows = [
        ["1", "variable", "POT", "Pot", "1", "", "", "Kitchen, Kitchen > Pots", "https://w.example/1.jpg", "", "Hilde",
         "", "Shade", "Red, Blue", "1", "1", "3.33", "", ""],
        ["2", "variation, virtual", "POT-R", "Pot - Red", "1", "7.50", "9", "", "", "POT", "", "1.5", "Shade", "Red",
         "", "1", "", "", ""],
        ["3", "variation", "POT-B", "Pot - Blue", "0", "", "9", "", "", "POT", "", "", "Shade", "Blue", "", "1", "",
         "", ""],
    ]  # fmt: skip
    for (head,) in rows_of(__file__, "heads_of_woocommerce"):
        (pot,) = items_of(tmp_path, "woo.csv", [[*head.split(","), "Méta : _unit_price", "Tags", "Tag"], *rows])
        assert (pot.item, pot.title, pot.failure) == ("1", "Pot", None), head
        assert pot.metadata == {
            "price": "7.50", "brand": "Hilde", "category": "Kitchen > Pots", "categories": "Kitchen; Kitchen > Pots",
            "color": "Red, Blue", "sku": "POT", "shop_id": "1",
            "shop_attributes": '[{"name":"Shade","values":["Red","Blue"],"visible":true,"shared":true}]',
        }, head  # fmt: skip
        red, blue = pot.variants
        assert (red.code, red.price, red.options) == ("POT-R", "7.50", (("Shade", "Red"),)), head
        assert dict(red.facts) == {
            "color": "Red", "sku": "POT-R", "shop_id": "2", "digital": "virtual", "weight": "1.5 kg",
            "regular_price": "9",
        }, head  # fmt: skip
        assert (blue.code, blue.price, dict(blue.facts)["status"]) == ("POT-B", "9", "private"), head


def test_sale_days_are_read_in_any_language(tmp_path: Path) -> None:
    for starts, ends in rows_of(__file__, "days_of_a_sale"):
        rows = [
            ["ID", "Type", "SKU", "Name", "Images", "Parent", "Sale price", "Regular price", starts, ends],
            ["1", "simple", "POT", "Pot", "https://w.example/1.jpg", "", "7", "9", "2026-11-01", "2026-12-24"],
        ]
        (pot,) = items_of(tmp_path, "woo.csv", rows)
        assert pot.metadata["regular_price"] == "9"
        assert (pot.metadata["sale_starts"], pot.metadata["sale_ends"]) == ("2026-11-01", "2026-12-24"), starts
    for begins, to, ends in (("2026-12-01", "/", "2026-12-24"), ("2026-12-01T08:00+0100", " / ", "2026-12-24")):
        days = read({"sale_price_effective_date": begins + to + ends}).metadata
        assert (days["sale_starts"], days["sale_ends"]) == (begins, ends), "in one field"


def test_keyword_search_reads_facts_and_variants_before_descriptions(tmp_path: Path) -> None:
    item = {"id": "1", "name": "Chair", "image": "https://s.example/1.jpg", "description": "Made to last.", "url": "https://s.example/1",
            "brand": "Nordvik", "specs": {"Finish": "oiled"}, "sku": "C-1",
            "variants": [{"title": "Natural", "sku": "C-1-N"}]}  # fmt: skip
    (tmp_path / "items.jsonl").write_text(json.dumps(item))
    (listed,) = list_batch(tmp_path / "items.jsonl", NO_MAPPING, max_bytes=1 << 20)
    assert listed.text == "Nordvik · finish oiled · Natural · C-1 · C-1-N · Made to last."


def test_nested_facts_and_their_units_are_kept() -> None:
    """A picture's URL is not that of the product."""
    found = read(
        {
            "specs": {"Care": {"Cleaning": "wipe", "Oil": "yearly"}, "Height": {"value": 45, "unit": "cm"}},
            "images": [{"url": "https://s.example/1.jpg"}],
            "gtin13": "4006381333931",
        }
    )
    assert found.metadata == {
        "care_cleaning": "wipe", "care_oil": "yearly", "height": "45 cm", "gtin": "4006381333931",
        "item_id": "1",
    }  # fmt: skip
    assert read({"attributes": [{"name": "Load", "value": 120, "unit": "kg"}]}).metadata == {"load": "120 kg"}
    options = {"variants": [{"name": "short", "options": {"Length": "100 cm"}}, {"options": {"Length": "160 cm"}}]}
    assert read(options).metadata == {}
    assert [each.name for each in read(options).variants] == ["100 cm", "160 cm"]
