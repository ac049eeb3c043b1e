"""Sizes are found however they are printed and typed."""

import pytest

from swatchbook.index.size_words import join_sizes, with_sizes


@pytest.mark.parametrize("typed", ["60x120", "60 x 120", "60X120", "60 × 120", "60×120", "60 ✕ 120"])
def test_a_typed_size_is_one_word(typed: str) -> None:
    assert join_sizes(f"tile {typed} cm") == "tile 60x120 cm"


@pytest.mark.parametrize("text", ["", "x", "2 xylophones", "box 12", "size x 3", "R10 × anything", "see page 12 x"])
def test_what_is_no_size_stays(text: str) -> None:
    assert join_sizes(text) == with_sizes(text) == text


def test_a_size_within_another_number_is_no_size_of_its_own() -> None:
    assert with_sizes("160x1200, 60 × 120") == "160x1200, 60 × 120\n60x120"


def test_printed_sizes_are_added_once_and_the_text_stays() -> None:
    text = "120 × 278 cm, 60 × 120 cm, again 60 × 120; 2,5 × 4 × 1.5 mm; 30x30"
    assert with_sizes(text) == f"{text}\n120x278 60x120 2,5x4x1.5"
