"""Tables of Shopify and WooCommerce under the names that their columns have and had."""

from pathlib import Path

import pytest
from test_facts import items_of

from tests.tables import check_rows

TODAY = ["URL handle", "Title", "Published on online store", "Option1 name", "Option1 value", "SKU", "Price",
         "Compare-at price", "Barcode", "Weight value (grams)", "Inventory tracker", "Inventory quantity",
         "Continue selling when out of stock", "Product image URL", "Variant image URL"]  # fmt: skip
OLDER = ["Handle", "Title", "Published", "Option1 Name", "Option1 Value", "Variant SKU", "Variant Price",
         "Variant Compare At Price", "Variant Barcode", "Variant Grams", "Variant Inventory Tracker",
         "Variant Inventory Qty", "Variant Inventory Policy", "Image Src", "Variant Image"]  # fmt: skip


@pytest.mark.parametrize("head", [TODAY, OLDER], ids=["today", "until 2024"])
def test_stock_of_shopify_is_read_by_both_names(tmp_path: Path, head: list[str]) -> None:
    def availability(tracker: str, quantity: str, policy: str) -> str | None:
        stock, pictures = [tracker, quantity, policy], ["https://s.example/1.jpg", "https://s.example/2.jpg"]
        cells = ["19", "29", "4006381333931", "750", *stock, *pictures]
        rows = [head, ["cup", "Cup", "false", "Size", "S", "C-S", *cells], ["mug", "Mug", "", "", "", "M-1", *cells]]
        cup, mug = items_of(tmp_path, "products.csv", rows)
        (small,) = cup.variants
        assert (small.code, small.price, cup.metadata["status"], len(cup.pictures)) == ("C-S", "19", "hidden", 2)
        for facts in (dict(small.facts), mug.metadata):
            assert [facts[name] for name in ("gtin", "regular_price", "weight")] == ["4006381333931", "29", "750 g"]
            assert facts.get("stock", "") == quantity
        assert dict(small.facts).get("availability") == mug.metadata.get("availability")
        return mug.metadata.get("availability")

    check_rows(__file__, "stock_of_shopify", availability)


WITHOUT_PARENT = {
    "English": "ID,Type,SKU,Name,Published,Regular price,Images,Weight (kg)",
    "German": "ID,Typ,Artikelnummer,Name,Veröffentlicht,Regulärer Preis,Bilder,Gewicht (kg)",
    "French": "ID,Type,UGS,Nom,Publié,Tarif régulier,Images,Poids (kg)",
    "Polish": "Identyfikator,Typ,SKU,Nazwa,Opublikowano,Cena,Obrazki,Waga (kg)",
    "Dutch": "ID,Type,Artikelnummer,Naam,Gepubliceerd,Reguliere prijs,Afbeeldingen,Gewicht (kg)",
}


def test_woocommerce_is_known_without_its_column_parent(tmp_path: Path) -> None:
    row = ["44", "simple, virtual", "POT", "Pot", "-1", "9", "https://w.example/1.jpg", "1.5"]
    told = {"price": "9", "weight": "1.5 kg", "status": "draft", "sku": "POT", "shop_id": "44", "digital": "virtual"}
    for language, head in WITHOUT_PARENT.items():
        (pot,) = items_of(tmp_path, "woo.csv", [head.split(","), row])
        assert pot.metadata == told, language
    for head, row in (
        ("sku,type,name,price,image,visibility", "POT,simple,Pot,9,https://w.example/1.jpg,4"),  # Magento
        ("SKU,Type,Published,Name,Price,Image", "POT,Pots,-1,Pot,9,https://w.example/1.jpg"),
    ):
        (pot,) = items_of(tmp_path, "items.csv", [head.split(","), row.split(",")])
        assert {"shop_id", "status"}.isdisjoint(pot.metadata), "of another shop"


def test_empty_parent_does_not_match_an_empty_sku(tmp_path: Path) -> None:
    rows = [
        ["ID", "Type", "SKU", "Name", "Published", "Regular price", "Images", "Parent"],
        ["1", "simple", "", "Pot", "1", "9", "https://w.example/1.jpg", ""],
        ["2", "variation", "R", "Rug - Red", "1", "60", "https://w.example/2.jpg", ""],
    ]
    assert [(each.title, each.variants) for each in items_of(tmp_path, "woo.csv", rows)] == [
        ("Pot", ()), ("Rug - Red", ()),
    ]  # fmt: skip


def test_rows_that_repeat_an_id_are_its_variants(tmp_path: Path) -> None:
    rows = [
        ["S1", "Shirt", "S", "10", "https://w.example/1.jpg"], ["S1", "Shirt", "M", "12", "https://w.example/2.jpg"],
        ["M1", "Mug", "", "7", "https://w.example/3.jpg"], ["M1", "Mug", "", "7", "https://w.example/3.jpg"],
        ["X1", "Lamp", "", "8", "https://w.example/4.jpg"], ["X1", "Carpet", "", "9", "https://w.example/5.jpg"],
    ]  # fmt: skip
    shirt, mug, lamp, other = items_of(tmp_path, "items.csv", [["id", "title", "size", "price", "image"], *rows])
    assert [(each.name, each.price) for each in shirt.variants] == [("S", "10"), ("M", "12")]
    assert (len(shirt.pictures), shirt.metadata["price"], shirt.metadata["size"]) == (2, "10", "S, M")
    assert (mug.title, mug.variants, lamp.title) == ("Mug", (), "Lamp")
    assert "The id X1 occurs once more" in str(other.failure), "another product has its id by mistake"
