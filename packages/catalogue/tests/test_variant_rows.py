"""Rows of sizes and prices below or beside a name, contents and colours of a label are the variants of a product."""

import pytest

from swatchbook.domain.records import Block, Box, Description, Occurrence
from tests.catalogue.layouts import found_product, page, read_facts, text

Said = list[tuple[str, str | None, str | None, str | None]]
PAGE: Box = (0.0, 0.0, 595.0, 842.0)
HEADS = ("CAT. NO.", "CAP ML", "PACKING", "PRICE/EACH")


def grid(*rows: tuple[str, ...], x: float = 60, y: float = 200) -> list[Block]:
    """Return the cells of a table."""
    return [text(x + 120 * k, y + 16 * n, cell) for n, row in enumerate(rows) for k, cell in enumerate(row) if cell]


def described(blocks: list[Block], name: str = "Alder", *others: str, step: float = 16) -> Description:
    """Return what is read of a product whose name is at the top, with those of others below it."""
    head = text(60, 42, name, 10)
    names = [text(60, 42 + step * n, other) for n, other in enumerate(others, 1)]
    places = [Occurrence(page=1, bbox=b.bbox, region=PAGE, text=b.text) for b in (head, *names)]
    product = found_product(name, occurrences=(places[0],))
    return read_facts(product, [page(1, [head, *names, *blocks])], [], places[1:])


def variants(blocks: list[Block], *names: str) -> Said:
    return [(v.name, v.code, v.size, v.price) for v in described(blocks, *names).variants]


def test_rows_below_heads_are_variants() -> None:
    found = described(grid(HEADS, ("1100/15", "15", "36", "€ 350"), ("1100/25", "25", "30", "€ 380")))
    assert [(v.name, v.code, v.price) for v in found.variants] == [
        ("1100/15", "1100/15", "€ 350"), ("1100/25", "1100/25", "€ 380"),
    ]  # fmt: skip
    assert dict(found.variants[0].facts) == {"capacity": "15 ML", "packaging": "36"}
    assert not {"price", "code"} & found.metadata.keys()
    found = described(grid(HEADS, ("1100/15", "15", "36", "€ 350"), ("1100/25", "25", "30", "€ 350")))
    assert found.metadata["price"] == "€ 350", "all variants share it"


CASES: list[tuple[list[tuple[str, ...]], str]] = [
    ([("AB-101", "60 x 60 cm"), ("AB-102", "80 cm")], "AB-101|AB-101|60 x 60 cm|, AB-102|AB-102|80 cm|"),
    ([("500 ml", "€ 9.00"), ("800 ml", "€ 12.00")], "500 ml||500 ml|€ 9.00, 800 ml||800 ml|€ 12.00"),
    ([("Jar", "500 ml", "€ 9"), ("Jar", "800 ml", "€ 12")], "Jar 500 ml||500 ml|€ 9, Jar 800 ml||800 ml|€ 12"),
    ([("Width", "40 cm"), ("Height", "60 cm"), ("Depth", "30 cm")], ""),
    ([("Poche 150 g/300 g",)], "Poche 150 g||150 g|, Poche 300 g||300 g|"),
    ([("200 y 500 mL",)], "200 mL||200 mL|, 500 mL||500 mL|"),
    ([("12/6 oz",)], ""),
    ([("Colours: oak, walnut",)], "oak|||, walnut|||"),
    ([("S, M, L/XL",)], "S||S|, M||M|, L||L|, XL||XL|"),
    ([("Finish", "цiна, грн"), ("plain", "470"), ("with specks", "945")], "plain|||470, with specks|||945"),
]
"""Rows below a name -> name, code, size and price of each variant."""


@pytest.mark.parametrize(("rows", "said"), CASES)
def test_what_names_and_describes_a_variant(rows: list[tuple[str, ...]], said: str) -> None:
    assert ", ".join("|".join(part or "" for part in each) for each in variants(grid(*rows))) == said


def test_rows_sharing_a_name_are_variants_of_it() -> None:
    cells = grid(("2 inch", "€ 9.00"), ("3 inch", "€ 12.00"), ("one", "€ 7.00"), ("two", "€ 8.00"), x=200, y=40)
    assert variants(cells, "Blower", "Blower", "Saw", "Drill") == [
        ("2 inch", None, None, "€ 9.00"), ("3 inch", None, None, "€ 12.00"),
    ]  # fmt: skip
    assert variants(cells, "Saw", "Saw long", "Blower", "Drill") == []


def test_further_lines_of_a_cell_join_its_row() -> None:
    cells = grid(("oak", "€ 9.00"), ("oak,", "€ 12.00"))
    assert [v.name for v in described([*cells, text(60, 228, "oiled"), text(60, 500, "Terms")]).variants] == [
        "oak", "oak, oiled",
    ]  # fmt: skip
