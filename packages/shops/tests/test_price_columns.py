"""What the other prices of a column say of one that can be read in two ways."""

from pathlib import Path

from test_facts import items_of

from swatchbook_shops.price_units import unit_of
from tests.tables import check_rows


def test_column_says_what_a_point_means(tmp_path: Path) -> None:
    def prices(column: list[str]) -> list[str]:
        rows = [["id", "title", "price"], *([str(n), f"Lamp {n}", price] for n, price in enumerate(column))]
        return [item.metadata["price"] for item in items_of(tmp_path, "items.csv", rows)]

    check_rows(__file__, "columns", prices)


def test_prices_of_variants_are_a_column(tmp_path: Path) -> None:
    head = ["Handle", "Title", "Option1 Name", "Option1 Value", "Variant Price", "Image Src"]
    rows = [["lamp", "Lamp", "Size", "S", "9,50", "https://s.example/1.jpg"], ["lamp", "", "", "L", "1.299", ""]]
    (lamp,) = items_of(tmp_path, "items.csv", [head, *rows])
    assert [variant.price for variant in lamp.variants] == ["9.50", "1299"]


def test_unit_of_a_printed_price() -> None:
    check_rows(__file__, "units", unit_of)
