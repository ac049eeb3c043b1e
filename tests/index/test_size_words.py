"""Sizes are found however they are printed and typed."""

import pytest

from swatchbook.index.size_words import join_sizes


@pytest.mark.parametrize(
    "typed", ["60x120", "60 x 120", "60X120", "60 × 120", "60×120", "60 ✕ 120", "60*120", "60 х 120"]
)
def test_a_typed_size_is_one_word(typed: str) -> None:
    assert join_sizes(f"tile {typed} cm") == "tile 60x120 cm"


@pytest.mark.parametrize("text", ["", "x", "2 xylophones", "box 12", "size x 3", "R10 × anything", "see page 12 x"])
def test_what_is_no_size_stays(text: str) -> None:
    assert join_sizes(text) == text
