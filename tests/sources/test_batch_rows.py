"""Tables of Shopify and WooCommerce under the names that their columns have and had."""

from pathlib import Path

import pytest

from swatchbook.sources.batch_record import read_record
from tests.sources.test_facts import items_of

TODAY = ["URL handle", "Title", "Published on online store", "Option1 name", "Option1 value", "SKU", "Price",
         "Compare-at price", "Barcode", "Weight value (grams)", "Inventory tracker", "Inventory quantity",
         "Continue selling when out of stock", "Product image URL", "Variant image URL"]  # fmt: skip
OLDER = ["Handle", "Title", "Published", "Option1 Name", "Option1 Value", "Variant SKU", "Variant Price",
         "Variant Compare At Price", "Variant Barcode", "Variant Grams", "Variant Inventory Tracker",
         "Variant Inventory Qty", "Variant Inventory Policy", "Image Src", "Variant Image"]  # fmt: skip


@pytest.mark.parametrize("head", [TODAY, OLDER], ids=["today", "until 2024"])
@pytest.mark.parametrize(
    ("tracker", "quantity", "policy", "availability"),
    [
        ("shopify", "4", "deny", "in_stock"),
        ("shopify", "4", "CONTINUE", "in_stock"),
        ("shopify", "0", "CONTINUE", "backorder"),
        ("shopify", "-2", "continue", "backorder"),
        ("shopify", "0", "DENY", "out_of_stock"),
        ("shopify", "-2", "", "out_of_stock"),
        ("shopify", "", "deny", None),
        ("", "0", "deny", None),
    ],
)
def test_stock_of_shopify_is_read_by_both_names(
    tmp_path: Path, head: list[str], tracker: str, quantity: str, policy: str, availability: str | None
) -> None:
    stock, pictures = [tracker, quantity, policy], ["https://s.example/1.jpg", "https://s.example/2.jpg"]
    cells = ["19", "29", "4006381333931", "750", *stock, *pictures]
    rows = [head, ["cup", "Cup", "false", "Size", "S", "C-S", *cells], ["mug", "Mug", "", "", "", "M-1", *cells]]
    cup, mug = items_of(tmp_path, "products.csv", rows)
    (small,) = cup.variants
    assert (small.code, small.price, cup.metadata["status"], len(cup.pictures)) == ("C-S", "19", "hidden", 2)
    for facts in (dict(small.facts), mug.metadata):
        assert facts.get("availability") == availability
        assert [facts[name] for name in ("gtin", "regular_price", "weight")] == ["4006381333931", "29", "750 g"]
        assert facts.get("stock", "") == quantity


WITHOUT_PARENT = {
    "English": "ID,Type,SKU,Name,Published,Regular price,Images,Weight (kg)",
    "German": "ID,Typ,Artikelnummer,Name,Veröffentlicht,Regulärer Preis,Bilder,Gewicht (kg)",
    "French": "ID,Type,UGS,Nom,Publié,Tarif régulier,Images,Poids (kg)",
    "Polish": "Identyfikator,Typ,SKU,Nazwa,Opublikowano,Cena,Obrazki,Waga (kg)",
    "Dutch": "ID,Type,Artikelnummer,Naam,Gepubliceerd,Reguliere prijs,Afbeeldingen,Gewicht (kg)",
}


@pytest.mark.parametrize("head", WITHOUT_PARENT.values(), ids=WITHOUT_PARENT)
def test_export_of_woocommerce_is_known_without_its_column_parent(tmp_path: Path, head: str) -> None:
    row = ["44", "simple, virtual", "POT", "Pot", "-1", "9", "https://w.example/1.jpg", "1.5"]
    (pot,) = items_of(tmp_path, "woo.csv", [head.split(","), row])
    assert pot.metadata == {
        "price": "9", "weight": "1.5 kg", "status": "draft", "sku": "POT", "shop_id": "44", "digital": "virtual",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("head", "row"),
    [
        ("sku,type,name,price,image,visibility", "POT,simple,Pot,9,https://w.example/1.jpg,4"),
        ("SKU,Type,Published,Name,Price,Image", "POT,Pots,-1,Pot,9,https://w.example/1.jpg"),
    ],
    ids=["Magento", "another shop"],
)
def test_table_of_another_shop_is_not_taken_for_woocommerce(tmp_path: Path, head: str, row: str) -> None:
    (pot,) = items_of(tmp_path, "items.csv", [head.split(","), row.split(",")])
    assert {"sku", "status"}.isdisjoint(pot.metadata)


def test_variation_without_a_parent_belongs_to_no_product_without_a_sku(tmp_path: Path) -> None:
    rows = [
        ["ID", "Type", "SKU", "Name", "Published", "Regular price", "Images", "Parent"],
        ["1", "simple", "", "Pot", "1", "9", "https://w.example/1.jpg", ""],
        ["2", "variation", "R", "Rug - Red", "1", "60", "https://w.example/2.jpg", ""],
    ]
    assert [(each.title, each.variants) for each in items_of(tmp_path, "woo.csv", rows)] == [
        ("Pot", ()), ("Rug - Red", ()),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("days", "read"),
    [
        (["12/01/2026", "12/24/2026 23:59"], ["2026-12-01", "2026-12-24 23:59"]),
        (["1/12/2026", "24/12/2026"], ["2026-12-1", "2026-12-24"]),
        (["01-12-2026", "24-12-2026"], ["2026-12-01", "2026-12-24"]),
        (["12/01/2026", "12/04/2026"], ["12/01/2026", "12/04/2026"]),
        (["24/12/2026", "12/24/2026"], ["24/12/2026", "12/24/2026"]),
        (["2026/12/01", "24.12.2026"], ["2026/12/01", "24.12.2026"]),
    ],
    ids=["month first", "day first", "hyphens", "not decided", "both", "known"],
)
@pytest.mark.parametrize("kind", ["simple", "Pots"], ids=["woocommerce", "another shop"])
def test_order_in_days_of_a_sale_is_known_by_one_of_them(
    tmp_path: Path, kind: str, days: list[str], read: list[str]
) -> None:
    rows = [
        ["SKU", "Type", "Name", "Images", "Sale price", "Date sale price starts", "Date sale price ends"],
        ["POT", kind, "Pot", "https://w.example/1.jpg", "7", days[0], ""],
        ["CUP", kind, "Cup", "https://w.example/2.jpg", "7", "", days[1]],
    ]
    pot, cup = items_of(tmp_path, "items.csv", rows)
    assert [pot.metadata["sale_starts"], cup.metadata["sale_ends"]] == read


def test_days_of_a_sale_in_one_field_are_two() -> None:
    record = {"id": "1", "title": "Pot", "image": "a.jpg", "sale_price_effective_date": "2026-12-01/2026-12-24"}
    days = read_record(record).metadata
    assert (days["sale_starts"], days["sale_ends"]) == ("2026-12-01", "2026-12-24")
    days = read_record(record | {"sale_price_effective_date": "2026-12-01T08:00+0100 / 2026-12-24T08:00+0100"}).metadata
    assert (days["sale_starts"], days["sale_ends"]) == ("2026-12-01T08:00+0100", "2026-12-24T08:00+0100")
