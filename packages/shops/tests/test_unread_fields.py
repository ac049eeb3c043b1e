"""What an ingest tells of the columns of a table that were not understood."""

import csv
from collections.abc import Sequence
from pathlib import Path

from swatchbook.domain.records import NO_MAPPING, BatchMapping
from swatchbook.ingest.sources.batch import list_batch
from swatchbook.ingest.sources.item_files import SourceNotes
from swatchbook_shops.items.unread_fields import LOOKED_AT, ShopColumns

POT = {
    "ID": "1", "Tipo": "variable", "COD": "POT", "Nome": "Pot", "Pubblicato": "1", "In primo piano?": "0",
    "Visibilità nel catalogo": "visible", "Stato delle imposte": "taxable", "Magazzino": "", "Peso (kg)": "",
    "Prezzo in offerta": "", "Prezzo di listino": "", "Termine data del prezzo di vendita": "", "Categorie": "Pots",
    "Etichette": "red", "Immagine": "https://w.example/1.jpg", "Genitore": "", "Attributo 1 nome": "Shade",
    "Attributo 1 valuta(e)": "Red, Blue", "Attributo 1 visibile": "1", "Attributo 1 globale": "1",
}  # fmt: skip
RED = POT | {
    "ID": "2", "Tipo": "variation", "COD": "POT-R", "Magazzino": "4", "Peso (kg)": "1.5", "Prezzo in offerta": "7",
    "Prezzo di listino": "9", "Termine data del prezzo di vendita": "2026-12-24", "Immagine": "", "Genitore": "POT",
    "Attributo 1 valuta(e)": "Red",
}  # fmt: skip


def told(file: Path, rows: Sequence[dict[str, str]], mapping: BatchMapping = NO_MAPPING) -> tuple[str, ...]:
    """Return what is told of a file with these rows."""
    with file.open("w", newline="") as opened:
        written = csv.DictWriter(opened, list(rows[0]))
        written.writeheader()
        written.writerows(rows)
    columns = ShopColumns()
    list(list_batch(file, mapping, max_bytes=1 << 20, notes=SourceNotes(columns=columns)))
    return columns.warnings()


def renamed(row: dict[str, str], **names: str) -> dict[str, str]:
    """Return a row with other names of columns, whose spaces are written as _."""
    others = {name.replace("_", " "): other for name, other in names.items()}
    return {others.get(name, name): value for name, value in row.items()}


def test_columns_that_are_not_understood_are_named(tmp_path: Path) -> None:
    row = {"id": "1", "title": "Oak", "image": "oak.jpg", "empty": "", "Meta: x": "0"}
    row |= {f"shelf {number}": "B" for number in range(6)}
    assert told(tmp_path / "items.csv", [row]) == (
        "Columns that were not understood: shelf 0, shelf 1, shelf 2, shelf 3, shelf 4 and 2 more. "
        "`swatchbook ingest --plan FILE` shows them.",
    )
    facts = {f"shelf_{number}": (f"shelf {number}",) for number in range(6)}
    mapping = BatchMapping(facts=facts | {"x": ("Meta: x",)})
    assert told(tmp_path / "items.csv", [row], mapping) == ()
    (tmp_path / "items.jsonl").write_text('{"id": 1, "title": "Oak", "image": "oak.jpg", "shelf": "B"}\n')
    columns = ShopColumns()
    assert list(list_batch(tmp_path / "items.jsonl", NO_MAPPING, max_bytes=1 << 20, notes=SourceNotes(columns=columns)))
    assert columns.warnings() == (), "those of JSON are not"


def test_nothing_is_told_of_a_known_export(tmp_path: Path) -> None:
    assert told(tmp_path / "woo.csv", [POT, RED]) == ()
    columns, shopify = ShopColumns(), Path(__file__).parent / "shapes" / "shopify_export.csv"
    assert list(list_batch(shopify, NO_MAPPING, max_bytes=1 << 20, notes=SourceNotes(columns=columns)))
    assert columns.warnings() == ()


def test_sale_prices_without_a_last_day_are_reported(tmp_path: Path) -> None:
    rows = [renamed(row, Termine_data_del_prezzo_di_vendita="Fine della promozione") for row in (POT, RED)]
    (sale, unknown) = told(tmp_path / "woo.csv", [*rows, {**rows[0], "ID": "3", "Fine della promozione": "2026-12-24"}])
    assert "no column that is known as the last day of a sale" in sale
    assert "Fine della promozione" in unknown
    alone = {**rows[0], "Prezzo in offerta": ""}
    assert told(tmp_path / "woo.csv", [alone]) == ()
    late = [{**alone, "ID": str(number), "COD": f"P{number}"} for number in range(LOOKED_AT + 5)]
    assert told(tmp_path / "woo.csv", [*late, {**alone, "ID": "last", "COD": "L", "Prezzo in offerta": "3"}]) == (sale,)


def test_unreadable_last_day_of_a_sale_is_reported(tmp_path: Path) -> None:
    read = ["2026-12-24 23:59:59", "24.12.2026", "2026/12/4"]
    for day in (*read, "12/24/2026", "soon"):
        warnings = told(tmp_path / "woo.csv", [POT, RED | {"Termine data del prezzo di vendita": day}])
        why = f"The last day of a sale “{day}” cannot be read, so that the sale has no end. Write it as 2026-12-24."
        assert warnings == (() if day in read else (why,))


def test_sale_price_not_below_regular_price_is_reported(tmp_path: Path) -> None:
    lid = POT | {"ID": "3", "Tipo": "simple", "COD": "LID", "Prezzo in offerta": "25", "Prezzo di listino": "20"}
    rows = [POT, RED | {"Prezzo in offerta": "9,50", "Prezzo di listino": "9,50"}, lid]
    assert told(tmp_path / "woo.csv", rows) == (
        "The regular price counts where the sale price is 0 or not below it: POT-R, LID.",
    )
    pot, single = list_batch(tmp_path / "woo.csv", NO_MAPPING, max_bytes=1 << 20)
    assert [each.metadata["price"] for each in (pot, single)] == ["9.50", "20"]
    assert pot.variants[0].price == "9.50"
    free = [lid | {"Prezzo in offerta": "0"}, RED | {"Prezzo in offerta": "0.00"}, POT]
    (warning,) = told(tmp_path / "woo.csv", free)
    assert "LID, POT-R" in warning
    single, pot = list_batch(tmp_path / "woo.csv", NO_MAPPING, max_bytes=1 << 20)
    assert (single.metadata["price"], pot.variants[0].price) == ("20", "9")


def test_variations_without_a_known_product_are_reported(tmp_path: Path) -> None:
    assert told(tmp_path / "woo.csv", [POT, RED, RED | {"ID": "3", "COD": "PAN-R", "Genitore": "PAN"}]) == (
        "It has variations of products that are not in it: PAN. Exports to shops leave them out. Export them from the "
        "shop together with their products.",
    )
    strange = told(tmp_path / "woo.csv", [renamed(row, Genitore="Szülő") for row in (POT, RED)])[0]
    assert "WooCommerce's export without the column Parent, or in a language that is not known" in strange
