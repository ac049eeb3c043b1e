"""Sizes are one value and one word, however they are printed and typed."""

from hypothesis import given
from hypothesis import strategies as st

from swatchbook.index.printed_sizes import MILLIMETRES, Size, join_sizes, size_key, sizes_in
from tests.tables import check_rows


def test_a_list_of_sizes_is_read_as_values() -> None:
    check_rows(__file__, "lists", sizes_in)


def test_equal_sizes_have_one_key_in_any_unit() -> None:
    equal = ("60x120", "60 × 120 cm", "600 X 1200mm", "0.6 × 1.2 m", "600×1,200 мм")
    assert len({size_key(each) for each in equal}) == 1
    assert size_key("24 x 36 in") == size_key("61 x 91.4 cm")
    assert len({size_key(each) for each in ("60x120", "60x121", "60x120x2", "7.5x12 mm", "8x12 mm")}) == 5
    assert size_key("XL") is size_key("142 cm") is size_key("") is None


@given(
    sides=st.lists(st.integers(1, 9_999), min_size=2, max_size=4).map(tuple), unit=st.sampled_from(sorted(MILLIMETRES))
)
def test_a_shown_size_is_read_alike(sides: tuple[int, ...], unit: str) -> None:
    size = Size(tuple(map(float, sides)), unit)
    assert size_key(size.text) == size.key
    assert sizes_in(size.text) == [size.text]


def test_a_typed_size_is_one_word() -> None:
    for typed in ("60x120", "60 x 120", "60X120", "60 × 120", "60×120", "60 ✕ 120", "60*120", "60 х 120"):
        assert join_sizes(f"tile {typed} cm") == "tile 60x120 cm"
    for text in ("", "x", "2 xylophones", "box 12", "size x 3", "R10 × anything", "see page 12 x"):
        assert join_sizes(text) == text
