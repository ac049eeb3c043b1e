from hypothesis import given
from hypothesis import strategies as st

from swatchbook.domain.records import Box
from swatchbook_catalogue.pdf.page_text import looks_tabular


def grid(rows: int, columns: int, down: float = 20, across: float = 100) -> list[Box]:
    return [
        (x, y, x + 50, y + 10)
        for row in range(rows)
        for column in range(columns)
        for x, y in [(40 + across * column, 50 + down * row)]
    ]


@given(st.integers(3, 8), st.integers(2, 5), st.randoms())
def test_grids_look_tabular_in_any_order(rows: int, columns: int, order: object) -> None:
    cells = grid(rows, columns)
    order.shuffle(cells)  # type: ignore[attr-defined]
    assert looks_tabular(cells)


def test_two_rows_or_cards_far_apart_do_not_look_tabular() -> None:
    assert not looks_tabular(grid(2, 3))
    assert not looks_tabular(grid(3, 3, down=150))
