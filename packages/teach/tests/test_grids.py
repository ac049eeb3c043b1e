"""One or two cells that a person drew on a picture say how all pictures of its size are cut."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from swatchbook.domain.records import GridRule
from swatchbook_base.geometry import Box
from swatchbook_teach.learning.grid_edges import PicturePixels
from swatchbook_teach.learning.grids import cells_of, fits, grid_of, gutters

PICTURE: Box = (40.0, 90.0, 340.0, 570.0)
Cells = Callable[[int, int], Box]


def layout(columns: int, rows: int, gutter: tuple[float, float] = (0.0, 0.0)) -> Cells:
    """Cells that fill the picture, with gutters of these shares of a cell."""
    wide = (PICTURE[2] - PICTURE[0]) / (columns + gutter[0] * (columns - 1))
    high = (PICTURE[3] - PICTURE[1]) / (rows + gutter[1] * (rows - 1))

    def cell(column: int, row: int) -> Box:
        x, y = PICTURE[0] + column * wide * (1 + gutter[0]), PICTURE[1] + row * high * (1 + gutter[1])
        return x, y, x + wide, y + high

    return cell


@given(
    columns=st.integers(2, 8),
    rows=st.integers(2, 8),
    gutter=st.tuples(st.floats(0, 0.6), st.floats(0, 0.6)),
    at=st.tuples(st.integers(0, 6), st.integers(0, 6)),
    off=st.lists(st.floats(-0.02, 0.02), min_size=8, max_size=8),
)
def test_two_cells_across_a_corner_show_the_grid(
    columns: int, rows: int, gutter: tuple[float, float], at: tuple[int, int], off: list[float]
) -> None:
    cell = layout(columns, rows, gutter)
    column, row = at[0] % (columns - 1), at[1] % (rows - 1)

    def drawn(box: Box, wrong: list[float]) -> Box:
        x0, y0, x1, y1 = box
        a, b, c, d = (share * min(x1 - x0, y1 - y0) for share in wrong)
        return x0 + a, y0 + b, x1 + c, y1 + d

    rule = grid_of(PICTURE, [drawn(cell(column, row), off[:4]), drawn(cell(column + 1, row + 1), off[4:])])
    assert (rule.columns, rule.rows) == (columns, rows)
    found = cells_of(PICTURE, rule)
    assert len(found) == columns * rows
    assert all(PICTURE[k] - 1e-6 <= box[k] for box in found for k in (0, 1))
    assert all(box[k] <= PICTURE[k] + 1e-6 for box in found for k in (2, 3))


def pixels(columns: int, rows: int, pitch: tuple[float, float], cell: tuple[float, float]) -> PicturePixels:
    """A page with a picture of so many swatches, each of a colour and with grain."""
    page = Image.new("RGB", (760, 1_200), "white")
    random = np.random.default_rng(7)
    for n in range(columns * rows):
        row, column = divmod(n, columns)
        x, y = 2 * (PICTURE[0] + column * pitch[0]), 2 * (PICTURE[1] + row * pitch[1])
        size = int(2 * cell[1]), int(2 * cell[0]), 3
        grain = random.normal(random.integers(60, 200, 3), 8, size).clip(0, 255).astype(np.uint8)
        page.paste(Image.fromarray(grain), (int(x), int(y)))
    return PicturePixels(np.asarray(page), 2.0)


def test_edges_show_rows_with_room_for_captions() -> None:
    """Without them, five rows would fit."""
    page = pixels(3, 4, (100.0, 120.0), (100.0, 96.0))
    drawn: Box = (42.0, 88.0, 138.0, 188.0)
    assert grid_of(PICTURE, [(40.0, 90.0, 140.0, 186.0)]).rows == 5
    rule = grid_of(PICTURE, [drawn], page)
    assert (rule.columns, rule.rows) == (3, 4)
    for found, n in zip(cells_of(PICTURE, rule), range(12), strict=True):
        row, column = divmod(n, 3)
        wanted = (40 + 100 * column, 90 + 120 * row, 140 + 100 * column, 186 + 120 * row)
        assert found == pytest.approx(wanted, abs=1.5)
    blank = PicturePixels(np.full((1_200, 760, 3), 255, np.uint8), 2.0)
    cell = layout(3, 4)(0, 0)
    assert grid_of(PICTURE, [cell], blank) == grid_of(PICTURE, [cell]), "a page without edges says nothing"


def test_grid_follows_from_cells_and_fits_one_size() -> None:
    cell = layout(3, 4, (0.05, 0.1))
    for at in ((0, 0), (2, 0), (1, 2), (2, 3)):
        rule = grid_of(PICTURE, [cell(*at)])
        assert (rule.columns, rule.rows) == (3, 4), at
    cell = layout(3, 4, (0.1, 0.1))
    assert grid_of(PICTURE, [cell(0, 0), cell(2, 3)]) == grid_of(PICTURE, [cell(0, 0), cell(1, 1)])
    rule = grid_of(PICTURE, [layout(3, 4)(0, 0)])
    moved = (10.0, 20.0, 312.0, 498.0)
    assert fits(rule, moved)
    assert len(cells_of(moved, rule)) == 12
    assert not fits(rule, (10.0, 20.0, 312.0, 400.0))
    rule = GridRule(width=300, height=480, cell=(0, 0, 0.3, 0.2), pitch=(0.35, 0.25), columns=3, rows=4)
    assert gutters(PICTURE, rule) == pytest.approx((15.0, 24.0))
