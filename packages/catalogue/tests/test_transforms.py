"""Transforms keep the area and sides of boxes, compose, and turn pictures as they turn the page."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swatchbook_base.geometry import Box, area, short_side
from swatchbook_catalogue.pdf.transforms import UNIT_SQUARE, Transform, compose, nearest_turn, transform_box

numbers = st.floats(-1000, 1000)
sides = st.floats(0.1, 1000)
boxes = st.builds(lambda x, y, w, h: (x, y, x + w, y + h), numbers, numbers, sides, sides)
quarter = st.sampled_from([(1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0)])
rotations = st.builds(lambda q, e, f: (*map(float, q), e, f), quarter, numbers, numbers)


@given(boxes, rotations, rotations)
def test_quarter_turns_keep_area_and_sides_and_compose(box: Box, first: Transform, second: Transform) -> None:
    turned = transform_box(box, first)
    assert math.isclose(area(turned), area(box), rel_tol=1e-6)
    assert math.isclose(short_side(turned), short_side(box), rel_tol=1e-6)
    assert transform_box(box, compose(first, second)) == pytest.approx(transform_box(turned, second), abs=1e-6)


@given(st.floats(0.1, 500), st.floats(0.1, 500), rotations)
def test_turn_follows_a_rotated_page(width: float, height: float, by: Transform) -> None:
    upright = (width, 0.0, 0.0, height, 3.0, 4.0)
    expected = {(1, 0): "none", (0, 1): "right", (-1, 0): "half", (0, -1): "left"}[round(by[0]), round(by[1])]
    assert nearest_turn(upright) == "none"
    assert nearest_turn(compose(upright, by)) == expected


@given(st.floats(-40, 40), sides, sides)
def test_slightly_rotated_pictures_have_no_turn(degrees: float, width: float, height: float) -> None:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    assert nearest_turn((width * cos, width * sin, -height * sin, height * cos, 0, 0)) == "none"


def test_unit_square_goes_to_where_a_picture_stands() -> None:
    assert transform_box(UNIT_SQUARE, (200, 0, 0, 100, 50, 400)) == (50, 400, 250, 500)
