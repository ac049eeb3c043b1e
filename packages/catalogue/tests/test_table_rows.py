"""A cell belongs to the name in its row and to the head of its column, drawn rules or not."""

from collections.abc import Iterator, Sequence

from swatchbook.domain.records import Block, Box, Line, Occurrence
from swatchbook_catalogue.table_rows import Cell, TableRows, pairs_in_columns
from tests.catalogue.layouts import text

HEADS = [text(60, 100, "Product"), text(220, 100, "Size (cm)"), text(320, 100, "Weight"), text(420, 100, "Price")]
ROWS = [
    [text(60, 120, "Kerb"), text(220, 120, "100 x 20"), text(320, 120, "45 kg"), text(420, 120, "€ 9.00")],
    [text(60, 140, "Slab"), text(220, 140, "40 x 40"), text(320, 140, "18 kg"), text(420, 140, "€ 4.50")],
]


def lines(*blocks: Block) -> list[Line]:
    return [line for block in blocks for line in block.lines]


def place(block: Block, region: Box | None = None) -> Occurrence:
    (line,) = block.lines
    return Occurrence(page=1, bbox=block.bbox, region=region or block.bbox, text=line.text)


def cells_beside(
    place: Occurrence, page: Sequence[Line], others: Sequence[Box], before: Sequence[Line] = ()
) -> Iterator[Cell]:
    rows = TableRows(page, [place.bbox, *others])
    return rows.cells_beside(place, {place.bbox}, TableRows(before, []))


def cells(row: int, own: list[Line], before: list[Line] | None = None) -> dict[str, str]:
    others = [other[0].bbox for n, other in enumerate(ROWS) if n != row]
    return {cell.key: cell.value for cell in cells_beside(place(ROWS[row][0]), own, others, before or [])}


def test_name_takes_its_row_with_units() -> None:
    page = lines(*HEADS, *ROWS[0], *ROWS[1])
    assert cells(0, page) == {"size": "100 x 20 cm", "weight": "45 kg", "price": "€ 9.00"}
    assert cells(1, page) == {"size": "40 x 40 cm", "weight": "18 kg", "price": "€ 4.50"}
    bare = lines(*HEADS, ROWS[0][0], text(220, 120, "100"))
    assert cells(0, bare) == {"size": "100 cm"}


def test_missing_heads_are_those_of_the_previous_page() -> None:
    page = lines(*ROWS[1])
    assert cells(1, page) == {}
    assert cells(1, page, lines(*HEADS, *ROWS[0])) == {"size": "40 x 40 cm", "weight": "18 kg", "price": "€ 4.50"}


def test_one_label_heads_a_table_only_with_names() -> None:
    own = [ROWS[0][0], ROWS[0][3]]
    assert cells(0, lines(HEADS[3], *own)) == {}
    assert cells(0, lines(HEADS[0], HEADS[3], *own)) == {"price": "€ 9.00"}
    heads = [text(60, 100, "Variety"), text(220, 100, "Price")]
    for below, said in (("250", {"price": "250"}), ("on request", {})):
        assert cells(0, lines(*heads, ROWS[0][0], text(220, 120, below))) == said
    heads = [text(60, 100, "Name"), text(180, 100, "Mass m, kg"), text(300, 100, "Price")]
    row = [text(180, 120, "315,0"), text(300, 114, "€ 10"), text(300, 127, "€ 12")]
    found = [cell.value for cell in cells_beside(place(ROWS[0][0]), lines(*heads, ROWS[0][0], *row), [])]
    assert found == ["315,0 kg", "€ 10", "€ 12"], "the head gives the unit"


def test_cell_belongs_to_the_last_name_before_it() -> None:
    left, right = text(60, 120, "Kerb"), text(320, 120, "Slab")
    heads = [text(60, 100, "Item"), text(220, 100, "Price"), text(320, 100, "Item"), text(420, 100, "Price")]
    page = lines(*heads, left, text(220, 120, "€ 1"), right, text(420, 120, "€ 2"))
    found = {
        name: [cell.value for cell in cells_beside(place(own), page, [other.bbox])]
        for name, own, other in (("left", left, right), ("right", right, left))
    }
    assert found == {"left": ["€ 1"], "right": ["€ 2"]}


def test_code_before_the_name_under_long_heads() -> None:
    heads = [
        text(60, 100, "Kataloški broj"), text(60, 112, "za poručivanje"), text(180, 106, "Model"),
        text(300, 106, "EAN kod"), text(420, 100, "VP cena*"), text(420, 112, "(RSD)"),
    ]  # fmt: skip
    row = [text(60, 140, "0603681221"), text(300, 140, "3165140853675"), text(420, 140, "6.225,00")]
    name = text(180, 140, "TRUVO")
    found = {cell.key: cell.value for cell in cells_beside(place(name), lines(*heads, name, *row), [])}
    assert found == {"code": "0603681221", "ean": "3165140853675", "price": "6.225,00"}


def test_columns_in_different_type_are_labels_and_values() -> None:
    rows = [("Mould cavities", "1 / 2"), ("Clamping force", "8 Ton"), ("Operation", "Hydraulic")]
    sheet = [b for n, (label, value) in enumerate(rows)
             for b in (text(60, 100 + 20 * n, label), text(200, 100 + 20 * n, value, bold=True))]  # fmt: skip
    assert [(label, value) for label, value, _ in pairs_in_columns(lines(*sheet))] == rows
    assert list(pairs_in_columns(lines(*sheet[:4]))) == []  # two rows are no sheet
    plain = [text(60, 100 + 20 * n, word) for n, (word, _) in enumerate(rows)]
    beside = [text(200, 100 + 20 * n, word) for n, (_, word) in enumerate(rows)]
    assert list(pairs_in_columns(lines(*plain, *beside))) == []  # two columns of one text
