"""What the other prices of a column say of one that can be read in two ways."""

import csv
from pathlib import Path

from swatchbook.domain.records import NO_MAPPING
from swatchbook.ingest.sources.batch import list_batch
from swatchbook.ingest.sources.listed import ListedItem
from swatchbook_shops.price_units import unit_of
from tests.tables import check_rows


def test_column_says_what_a_point_means(tmp_path: Path) -> None:
    def prices(column: list[str]) -> list[str]:
        rows = [["id", "title", "price"], *([str(n), f"Lamp {n}", price] for n, price in enumerate(column))]
        return [item.metadata["price"] for item in items_of(tmp_path, rows)]

    check_rows(__file__, "columns", prices)


def test_prices_of_variants_are_a_column(tmp_path: Path) -> None:
    head = ["Handle", "Title", "Option1 Name", "Option1 Value", "Variant Price", "Image Src"]
    rows = [["lamp", "Lamp", "Size", "S", "9,50", "https://s.example/1.jpg"], ["lamp", "", "", "L", "1.299", ""]]
    (lamp,) = items_of(tmp_path, [head, *rows])
    assert [variant.price for variant in lamp.variants] == ["9.50", "1299"]


def test_unit_of_a_printed_price() -> None:
    check_rows(__file__, "units", unit_of)


def items_of(folder: Path, rows: list[list[str]]) -> list[ListedItem]:
    with (folder / "items.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return list(list_batch(folder / "items.csv", NO_MAPPING, max_bytes=1 << 20))
