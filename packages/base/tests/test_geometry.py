from hypothesis import assume, given
from hypothesis import strategies as st

from swatchbook.domain.records import Box
from swatchbook_base.geometry import area, centre_inside, clip, covers, gap, gaps, overlap

numbers = st.floats(-1000, 1000)
sides = st.floats(0.1, 1000)
boxes = st.builds(lambda x, y, w, h: (x, y, x + w, y + h), numbers, numbers, sides, sides)


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
