import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from swatchbook.domain.records import Box
from swatchbook_base.geometry import (
    UNIT_SQUARE,
    Transform,
    area,
    centre_inside,
    clip,
    compose,
    covers,
    gap,
    gaps,
    nearest_turn,
    overlap,
    short_side,
    transform_box,
)

numbers = st.floats(-1000, 1000)
sides = st.floats(0.1, 1000)
boxes = st.builds(lambda x, y, w, h: (x, y, x + w, y + h), numbers, numbers, sides, sides)
quarter = st.sampled_from([(1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0)])
rotations = st.builds(lambda q, e, f: (*map(float, q), e, f), quarter, numbers, numbers)


@given(boxes, boxes)
def test_overlap_gaps_and_distance_agree(a: Box, b: Box) -> None:
    shared = overlap(a, b)
    assert shared == overlap(b, a)
    assert area(shared) <= min(area(a), area(b)) * (1 + 1e-9)
    across, down = gaps(a, b)
    assert (area(overlap(a, b)) > 0) == (across < 0 and down < 0)
    assert gap(a, b) == gap(b, a) >= max(0.0, *gaps(a, b))
    assert (gap(a, b) == 0) == (max(gaps(a, b)) <= 0)


@given(boxes, boxes)
def test_clipped_box_is_inside_its_frame_or_empty(box: Box, frame: Box) -> None:
    seen = clip(box, frame)
    assert area(seen) == area(overlap(box, frame))
    assert area(seen) == 0 or centre_inside(seen, frame)


@given(boxes)
def test_box_covers_itself_and_what_it_holds(box: Box) -> None:
    assume(area(box) > 1e-3)
    x0, y0, x1, y1 = box
    assert covers(box, box)
    assert covers((x0 - 1, y0 - 1, x1 + 1, y1 + 1), box)
    assert not covers((x0, y0, x0 + (x1 - x0) * 0.9, y1), box)
    assert not covers(box, (x0, y0, x0, y1)), "nothing lies under anything"


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
