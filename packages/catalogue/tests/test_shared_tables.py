"""A table that lists several products of a page gives each of them its own row, and no other."""

from swatchbook.domain.records import Block, Box, FoundProduct, Occurrence
from swatchbook_catalogue.describe import describe
from tests.catalogue.layouts import found_product, page, text

HEADS = ("Artikel", "Art.-Nr.", "Größe", "Preis")
ROWS = (
    ("Topf Siena", "VG-3001", "Ø 30 cm", "14,90 €"),
    ("Topf Siena groß", "VG-3003", "Ø 45 cm", "29,90 €"),
    ("Topf Delft", "VG-3002", "Ø 24 cm", "19,90 €"),
    ("Topf Delft groß", "VG-3004", "Ø 36 cm", "34,90 €"),
)
BESIDE: tuple[Box, Box] = ((60.0, 90.0, 290.0, 600.0), (310.0, 90.0, 560.0, 600.0))
ABOVE: tuple[Box, Box] = ((0.0, 90.0, 595.0, 290.0), (0.0, 290.0, 595.0, 842.0))


def card(name: str, region: Box, *below: str) -> tuple[list[Block], FoundProduct]:
    """Return the texts of a card and its product, whose region is down to the table."""
    x, y = region[0] + 5, region[1] + 10
    head = text(x, y, name, 14)
    place = Occurrence(page=1, bbox=head.bbox, region=region, text=name)
    return [head, *(text(x, y + 25 + 15 * n, line) for n, line in enumerate(below))], found_product(
        name, occurrences=(place,)
    )


def table(rows: tuple[tuple[str, ...], ...], columns: tuple[float, ...] = (70, 200, 330, 430)) -> list[Block]:
    return [
        text(x, 450 + 20 * n, cell) for n, row in enumerate(rows) for x, cell in zip(columns, row, strict=True) if cell
    ]


def described(blocks: list[Block], *products: FoundProduct) -> list[dict[str, str]]:
    others = [place for product in products for place in product.occurrences]
    return [
        dict(describe(p, [page(1, blocks)], [], [place for place in others if place not in p.occurrences]).metadata)
        for p in products
    ]


def test_price_of_a_card_counts_before_the_table_below() -> None:
    siena, a = card("Topf Siena", BESIDE[0], "15,90 €")
    delft, b = card("Topf Delft", BESIDE[1], "19,90 €", "Größe: Ø 24 cm")
    found = described([*siena, *delft, *table((HEADS, *ROWS))], a, b)
    assert found == [
        {"price": "15,90 €", "size": "Ø 30 cm", "code": "VG-3001"},
        {"price": "19,90 €", "size": "Ø 24 cm", "code": "VG-3002"},
    ]


def test_row_is_found_by_code_before_name() -> None:
    (siena, a), (delft, b) = card("Topf Siena", BESIDE[0]), card("Topf Delft", BESIDE[1])
    found = described([*siena, *delft, *table((HEADS, *ROWS))], a.model_copy(update={"code": "VG-3003"}), b)
    assert [each["price"] for each in found] == ["29,90 €", "19,90 €"]


def test_tables_belong_to_the_cards_above() -> None:
    beside = (("Code", "Preis") * 2, ("A-1", "9 €", "B-1", "7 €"), ("A-2", "8 €", "B-2", "6 €"))
    for regions, rows, prices in (
        (ABOVE, (HEADS, *ROWS), ["14,90 €", "19,90 €"]),  # one below the last card lists them all
        (BESIDE, beside, [None, None]),  # those are the prices of variants
    ):
        (siena, a), (delft, b) = card("Topf Siena", regions[0]), card("Topf Delft", regions[1])
        assert [each.get("price") for each in described([*siena, *delft, *table(rows)], a, b)] == prices
